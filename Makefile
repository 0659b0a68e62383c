# Everything a developer runs, from a fresh clone on: `make demo`, `make test`. `make help` lists the rest.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))

# The first interpreter that is new enough; `make PYTHON=/path/to/python3 ...` chooses another one.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$python && break; done)
TESTS ?= tests
PYTEST_ARGS ?=
DATA ?= ../shared/data/tracks.parquet

.DEFAULT_GOAL := help
.PHONY: help setup demo test check models bench bench-audio bench-clap bench-collaborative bench-dj bench-personal bench-recommend bench-similar chaos docs lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-20s %s\n", $$1, $$2 }'

setup: $(VENV)/.core $(VENV)/.dev ## Create .venv with everything development needs

demo: $(VENV)/.core ## Import a playlist and fill its features, on this machine
	@$(BIN)/musicspace demo

test: $(VENV)/.dev ## Run all tests but the slow ones
	@$(BIN)/python -m pytest $(TESTS) -m "not slow" $(PYTEST_ARGS)

check: $(VENV)/.dev ## Lint, formatting, types, import contracts, the shape of the house
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/architecture

models: $(VENV)/.dev ## Train the models that ship anew; DATA=FILE names the reference table
	@$(BIN)/musicspace train global all --data $(DATA) --out models/artifacts
	@$(BIN)/musicspace train router --data $(DATA) --out models/artifacts

bench: $(VENV)/.core ## Measure throughput, beside yardsticks
	@$(BIN)/python -m benchmarks

bench-dj: $(VENV)/.core ## Measure the DJ on a library of 100,000 made-up tracks
	@$(BIN)/python -m benchmarks.dj

bench-collaborative: $(VENV)/.core ## Measure M3: the fit of what users have in common, fine-tuning, ranking
	@$(BIN)/python -m benchmarks.collaborative

bench-personal: $(VENV)/.core ## Measure the training of models of single users, beside yardsticks
	@$(BIN)/python -m benchmarks.personal_training

bench-recommend: $(VENV)/.core ## Measure recommendations over HTTP, in a library of 65,000 tracks
	@$(BIN)/python -m benchmarks.recommend --data $(DATA)

bench-clap: $(VENV)/.dev ## Measure CLAP in full size with random weights, on a GPU if there is one
	@$(BIN)/python -m benchmarks.clap

bench-similar: $(VENV)/.core ## Measure the search for similar tracks over 100,000, and the training of M2
	@$(BIN)/python -m benchmarks.similar --data $(DATA)

bench-audio: $(VENV)/.dev ## Measure how fast audio is analyzed, beside librosa
	@$(BIN)/python -m benchmarks.audio

chaos: $(VENV)/.dev ## Run the slow tests: kills, restarts and lost messages at scale
	@$(BIN)/python -m pytest tests -m slow $(PYTEST_ARGS)

docs: $(VENV)/.core ## Make the reference pages in docs/ from the code
	@$(BIN)/python -m core.reference_pages docs

lock: $(VENV)/.core ## Resolve all dependencies anew into constraints.txt
	@$(BIN)/python deploy/lock.py

clean: ## Delete the virtual environment, build results and caches
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: each says that its step succeeded with the current pyproject.toml and constraints.txt.

$(VENV)/.core: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing MusicSpace into $(VENV) (about a minute, once) ..."
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "Installing the tools for tests and checks into $(VENV) ..."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(VENV)/.created:
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(MAKE) --no-print-directory .create-venv
	@touch $@

# Debian without the package python3-venv has venv, yet no pip to put into it: deploy/bootstrap.py fetches that.
.PHONY: .create-venv
.create-venv:
	@test -n "$(PYTHON)" || { echo "MusicSpace needs Python 3.11 or newer; none found. Name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "$(PYTHON) is older than Python 3.11. Name another one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 || \
		{ $(PYTHON) -m venv --clear --without-pip $(VENV) && $(BIN)/python deploy/bootstrap.py; }
