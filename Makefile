# All targets need only make and Python 3.11 or newer. The stack targets also need Go 1.26 or newer.
# PYTHON=/path/to/python3 sets the interpreter, WORKERS=n the number of test processes.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
.DELETE_ON_ERROR:

VENV := .venv
OLDEST := .venv-oldest
PY := $(VENV)/bin/python
BIN := $(VENV)/bin
WORKERS ?= 2

export PYTHON
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PRE_COMMIT_HOME ?= $(CURDIR)/.cache/pre-commit
ifeq ($(CI),true)
export NO_COLOR := 1
export PIP_NO_INPUT := 1
endif

# Tests of `make test`: those that need only Python.
SUITES := $(wildcard tests/unit tests/integration tests/architecture tests/typing tests/packaging tests/docs tests/monitoring \
	tests/stack/test_configuration.py)
PYTEST := $(PY) -m pytest
MAKE_VENV := scripts/python.sh scripts/environment.py

BASE := $(VENV)/.made-base
DEMO := $(VENV)/.made-demo
DEV := $(VENV)/.made-dev
STACK := $(VENV)/.made-monitoring
DOCS := $(VENV)/.made-docs

$(BASE) $(DEMO) $(DEV) $(DOCS) $(STACK): $(VENV)/.made-%: pyproject.toml constraints.txt
	@$(MAKE_VENV) $(VENV) --extra $* --constraints constraints.txt

$(OLDEST)/.made-test: pyproject.toml constraints-oldest.txt
	@$(MAKE_VENV) $(OLDEST) --extra test --constraints constraints-oldest.txt

##@ Demo

.PHONY: demo
demo: $(DEMO)  ## run a shop of four processes, and show its traces, logs and metrics
	@$(PY) -m examples.shop

##@ Test

.PHONY: test
test: $(DEV)  ## all tests that need only Python, with the coverage gate
	@rm -rf .cache/coverage && mkdir -p .cache/coverage
	@tests=0; $(PY) -m coverage run -m pytest -n $(WORKERS) --dist worksteal $(SUITES) || tests=$$?; \
	$(PY) -m coverage combine --quiet && $(PY) -m coverage report && exit $$tests

.PHONY: test-unit
test-unit: $(DEV)  ## unit tests, without coverage
	@$(PYTEST) -n $(WORKERS) tests/unit

.PHONY: test-integration
test-integration: $(DEV)  ## tests with real processes and sockets on loopback
	@$(PYTEST) -n $(WORKERS) --dist worksteal tests/integration

.PHONY: test-fast
test-fast: $(DEV)  ## unit and architecture tests, up to the first failure
	@$(PYTEST) -n $(WORKERS) -q -x tests/unit tests/architecture

.PHONY: test-oldest
test-oldest: $(OLDEST)/.made-test  ## unit and integration tests on the oldest supported OpenTelemetry SDK
	@$(OLDEST)/bin/python -m pytest -n $(WORKERS) --dist worksteal -m "not newest_sdk and not any_sdk" \
		-o cache_dir=.cache/pytest-oldest $(wildcard tests/unit tests/integration)

.PHONY: test-engine-sdk
test-engine-sdk: $(DEV)  ## unit and integration tests with the engine off (engine=sdk)
	@TEST_ENGINE=sdk $(PYTEST) -n $(WORKERS) --dist worksteal -m "not any_sdk and not lean_engine" -o cache_dir=.cache/pytest-engine-sdk \
		$(wildcard tests/unit tests/integration)

.PHONY: test-stack
test-stack: $(DEV)  ## tests against the running stack (make stack-up first)
	@FLEXT_STACK_REQUIRED=1 $(PYTEST) tests/stack

.PHONY: test-faults
test-faults: $(DEV)  ## bad collectors, kills, full disks: what was sent, received, spooled and dropped, and the sum
	@$(PYTEST) -n $(WORKERS) -rP tests/faults

.PHONY: test-faults-long
test-faults-long: $(DEV)  ## the same with 100 kills, an outage of a minute, and an hour under load
	@FAULT_ROUNDS=100 FAULT_OUTAGE_SECONDS=60 FAULT_SOAK_SECONDS=3600 $(PYTEST) --timeout=0 -n $(WORKERS) -rP tests/faults

.PHONY: test-stack-faults
test-stack-faults: $(DEV)  ## stop, kill and fill the parts of an own stack under load, and compare counts at both ends
	@FLEXT_STACK_REQUIRED=1 $(PYTEST) tests/stack/faults

