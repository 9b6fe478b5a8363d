# The commands of kk99fix.  Each does all of its own set-up and is quick the second time.

PYTHON ?= python3
FUZZ_SECONDS ?= 60

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.built
EXTENSION_SOURCES := $(wildcard matcher_c/src/*.[ch] matcher_c/include/*.h matcher_c/io/*.[ch] \
                                kk99fix/matcher/build_*.py kk99fix/matcher/declarations.py)
INSTALL_SOURCES := pyproject.toml setup.py
# Of the rooms that call into C; the others' tests reach it through these rooms alone.
ASAN_TESTS := $(addprefix tests/,acceptance durability gateway journal keeper matcher projection \
                                simulation state venue)
PYTHON_FOLDERS := kk99fix tests $(wildcard bench) setup.py

ASAN_BUILD := build/asan
ASAN_PYTHON = PYTHONPATH=$(ASAN_BUILD) PYTHONSAFEPATH=1 PYTHONMALLOC=malloc \
              PYTHONDONTWRITEBYTECODE=1 ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
              LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)"

.DELETE_ON_ERROR:
.PHONY: help build run test lint bench asan fuzz clean tools

help:  ## what can be asked for
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

build: $(STAMP)  ## .venv with everything installed; then .venv/bin/kk99fix works

run: build  ## the gateway, with config/, sessions/ and var/ of this folder
	@exec $(BIN)/kk99fix serve

test: build  ## C tests and Python tests
	$(MAKE) -C matcher_c test
	$(BIN)/pytest

lint: build  ## formatting, lint, types, arrows between the rooms, for Python and C
	$(BIN)/ruff format --check $(PYTHON_FOLDERS)
	$(BIN)/ruff check $(PYTHON_FOLDERS)
	$(BIN)/mypy $(PYTHON_FOLDERS)
	$(BIN)/lint-imports --no-cache
	$(MAKE) -C matcher_c lint

bench: build  ## loopback and in-process benchmarks
	$(BIN)/python -m bench

asan: build  ## C tests, and Python tests of what calls into C, under ASan and UBSan
	$(MAKE) -C matcher_c asan
	rm -rf $(ASAN_BUILD)
	KK99_SANITIZE=1 $(BIN)/python setup.py -q build --build-base=$(ASAN_BUILD)/objects \
	    --build-lib=$(ASAN_BUILD)
	$(ASAN_PYTHON) $(BIN)/python -c \
	    'import kk99fix.matcher._core as core; assert "asan" in core.__file__, core.__file__'
	$(ASAN_PYTHON) KK99_SANITIZE=1 $(BIN)/pytest -p no:cacheprovider -m "not interop and not slow" \
	    -o "pythonpath=$(ASAN_BUILD) tests ." $(ASAN_TESTS)

fuzz: tools  ## libFuzzer on the core, for FUZZ_SECONDS (60)
	$(MAKE) -C matcher_c fuzz FUZZ_SECONDS=$(FUZZ_SECONDS)

clean:  ## remove what was built; var/ stays
	-$(MAKE) -C matcher_c clean
	rm -rf $(VENV) build *.egg-info kk99fix/matcher/_core.c kk99fix/matcher/_io.c kk99fix/matcher/_*.so

# Only C changed: rebuild the extensions alone.
$(STAMP): $(INSTALL_SOURCES) $(EXTENSION_SOURCES) | tools
	@$(if $(filter $(INSTALL_SOURCES),$?),$(install),$(rebuild))
	@touch $@

define install
set -e; echo "setting up $(VENV)"; \
$(PYTHON) -m venv $(VENV); \
rm -f kk99fix/matcher/_*.so; \
$(BIN)/pip install -q --disable-pip-version-check -e '.[dev]'
endef

define rebuild
set -e; echo "rebuilding the C extensions"; \
$(BIN)/python setup.py -q build_ext --inplace --force
endef

# What has to be on the machine; each missing tool is named with the command that installs it.
tools:
	@missing=""; \
	command -v gcc >/dev/null || missing="$$missing gcc"; \
	if ! command -v $(PYTHON) >/dev/null; then missing="$$missing python3 python3-dev python3-venv"; \
	else \
	    $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	        echo "$(PYTHON) is older than 3.11: name a newer one with make PYTHON=..." >&2; exit 1; }; \
	    $(PYTHON) -c 'import os, sys, sysconfig; \
	sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
	        || missing="$$missing python3-dev"; \
	    $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing="$$missing python3-venv"; \
	fi; \
	if [ -n "$$missing" ]; then \
	    echo "missing:$$missing" >&2; \
	    echo "install with: sudo apt-get install$$missing" >&2; exit 1; \
	fi
