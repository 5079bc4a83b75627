# Every target sets up what it needs by itself: Python >= 3.10 is enough.
#   make demo     the 14 functions, end to end, against a cloud on this machine
#   make test     everything that is tested; TESTS='-k covers' for a part
#   make coverage the same, and which lines and branches it reaches; on Python >= 3.12
#   make check    lint, types, and what bandit knows of security
#   make audit    known vulnerabilities of the pinned dependencies; asks PyPI's advisory service
#   make fuzz     100,000 generated inputs through parse, and as many through decode
#   make fuzz-coverage  inputs found by what they reach, SECONDS=600 for each of four targets; on Linux
#   make scale    1,000 jobs written by eight processes at once, and by one that is killed ten times
#   make chaos    JOBS=10000 jobs while one call in five fails and processes are killed; SEED=1 LARGEST_BATCH=20
#   make bench    what is measured, beside its baseline
#   make package  the zip for Function Compute, and its SBOM, into ./dist; PY=312, EXTRAS=tablestore,s3 or SINKS=URLs
#   make lock     pin the dependencies anew, with hashes
# Another Python: make test PYTHON=python3.12 VENV=.venv-3.12

PYTHON ?= python3
VENV ?= .venv
PY ?= 310
BIN = $(VENV)/bin
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

SECONDS ?= 600
JOBS ?= 10000
SEED ?= 1

PYTEST = -m pytest --numprocesses auto --no-loadscope-reorder $(TESTS)

.PHONY: demo test coverage check audit fuzz fuzz-coverage scale chaos bench package lock clean

demo: $(VENV)/.cli
	@$(BIN)/python samples/demo.py

test: $(VENV)/.dev
	$(BIN)/python $(PYTEST)

# Not on older Pythons: threads that begin to be traced at the same moment make them fail (sys.settrace).
coverage: $(VENV)/.dev
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src tools samples bench

audit: $(VENV)/.audit
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes $(patsubst %,--requirement %,$(wildcard requirements*.txt))

fuzz: $(VENV)/.dev
	$(BIN)/python tests/long/fuzz_stages.py

fuzz-coverage: $(VENV)/.fuzz
	$(BIN)/python tests/long/fuzz_coverage.py $(SECONDS)

scale: $(VENV)/.dev
	JOBS=1000 $(BIN)/python -m pytest --timeout 1800 tests/test_many_writers.py

chaos: $(VENV)/.dev
	JOBS=$(JOBS) SEED=$(SEED) $(BIN)/python tests/long/chaos.py

bench: $(VENV)/.dev
	$(BIN)/python bench/function.py
	$(BIN)/python bench/scale.py
	PYTHONPATH=tests $(BIN)/python bench/tables.py

package: $(VENV)/.python
	@$(BIN)/python tools/package --py "$(PY)" --extras "$(EXTRAS)" --sinks "$(SINKS)"

lock: $(VENV)/.dev
	for extras in "requirements" "requirements-cli --extra cli" "requirements-dev --extra dev" \
	  "requirements-s3 --extra s3 --constraint requirements-dev.txt" \
	  "requirements-tablestore --extra tablestore --constraint requirements-dev.txt" \
	  "requirements-fuzz --extra fuzz --constraint requirements-dev.txt"; do \
	  set -- $$extras; file=$$1.txt; shift; \
	  $(LOCK) pyproject.toml --no-emit-package ice-result $$@ --output-file $$file || exit 1; \
	done
	echo setuptools | $(LOCK) - --output-file tools/package/requirements-build.txt
	echo pip-audit | $(LOCK) - --constraint requirements-dev.txt --output-file requirements-audit.txt

clean:
	rm -rf $(VENV) build dist out .fuzz .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "ice-result needs Python >= 3.10, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.cli: requirements-cli.txt pyproject.toml | $(VENV)/.python
	@echo "setting up $(VENV) (once, about half a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-cli.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.cli
	@echo "setting up the tests' tools in $(VENV) (once, about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.fuzz: requirements-fuzz.txt $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.txt
	@touch $@

$(VENV)/.audit: requirements-audit.txt | $(VENV)/.python
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@
