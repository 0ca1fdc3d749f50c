# Everything a newcomer needs: `make run` shows the dashboard, `make test` checks it.

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Passed on: make run ARGS="--port 9000", make test TESTS=tests/test_assets.py
ARGS ?=
TESTS ?=
# Tests that are named are run by themselves; only journeys in a browser, which lie in e2e/, need more than Python.
NAMED := $(strip $(TESTS))
# Two workers a core: tests wait for clocks, browsers and servers more than they compute.
WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
SPREAD := $(if $(NAMED),,--numprocesses $(WORKERS) --maxprocesses 16)
PROGRAMS := $(if $(NAMED),$(if $(findstring e2e,$(NAMED)),programs vendor),programs vendor)
# Tried by running, not by name alone: version managers leave a python3.13 on the PATH that only prints an error.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --fork-strategy fewest --upgrade \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links --quiet

# The tests start the program a hundred times: it is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test unit audit check lint format vendor programs wheel lock clean distclean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: $(VENV)/.demo vendor ## the dashboard on a simulated bot (ARGS="--port 9000" passes more)
	$(BIN)/atb dashboards run monitoring --demo $(ARGS)

test: $(if $(NAMED),,lint) $(VENV)/.dev $(PROGRAMS) ## every check that CI makes (TESTS=tests/test_x.py: those tests alone)
	$(BIN)/python -m pytest $(SPREAD) -m "not audit" $(TESTS)

unit: $(VENV)/.dev vendor ## the tests that need neither a browser nor root; installs no programs
	$(BIN)/python -m pytest $(SPREAD) -m "not audit" --unit -r fE

audit: $(VENV)/.dev $(PROGRAMS) ## the tests that take long: matrices, floods, endurance (TESTS=… here too)
	$(BIN)/python -m pytest $(SPREAD) -m audit $(TESTS)

check: test ## the same

lint: $(VENV)/.dev ## format, style, types, declared imports and their direction
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	@$(BIN)/deptry monitoring scripts
	@$(BIN)/lint-imports --no-logo --no-cache

format: $(VENV)/.dev ## rewrites the code in the one format
	$(BIN)/ruff check --fix --exit-zero
	$(BIN)/ruff format

vendor: $(VENV)/.demo ## local copies of the browser libraries, if npm is there (without: the CDN's)
	@$(BIN)/python -m scripts.vendor

programs: $(VENV)/.dev ## finds Chromium, nginx and PgBouncer for the tests, or installs them
	@$(BIN)/python -m scripts.install_programs

wheel: $(VENV)/.demo ## a wheel in dist/ that holds templates, styles and browser libraries
	$(BIN)/python -m scripts.vendor --require
	$(BIN)/python -m hatchling build -t wheel

lock: $(BIN)/python ## requirements/*.txt from pyproject.toml, at the newest versions
	$(PIP) install --quiet uv
	$(LOCK) --extra demo --group dev --group build -o requirements/dev.txt
	$(LOCK) --extra demo --group build -c requirements/dev.txt -o requirements/demo.txt
	$(LOCK) --group build -c requirements/dev.txt -o requirements/production.txt

clean: ## removes what was built
	rm -rf build dist static/vendor test-results .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print | xargs rm -rf

distclean: clean ## and the virtual environment
	rm -rf $(VENV)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python found: expected 3.11 or newer with venv (Debian: apt-get install python3-venv);" \
		"another one is named by make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON): expected Python 3.11 or newer" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) …"
	@$(PIP) install --quiet --require-hashes -r requirements/demo.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.demo
	@echo "Installing the tools for tests …"
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@
