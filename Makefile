# `make demo`, `make test`, `make lint`, `make generate`, `make bench`: each installs what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
ES9    := .venv-es9/.ready
ARGS   ?=
# One process a core; tests of one file share their engine.
PARALLEL := -n auto --dist loadfile

.PHONY: demo test test-unit test-contract test-kube test-e2e fuzz lint generate bench clean

$(READY): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' >&2
	@touch $@

# Version 9 of the official client, for the contract tests: it cannot share an environment with version 8.
$(ES9): tests/contract/requirements-es9.txt
	@test -x .venv-es9/bin/python || $(PYTHON) -m venv .venv-es9
	@.venv-es9/bin/python -m pip install --quiet --disable-pip-version-check -r $< >&2
	@touch $@

demo: $(READY)
	@$(BIN)/anomalyops demo $(ARGS)

test: test-unit test-contract
	$(BIN)/python -m pytest tests/kube tests/e2e $(ARGS)

test-unit: $(READY)
	$(BIN)/python -m pytest tests/unit $(PARALLEL) $(ARGS)

test-contract: $(READY) $(ES9)
	$(BIN)/python -m pytest tests/contract $(PARALLEL) $(ARGS)

test-kube: $(READY)
	$(BIN)/python -m pytest tests/kube $(ARGS)

test-e2e: $(READY)
	$(BIN)/python -m pytest tests/e2e $(ARGS)

# Every law over generated cases, forty times as long as among the unit tests.
fuzz: $(READY)
	$(BIN)/python -m pytest tests/unit -m fuzz --hypothesis-profile thorough --timeout 7200 $(PARALLEL) $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=operator $(BIN)/lint-imports

generate: $(READY)
	$(BIN)/anomalyops crds --output-dir crds --reference docs/reference.md

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .venv-es9 .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
