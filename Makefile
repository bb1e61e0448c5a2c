# Every target makes what it needs, on a fresh Debian machine too: the virtual environment, the PyPI
# packages in it and, where a real kernel is to be booted, Debian's packages. The demo needs few of them, so
# it has a stamp of its own; where all is installed already, that will do.
.DEFAULT_GOAL := help
.PHONY: help demo demo-profile test lint format unit sdks victoria browser lab lab-full test-cluster evidence-deerflow evidence-docker guide bench bench-collector bench-fleet soak fuzz agent-alone image dist man docs clean

# Tests start hundreds of programs, which would compile every module anew where somebody has asked for that.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RELEASE := $(VENV)/.installed-release
DOCS := $(VENV)/.installed-docs
DEMO := $(or $(wildcard $(STAMP)),$(VENV)/.installed-demo)
KERNEL ?= 6.1
INTO ?= .lab/image
URL ?=
IMAGE ?=
PYTEST_FLAGS ?=
DEMO_FLAGS ?=
EVIDENCE_FLAGS ?=
MINUTES ?= 10
FUZZ_FLAGS ?=

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml scripts/make-venv
	scripts/make-venv $(PYTHON) $(VENV) dev
	touch $@

$(RELEASE): $(STAMP)
	scripts/make-venv $(PYTHON) $(VENV) dev,release
	touch $@

$(DOCS): pyproject.toml scripts/make-venv
	scripts/make-venv $(PYTHON) $(VENV) docs
	touch $@

$(VENV)/.installed-demo: pyproject.toml scripts/make-venv
	scripts/make-venv $(PYTHON) $(VENV) demo
	touch $@

demo: $(DEMO) ## Boot a real kernel with pods, agent and API server, explain each pod (a minute or two)
	scripts/debian-packages demo
	$(BIN)/memcollect demo $(DEMO_FLAGS)

demo-profile: $(DEMO) ## The whole guide with two backends on a real kernel, compared: INTO=DIRECTORY (13 minutes)
	scripts/debian-packages demo node
	scripts/demo-profile $(BIN) $(if $(filter file,$(origin INTO)),.lab/guide,$(INTO))

test: $(RELEASE) lint agent-alone docs ## Everything CI runs: lint, types, contracts, the site, unit tests, the real-kernel suite
	scripts/debian-packages lab node cluster metrics docs browser
	cd tests && MEMCOLLECT_REQUIRE_LAB=1 MEMCOLLECT_REQUIRE_METRICS=1 MEMCOLLECT_REQUIRE_BROWSER=1 \
		$(abspath $(BIN))/python -m suites all $(PYTEST_FLAGS)

unit: $(STAMP) ## Only the tests that need no kernel of their own
	$(BIN)/pytest -m "not lab and not cluster and not dist and not fuzz and not browser and not sdks" -n 3 --dist loadfile $(PYTEST_FLAGS)

sdks: $(STAMP) ## Let the packages of OpenSandbox, E2B and others drive our stand-ins, Grafana's judge the dashboard; kept in .lab/sdks
	scripts/debian-packages sdks
	MEMCOLLECT_SDKS=$(abspath .lab/sdks) $(BIN)/pytest tests/sdks $(PYTEST_FLAGS)

victoria: $(STAMP) ## Scrape an agent with Debian's vmagent, evaluate the rules with its vmalert
	scripts/debian-packages victoria
	MEMCOLLECT_REQUIRE_VICTORIA=1 $(BIN)/pytest tests/deploy/test_victoriametrics.py $(PYTEST_FLAGS)

browser: $(STAMP) ## Show the pages to a real browser; screenshots go to .lab/pages
	scripts/debian-packages browser
	MEMCOLLECT_REQUIRE_BROWSER=1 MEMCOLLECT_SCREENSHOTS=$(abspath .lab/pages) $(BIN)/pytest tests/browser $(PYTEST_FLAGS)

lint: $(STAMP) ## ruff, mypy --strict, the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lab: $(STAMP) ## The real-kernel suite but the guide: make lab KERNEL=5.10 | 6.1 | 6.12 | 7.2
	scripts/debian-packages lab
	MEMCOLLECT_REQUIRE_LAB=1 MEMCOLLECT_LAB_KERNEL=$(KERNEL) $(BIN)/pytest -m lab --ignore-glob "tests/lab/test_profile*.py" \
		tests/lab $(PYTEST_FLAGS)

