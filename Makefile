# hubbub's verbs. `make help` lists them. Written for GNU make 3.81 and later.
#
# Everything runs from .venv, which make builds by itself from hash-checked pins.
# Another Python: `make clean`, then `make PYTHON=/path/to/python3.12 test`.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTHON ?=
# Tests side by side: most wait more than they work. 0: one after another, as a debugger needs it.
WORKERS ?= 4

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test check format bench ratios chaos fuzz picture lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

venv: $(READY) ## build or refresh .venv

demo: $(READY) ## start a broker and let Alice and Bob talk
	@$(BIN)/python examples/demo.py

test: $(READY) ## run the tests; ARGS="-k name" picks some
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: $(READY) ## format, lint, types and import rules; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(READY) ## format the code and apply the linter's safe fixes
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

bench: $(BENCH_READY) ## measure beside other servers; ARGS="fanout --quick", ARGS=--help
	@$(BIN)/python bench/run.py $(ARGS)

ratios: $(READY) ## half a minute beside a bare relay; fails if hubbub is half as fast as it was
	@$(BIN)/python bench/run.py relay

chaos: $(READY) ## broker and clients under faults: is anything lost? ARGS are the kit's
	@$(BIN)/python -m tests.chaos $(ARGS)

fuzz: $(READY) ## damaged input by the hundred thousand; ARGS="--seed 7 --count 5000"
	@$(BIN)/python -m tests.fuzz $(ARGS)

# One stamp: made last, so an interrupted install starts again the next time.
$(READY): requirements-dev.lock pyproject.toml
	@$(FIND_PYTHON); \
	[ -x $(BIN)/python ] && $(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		echo "Making $(VENV) with $$("$$python" --version)"; "$$python" -m venv --clear $(VENV); }
	@echo "Installing into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# What hubbub is measured beside, and draws its charts with: far more than it needs to run.
$(BENCH_READY): $(READY) requirements-bench.lock
	@echo "Installing the bench's servers into $(VENV)"
	@$(PIP) install --require-hashes -r requirements-bench.lock
	@touch $@

# Sets the shell's $python to the first usable one, or ends with one line.
define FIND_PYTHON
	python=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11); do \
		if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
		then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "hubbub needs Python 3.11 or later with its venv module (Debian: apt install python3-venv). Name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
endef

# --universal resolves once for every Python and platform; the markers in the files choose.
COMPILE = $(LOCKER)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command "make lock" --upgrade
# What builds the wheel; the Dockerfile installs it from pins too.
BUILD_SYSTEM = import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")
LOCKER := $(VENV)/locker

picture: $(READY) ## draw the README's picture from a real session
	@$(BIN)/python examples/picture.py

lock: ## pin the newest allowed versions into requirements*.lock
	@$(FIND_PYTHON); "$$python" -m venv $(LOCKER)
	@$(LOCKER)/bin/python -m pip --disable-pip-version-check --quiet install uv
	@$(COMPILE) --extra dev --output-file requirements-dev.lock pyproject.toml
	@$(COMPILE) --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	@$(COMPILE) --constraint requirements-dev.lock --extra bench --output-file requirements-bench.lock pyproject.toml
	@"$(LOCKER)/bin/python" -c '$(BUILD_SYSTEM)' | \
		$(COMPILE) --constraint requirements-dev.lock --output-file requirements-build.lock -

clean: ## remove what make made
	@rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find broker client common tests bench examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
