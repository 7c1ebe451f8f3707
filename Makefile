# Two commands: `make demo` and `make test`. Both make .venv first; neither needs root.
PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3.14 python3 2>/dev/null))
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test check venv clean

demo: venv
	@$(BIN)/python examples/demo.py

test: check

check: venv
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@MYPYPATH=tests $(BIN)/mypy --explicit-package-bases tests
	@MYPYPATH=examples/render $(BIN)/mypy examples benchmarks
	@OMP_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1 $(BIN)/pytest -n logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder

venv: $(STAMP)

# The link lets type checkers and tests find the package `sightline`, which is this very folder.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Sightline needs Python 3.11 or later; found $$($(PYTHON) -V 2>/dev/null || echo none that runs) at '$(PYTHON)'. Try: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Installing into .venv (a few minutes the first time)"
	@$(PYTHON) -m venv .venv || { echo "Python could not make .venv: install its venv module (Debian: python3-venv) and try again."; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' || \
	  { echo "The install failed; the lines above say why. Is the package index reachable?"; exit 1; }
	@ln -sfn "$(CURDIR)" "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/sightline"
	@touch $(STAMP)

clean:
	@rm -rf .venv build *.egg-info
