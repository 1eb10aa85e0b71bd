# Each target runs the set-up that it needs. .make/ holds a stamp for each finished step; a step runs
# again when its inputs change.

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

JS_SOURCES := $(shell find js/src web/src web/public web/index.html web/admin -type f 2>/dev/null)
EXAMPLES := examples/nextjs examples/vite-react
EXAMPLE_SOURCES := $(shell find $(EXAMPLES) \( -name node_modules -o -name .next -o -name dist \) -prune \
	-o -type f ! -name next-env.d.ts -print)
JS_PROJECTS := $(wildcard package.json package-lock.json .npmrc biome.json js/*.json js/*.ts js/*.js js/*.mjs web/*.json web/*.ts web/*.js web/*.mjs)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo docs test test-python test-js soak check check-python check-js check-generated bench screenshots coverage generated format lock clean

help:
	@echo 'make setup      install all development tools into .venv and node_modules'
	@echo 'make demo       run the example job to watch in the browser (ARGS="DIR --exit")'
	@echo 'make docs       build the documentation site in site/'
	@echo 'make test       run all tests (ARGS is passed to pytest)'
	@echo 'make check      check style, types, layers, generated files and links'
	@echo 'make soak       run the long forms of the fault tests, which takes an hour'
	@echo 'make coverage   run the tests and report line and branch coverage'
	@echo 'make bench      run the benchmarks, including other projects'
	@echo 'make screenshots  take the screenshots in docs/screenshots'
	@echo 'make generated  generate js/src/contract.ts, web/src/admin/api/types.ts and docs/reference/cli.md'
	@echo 'make format     format the code in both languages, with sorted imports'
	@echo 'make lock       update constraints.txt and package-lock.json'
	@echo 'make clean      remove everything built and installed'

# --- set-up ---------------------------------------------------------------------------------

setup: .make/python .make/web .make/examples .make/typescript-reference .make/test-programs

.make:
	@mkdir -p $@

.make/programs: scripts/install-system-packages scripts/check-versions | .make
	PYTHON=$(PYTHON) scripts/install-system-packages python3-venv nodejs
	PYTHON=$(PYTHON) scripts/check-versions
	@touch $@

.make/test-programs: scripts/install-system-packages | .make
	PYTHON=$(PYTHON) scripts/install-system-packages chromium redis-server
	@touch $@

.make/python: pyproject.toml constraints.txt .make/programs
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --build-constraint constraints.txt \
		--editable '.[all]' --group dev
	@touch $@

.make/node: package.json package-lock.json js/package.json web/package.json tests/react-18/package.json \
		$(EXAMPLES:%=%/package.json) .make/programs
	npm ci --no-audit --no-fund
	@touch $@

.make/web: .make/node $(JS_SOURCES) $(JS_PROJECTS)
	npm run build -w js -w web
	@touch $@

.make/examples: .make/node $(filter js/%,$(JS_SOURCES)) $(EXAMPLE_SOURCES) | .make/web
	npm run build $(EXAMPLES:%=-w %)
	@touch $@

.make/typescript-reference: .make/node $(filter js/%,$(JS_SOURCES)) js/package.json js/typedoc.json
	npm run docs:api -w js
	@touch $@

# --- targets ----------------------------------------------------------------------------------

demo: .make/python .make/web
	$(BIN)/longwire demo $(ARGS)

# Strict: a broken link or a name that the reference cannot find fails the build.
docs: .make/python .make/typescript-reference
	$(BIN)/zensical build --clean --strict

test: test-js test-python

test-python: setup
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

test-js: setup
	npm test

soak: setup
	$(BIN)/python -m pytest -m soak tests/faults $(ARGS)

check: check-python check-js check-generated docs
	$(BIN)/python scripts/check-language
	$(BIN)/python scripts/measure-code

check-python: .make/python
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright

check-js: .make/web
	npm run check

check-generated: .make/python .make/web
	$(BIN)/longwire types | diff - js/src/contract.ts
	$(BIN)/python scripts/write-cli-reference --check
	$(BIN)/python scripts/write-admin-types --check
	! grep -nE '"resolved": *"[a-z+]+:' package-lock.json

# The core does no I/O, so tests can reach all of its branches. The rest may leave out branches that
# only a broken machine reaches.
CORE := src/longwire/types.py,src/longwire/reasons.py,src/longwire/errors.py,src/longwire/record.py,src/longwire/wire.py,$\
	src/longwire/connection/*,src/longwire/prepared.py,$\
	src/longwire/engineio/*,src/longwire/socketio/*,src/longwire/websocket/*,src/longwire/schema/*,src/longwire/log/*

coverage: setup
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --include '$(CORE)' --fail-under 100
	$(BIN)/coverage report --omit '$(CORE)' --fail-under 92

bench: setup
	$(BIN)/python -m benchmarks $(ARGS)
	$(BIN)/python -m benchmarks.storm
	$(BIN)/python -m benchmarks.stalled
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.admin

screenshots: setup
	$(BIN)/python -m pytest tests/browser/screenshots.py

generated: .make/python
	$(BIN)/longwire types --out js/src/contract.ts
	$(BIN)/python scripts/write-cli-reference
	$(BIN)/python scripts/write-admin-types

format: .make/python .make/node
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	npm run format

lock:
	PYTHON=$(PYTHON) scripts/lock-python
	npm update --package-lock-only

clean:
	rm -rf .make .venv .cache site docs/reference/typescript node_modules js/node_modules web/node_modules tests/react-18/node_modules js/dist web/dist src/longwire/web/static src/longwire/admin/static \
		$(EXAMPLES:%=%/node_modules) examples/nextjs/.next examples/vite-react/dist
