# Needs make, Python >= 3.11 and a package index; everything goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2
MARKS ?= not slow
FUZZ_EXAMPLES ?= 3000
FUZZ_FILES ?= 10000
FUZZ_SEED ?= 0

# CUDA of the driver: gpu for CUDA 12, gpu13 for CUDA 13.
GPU_EXTRA ?= gpu
GPU_TEST_ARGS ?=
GPU_BENCH_ARGS ?=

# The engines to compare with, each in an environment of its own.
BENCH_VENV ?= $(VENV)-bench
BENCH_ENVIRONMENTS := tensorflow jax torch numpy
BENCH_CORES ?= 1 2

# The engines that `minikeras check` compares with beside those of $(VENV), likewise.
CHECK_VENV ?= $(VENV)-check
CHECK_ENVIRONMENTS := keras-jax keras-torch

# Another index to look for PyTorch in, where the usual one gives the CUDA build:
# https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

BIN := $(VENV)/bin
# One BLAS thread for each of the workers: threads that outnumber the cores wait for each other.
# Byte code is kept, even where the environment says otherwise: the tests start a hundred processes,
# and each would compile the package again.
PYTEST := PYTHONDONTWRITEBYTECODE= TF_CPP_MIN_LOG_LEVEL=3 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
  $(BIN)/python -m pytest

bench_python = BENCH_VENV=$(abspath $(BENCH_VENV)) $(BIN)/python benchmarks/$(1)

# A stamp tells what $(VENV) holds; each is redone when pyproject.toml is newer.
BASE := $(VENV)/.stamp-base
COMPILED := $(VENV)/.stamp-compiled
DEV := $(VENV)/.stamp-dev
PARITY := $(VENV)/.stamp-parity
OLD_KERAS := $(VENV)/.stamp-old-keras
GPU := $(VENV)/.stamp-gpu
DEVICE := $(VENV)/.stamp-device

.DEFAULT_GOAL := help
.DELETE_ON_ERROR: # a virtual environment that is half made is made again
.PHONY: help setup setup-compiled setup-parity demo test test-all test-engine test-plain fuzz fuzz-files numerics lint check clean
.PHONY: check-setup gpu-check gpu-test gpu-bench
.PHONY: bench bench-setup bench-threads bench-kernels bench-tricks bench-overhead bench-files bench-data bench-report

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BASE) ## Install minikeras, editable, with what it plots with
setup-compiled: $(COMPILED) ## Install the compiler of its fastest kernels as well
setup-parity: $(PARITY) $(OLD_KERAS) ## Install real Keras, TensorFlow and the test tools as well

demo: $(BASE) ## Run the demonstration
	OPENBLAS_NUM_THREADS=1 $(BIN)/minikeras demo

test: $(PARITY) ## Run the tests, with a sample of large tables (of the GPU path: gpu-check)
	$(PYTEST) -n $(WORKERS) -m "$(MARKS)" --ignore=tests/gpu

test-all: $(PARITY) ## Run the same with every mark: all rows of the tables, and what takes long
	CHECK_VENV=$(abspath $(CHECK_VENV)) $(PYTEST) -n $(WORKERS) --ignore=tests/gpu

test-engine: $(DEV) ## Run the tests that need no TensorFlow
	$(PYTEST) tests -n $(WORKERS) -m "$(MARKS)" --ignore=tests/gpu

test-plain: $(PARITY) ## Compare with real Keras once more, nothing compiled
	MINIKERAS_COMPILED=0 $(PYTEST) parity_tests -n $(WORKERS) -m "$(MARKS)"

fuzz: $(PARITY) ## Run the random tests with FUZZ_EXAMPLES (3000) draws each
	MINIKERAS_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PYTEST) -n $(WORKERS) -m fuzz

fuzz-files: $(DEV) ## Load FUZZ_FILES (10000) damaged model files, drawn by FUZZ_SEED (0)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 \
	  $(BIN)/python -m tests.saving.fuzz_files $(FUZZ_FILES) $(FUZZ_SEED)

check-setup: $(CHECK_ENVIRONMENTS:%=$(CHECK_VENV)/%/.stamp) ## Install the engines that `minikeras check` compares with (2 GB)

bench-setup: $(BENCH_ENVIRONMENTS:%=$(BENCH_VENV)/%/.stamp) ## Install the engines to compare with (4 GB)

