# Needs make, Python >= 3.11 and a package index; everything goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
MARKS ?= not slow
FUZZ_EXAMPLES ?= 3000

BIN := $(VENV)/bin
# One BLAS thread for each of the workers: threads that outnumber the cores wait for each other.
PYTEST := TF_CPP_MIN_LOG_LEVEL=3 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest

# A stamp tells what $(VENV) holds; each is redone when pyproject.toml is newer.
BASE := $(VENV)/.stamp-base
DEV := $(VENV)/.stamp-dev
PARITY := $(VENV)/.stamp-parity

.DEFAULT_GOAL := help
.DELETE_ON_ERROR: # a virtual environment that came out half made is made again
.PHONY: help setup setup-parity demo test test-engine fuzz bench numerics lint check clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BASE) ## Install minikeras, editable, with what it plots with
setup-parity: $(PARITY) ## Install real Keras, TensorFlow and the test tools as well

demo: $(BASE) ## Run the demonstration
	OPENBLAS_NUM_THREADS=1 $(BIN)/minikeras demo

test: $(PARITY) ## Run all tests, those against real Keras included
	$(PYTEST) -n $(WORKERS) -m "$(MARKS)"

test-engine: $(DEV) ## Run the tests that need no TensorFlow
	$(PYTEST) tests -n $(WORKERS) -m "$(MARKS)"

fuzz: $(PARITY) ## Run the random tests with FUZZ_EXAMPLES (3000) draws each
	MINIKERAS_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PYTEST) -n $(WORKERS) -m fuzz

bench: $(PARITY) ## Time training and prediction beside real Keras (benchmarks/results)
	$(BIN)/python benchmarks/run.py

numerics: $(PARITY) ## Measure the differences from Keras (docs/numerics.md)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m parity_tests.measure

lint: $(DEV) ## Check style (ruff) and types (pyright)
	$(BIN)/ruff check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

check: lint test ## Lint, then test

clean: ## Remove $(VENV) and everything that was built or cached
	rm -rf $(VENV) build dist *.egg-info demo-output .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "minikeras needs Python 3.11 or newer; '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(BASE): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[plot]"
	@touch $@

$(DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[dev,plot,data]"
	@touch $@ $(BASE)

$(PARITY): pyproject.toml | $(BIN)/python
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || { \
	  echo "TensorFlow 2.21 runs on Python 3.11 to 3.13; $(VENV) has" \
	    "$$($(BIN)/python --version). Either 'make test-engine', which needs no TensorFlow," \
	    "or 'make clean' and then 'make PYTHON=python3.13 ...'" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --editable ".[parity,dev,plot,data,sklearn]"
	@touch $@ $(DEV) $(BASE)
