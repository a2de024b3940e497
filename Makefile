# `make help` is the manual. Everything runs in .venv, which the first target that needs it makes.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
PY = .venv/Scripts/python
else
PY = .venv/bin/python
endif
BENCH = $(subst .venv,build/bench-venv,$(PY))
CHOICE = $(if $(CPU),$(if $(filter 0 no off,$(CPU)),--no-cpu,--cpu))
unexport PYTHONPATH PYTHONHOME  # what belongs to other programs
export PYTHONNOUSERSITE = 1
.DEFAULT_GOAL := help
.PHONY: help lab fresh project test notebooks build check data bench browser site nbgrader grade_book matrix lock clean setup

help:  ## show this list
	@$(PYTHON) -c "import re; [print(f'make {t:10} {d}') for t, d in re.findall(r'^(\w+):.*?## (.+)$$', open('Makefile', encoding='utf-8').read(), re.M)]"

lab:  ## set up if needed, then open JupyterLab on your own copy (LESSON=03; CPU=1: without CUDA; OPTIONS="--port 9999")
	@$(PYTHON) tools/course.py lab $(CHOICE) $(LESSON) $(OPTIONS)

fresh:  ## start a lesson afresh: LESSON=03; your old copy is kept under a dated name
	@$(PYTHON) tools/course.py fresh $(LESSON)

project:  ## lay a project of your own into work/: NAME=flowers KIND=pictures (or table, text)
	@$(PYTHON) tools/course.py project $(CHOICE) --kind "$(KIND)" -- "$(NAME)"

test: setup  ## unit tests, then every cell of both editions (DEVICE=cuda: on the CPU and on the GPU, with a table)
	OMP_NUM_THREADS=1 $(PY) -m pytest tests -n 2
	$(PY) tools/verify.py $(LESSON) $(if $(DEVICE),--device $(DEVICE))

notebooks: setup  ## only the second half of the tests: the cells (LESSON=03 for one lesson)
	$(PY) tools/verify.py $(LESSON)

build: setup  ## build and run both editions (LESSON=03 for one lesson)
	$(PY) tools/build.py $(LESSON)

check: setup  ## lint, format, types, spelling, workflows, and that nothing generated is stale
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m codespell_lib
	$(PY) -m check_jsonschema --builtin-schema vendor.github-workflows $(wildcard .github/workflows/*.yml)
	$(dir $(PY))zizmor --offline --quiet --no-progress .github/workflows
	$(PY) tools/build.py --check

data:  ## download all data sets now (172 MB), so that no lesson needs the network later
	@$(PYTHON) tools/course.py data $(CHOICE)

bench: setup $(if $(filter course,$(PART)),,build/bench-venv/complete)  ## docs/benchmarks.md: other libraries, results, growth (26 minutes; PART=loop, results, growth, course, gpu; FRESH=1, AGAIN=1)
	$(if $(filter course,$(PART)),$(PYTHON) tools/course.py setup --for authors --for program --for site)
	$(if $(filter course,$(PART)),$(PY),$(BENCH)) -m benchmarks $(PART) $(if $(FRESH),--fresh) $(if $(AGAIN),--again)

build/bench-venv/complete: pyproject.toml requirements.txt | setup
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) -m uv venv --quiet --clear build/bench-venv
	$(PY) -m uv pip install --quiet --python $(BENCH) --compile-bytecode --constraint requirements.txt --editable ".[authors,benchmarks,program]"
	$(PY) -c "open('build/bench-venv/complete', 'w')"

browser: site  ## the student edition in a real JupyterLab and Chromium, and the book (chromium or google-chrome must be on the PATH, else most is skipped)
	@$(PYTHON) tools/course.py setup --for authors --for program --for site --for browser
	$(PY) -m pytest tests/browser -rs

site: setup  ## the lessons as a book to read in a browser, and an EPUB: build/book (PDF=1: a PDF too)
	@$(PYTHON) tools/course.py setup --for authors --for site $(if $(PDF),--for browser)
	$(PY) tools/book.py --epub $(if $(PDF),--pdf)

nbgrader: setup  ## write a lesson as an assignment for nbgrader: LESSON=03 TO=folder
	@$(PY) tools/assignment.py "$(LESSON)" "$(TO)"

grade_book: setup  ## try that with the real nbgrader, in an environment of its own (LESSON=03)
	$(PY) -m pytest tests/grade_book

matrix: setup  ## unit tests and lessons on the oldest and newest torch and on other Pythons (an hour)
	$(PY) tools/matrix.py

lock: setup  ## renew requirements.txt from pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes --all-extras --quiet --upgrade \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.txt

clean:  ## remove .venv, caches and build/ (the book, measured rounds); your copies in work/ and the data stay
	$(PYTHON) -c "import shutil; [shutil.rmtree(d, ignore_errors=True) for d in ('.venv', 'build', '.pytest_cache', '.ruff_cache', '.mypy_cache')]"

setup:  ## the authors' tools too: what test, build and check need
	@$(PYTHON) tools/course.py setup --for authors --for program $(CHOICE)
