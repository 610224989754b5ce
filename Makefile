# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
#
# The front door. `make demo` and `make test` set up all they need; what they do goes to standard error.

MAKEFLAGS += --no-print-directory
VENV := .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=
TEST_ARGS ?=
# A file's tests share an enclave, so they stay together. They wait for servers about half of the time: three keep two
# cores at work. In the order of their names, so that the short ones come last.
TEST_WORKERS ?= -n 3 --dist loadfile --no-loadscope-reorder
BENCH_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-console bench-quick bench-soak lint lock schemas vectors dist clean

help: ## what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 13

demo: $(VENV)/.run ## a whole enclave on this machine, on real incidents (DEMO_ARGS=--headless)
	@exec $(BIN)/seinpost demo $(DEMO_ARGS)

test: $(VENV)/.dev ## every test, on real servers and tools (TEST_ARGS="-k merkle")
	@exec $(BIN)/pytest -q $(TEST_WORKERS) $(TEST_ARGS)

bench: $(VENV)/.dev ## rates beside peers and the design's numbers; writes build/bench.json, docs/benchmarks.md
	@exec $(BIN)/python tests/bench/run.py $(BENCH_ARGS)

bench-console: $(VENV)/.dev ## the console with 100,000 and a million signals; writes the figures in docs/console.md
	@exec $(BIN)/python tests/bench/run.py --console

bench-quick: $(VENV)/.dev ## the main ratios within a minute; writes build/bench-quick.json
	@exec $(BIN)/python tests/bench/run.py --quick

bench-soak: $(VENV)/.dev ## ten minutes at 80 % of the maximum; writes build/bench-soak.json, docs/benchmarks.md
	@exec $(BIN)/python tests/bench/soak.py

lint: $(VENV)/.dev ## style, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

schemas: $(VENV)/.dev ## write the published JSON Schemas again
	@$(BIN)/python tools/write_json_schemas.py

vectors: $(VENV)/.dev ## write the test vectors again
	@$(BIN)/python tests/vectors/generate.py

dist: $(VENV)/.dev ## the wheel and the source archive, in dist/
	@$(BIN)/python -m hatchling build

lock: $(VENV)/.dev ## resolve the lock files again
	@tools/lock.sh $(BIN)

clean: ## remove what was built, the environment included
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf tests/foreign/js/node_modules

$(VENV)/.run: requirements.lock pyproject.toml tools/setup.sh
	@tools/setup.sh run >&2

$(VENV)/.dev: requirements-dev.lock pyproject.toml tools/setup.sh
	@tools/setup.sh dev >&2
