# On a fresh machine: `make demo` runs the main job on an embedded PostgreSQL, `make test` the whole test suite.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Stand-ins for warehouses, and dbt, need versions that nothing else agrees with: each an environment of its own.
EMULATORS := .emulators

.PHONY: demo test lint types fast emulators clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

$(EMULATORS)/%/installed: tests/emulators/%.txt
	$(PYTHON) -m venv $(EMULATORS)/$*
	$(EMULATORS)/$*/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

emulators: $(EMULATORS)/snowflake/installed $(EMULATORS)/bigquery/installed $(EMULATORS)/dbt/installed

demo: $(VENV)/installed
	$(BIN)/python -m dbsynth.demo

test: $(VENV)/installed emulators lint types
	$(BIN)/python -m pytest

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy

fast: $(VENV)/installed
	$(BIN)/python -m pytest -m "not databases" -x

clean:
	rm -rf $(VENV) $(EMULATORS)
