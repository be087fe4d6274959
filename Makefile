# The verbs: run, test, lint, bench, lock. Each makes what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test test-model lint bench lock

run: $(VENV)/run.stamp
	$(BIN)/python -m bot serve

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

test-model: $(VENV)/model.stamp
	$(BIN)/python -m pytest tests/model

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp
	$(BIN)/python -m tests.benchmarks

# Locks name no index; resolving needs uv, which is installed aside so that it is never a part of the product.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-header --no-annotate -o requirements/run.txt
	.venv-lock/bin/uv pip compile pyproject.toml --extra embed --group dev --quiet --universal --generate-hashes --no-header --no-annotate -o requirements/dev.txt
	.venv-lock/bin/uv pip compile pyproject.toml --extra embed --group dev --group model --quiet --universal --generate-hashes --no-header --no-annotate -o requirements/model.txt
	rm -rf .venv-lock

$(VENV)/pyvenv.cfg:
	$(PYTHON) -c 'import sys; sys.exit("Sayso needs Python 3.11 or newer: make PYTHON=python3.11 …") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/%.stamp: requirements/%.txt $(VENV)/pyvenv.cfg
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@
