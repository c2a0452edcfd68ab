PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ES9    := .venv-es9/.ready
PAGE   := console/node_modules/.ready
ARGS   ?=
# One process a core; tests of one file share their engine.
PARALLEL := -n auto --dist loadfile

.PHONY: help demo test test-unit test-contract test-browser chromium screenshots test-kube test-e2e fuzz chaos judge judge-prune rest-suite lint generate bench clean

help:  ## these lines
	@awk -F ':.*  ## ' '/^[a-z0-9-]+:.*  ## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "Each installs what it needs into $(VENV); ARGS=... goes to the command behind it."

$(READY): pyproject.toml
	@echo "installing anomalyops and what it needs into $(VENV) (once, a minute or two)" >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' >&2
	@touch $@

# Version 9 of the official client, for the contract tests: it cannot share an environment with version 8.
$(ES9): tests/contract/requirements-es9.txt
	@echo "installing version 9 of the official client into .venv-es9 (once)" >&2
	@test -x .venv-es9/bin/python || $(PYTHON) -m venv .venv-es9
	@.venv-es9/bin/python -m pip install --quiet --disable-pip-version-check -r $< >&2
	@touch $@

demo: $(READY)  ## the product on sample data
	@$(BIN)/anomalyops demo $(ARGS)

# Where there is no Node, or no way to its packages, the page stands as it was built; a user needs none.
$(PAGE): console/package.json console/package-lock.json
	@{ command -v npm >/dev/null && echo "installing what the console is built with into console/node_modules (once)" >&2 \
	    && cd console && npm ci --no-audit --no-fund --silent >&2 && touch node_modules/.ready; } \
	    || echo "console/node_modules is not installed: the console's own tests are skipped, and it cannot be built" >&2

# Debian's Chromium where it may be installed; else the tests that need a browser say that they are skipped.
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	    && echo "installing Chromium (once)" >&2 && apt-get update -qq >&2 \
	    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2; } \
	    || echo "Chromium is not installed: tests in a browser are skipped" >&2

test: test-unit test-contract test-browser  ## all tests
	$(BIN)/python -m pytest tests/kube tests/e2e $(ARGS)

test-unit: $(READY)  ## units alone
	$(BIN)/python -m pytest tests/unit $(PARALLEL) $(ARGS)

test-contract: $(READY) $(ES9)  ## the REST dialect, through the official clients
	$(BIN)/python -m pytest tests/contract $(PARALLEL) $(ARGS)

test-browser: $(READY) $(PAGE) chromium  ## the console, in a real browser
	$(BIN)/python -m pytest tests/browser $(ARGS)

screenshots: $(READY) $(PAGE) chromium  ## the pictures of docs/console.md and docs/tutorial.md
	SCREENSHOTS=docs/images/console $(BIN)/python -m pytest tests/browser -k "tutorial or listed or every_side or series_of_a_job or worst_is_first or population_is_drawn or fields_of_one or step_by_step or compared" $(ARGS)

test-kube: $(READY)  ## the operator on a real kube-apiserver
	$(BIN)/python -m pytest tests/kube $(ARGS)

test-e2e: $(READY)  ## the chart on kind, where Docker is
	$(BIN)/python -m pytest tests/e2e $(ARGS)

fuzz: $(READY)  ## every law, long
	$(BIN)/python -m pytest tests/unit -m hypothesis --hypothesis-profile thorough --timeout 7200 $(PARALLEL) $(ARGS)
	$(BIN)/python -m pytest tests/contract -m hypothesis --hypothesis-profile thorough --timeout 7200 $(PARALLEL) $(ARGS)
	$(BIN)/python -m pytest tests/contract/test_catalog.py --hypothesis-profile thorough $(PARALLEL) $(ARGS)

chaos: $(READY)  ## ten minutes of everything at once on a real kube-apiserver
	PYTHONPATH=tests:tests/kube $(BIN)/python -m chaos $(ARGS)

# The engine held against Elasticsearch's own server core; needs Java 21 and Maven, else it is skipped and says so.
judge: $(READY)  ## the engine held against Elasticsearch
	PYTHONPATH=tests $(BIN)/python -m judge $(ARGS)

# Elasticsearch's own REST tests; needs Maven to fetch them, else it is skipped and says so.
rest-suite: $(READY)  ## Elasticsearch's REST tests against the engine
	PYTHONPATH=tests $(BIN)/python -m rest_suite $(ARGS)

# Take off the list of known differences what the engine answers as Elasticsearch does now.
judge-prune: $(READY)  ## known differences that are none any more
	PYTHONPATH=tests $(BIN)/python -m judge.record --prune $(ARGS)

lint: $(READY)  ## ruff, mypy --strict, import contracts, the patience of tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=operator $(BIN)/lint-imports
	$(BIN)/python -m pytest -q -p no:cacheprovider tests/unit/test_patience.py

generate: $(READY) $(PAGE)  ## what is derived from the models, and the console's page
	$(BIN)/anomalyops crds --output-dir crds --reference docs/reference.md --rights . --argocd manifests/argocd --chart charts/anomalyops --catalog console/src/shape/wizard/catalog.json
	PYTHONPATH=tests $(BIN)/python -m judge.differences
	cd console && npm run --silent check && npm run --silent build

bench: $(READY)  ## measurements
	PYTHONPATH=tests:tests/kube $(BIN)/python -m benchmarks $(ARGS)

clean:  ## forget what was installed
	rm -rf $(VENV) .venv-es9 .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
