PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# With the stamp file, pip runs again only when the requirements have changed.
$(VENV)/.installed: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tinypics needs Python 3.11 or later; this is " + sys.version.split()[0])'
	@echo "Installing $$(grep -c '==' requirements-dev.txt) packages into $(VENV), only this once: half a minute to two minutes."
	@# An interrupted venv has a python without pip.
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@# uv takes a fraction of pip's time and shows its progress. It reads no pip.conf, so pip is the second way.
	@awk '/^uv==/, !/\\$$/' requirements-dev.txt >$(VENV)/uv.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $(VENV)/uv.txt
	@# System certificates: behind a company's proxy uv's own would not do.
	$(BIN)/uv pip install --system-certs --python $(BIN)/python --require-hashes --requirement requirements-dev.txt || \
		$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Compiles the native module again when its sources change; the editable install above has compiled it first.
$(VENV)/.native: $(VENV)/.installed $(wildcard src/native/*.[ch]) src/native/build.py
	@$(BIN)/python src/native/build.py src/tinypics
	@touch $@

.PHONY: setup
setup: $(VENV)/.native ## Make .venv with everything that the other targets need

.PHONY: up
up: setup ## Start the emulator, deploy the stack into it, follow its logs; PORT, DATA, PARAMETERS="A=1 B=2", FORGET=1
	@$(BIN)/tinypics up $(if $(PORT),--port $(PORT)) $(if $(DATA),--data "$(DATA)") \
		$(foreach each,$(PARAMETERS),--parameter "$(each)") $(if $(FORGET),--forget)

.PHONY: lint
lint: setup ## Ruff, mypy and cfn-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory $(VENV)/.linted

# With the stamp file, cfn-lint runs again only when a template has changed.
TEMPLATES := template.yaml monitoring.yaml cdn.yaml
$(VENV)/.linted: $(TEMPLATES) $(VENV)/.installed
	$(BIN)/cfn-lint $(TEMPLATES)
	@touch $@

# The linters print only if they fail, because pytest prints at the same time.
.PHONY: quiet-lint
quiet-lint: setup
	@said=$$($(MAKE) --no-print-directory lint 2>&1) || { echo "$$said" >&2; exit 1; }

# Tests call make themselves. MAKEFLAGS would point those calls to this make's job server.
# Without cached bytecode, each worker and each run would compile all tests again.
# Files in the order of tests/conftest.py: pytest-xdist would put those with few tests last, which take longest.
PYTEST := MAKEFLAGS= PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --dist loadfile --no-loadscope-reorder

# Without the folders that have no unit tests, which would take seconds to import.
.PHONY: unit
unit: setup
	$(PYTEST) --numprocesses 2 $(addprefix --ignore tests/,bench browser e2e runtime) -m "not e2e and not release and not process and not exhaustive and not long"

.PHONY: check
check: setup ## Linters and unit tests in parallel, one to two minutes
	@$(MAKE) --no-print-directory --jobs 2 quiet-lint unit

# Twice as many workers as the processors of a small machine, because half of the time is waiting for emulators.
.PHONY: tests
tests: setup
	$(PYTEST) --numprocesses 4 -m "not release and not long" --cov --cov-report=term

.PHONY: test
test: setup ## Linters and all tests of the code, end to end included
	@$(MAKE) --no-print-directory --jobs 2 quiet-lint tests

.PHONY: release-check
release-check: setup ## Tests of the packages, the artifact, the native module, the site, the examples and the benchmark
	$(PYTEST) --numprocesses 2 -m release

BUILD := build
MAX_MB := 60
VERSION := $(shell sed -n 's/^VERSION := //p' src/Makefile)# Lambda's Python

.PHONY: artifact
artifact: artifact-arm64 artifact-x86_64 ## Build the deployable folders build/lambda-arm64 and build/lambda-x86_64

.PHONY: artifact-arm64 artifact-x86_64 artifact-native
artifact-arm64 artifact-x86_64: compiler
artifact-arm64 artifact-x86_64: export ZIG_FOLDER ?= $(abspath $(BUILD))/zig
artifact-arm64 artifact-x86_64 artifact-native: artifact-%: setup
	rm -rf $(BUILD)/lambda-$*
	mkdir -p $(BUILD)/lambda-$*
	$(MAKE) --no-print-directory -C src build-ResizeFunction ARCH=$* PYTHON=$(CURDIR)/$(BIN)/python ARTIFACTS_DIR=$(abspath $(BUILD))/lambda-$* QUIET=--quiet INSTALL_COMPILER=
	@mb=$$(du -sm --apparent-size $(BUILD)/lambda-$* | cut -f1); echo "$(BUILD)/lambda-$*: $$mb MB unpacked"; \
	test $$mb -le $(MAX_MB) || { echo "expected at most $(MAX_MB) MB" >&2; exit 1; }

# Unpacks Debian's packages into a folder instead of installing them, which would need root.
ARM64 := $(BUILD)/python$(VERSION)-arm64
$(ARM64)/.fetched: tests/arm64/debian.py | setup
	@$(BIN)/python -m tests.arm64.debian $(ARM64) $(VERSION)
	@touch $@

.PHONY: artifact-check
artifact-check: setup $(ARM64)/.fetched artifact-arm64 ## Run build/lambda-arm64 under qemu-user: convert a picture of each format into each
	@# Without a CPython of that version on this machine, the emulated one compiles.
	@find $(BUILD)/lambda-arm64 -name '*.pyc' | grep -q . || \
		COMPILER=$(abspath $(ARM64))/python $(BIN)/python src/bytecode.py --version $(VERSION) $(BUILD)/lambda-arm64
	$(BIN)/python -m tests.arm64.check $(BUILD)/lambda-arm64 $(ARM64)/python

# Runs before both folders are built, so that a missing compiler is reported, or downloaded, only once.
.PHONY: compiler
compiler: setup
	@$(MAKE) --no-print-directory -C src compiler PYTHON=$(CURDIR)/$(BIN)/python

# Peers that cannot be installed are left out of the tables.
$(BUILD)/bench/.installed: bench/node/package-lock.json bench/requirements.txt
	mkdir -p $(BUILD)/bench/node && cp bench/node/package.json bench/node/package-lock.json $(BUILD)/bench/node
	-npm ci --prefix $(BUILD)/bench/node --ignore-scripts --no-audit --no-fund --silent
	-$(PYTHON) -m venv $(BUILD)/bench/venv && $(BUILD)/bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement bench/requirements.txt
	@touch $@

.PHONY: bench
bench: setup $(BUILD)/bench/.installed ## Measure Tinypics and its peers at the same resizes; writes bench/README.md
	$(BIN)/python -m bench.run
	$(BIN)/python -m bench.serve --save
	$(BIN)/python -m bench.backfill --save

# The archives are dated by the last commit, so that the same sources give the same bytes on every machine.
.PHONY: dist
dist: export ZIG_FOLDER ?= $(abspath $(BUILD))/zig
dist: setup ## Build the sdist and the wheels (pure, and for each processor) into build/dist, twice, and compare
	rm -rf $(BUILD)/dist $(BUILD)/again
	export SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)}; \
		for folder in dist again; do for native in 0 x86_64 arm64; do \
			TINYPICS_NATIVE=$$native $(BIN)/hatchling build -d $(BUILD)/$$folder >$(BUILD)/said 2>&1 || { cat $(BUILD)/said >&2; exit 1; }; \
		done; done
	@diff -r $(BUILD)/dist $(BUILD)/again && rm -rf $(BUILD)/again && cd $(BUILD)/dist && sha256sum *

.PHONY: release
release: dist artifact sbom docs ## Gather wheel, sdist, both artifacts and SBOM in build/release, and print what to publish where
	@$(BIN)/python -m release.gather $(BUILD)

.PHONY: notes
notes: ## Print the newest notes of CHANGELOG.md, for a release
	@awk '/^## /{part++} part == 1' CHANGELOG.md

.PHONY: pages
pages: setup ## Write the generated parts of the pages (tables of formats, names, errors, costs) and of cdn.yaml with cog
	$(BIN)/python -m cogapp -r -I . -n utf-8 $$(grep -lF '[[[cog' docs/*.md cdn.yaml)

.PHONY: docs
docs: setup ## Build the site of these pages into build/site; fails on a broken link or a warning
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "$(BUILD)/site/index.html"

# These tools are large (checkov alone is 290 MB) and pin other versions than ours, so each has its own environment.
$(BUILD)/audit/%/.installed: audit/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

$(BUILD)/audit/node/.installed: audit/package.json audit/package-lock.json
	@command -v npm >/dev/null || { echo "make audit: expected npm (it comes with Node.js) for AWS's asl-validator, got none on the path" >&2; exit 1; }
	mkdir -p $(@D) && cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

SUPPLY := $(BUILD)/audit/supply/bin

.PHONY: audit
audit: setup $(BUILD)/audit/node/.installed $(BUILD)/audit/policies/.installed $(BUILD)/audit/supply/.installed ## Validate the workflows, check the templates' policies, look up known vulnerabilities of the dependencies
	$(BUILD)/audit/node/node_modules/.bin/asl-validator --json-path step-function-definition.json --json-path backfill-definition.json
	for name in template monitoring cdn; do $(BIN)/python audit/everything_on.py $$name.yaml >$(BUILD)/audit/$$name.json || exit 1; done
	$(BUILD)/audit/policies/bin/checkov --config-file audit/checkov.yaml
	@$(SUPPLY)/pip-audit --vulnerability-service osv --disable-pip --require-hashes --requirement src/requirements.txt \
		--progress-spinner off 2>$(BUILD)/audit/said && cat $(BUILD)/audit/said || { \
		grep -q "ConnectionError\|ConnectTimeout" $(BUILD)/audit/said || { cat $(BUILD)/audit/said >&2; exit 1; }; \
		echo "Known vulnerabilities: not checked, because the advisory service (osv.dev) cannot be reached from here."; }

.PHONY: sbom
sbom: $(BUILD)/audit/supply/.installed ## Write build/sbom.json: the function's dependencies, in CycloneDX
	@PYTHONWARNINGS=ignore $(SUPPLY)/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml --output-file $(BUILD)/sbom.json src/requirements.txt
	@echo "$(BUILD)/sbom.json: $$(grep -c '"purl"' $(BUILD)/sbom.json) components"

.PHONY: screenshots
screenshots: setup ## Renew the picture of README.md and the screenshots of docs/console.md; needs Chromium
	$(BIN)/python -m docs.result
	$(BIN)/python -m docs.console

MINUTES ?= 5

.PHONY: fuzz
fuzz: setup ## Feed broken pictures to the core for MINUTES (5)
	$(BIN)/python tests/fuzz/fuzz_resize.py --minutes $(MINUTES)

.PHONY: fuzz-native
fuzz-native: setup ## Feed random input to the native kernels under sanitizers, for MINUTES (5) each; needs gcc or clang
	$(BIN)/python tests/fuzz/fuzz_native.py --minutes $(MINUTES)

# Azurite, Azure's emulator; only soak needs it.
$(BUILD)/azurite/.installed: tests/e2e/azurite/package.json tests/e2e/azurite/package-lock.json
	@command -v npm >/dev/null || { echo "make soak: expected npm (it comes with Node.js) for Azurite, got none on the path" >&2; exit 1; }
	mkdir -p $(@D) && cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

.PHONY: soak
soak: setup $(BUILD)/azurite/.installed ## Uploads, overwrites and deletes in random schedules, each setup for MINUTES (5), and through the emulator with injected faults; a backfill on Azure's emulator; 2,000 requests for addresses
	$(BIN)/pytest --numprocesses 2 -m long
	$(BIN)/python -m tests.delivery.schedules --count 1000000 --minutes $(MINUTES) --seed $$(date +%s)
	$(BIN)/python tests/e2e/soak.py
	$(BIN)/python tests/e2e/serve_load.py

.PHONY: format
format: setup ## Fix and format with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Keep extras in the lock: pip before 23.3 resolves `coverage[toml]` itself, takes the newest version, and then has no hash for it.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url

.PHONY: lock
lock: setup ## Pin all dependencies again from pyproject.toml
	$(LOCK) --extra local --group dev pyproject.toml --output-file requirements-dev.txt
	$(LOCK) --group function --output-file src/requirements.txt
	for group in policies supply; do $(LOCK) --group $$group --output-file audit/$$group.txt; done
	$(LOCK) --group zig --output-file src/native/zig.txt
