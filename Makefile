# Two commands for users: `make demo` and `make test`. They set up .venv once, from the pinned
# versions in constraints.txt, and again when pyproject.toml or the constraints change.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN = $(VENV)/Scripts
else
PYTHON ?= python3
BIN = $(VENV)/bin
endif
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
PY = $(BIN)/python
INSTALLER ?= pip
INSTALL.pip = $(PY) -m pip --disable-pip-version-check install --quiet
# It fetches and unpacks side by side, and does not read pip's settings.
INSTALL.uv = $(INSTALL.pip) --constraint constraints.txt uv \
	&& $(PY) -m uv pip install --quiet --python $(PY)
WORKERS ?= auto

# What differs between versions: the contract, columns, arrays, files, graphs, recorded steps.
OLDEST = sklearn_ae tests/test_array_api.py tests/test_common.py tests/test_containers.py \
	tests/test_docs.py tests/test_frames.py tests/test_imports.py tests/test_mlflow.py \
	tests/test_other_tools.py tests/test_pipelines.py tests/test_sparse_input.py \
	tests/test_versions.py tests/applications/test_imputer.py \
	tests/autoencoders/test_autoencoder.py tests/autoencoders/test_state.py \
	tests/data/test_dtypes.py tests/export tests/runtime tests/training/test_capture.py \
	tests/training/test_ensemble.py tests/training/test_skorch_callbacks.py tests/training/test_step.py

.PHONY: help demo test test-oldest test-ray .ray fuzz lint docs screenshots bench wheel-check clean
.DEFAULT_GOAL := help

help:
	@echo "make demo                             a report on a table: codes, strange rows, missing cells"
	@echo "make demo DATA=file.csv TARGET=column the same on your own table (TARGET is optional)"
	@echo "make test                             the tests, in parallel; ARGS are handed to pytest"
	@echo "make test-oldest                      a third of them on the oldest versions, in .venv-oldest"
	@echo "make test-ray                         those that start Ray, in .venv-ray"
	@echo "make fuzz N=10000                     so many drawn examples, and how many violate an invariant"
	@echo "make lint                             ruff and mypy"
	@echo "make docs                             the site, in docs/_build/html"
	@echo "make wheel-check                      the wheel in an empty environment: README's example, and the report"
	@echo "make screenshots                      pictures of its pages, and what is cut on a desktop and on a phone"
	@echo "make bench                            the benchmarks, missing cells only; ARGS go to python -m benchmarks"

$(PY):
	$(PYTHON) -m venv $(VENV)

# One stamp an extra: .venv/.installed-test holds that `.[test]` is there.
$(VENV)/.installed-%: pyproject.toml $(CONSTRAINTS) | $(PY)
	@echo "Setting up $(VENV) with the extra '$*' (once; torch is large) ..."
	@$(INSTALL.$(INSTALLER)) --constraint $(CONSTRAINTS) --editable ".[$*]"
	@touch $@

demo: $(VENV)/.installed-test
	@$(PY) -m sklearn_ae report $(if $(DATA),"$(DATA)") $(if $(TARGET),--target "$(TARGET)") \
		$(if $(OUTPUT),--output "$(OUTPUT)") $(ARGS)

# SciPy reads SCIPY_ARRAY_API at import; without it the array API checks are skipped.
test: $(VENV)/.installed-test
	SCIPY_ARRAY_API=1 $(PY) -m pytest --quiet --numprocesses $(WORKERS) --dist worksteal $(ARGS)

test-oldest:
	$(MAKE) test VENV=.venv-oldest CONSTRAINTS=constraints-oldest.txt INSTALLER=uv \
		ARGS="$(or $(ARGS),$(OLDEST))"

# Ray is large, and its start slow, so that its tests have an environment and a command of their own.
test-ray:
	$(MAKE) .ray VENV=.venv-ray

.ray: $(VENV)/.installed-test $(VENV)/.installed-ray
	$(PY) -m pytest --quiet --numprocesses 0 $(or $(ARGS),tests/distributed)

# SEED=S begins with the examples of that seed.
fuzz: $(VENV)/.installed-test
	OMP_NUM_THREADS=1 $(PY) -m tests.fuzz.runner $(or $(N),1000) $(if $(SEED),--seed $(SEED)) $(ARGS)

lint: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

docs: $(VENV)/.installed-docs
	$(PY) -m sphinx --builder html --fail-on-warning --keep-going --quiet docs docs/_build/html
	$(PY) docs/check_links.py
	@echo "The site is in docs/_build/html/index.html"

# Pages at the width of a desktop and of a phone, and what is cut; without Chromium it says so.
screenshots: docs
	$(PY) docs/screenshots.py $(ARGS)

bench: $(VENV)/.installed-bench
	$(PY) -m benchmarks $(or $(ARGS),run reconstruction)

# The wheel in an empty environment: the README's first example, and the report.
wheel-check: $(VENV)/.installed-test
	rm -rf dist .venv-wheel
	$(PY) -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet --constraint constraints.txt "$$(ls dist/*.whl)[plot]"
	awk '/^```python/ {n++; next} /^```/ && n {exit} n' README.md > dist/example.py
	cd dist && ../.venv-wheel/bin/python example.py && ../.venv-wheel/bin/sklearn-ae report

clean:
	rm -rf docs/_build docs/_figures docs/api/generated docs/auto_gallery .pytest_cache .mypy_cache .ruff_cache
