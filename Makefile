# Every target sets up what it needs. `make` alone lists them.
#   make PYTHON=python3.12 VENV=/tmp/venv test      another interpreter, another environment
#   make PYTEST_ARGS="-m 'not slow'" test           only the fast tests
#   make TF_STYLE_VGG19_WEIGHTS=FILE bench          the VGG-19 that benchmarks and some tests need
#   make PIP_ARGS="--extra-index-url URL" setup     arguments for pip

PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
PYTEST_ARGS ?=
export TF_STYLE_VGG19_WEIGHTS

BIN := $(VENV)/bin
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS)
DEV := $(VENV)/.installed-dev
BENCH := $(VENV)/.installed-bench
# One more than there are cores, because many tests wait for processes of their own.
PROCESSES = $$(($$(getconf _NPROCESSORS_ONLN) + 1))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: setup demo test lint bench wheel clean help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(DEV) ## create the environment (.venv) with all that development needs
	@echo "Ready: $(BIN)/tf-style --help"

$(BIN)/python:
	@echo "Creating the environment $(VENV) ..."
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("tf-style needs Python 3.10 or newer, but this is " + sys.version.split()[0] + ". Use another one: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip

$(DEV): setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing tf-style and its requirements into $(VENV) (TensorFlow is large: this takes minutes) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@

$(BENCH): $(DEV)
	@echo "Installing PyTorch, the peer of the benchmarks, into $(VENV) ..."
	@$(PIP) --editable '.[dev,bench]'
	@touch $@

demo: $(DEV) ## paint a lighthouse in the style of The Starry Night, in one pass and by optimisation
	@$(BIN)/tf-style stylize --preset=instant --content=examples/pictures/lighthouse.jpg \
		--style=examples/pictures/starry_night.jpg --output=demo_instant.png
	@echo "In one pass: $(CURDIR)/demo_instant.png. Now by optimisation:"
	@$(BIN)/tf-style stylize --content=examples/pictures/lighthouse.jpg --style=examples/pictures/starry_night.jpg \
		--output=demo.png --figure=demo_figure.png
	@echo "The picture: $(CURDIR)/demo.png"
	@echo "Content, style, result and losses side by side: $(CURDIR)/demo_figure.png"

test: $(DEV) ## run all tests
	@$(BIN)/python -m pytest --numprocesses=$(PROCESSES) --maxprocesses=4 --dist=loadfile $(PYTEST_ARGS)

lint: $(DEV) ## check style (ruff) and types (mypy)
	@$(BIN)/ruff check .
	@$(BIN)/mypy tf_style

bench: $(BENCH) ## measure anew what needs no other pictures or peers than PyTorch; the records go to benchmarks/
	@set -e; for name in run serving consistency film; do $(BIN)/python -m benchmarks.$$name; done

wheel: $(DEV) ## build the wheel into dist/
	@rm -rf build
	@$(BIN)/python -m build --wheel --outdir dist .

clean: ## remove build products and caches (to remove the environment: rm -r .venv)
	@rm -rf build dist tf_style.egg-info .pytest_cache .mypy_cache .ruff_cache demo.png demo_instant.png demo_figure.png
	@find . -path './.?*' -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