bench: $(COMPILED) ## Time every engine on BENCH_CORES (1 2) cores (benchmarks/results)
	@for cores in $(BENCH_CORES); do $(call bench_python,run.py) --cores $$cores || exit 1; done

bench-threads: $(COMPILED) ## Time training on one core and on two
	@$(call bench_python,threads.py)

bench-kernels: $(COMPILED) ## Measure each kernel against the machine's limits
	@for cores in $(BENCH_CORES); do $(call bench_python,kernels.py) --cores $$cores || exit 1; done

bench-tricks: $(COMPILED) ## Measure what the tricks of the kernels are worth
	@$(call bench_python,tricks.py)

bench-overhead: $(COMPILED) ## Measure what a call costs, and the memory of a long run
	@$(call bench_python,overhead.py)
	@$(call bench_python,memory.py)

bench-files: $(COMPILED) ## Time saving and loading of models, and measure its memory
	@$(call bench_python,files.py)

bench-data: $(PARITY) ## Time text, folders, generators and image layers beside Keras's
	@for script in text folders generators augmentation; do \
	  OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/$$script.py || exit 1; done

bench-report: $(BASE) ## Write the tables and pictures of docs/performance.md
	@$(call bench_python,report.py)

gpu-check: $(GPU) ## Prove the GPU path without a GPU, against the real CuPy package
	$(PYTEST) tests/gpu -n $(WORKERS)

gpu-test: $(DEVICE) ## Run the tests on a real GPU
	@$(BIN)/python -m tests.gpu.on_device $(GPU_TEST_ARGS)

gpu-bench: $(DEVICE) ## Measure a real GPU: kernels and workloads (benchmarks/results)
	@$(call bench_python,gpu.py) $(GPU_BENCH_ARGS)

numerics: $(PARITY) ## Measure the differences from Keras (docs/numerics.md)
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m parity_tests.measure

lint: $(DEV) ## Check style (ruff) and types (pyright)
	$(BIN)/ruff check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

check: lint test ## Lint, then test

clean: ## Remove $(VENV), $(BENCH_VENV), $(CHECK_VENV) and everything that was built or cached
	rm -rf $(VENV) $(BENCH_VENV) $(CHECK_VENV) build dist *.egg-info demo-output .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "minikeras needs Python 3.11 or newer; '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(BASE): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[plot]"
	@touch $@

$(COMPILED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[compiled,plot]"
	@touch $@ $(BASE)

$(DEV): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[compiled,dev,plot,data,tensorboard]"
	@touch $@ $(COMPILED) $(BASE)

# CuPy, which can be imported and looked at without a GPU, and the compiler of its kernels, which
# needs none: of its CUDA libraries no more is asked for here.
$(GPU): $(DEV)
	$(BIN)/python -m pip install --quiet "cupy-cuda12x>=14" nvidia-cuda-nvrtc-cu12
	@touch $@

$(DEVICE): $(DEV)
	$(BIN)/python -m pip install --quiet --editable ".[$(GPU_EXTRA)]"
	@touch $@

$(PARITY): pyproject.toml | $(BIN)/python
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || { \
	  echo "TensorFlow 2.21 runs on Python 3.11 to 3.13; $(VENV) has" \
	    "$$($(BIN)/python --version). Either 'make test-engine', which needs no TensorFlow," \
	    "or 'make clean' and then 'make PYTHON=python3.13 ...'" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --editable ".[parity,compiled,dev,plot,data,sklearn,tensorboard]"
	@touch $@ $(DEV) $(COMPILED) $(BASE)

# Archives of Keras 1 and 2, which are read and never installed. Without an index that has them,
# the tests that read them are skipped.
$(OLD_KERAS): parity_tests/old_keras/archives.py | $(PARITY)
	-@$(BIN)/python -m parity_tests.old_keras --fetch && touch $@

# pip adds to the index it uses; that of PyTorch has none of the other packages.
$(BENCH_VENV)/torch/.stamp: private EXTRA := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
$(CHECK_VENV)/keras-torch/.stamp: private EXTRA := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
$(CHECK_VENV)/keras-%/.stamp: benchmarks/environments/%.txt | $(BIN)/python
	$(BIN)/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet $(EXTRA) --requirement $<
	@touch $@

$(BENCH_VENV)/%/.stamp: benchmarks/environments/%.txt | $(BIN)/python
	$(BIN)/python -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet $(EXTRA) --requirement $<
	@touch $@
