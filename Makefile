# Every target sets up what it needs by itself: Python >= 3.10 is enough. `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
PY ?= 310
BIN = $(VENV)/bin
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

SECONDS ?= 600
JOBS ?= 10000
SEED ?= 1
RUNS ?= 5
SAMPLE ?= 300
LEAST ?= 95

WORKERS ?= auto
PYTEST = -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: help demo test test-all coverage check audit firm mutants fuzz fuzz-coverage scale chaos bench docs package template lock screenshots clean

help: ## show this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-14s %s\n", $$1, $$2 }'
	@echo "Another Python: make test PYTHON=python3.12 VENV=.venv-3.12"

demo: $(VENV)/.cli ## run the 14 functions end to end, against a local cloud
	@$(BIN)/python samples/demo.py

test: $(VENV)/.dev ## run this after each change: all tests except the slow ones; TESTS='-k covers' for a part
	$(BIN)/python $(PYTEST) -m "not slow" $(TESTS)

test-all: $(VENV)/.dev ## all tests: complete fault tables, kills at every call, real sizes, the packages
	$(BIN)/python $(PYTEST) $(TESTS)

# Not on older Pythons: threads that begin to be traced at the same moment make them fail (sys.settrace).
coverage: $(VENV)/.dev ## test-all, with the coverage of lines and branches: LEAST=95 %; on Python >= 3.12
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under $(LEAST)

check: $(VENV)/.dev ## lint, types, and the security checks of bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src tools samples bench

audit: $(VENV)/.audit ## known vulnerabilities of the pinned dependencies; asks PyPI's advisory service
	$(VENV)/audit/bin/pip-audit --disable-pip --require-hashes $(patsubst %,--requirement %,$(wildcard requirements*.txt))

firm: $(VENV)/.dev ## make test RUNS=5 times, in a different random order each time, while busy loops use all cores
	$(BIN)/python tests/long/firm.py $(RUNS) $(PYTEST) -m "not slow" $(TESTS)

mutants: LEAST = 85
mutants: $(VENV)/.mutants ## SAMPLE=300 mutants of the modules that decide what is recorded, parked or ignored; the tests kill LEAST=85 %; SEED=1
	$(BIN)/python tests/long/mutants.py --sample $(SAMPLE) --seed $(SEED) --least $(LEAST)

fuzz: $(VENV)/.dev ## 100,000 generated inputs for parse, and 100,000 for decode
	$(BIN)/python tests/long/fuzz_stages.py

fuzz-coverage: $(VENV)/.fuzz ## coverage-guided fuzzing, SECONDS=600 for each target; on Linux
	$(BIN)/python tests/long/fuzz_coverage.py $(SECONDS)

scale: $(VENV)/.dev ## 1,000 jobs written by eight processes at the same time, and by one that is killed ten times
	JOBS=1000 $(BIN)/python -m pytest --timeout 1800 -m slow tests/test_many_writers.py

chaos: $(VENV)/.dev ## JOBS=10000 jobs while calls fail and processes are killed; SEED=1 LARGEST_BATCH=20
	JOBS=$(JOBS) SEED=$(SEED) $(BIN)/python tests/long/chaos.py

bench: $(VENV)/.dev ## run all benchmarks, each next to its baseline
	$(BIN)/python bench/function.py
	$(BIN)/python bench/cpu_sizes.py --runs 1
	$(BIN)/python bench/cost.py --runs 1
	$(BIN)/python bench/scale.py
	$(BIN)/python bench/lookups.py
	PYTHONPATH=tests $(BIN)/python bench/probe.py
	PYTHONPATH=tests $(BIN)/python bench/tables.py --jobs 1000
	PYTHONPATH=tests $(BIN)/python bench/report.py --jobs 2000
	PYTHONPATH=tests $(BIN)/python bench/telling.py
	PYTHONPATH=tests $(BIN)/python bench/wrong_outputs.py

docs: $(VENV)/.dev ## update the parts of the documents that are generated from the code; `make test` fails if one is out of date
	UPDATE_DOCS=1 $(BIN)/python -m pytest --quiet tests/test_made_pages.py tests/test_notifications_page.py tests/test_analysis.py \
	  tests/sinks/table/test_rows.py tests/test_fault_table.py tests/test_sls.py tests/schemas/test_compatibility.py \
	  -k "current or every_query or in_the_document or document_shows"
	UPDATE_DOCS=1 $(BIN)/python -m pytest --quiet tests/clients/test_typescript.py -k types_are_current

package: $(VENV)/.package ## make the zip for Function Compute, and its SBOM, in ./dist; PY=312, EXTRAS=tablestore,s3,queue or SINKS=URLs NOTIFY=URLs, FRESH=1
	@$(BIN)/python tools/package --py "$(PY)" --extras "$(EXTRAS)" --sinks "$(SINKS)" --notify "$(NOTIFY)" $(if $(FRESH),--fresh)

template: override PY = 310
template: package ## make an application of Serverless Devs in ./build/template, with the package for python3.10 and s.yaml
	@$(BIN)/python tools/template

lock: $(VENV)/.dev ## pin the dependencies again, with hashes
	for extras in "requirements" "requirements-cli --extra cli --extra report" "requirements-dev --extra dev" \
	  "requirements-queue --extra queue --constraint requirements-dev.txt" \
	  "requirements-s3 --extra s3 --constraint requirements-dev.txt" \
	  "requirements-tablestore --extra tablestore --constraint requirements-dev.txt" \
	  "requirements-fuzz --extra fuzz --constraint requirements-dev.txt" \
	  "requirements-mutants --extra mutants --constraint requirements-dev.txt"; do \
	  set -- $$extras; file=$$1.txt; shift; \
	  $(LOCK) pyproject.toml --no-emit-package ice-result $$@ --output-file $$file || exit 1; \
	done
	echo setuptools | $(LOCK) - --output-file tools/package/requirements-build.txt
	printf 'hatchling>=1.26\neditables\n' | $(LOCK) - --constraint requirements-dev.txt --output-file requirements-build.txt
	printf 'uv\ncyclonedx-python-lib\npackaging\n' | $(LOCK) - --constraint requirements-dev.txt --output-file requirements-package.txt
	echo pip-audit | $(LOCK) - --constraint requirements-dev.txt --output-file requirements-audit.txt

screenshots: export LC_ALL = C.UTF-8
screenshots: demo $(VENV)/.dev ## make the README's pictures of the demo's report in docs/images; needs Chromium
	@$(BIN)/python tools/screenshots

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist out .fuzz .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "ice-result needs Python >= 3.10, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Without build isolation, for which pip would install whatever version of the build back end is the newest.
$(VENV)/.cli: requirements-cli.txt requirements-build.txt pyproject.toml | $(VENV)/.python
	@echo "setting up $(VENV) (once, about half a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-cli.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.package: requirements-package.txt | $(VENV)/.python
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-package.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.cli
	@echo "setting up the tests' tools in $(VENV) (once, about a minute)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.fuzz: requirements-fuzz.txt $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.txt
	@touch $@

$(VENV)/.mutants: requirements-mutants.txt $(VENV)/.dev
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-mutants.txt
	@touch $@

$(VENV)/.audit: requirements-audit.txt | $(VENV)/.python
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-audit.txt
	@touch $@
