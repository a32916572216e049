"""Sizes of recommendation: what is drawn, and what a process of its own measures."""

from benchmarks import data, made, problems, runner
from benchmarks.problems import recommendation_size


def test_users_have_about_a_hundred_items():
    users = made.users(300, 2000, 0)
    assert users.shape == data.shape("users/300x2000")
    assert 90 < users.nnz / 300 <= 110
    assert (users.data == 1).all()
    assert (users != made.users(300, 2000, 0)).nnz == 0


def test_a_cell_is_measured_and_the_report_names_the_bar():
    problem = "recommendation_size"
    cell = runner.Cell(
        problem, "users/200x300", 0, 0, "linear", problems.rival(problem, "linear").version
    )
    row = runner.run_cell(cell)
    assert row["error"] == ""
    assert set(row) <= set(runner.columns(problem))
    assert (row["n_train"], row["p"]) == (200, 300)
    done = runner.read(runner.results_path(problem), problem)
    assert "users/1000x2000 in at most 10 s and 12 GiB" in recommendation_size.report(done)
