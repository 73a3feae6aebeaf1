# make demo   a searchable lake of examples/media     make test   lint, types, import rule, tests
# make docs   the site of docs/, into site/
# make serve-prefect   index it each night: a Prefect server, a worker, the deployments
PYTHON ?= python3
BIN := .venv/bin
LAKE ?= demo-lake
MEDIA ?= examples/media

.PHONY: setup demo serve-prefect data fmt check test test-slow docs bench clean

setup: .venv/.installed-dev

.venv/.installed: pyproject.toml
	@test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[embedded]"
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt
	@test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[embedded,dev]"
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

check: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder -m "not slow and not gpu"

test-slow: .venv/.installed-dev
	$(BIN)/python -m pytest -m "slow and not gpu"

docs: .venv/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

dist: .venv/.installed-dev
	$(BIN)/python -m build --no-isolation --wheel --sdist --outdir dist .

lock: .venv/.installed-dev
	$(BIN)/python docs/make_lock.py

audit:   # known holes in what is locked; asks the index of packages
	$(BIN)/python -m pip install --quiet "pip-audit>=2.7"
	$(BIN)/pip-audit --no-deps --disable-pip -r constraints.txt

bench: data
	$(BIN)/python -m benchmarks.stamps data/stamps
	$(BIN)/python -m benchmarks.training data/stamps
	$(BIN)/python -m benchmarks.imbalance data/stamps
	$(BIN)/python -m benchmarks.image_encoder data/stamps
