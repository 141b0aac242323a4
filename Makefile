# Targets work from a bare clone: each sets up what it needs, once.
VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= python3
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev

.PHONY: help demo test lint reference clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

demo: $(READY)  ## the main job on the embedded model
	$(BIN)/harness run --compressor ultra3 --tasks goodhart7

test: $(DEV)  ## every test but the slow proofs
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile

lint: $(DEV)  ## lint, format, types and the house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy benchmarks/*.py
	$(BIN)/lint-imports

$(READY): pyproject.toml setup.py constraints.txt
	$(PYTHON) tools/setup.py $(VENV)
	touch $@

$(DEV): $(READY)
	$(PYTHON) tools/setup.py $(VENV) --dev
	touch $@

reference: $(DEV)  ## the generated pages of docs/reference
	for page in cli registry python; do $(BIN)/python tools/$${page}_reference.py; done

clean:  ## remove the environment and build folders
	rm -rf $(VENV) build *.egg-info
