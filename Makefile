# Everything is run from the checkout's own .venv; there is nothing to activate.

PYTHON ?= python3
KEEP ?=
VERSIONS ?=
STACK ?=
REVISIONS ?=
JOBS ?= 5
FINAL ?=
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
EXTRAS := excel,iceberg,parquet,phonenumbers,sandbox
GROUPS := dev docs scale mutants release
CONSTRAINTS := dev/constraints/development.txt
STAMP := $(VENV)/.installed-from
AIRFLOW_VERSION := 3.3.2

# What Python has compiled is kept, also where the environment says otherwise: several processes of Airflow and of the
# tests would each compile the package, and all tests, anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint types unit compat stranger browser docs screenshots faults fuzz scale upgrades mutants bench lowest release-check audit constraints clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## make .venv with Airflow, this package and the development tools

demo: $(STAMP) ## numbers in, checked results in S3, through a real Airflow (KEEP=1 leaves its web UI up)
	@$(BIN)/python -m dev.stack.demo $(if $(filter-out 0,$(KEEP)),--keep)

test: lint ## lint, types and all tests
	@$(MAKE) --no-print-directory -j2 types unit

lint: $(STAMP) ## ruff, codespell, and import-linter: which module may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell airflow_provider_ekyc dev docs example_dags tests *.md
	$(BIN)/lint-imports --no-logo

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy

unit: $(STAMP) ## pytest, unit and integration tests, JOBS=5 processes beside each other; what they reach of the package
	@rm -rf build/coverage
	$(BIN)/python -m pytest -p dev.coverage.recorder -n $(JOBS) --dist loadfile
	@$(BIN)/python -m dev.coverage.report

compat: $(STAMP) ## the wheel under each supported Airflow (VERSIONS="2.11.2 3.4.0b2" picks; STACK=0 starts no whole one)
	@$(BIN)/python -m dev.stack.compat $(if $(filter 0,$(STACK)),--no-stack) $(VERSIONS)

stranger: $(STAMP) ## the start page as a new user reads it, with the wheel alone: to a landed result in ten minutes
	@$(BIN)/python -m dev.stranger

browser: $(STAMP) ## the tests in a browser under other versions of Airflow (VERSIONS="3.1.8 3.4.0b2" picks)
	@$(BIN)/python -m dev.browser $(VERSIONS)

docs: $(STAMP) ## the documentation as a site in build/docs: warnings are errors, links checked, no network
	@$(BIN)/python -m dev.site

screenshots: $(STAMP) ## make the pictures of the documentation anew, from a real Airflow in a browser
	@$(BIN)/python -m dev.browser.screenshots

faults: $(STAMP) ## kills and faults on every call, counted by the bill (N=200, SEED=...)
	@$(BIN)/python -m dev.faults --count $(or $(N),200) $(if $(SEED),--seed $(SEED))

fuzz: $(STAMP) ## archives, answers and number files, whole and broken (N=10000, SEED=...)
	@$(BIN)/python -m dev.fuzz --count $(or $(N),10000) $(if $(SEED),--seed $(SEED))

scale: $(STAMP) ## the task group under Celery, Redis and PostgreSQL, with kills on the way (N=500; N=20 to try it)
	@$(BIN)/python -m dev.scale --count $(or $(N),500)

upgrades: $(STAMP) ## earlier revisions beside this one over the same records (REVISIONS=v0.1.0 picks)
	@$(BIN)/python -m dev.deployment.upgrades $(REVISIONS)

mutants: $(STAMP) ## small changes of the code that no test notices (MODULE="polling api/prices" picks, MINUTES=60)
	@$(BIN)/python -c 'import mutmut' 2>/dev/null || \
	  $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint $(CONSTRAINTS) --group mutants
	@$(BIN)/python -m dev.mutants --minutes $(or $(MINUTES),60) $(MODULE)

bench: $(STAMP) ## moves on loopback and a modelled network, Parquet, lists, uploads, parse time, polls, triggers, the page, into build/bench.json
	@failed=; for each in move network parquet parse_time prepare freshness submit poll_policy triggers page; do \
	  $(BIN)/python -m dev.benchmarks.$$each || failed="$$failed $$each"; done; \
	test -z "$$failed" || { echo "A bound does not hold in:$$failed" >&2; exit 1; }

lowest: $(STAMP) ## the wheel at its lower bounds, and as lowest-direct resolves them; once per change of a bound
	@$(BIN)/python -m dev.release.lowest

release-check: $(STAMP) ## whether it can be released: builds, metadata, an older index, SBOM, licences (FINAL=1: the date, too)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint $(CONSTRAINTS) --group release
	@$(BIN)/python -m dev.release.check $(if $(filter-out 0,$(FINAL)),--final)

audit: $(STAMP) ## known vulnerabilities of all that is installed with it; needs an index that lists them
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint $(CONSTRAINTS) --group release
	@$(BIN)/python -m dev.release.check --vulnerabilities

constraints: $(STAMP) ## pin all dependencies anew, at the chosen Airflow version
	@{ \
	  echo "# All dependencies of this package and its extras, at Airflow $(AIRFLOW_VERSION), for Python 3.11 and later."; \
	  echo "# Made by \"make constraints\", which runs:"; \
	  echo "#   echo apache-airflow==$(AIRFLOW_VERSION) | uv pip compile --universal --python-version 3.11 --all-extras \\"; \
	  echo "#     $(addprefix --group ,$(GROUPS)) \\"; \
	  echo "#     --no-header --no-annotate --upgrade pyproject.toml --constraints /dev/stdin"; \
	  echo apache-airflow==$(AIRFLOW_VERSION) > $(VENV)/airflow-pin.txt; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras \
	    $(addprefix --group ,$(GROUPS)) --no-header --no-annotate --upgrade pyproject.toml --constraints $(VENV)/airflow-pin.txt; \
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
	    --constraint $(CONSTRAINTS) --editable '.[$(EXTRAS)]' --group dev || { \
	  echo "Installing with pip, which may know an index that uv does not."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) \
	    --editable '.[$(EXTRAS)]' --group dev; }
	@echo "$^" > $@
