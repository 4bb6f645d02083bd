# What one can do here; `make run` and `make test` are all that most people need.
# Nothing has to be prepared but make and Python 3.11 or newer.

SHELL := /bin/sh
# The first interpreter that is new enough; PYTHON=… chooses another. The system's own comes first: distributions build theirs
# with a profile of real programs (PGO), which a pyenv's default build is not, and the casework runs a quarter faster on it.
PYTHON ?= $(shell for each in /usr/bin/python3 python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$each" -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$each"; break; }; done)
BIN := .venv/bin
BUILT := .venv/built
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help run venv test check format bench sabotage proof clean

help:
	@echo "make run       start Porchlight; without credentials: the sandbox, with phones on a web page"
	@echo "make test      run the whole test suite"
	@echo "make venv      build .venv only (the program is .venv/bin/porchlight)"
	@echo "make check     format, lint, types, import rules, docs"
	@echo "make format    put the code into the form that make check asks for"
	@echo "make bench     measure; prints a table and writes benchmarks/results/"
	@echo "make sabotage  break each law once and see its test fail"
	@echo "make proof     the properties, and two nodes that are killed, at length"

run: $(BUILT)
	@exec $(BIN)/porchlight run

venv: $(BUILT)

# Every wheel is pinned by hash; the project itself is then put on top, without asking any index.
$(BUILT): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with its venv was found; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(BUILT)

# On every core, four at most: what plays nights in real processes needs one to itself. One module, one worker an engine.
test: $(BUILT)
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --no-loadscope-reorder

check: $(BUILT)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/bot/test_docs.py tests/bot/test_house.py

format: $(BUILT)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(BUILT)
	$(BIN)/python -m benchmarks

sabotage: $(BUILT)
	$(BIN)/python -m tests.sabotage

# Many more random nights than `make test` plays, and two nodes through a thousand kills and pauses: half an hour. The
# kills of one house and the crash points at length come with a later part.
proof: $(BUILT)
	PORCHLIGHT_LAWS=long $(BIN)/python -m pytest tests/properties
	PORCHLIGHT_NODE_ROUNDS=1000 $(BIN)/python -m pytest tests/crash/test_nodes.py
	PORCHLIGHT_HOUSE_ROUNDS=20 $(BIN)/python -m pytest tests/crash/test_two_houses.py

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
