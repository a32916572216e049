"""The oldest versions that are supported are stated twice, and alike."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins(name: str) -> dict[str, Version]:
    """Return the version of each package that a file of constraints pins."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for r in lines if (line := r.partition("#")[0].strip())]
    return {canonicalize_name(r.name): Version(next(iter(r.specifier)).version) for r in found}


def lower_bounds(*requirements: str) -> dict[str, Version]:
    """Return the lower bound of each requirement that has one."""
    return {
        canonicalize_name(requirement.name): Version(bound.version)
        for requirement in map(Requirement, requirements)
        for bound in requirement.specifier
        if bound.operator == ">="
    }


def test_the_oldest_versions_are_the_lower_bounds() -> None:
    oldest = pins("constraints-oldest.txt")
    core = lower_bounds(*PROJECT["dependencies"])
    assert set(core) <= set(oldest)
    extras = PROJECT["optional-dependencies"]
    bounds = core | lower_bounds(*extras["plot"], *extras["test"])
    both = set(bounds) & set(oldest)
    assert {n: str(oldest[n]) for n in both if oldest[n] != bounds[n]} == {}


@pytest.mark.parametrize("extra", ["plot", "test", "docs", "dev"])
def test_pins_are_within_the_bounds(extra: str) -> None:
    pinned = pins("constraints.txt")
    bounds = lower_bounds(*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra])
    assert set(bounds) <= set(pinned)
    assert {n: str(pinned[n]) for n, bound in bounds.items() if pinned[n] < bound} == {}
