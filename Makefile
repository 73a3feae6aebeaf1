# make demo   a searchable lake of examples/media     make test   lint, types, import rule, tests
# make docs   the site of docs/, into site/
# make serve-prefect   index it each night: a Prefect server, a worker, the deployments
# make benchmarks SMALL=1   every benchmark, so small that one sees whether it runs; without SMALL as published
PYTHON ?= python3
BIN := .venv/bin
comma := ,
LAKE ?= demo-lake
MEDIA ?= examples/media
# on a terminal pip shows what it fetches; a log gets one line
QUIET := $(shell test -t 2 || echo --quiet)
# pip compiles 26,000 modules on one core, a minute and a half: all cores do it afterwards
INSTALL := $(BIN)/python -m pip install $(QUIET) --no-compile
TELL := echo "installing into .venv, some GB: this takes minutes$(if $(QUIET),$(comma) and prints nothing until it is done)"
COMPILE := $(BIN)/python -m compileall -qq -j 0 .venv/lib || true   # some are templates, no Python

.PHONY: setup demo serve-prefect data fmt check form types imports test pytest test-slow docs dist lock audit \
	benchmarks bench clean

setup: .venv/.installed-dev

.venv/.installed: pyproject.toml
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(TELL)
	$(INSTALL) --editable ".[embedded]"
	@$(COMPILE)
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(TELL)
	$(INSTALL) --constraint constraints.txt --editable ".[embedded,dev]"
	@$(COMPILE)
	@touch .venv/.installed $@

demo: .venv/.installed
	$(BIN)/python examples/demo.py --lake $(LAKE)

serve-prefect: .venv/.installed
	$(BIN)/mmindex up $(MEDIA) --lake $(LAKE)

data: .venv/.installed-dev
	$(BIN)/python benchmarks/build_stamps.py data/stamps --cache data/debs --names opaque

fmt: .venv/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: form types imports

form: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: .venv/.installed-dev
	$(BIN)/mypy

imports: .venv/.installed-dev
	$(BIN)/lint-imports

test: form   # types take a minute and a half of one core: they are checked beside the tests
	@$(MAKE) --no-print-directory -j3 types imports pytest

pytest: .venv/.installed-dev
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not gpu"

test-slow: .venv/.installed-dev
	$(BIN)/python -m pytest -m "slow and not gpu"

docs: .venv/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

dist: .venv/.installed-dev
	$(BIN)/python -m build --no-isolation --wheel --sdist --outdir dist .

clean:   # what the tools here made; .venv, data and lakes stay
	rm -rf build dist site .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

lock: .venv/.installed-dev
	$(BIN)/python docs/make_lock.py

audit:   # known holes in what is locked; asks the index of packages
	$(BIN)/python -m pip install --quiet "pip-audit>=2.7"
	$(BIN)/pip-audit --no-deps --disable-pip -r constraints.txt

benchmarks: data/stamps/pairs.jsonl   # ONLY="gate search": some of them; PEERS=FOLDER: their environments
	$(BIN)/python -m benchmarks $(if $(SMALL),--small) $(if $(PEERS),--peers $(PEERS)) $(ONLY)

bench: data   # retrieval and training on the public set
	$(BIN)/python -m benchmarks stamps training imbalance image_encoder

data/stamps/pairs.jsonl: | .venv/.installed-dev
	$(MAKE) data