lab-full: $(STAMP) ## The suite on Debian's stock kernel with real runtimes, in QEMU: make lab-full KERNEL=6.12 | 7.2
	scripts/debian-packages full
	MEMCOLLECT_REQUIRE_LAB=1 MEMCOLLECT_FULL_KERNEL=$(if $(filter file,$(origin KERNEL)),6.12,$(KERNEL)) \
		$(BIN)/pytest -m lab_full tests/lab_full $(PYTEST_FLAGS)

test-cluster: $(STAMP) ## Test agents deployed in a cluster, in a namespace of our own: make test-cluster KUBECONFIG=FILE
	@[ -n "$(KUBECONFIG)" ] || { echo 'test-cluster: say which cluster: make test-cluster KUBECONFIG=FILE' >&2; exit 2; }
	KUBECONFIG=$(abspath $(KUBECONFIG)) $(BIN)/pytest -m cluster -v --timeout 900 tests/cluster $(PYTEST_FLAGS)

evidence-deerflow: $(STAMP) ## DeerFlow's own sandbox provider, tried: DEERFLOW=CHECKOUT (a few minutes)
	@[ -n "$(DEERFLOW)" ] || { echo 'evidence-deerflow: say where its checkout is: make evidence-deerflow DEERFLOW=DIRECTORY' >&2; exit 2; }
	$(BIN)/python scripts/evidence-deerflow $(abspath $(DEERFLOW)) $(EVIDENCE_FLAGS)

evidence-docker: $(STAMP) ## OpenSandbox's Docker runtime, tried: PYTHON=ONE-THAT-HAS-IT EXECD=IMAGE IMAGE=IMAGE (a few minutes)
	$(BIN)/python scripts/evidence-docker $(EVIDENCE_FLAGS)

guide: $(STAMP) ## The tests of the guide on two backends, a real kernel each (about 15 minutes)
	scripts/debian-packages lab node
	MEMCOLLECT_REQUIRE_LAB=1 $(BIN)/pytest -m lab tests/lab/test_profile.py tests/lab/test_profile_evidence.py $(PYTEST_FLAGS)

bench: $(STAMP) ## Our cost beside the alternatives, in one run, as ratios
	scripts/debian-packages bench
	$(BIN)/python bench/smaps.py
	$(BIN)/python bench/history.py
	$(BIN)/python bench/tree.py

bench-collector: $(STAMP) ## A snapshot of 1,000 nodes beside merely fetching the same bytes (some minutes)
	scripts/debian-packages bench
	$(BIN)/python bench/collector.py

bench-fleet: $(STAMP) ## A snapshot in summary of a made-up fleet whose agents remember as real ones do: make bench-fleet FLEET='--nodes 500'
	scripts/debian-packages bench
	$(BIN)/python bench/fleet.py $(FLEET)

soak: $(STAMP) ## The agent under churn and hostile clients against its manifest's limits: make soak MINUTES=2
	$(BIN)/python bench/soak.py --minutes $(MINUTES)

fuzz: $(STAMP) ## A million odd inputs for each parser and decoder, or what the minutes suffice for: make fuzz MINUTES=30
	cd tests && $(abspath $(BIN))/python -m fuzz --minutes $(MINUTES) $(FUZZ_FLAGS)

image: ## Build the agent's image and an archive for ctr, with no engine and no registry, as root: INTO=DIRECTORY
	scripts/build-image $(INTO)

dist: $(RELEASE) ## Make a release of the commit that is checked out, as root, published nowhere: INTO=DIRECTORY URL=https://… IMAGE=no
	$(BIN)/python -m release $(if $(filter file,$(origin INTO)),dist,$(INTO)) --url "$(URL)" $(if $(filter no,$(IMAGE)),--without-image)

agent-alone: ## Prove that memcollect[agent] installs and runs with nothing else
	scripts/agent-alone $(PYTHON)

man: $(STAMP) ## Write a manual page of the program and of each command: INTO=DIRECTORY
	$(BIN)/python scripts/make-man $(if $(filter file,$(origin INTO)),build/man,$(INTO))

docs: $(DOCS) ## The pages of docs/ as a site, into build/site; it needs nothing from elsewhere to be read
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open build/site/index.html"

clean: ## Remove all that the targets made here; says where fetched kernels are kept
	rm -rf $(VENV) .agent-only .lab .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} + -o -name '*.egg-info' -prune -exec rm -rf {} +
	@cache="$${MEMCOLLECT_LAB_DIR:-$${XDG_CACHE_HOME:-$$HOME/.cache}/memcollect}"; \
		[ ! -e "$$cache" ] || echo "kept, for other checkouts, too: what was fetched into $$cache; to remove it: rm -r $$cache"