.PHONY: test-scale
test-scale: $(DEV)  ## routers, samplers, Kafka and ingest as processes on loopback (make stack-install first)
	@$(PY) -m monitoring.scale.kafka install || echo "The tests with Kafka are skipped."
	@FLEXT_STACK_REQUIRED=1 $(PYTEST) -n $(WORKERS) --dist loadfile -rP tests/stack/scale

# GUARD_FACTOR=10 multiplies the random cases.
.PHONY: guards
guards: $(DEV)  ## compare the engine with the SDK on many random cases, and count them
	@$(PY) -m tests.guards

.PHONY: coverage-html
coverage-html: $(DEV)  ## HTML coverage report of the last run
	@test -e .cache/coverage/data || $(MAKE) --no-print-directory test
	@$(PY) -m coverage html --fail-under=0 --quiet
	@echo "Open .cache/coverage/html/index.html"

##@ Check

.PHONY: check
check: lint type-check architecture audit-pydantic-v2 security  ## all static checks

.PHONY: lint
lint: $(DEV)  ## ruff and import layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo --cache-dir .cache/import-linter

.PHONY: type-check
type-check: $(DEV)  ## strict mypy, strict pyright
	@$(BIN)/mypy
	@$(BIN)/pyright

.PHONY: architecture
architecture: $(DEV)  ## layers, module sizes, names, modules loaded by an import
	@$(PYTEST) -q tests/architecture

.PHONY: security
security: $(DEV)  ## bandit, and known vulnerabilities of pinned packages
	@$(BIN)/bandit --quiet --recursive --severity-level medium src  # ruff's S rules cover low severity
	@echo "bandit: passed"
	@$(PY) scripts/audit_dependencies.py constraints.txt

.PHONY: audit-pydantic-v2
audit-pydantic-v2: $(DEV)  ## no pydantic v1 idiom in src
	@$(PY) scripts/audit_pydantic.py src

.PHONY: validate
validate: observability-validate  ## another name of observability-validate

##@ Benchmarks

# CASES="G1 G8" limits the cases, BENCH="--rounds 11 --seconds 5" passes other options: see `python -m benchmarks run --help`.
.PHONY: bench
bench: $(DEV)  ## all goals on this Python, beside other libraries (some minutes)
	@$(PY) -m benchmarks run $(CASES) $(BENCH)

.PHONY: bench-quick
bench-quick: $(DEV)  ## run each benchmark once, without thresholds
	@$(PY) -m benchmarks quick $(CASES)

.PHONY: bench-paced
bench-paced: $(DEV)  ## 5 000, 20 000 and 40 000 spans a second for 60 s to the collector
	@$(PY) -m benchmarks paced $(BENCH)

.PHONY: bench-report
bench-report: $(DEV)  ## all goals on three Pythons, engine on and off, and docs/benchmarks.md
	@$(PY) -m benchmarks report $(BENCH)

##@ Documentation

# A warning, such as a broken link, fails the build.
.PHONY: docs
docs: $(DOCS)  ## build the documentation site in .cache/site
	@$(PY) scripts/documentation.py
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict
	@echo "Open .cache/site/index.html"

.PHONY: docs-serve
docs-serve: $(DOCS)  ## serve the site on http://127.0.0.1:8001, and rebuild it at each change
	@$(PY) scripts/documentation.py
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs serve --no-strict --livereload --dev-addr 127.0.0.1:8001

##@ Edit

.PHONY: format
format: $(DEV)  ## sort imports and format the code
	@$(BIN)/ruff check --quiet --select I --fix .
	@$(BIN)/ruff format .

.PHONY: fix
fix: $(DEV)  ## apply ruff's automatic fixes, then format
	@$(BIN)/ruff check --fix --exit-zero .
	@$(BIN)/ruff format .

.PHONY: changelog
changelog: $(DEV)  ## show the notes of the next release
	@$(BIN)/towncrier build --draft --version "$$($(PY) -c 'from importlib.metadata import version; print(version("flext-observability"))')"

.PHONY: constraints
constraints:  ## resolve and pin the newest and the oldest supported versions
	@scripts/python.sh scripts/constraints.py

##@ Install

.PHONY: setup
setup: install-dev  ## install-dev, then install the git hooks
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/pre-commit install; fi

.PHONY: install
install: $(BASE)  ## install the package in .venv
	@echo "$(VENV): flext-observability is installed"

.PHONY: install-dev
install-dev: $(DEV)  ## install the package and all tools in .venv
	@echo "$(VENV): flext-observability and all tools are installed"

