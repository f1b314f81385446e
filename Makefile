# Every verb works on a fresh machine: each first brings .venv up to date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TAQUITO := tests/referees/taquito
BULLMQ := bench/bullmq

# Compiled once and kept, wherever this is set: else every command that the tests start compiles all.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install install-dev system demo test tests fault-test check lint types format bench wheel image lock clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(VENV)/.installed ## prepare .venv with the bakehouse command

install-dev: system $(VENV)/.installed-dev $(TAQUITO)/node_modules/.installed

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# What the build of the package takes in: the files of the pages and of the queue board.
FRONTEND := frontend/package.json frontend/package-lock.json frontend/.npmrc frontend/take_in.py hatch_build.py

$(VENV)/.installed: requirements/runtime.lock pyproject.toml $(FRONTEND) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/runtime.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.installed-dev: requirements/dev.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.lock
	@touch $@

# taquito, a referee of the simulated chain, runs on the Node of the wheel: the same everywhere.
$(TAQUITO)/node_modules/.installed: $(TAQUITO)/package-lock.json $(TAQUITO)/.npmrc | $(VENV)/.installed-dev
	@$(BIN)/npm --prefix $(TAQUITO) ci --loglevel=error --no-progress >/dev/null || \
	  { echo "npm could not install taquito, a referee in the tests: is its registry reachable?" >&2; exit 1; }
	@touch $@

# pytezos, the referee of our forging, loads the system's libsodium; the tests of the ledger start
# a PostgreSQL, those of the queues a Redis.
system:
	@./requirements/system-packages

demo: install ## run the main job on embedded parts; open http://localhost:3000
	$(BIN)/bakehouse demo

# More than most machines have cores: many tests wait for blocks and clocks.
TEST_PROCESSES ?= 3

# Types beside the tests, which leave a core idle now and then.
test: install-dev ## lint, types, import floors and every test
	$(MAKE) --no-print-directory lint
	$(MAKE) --no-print-directory -j2 types tests

tests: install-dev
	$(BIN)/python -m pytest --numprocesses=$(TEST_PROCESSES) --dist=loadgroup $(PYTEST_ARGS)

# How many histories the fault simulator lives through, and the number of the first.
SEEDS ?= 200
FIRST ?= 0

fault-test: install-dev ## search for payouts made twice or lost: SEEDS=2000
	$(BIN)/python -m tests.faults --seeds $(SEEDS) --first $(FIRST) $(FAULT_ARGS)

check: lint types ## lint, formatting, import floors, types

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo

types: install-dev
	$(BIN)/mypy

format: install-dev ## rewrite the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The queue's peer in the benchmarks: BullMQ for Node.
$(BULLMQ)/node_modules/.installed: $(BULLMQ)/package-lock.json $(BULLMQ)/.npmrc | $(VENV)/.installed-dev
	@$(BIN)/npm --prefix $(BULLMQ) ci --loglevel=error --no-progress >/dev/null || \
	  { echo "npm could not install BullMQ, a peer in the benchmarks: is its registry reachable?" >&2; exit 1; }
	@touch $@

bench: install-dev $(BULLMQ)/node_modules/.installed ## measure speed and memory against limits and peers
	$(BIN)/python bench/run.py

wheel: install-dev ## build the wheel into dist
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m hatchling build --target wheel

image: ## build the container image
	docker build --tag bakehouse:local .

lock: $(BIN)/python ## compile the locks again from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --output-file requirements/runtime.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" pyproject.toml --group dev --output-file requirements/dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --group build --output-file requirements/build.lock

clean: ## remove what the other verbs made
	rm -rf $(VENV) $(TAQUITO)/node_modules $(BULLMQ)/node_modules src/bakehouse/web/board/dist src/bakehouse/web/static/vendor .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
