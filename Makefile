# Two commands do all the set-up: `make demo` to try it, `make test` to work on it.
SHELL := /bin/bash
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test test-long soak lint bench bench-quick bench-load docs lock clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## start a throwaway hospital behind the gate; Ctrl-C ends it
	@tools/environment demo
	@.venv/bin/pacsgate demo

test: ## run the quick lane of tests (install what they need from Debian first)
	@tools/environment dev
	@tools/lane test

test-long: ## run the long lane: large counts, kills, real browsers
	@tools/environment dev
	@tools/lane test-long

soak: ## kill the queue's processes a thousand times on each database, and a gate a hundred times; takes half an hour
	@tools/environment dev
	.venv/bin/pytest tests/e2e/test_queue_kills.py tests/e2e/test_queue_gate_kills.py --kills 1000 -rP

lint: ## check style, types, floors and generated pages
	@tools/environment dev
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PYTHON) -m tools.reference --check

bench: ## measure everything in one run; `make bench-load` once before for lists over ten million studies
	@tools/environment dev
	$(PYTHON) -m bench

bench-quick: ## the same in two minutes, lists over a hundred thousand studies
	@tools/environment dev
	$(PYTHON) -m bench --quick

bench-load: ## fill the archives that `make bench` lists: a million and ten million studies, 35 GB, half an hour
	@tools/environment dev
	$(PYTHON) -m bench --only lists --studies 1000000 10000000

docs: ## write the reference pages anew from the code
	@tools/environment dev
	$(PYTHON) -m tools.reference

lock: ## resolve pyproject.toml anew into requirements/*.txt
	@test -x .make/lock/bin/pip-compile || { python3 -m venv .make/lock && .make/lock/bin/pip install --quiet pip-tools; }
	.make/lock/bin/python -m tools.lock

clean: ## remove the environment and everything that was built or cached
	rm -rf .venv .make artifacts bench/results .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
