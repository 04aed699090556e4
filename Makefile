# `make help` lists what there is. Every target makes the virtual environment that it needs.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := test/javascript test/browser
CODE := fedn test docs setup.py

# For tests of containers, of hosts in network namespaces, of the units for systemd, and of the pages in a browser.
TOOLS := dockerd docker-compose debootstrap ip nft systemd-analyze chromium
PACKAGES := docker.io docker-compose debootstrap iproute2 nftables systemd chromium fonts-dejavu-core

.PHONY: help sandbox system test lint check bench docs screenshots proto clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.sandbox: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[sandbox]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.sandbox

sandbox: $(VENV)/.sandbox ## Install, then run a whole federation on this machine (ARGS="--rounds 5 --exit")
	$(BIN)/fedn sandbox $(ARGS)

$(NODE:=/node_modules): %/node_modules: %/package.json
	@command -v npm > /dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; }
	npm --prefix $* install --silent
	@touch $@

system: ## Install the system packages that tests need, as root; without them, tests are skipped
	@missing=; for tool in $(TOOLS); do PATH="$$PATH:/usr/sbin:/sbin" command -v $$tool > /dev/null || missing=1; done; \
	test -z "$$missing" || test "$$(id -u)" != 0 || ! command -v apt-get > /dev/null || \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES); }

test: system $(VENV)/.dev $(NODE:=/node_modules) ## Install what the tests need, then run them all
	$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

lint: $(VENV)/.dev ## Style, types
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy

check: lint test ## All that must hold before a commit: style, types, tests (generated code, import rules, docs among them)

bench: $(VENV)/.dev ## Measure the speed, side by side with the limits of this machine
	$(BIN)/python test/bench/rounds.py
	$(BIN)/python test/bench/aggregate.py

docs: $(VENV)/.dev ## Write the generated pages of docs/ anew
	$(BIN)/python docs/generate.py

screenshots: system $(VENV)/.dev ## Take the screenshots of docs/images anew
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python docs/screenshots.py

proto: $(VENV)/.dev ## Write fedn/proto anew from proto/fedn.proto
	$(BIN)/python -m grpc_tools.protoc -Ifedn/proto=proto --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
		--python_out=. --pyi_out=. --grpc_python_out=. --mypy_grpc_out=. fedn/proto/fedn.proto

clean: ## Remove what the other targets made
	rm -rf $(VENV) $(NODE:=/node_modules) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
