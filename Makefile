# Everything is run from the checkout's own .venv; there is nothing to activate.

PYTHON ?= python3
KEEP ?=
VERSIONS ?=
STACK ?=
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
CONSTRAINTS := dev/constraints/development.txt
STAMP := $(VENV)/.installed-from
AIRFLOW_VERSION := 3.3.2

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint types unit compat faults fuzz bench constraints clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv with Airflow, this package and the development tools

demo: $(STAMP) ## numbers in, checked results in S3, through a real Airflow (KEEP=1 leaves its web UI up)
	@$(BIN)/python -m dev.stack.demo $(if $(filter-out 0,$(KEEP)),--keep)

test: lint types unit ## lint, types and all tests

lint: $(STAMP) ## ruff, codespell, and import-linter: which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell airflow_provider_ekyc dev docs example_dags tests *.md
	$(BIN)/lint-imports --no-logo

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

unit: $(STAMP) ## pytest, unit and integration tests, JOBS=2 processes beside each other
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

compat: $(STAMP) ## the wheel under each supported Airflow (VERSIONS="2.11.2 3.4.0b2" picks; STACK=0 starts no whole one)
	@$(BIN)/python -m dev.stack.compat $(if $(filter 0,$(STACK)),--no-stack) $(VERSIONS)

faults: $(STAMP) ## kills and faults on every call, counted by the bill (N=200, SEED=...)
	@$(BIN)/python -m dev.faults --count $(or $(N),200) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP) ## archives, answers and number files, whole and broken (N=10000, SEED=...)
	@$(BIN)/python -m dev.fuzz --count $(or $(N),10000) $(if $(SEED),--seed $(SEED))

bench: $(STAMP) ## moves on loopback and a modelled network, Parquet, lists, uploads, parse time, polls, into build/bench.json
	@failed=; for each in move network parquet parse_time prepare freshness submit poll_policy; do \
	  $(BIN)/python -m dev.benchmarks.$$each || failed="$$failed $$each"; done; \
	test -z "$$failed" || { echo "A bound does not hold in:$$failed" >&2; exit 1; }

constraints: $(STAMP) ## pin all dependencies anew, at the chosen Airflow version
	@{ \
	  echo "# All dependencies of this package and its extras, at Airflow $(AIRFLOW_VERSION), for Python 3.11 and later."; \
	  echo "# Made by \"make constraints\", which runs:"; \
	  echo "#   echo apache-airflow==$(AIRFLOW_VERSION) | uv pip compile --universal --python-version 3.11 --all-extras \\"; \
	  echo "#     --no-header --no-annotate --upgrade pyproject.toml --constraints /dev/stdin"; \
	  echo apache-airflow==$(AIRFLOW_VERSION) > $(VENV)/airflow-pin.txt; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
	    --no-header --no-annotate --upgrade pyproject.toml --constraints $(VENV)/airflow-pin.txt; \
	} > $(VENV)/constraints.txt
	@mv $(VENV)/constraints.txt $(CONSTRAINTS)

clean: ## remove .venv and all that was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# The file's content is the list of what the installation was made from; its age tells make when to redo it.
$(STAMP): pyproject.toml $(CONSTRAINTS)
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON). Install Python 3.11 or later, or name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) -V 2>&1); this needs Python 3.11 or later: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Installing into $(VENV), once; with a fast network about a minute."
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || \
	  echo "No uv: going on with pip alone, which is slower."
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode \
	    --constraint $(CONSTRAINTS) --editable '.[dev]' || { \
	  echo "Installing with pip, which may know an index that uv does not."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable '.[dev]'; }
	@echo "$^" > $@
