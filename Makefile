# Each target sets up what it needs: a virtual environment in .venv, once. Nothing but Python 3.11 and make is needed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
BENCH_READY := $(VENV)/bench-ready
DOCS_READY := $(VENV)/docs-ready
PAGES := build/documentation
DATA ?= ../shared/data

# Tests run in so many processes; those of one file stay together.
JOBS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

# Beside another program, threads that spin while they wait make torch ten times as slow.
export OMP_WAIT_POLICY ?= PASSIVE

# `root.sh` names them; host: the Krita that setup.sh installs.
KRITAS := host krita-trixie krita-forky krita-experimental
GIMPS := gimp-trixie gimp-forky
NEWEST := krita-experimental gimp-forky

.PHONY: demo test test-editors test-editors-older quick soak lint format bench docs pictures release clean

demo: $(READY)
	$(BIN)/scumble demo --out demo-output

test: $(READY)
	@[ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null || { tests/editors/setup.sh && $(foreach one,$(NEWEST),tests/editors/root.sh $(one);) true; }
	$(PYTEST) $(ARGS)

# The editors' tests in every version that there is a root for; `make test` runs them in the newest alone. JOBS versions at a time, each in
# one process: tests of one version that run in two start everything twice.
test-editors: $(READY)
	tests/editors/setup.sh
	$(foreach one,$(filter-out host,$(KRITAS) $(GIMPS)),tests/editors/root.sh $(one);) true
	printf '%s\n' $(KRITAS:%=krita:%) $(GIMPS:%=gimp:%) | \
	  PYTHON=$(CURDIR)/$(BIN)/python xargs -P $(JOBS) -I VERSION tests/editors/one.sh VERSION $(ARGS)

# What each version must pass, in those that `make test` does not run: tests/editors/conftest.py says what that is.
test-editors-older:
	$(MAKE) test-editors KRITAS="$(filter-out $(NEWEST),$(KRITAS))" GIMPS="$(filter-out $(NEWEST),$(GIMPS))" ARGS="-m every_version $(ARGS)"

# For those who change code all day: what needs no editor, no daemon, no training and no whole picture.
quick: $(READY)
	$(PYTEST) -m "not slow" $(ARGS)

# The proofs of tests/soak at their whole size: hours. SOAK=/some/file also appends the figures to that file.
soak: $(READY)
	SCUMBLE_SOAK=$(or $(SOAK),1) $(BIN)/python -m pytest tests/soak tests/daemon/pools/test_ray.py -s --timeout=0 $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	(cd examples/addon && ../../$(BIN)/lint-imports)
	$(BIN)/mypy backend/scumble backend/scumble_client backend/scumble_training benchmarks releasing stubs/__main__.py documentation tests examples/addon/scumble_duotone
	$(BIN)/python -m stubs
	$(BIN)/vermin --quiet --no-tips --violations --target=3.8- backend/scumble_client krita_plugin gimp_plugin

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Stopped, it goes on; what is in build/benchmarks for this commit is not measured again.
bench: $(BENCH_READY)
	$(BIN)/python -m benchmarks --data $(DATA) $(ARGS)

# The bundled pictures again out of their packages (Debian's apt-get, pip), and the documentation's out of those: look at each.
pictures: $(BENCH_READY)
	$(BIN)/python -m benchmarks.pictures
	$(BIN)/python -m benchmarks.strips

# dist/: wheel, sdist, the archives for Krita and GIMP, and their sums; out of what is committed.
release: $(READY)
	$(BIN)/python -m releasing

# The site, in build/documentation/site/: what is made from the code, then all pages; a dead link, a missing picture or a load from elsewhere ends it.
docs: $(DOCS_READY)
	$(BIN)/scumble operations --markdown > docs/operations.md
	$(BIN)/python -m documentation pages $(PAGES)
	$(BIN)/zensical build --clean --strict --config-file $(PAGES)/mkdocs.yml
	$(BIN)/python -m documentation built $(PAGES)/site

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

$(BENCH_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	touch $@

$(DOCS_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

clean:
	rm -rf $(VENV) build demo-output dist
