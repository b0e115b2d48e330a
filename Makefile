# Two commands are the front door: `make demo` and `make test`. Each does its own set-up.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
LOWEST := $(VENV)-lowest
WORKERS ?= 2

.PHONY: demo test test-lowest check bench bench-accuracy bench-speed clean

demo: $(READY)
	$(BIN)/darkvoyage demo --out demo_report

test: $(READY)
	TZ=UTC $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

# The oldest versions that pyproject.toml allows; they have wheels for Python 3.11 and 3.12.
test-lowest: $(LOWEST)/.ready
	TZ=UTC $(LOWEST)/bin/python -m pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(READY)
	$(BIN)/python benchmarks/run.py

# How often it is right: simulated worlds, and the real sets that are there.
bench-accuracy: $(READY)
	TZ=UTC $(BIN)/darkvoyage bench accuracy --real-sets benchmarks/real_sets.toml --workers $(WORKERS) -o benchmarks/accuracy

bench-speed: $(READY)
	TZ=UTC $(BIN)/darkvoyage bench speed -o benchmarks/speed

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("darkvoyage needs Python 3.11 or newer; set PYTHON=..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $(READY)

$(LOWEST)/.ready: pyproject.toml
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info demo_report .pytest_cache .mypy_cache .ruff_cache .hypothesis