.PHONY: build
build: $(DEV)  ## build the wheel and the source archive in dist/
	@rm -rf dist
	@$(PY) -m build --no-isolation --outdir dist .

.PHONY: clean
clean:  ## remove generated files except the environments
	@rm -rf .cache .hypothesis .run build dist htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
	@echo "Clean. To remove the environments as well: rm -rf $(VENV) $(OLDEST)"

##@ Monitoring stack, with Docker where it works, else natively; FLEXT_STACK_ENGINE=docker or native chooses
# Each command prints what it did and what to do next. ARGS='-x -vv' goes to pytest, WATCH=5 repeats health-monitor.

CONTROL := $(PY) -m monitoring.control

.PHONY: observability-init
observability-init: $(STACK)  ## make the secrets once, and check that this machine can run the stack
	@$(CONTROL) $@

.PHONY: test-rule-mutations
test-rule-mutations: $(STACK)  ## change each threshold of the alerts, and see a rule test fail
	@$(PY) -m monitoring.validation.rule_mutations

.PHONY: observability-validate
observability-validate: $(STACK)  ## check every configuration file with the program that reads it
	@$(CONTROL) $@ --args="$(ARGS)"

.PHONY: observability-test
observability-test: $(STACK)  ## load, then every query of every panel and rule against the real back ends
	@$(CONTROL) $@ --args="$(ARGS)"

.PHONY: monitoring-setup
monitoring-setup: $(STACK)  ## fetch or build all parts, start them, and wait until they are healthy
	@$(CONTROL) $@

.PHONY: prometheus-start
prometheus-start: $(STACK)  ## start Prometheus
	@$(CONTROL) $@

.PHONY: dashboards
dashboards: $(STACK)  ## write the dashboards of Grafana from monitoring/dashboards
	@$(PY) -m monitoring.dashboards write

.PHONY: grafana-setup
grafana-setup: $(STACK)  ## start Grafana with data sources and dashboards, or prepare its files
	@$(CONTROL) $@

.PHONY: jaeger-start
jaeger-start: $(STACK)  ## start Jaeger
	@$(CONTROL) $@

.PHONY: alertmanager-config
alertmanager-config: $(STACK)  ## check the file of Alertmanager, apply it, and show routes and receivers
	@$(CONTROL) $@

.PHONY: metrics-collect
metrics-collect: $(STACK)  ## show the scrape targets, send a measurement and read it back
	@$(CONTROL) $@

.PHONY: traces-start
traces-start: $(STACK)  ## start collector and Jaeger, send a trace and read it back
	@$(CONTROL) $@

.PHONY: alerts-configure
alerts-configure: $(STACK)  ## check the alert rules, apply them, and show their states
	@$(CONTROL) $@

.PHONY: health-monitor
health-monitor: $(STACK)  ## health and latency of each part, and active alerts; exit code 1 if a part is down
	@$(CONTROL) $@ $(if $(WATCH),--watch="$(WATCH)")

# With a running stack they leave it running; else they start it before and stop it after.
STACK_TESTS := test-observability test-monitoring test-metrics-e2e test-tracing-distributed test-alerts-integration \
	test-health-monitoring
.PHONY: $(STACK_TESTS)
test-observability: $(DEV)  ## all tests against the running stack
test-monitoring: $(DEV)  ## configuration, runner and commands of the stack, and an outage
test-metrics-e2e: $(DEV)  ## metrics from a program to Prometheus
test-tracing-distributed: $(DEV)  ## traces of several processes in Jaeger
test-alerts-integration: $(DEV)  ## alerts from rule or program to Alertmanager and its receiver
test-health-monitoring: $(DEV)  ## health checks, probes and the health of the stack
$(STACK_TESTS):
	@$(CONTROL) $@ --args="$(ARGS)"

##@ Monitoring stack without Docker

.PHONY: stack-install
stack-install: $(STACK)  ## build collector, Jaeger, Prometheus, VictoriaLogs, Alertmanager, Pushgateway
	@$(PY) -m monitoring.native install

.PHONY: stack-up
stack-up: $(STACK)  ## start the stack on loopback, and wait until it is healthy
	@$(CONTROL) $@

.PHONY: stack-status
stack-status: $(STACK)  ## show each part with its state and address
	@$(PY) -m monitoring.native status

.PHONY: stack-down
stack-down: $(STACK)  ## stop the stack; data stays
	@$(CONTROL) $@

##@ Help

.PHONY: help
help:  ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z0-9-]+:.*## / { printf "  make %-25s %s\n", $$1, $$2 }' Makefile
	@echo
