# The chores of the lab; `make` lists them. What is more than a line is a script in scripts/.

# Paths below are relative, so a checkout may stand in a folder with spaces in its name.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# Settings given to make reach the scripts as environment variables, which keeps a value with spaces or quotes whole.
SCENARIO ?= pool
export SCENARIO

# One that is spelt wrongly would pass silently and do nothing, so what is given after `make` has to be one of these.
# Only names are looked at, whatever the values hold; GNU make 3.81 has all that this takes.
settings := ARGS SCENARIO CONCURRENCY DURATION REQUESTS WORKLOAD TRANSPORT PROCESSES TARGET WORKERS THREADS LABEL \
    TARGET_APP APP_DIR APP_ENV_FILE APP_DATA APP_COMPOSE TARGET_SERVER GUNICORN_CONFIG TARGET_DELAY TARGET_SEED TARGET_SERVER_TIMING TARGET_KEEP_ALIVE \
    TARGET_CPUS CLIENT_CPUS PROMETHEUS_CPUS GRAFANA_CPUS TARGET_MEMORY CLIENT_MEMORY PROMETHEUS_MEMORY GRAFANA_MEMORY \
    TARGET_PORT AGENT_PORT PROMETHEUS_PORT GRAFANA_PORT PYTHON_IMAGE PROMETHEUS_IMAGE GRAFANA_IMAGE \
    COMPOSE COMPOSE_PROJECT_NAME LOADLAB_TOKEN LAB_RESULTS LAB_USER PYTHON DEBIAN_MIRROR
given := $(foreach name,$(.VARIABLES),$(if $(findstring command line,$(origin $(name))),$(name)))
unknown := $(filter-out $(settings),$(filter-out -% MAKE%,$(given)))
ifneq ($(unknown),)
$(error $(unknown): no setting of this Makefile; docs/reference.md lists them. What is meant for the programs stands before make, as in NO_COLOR=1 make run)
endif

# A value reaches the scripts as it was given: make would take the $f of a $filter for a variable of its own.
$(foreach name,$(filter $(settings),$(given)),$(eval override $(name) := $$(value $(name)))$(eval export $(name)))

# The same for chores: `make run task` would load SCENARIO, and only then ask for a rule to make `task`.
chores := run tour doctor calibrate up open down logs ps images test test-all test-compose test-statistics test-pythons \
    mutants prove check format lock dashboards schema docs pictures bench ground-truth false-alarms idle-runs soak outdated clean help
stray := $(filter-out $(chores) .%,$(MAKECMDGOALS))
ifneq ($(stray),)
$(error $(stray): no chore of this Makefile; make alone lists them. A scenario is a setting, as in make run SCENARIO=task)
endif

bin := .venv/bin

##@ Measure

run: .venv/runtime ## load the target: SCENARIO CONCURRENCY DURATION REQUESTS WORKLOAD TRANSPORT PROCESSES TARGET WORKERS THREADS LABEL ARGS
	@scripts/run.sh

tour: .venv/runtime ## what each way of calling costs, step by step (ARGS="--only STEP")
	@$(bin)/loadlab tour $(ARGS)

doctor: .venv/runtime ## is this machine fit to measure, and what to do where it is not
	@$(bin)/loadlab doctor $(ARGS)

calibrate: .venv/runtime ## what this machine's own client can do at most; runs then show how near they came (ARGS="--scenario pool")
	@$(bin)/loadlab calibrate $(ARGS)

##@ Stack (needs Docker, no Python)

up: ## start target, client, Prometheus and Grafana: WORKERS THREADS TARGET_DELAY TARGET_CPUS TARGET_PORT TARGET_APP APP_DIR ...
	@scripts/up.sh

open: ## open the live page of the stack that is up
	@scripts/open.sh

down: ## remove the stack's containers, networks and volumes; images and results stay
	@scripts/down.sh

logs: ## follow the stack's logs
	@scripts/stack.sh logs --follow --tail 100

ps: ## the stack's containers
	@scripts/stack.sh ps

images: ## build the base images from Debian packages, where no registry can be reached
	@scripts/images.sh

##@ Develop

test: .venv/dev ## all unit tests and each real part at least once, in some minutes (ARGS="-k pool")
	@scripts/test.sh quick $(ARGS)

test-all: .venv/dev ## every test but those of the next two (ARGS="-k pool"); without Docker those of the stack are skipped
	@scripts/test.sh 'not (second_compose or statistics)' $(ARGS)

test-compose: .venv/dev ## the stack's tests with the older compose, after a change of docker-compose*.yml or scripts/
	@scripts/test.sh second_compose $(ARGS)

test-statistics: .venv/dev ## measured distributions against theory, after a change of client/loadlab/analysis or the loops
	@scripts/test.sh statistics $(ARGS)

test-pythons: ## unit tests and each scenario on every Python that is claimed, in images (needs Docker): ARGS="3.14"
	@scripts/test-pythons.sh $(ARGS)

mutants: .venv/mutants ## does a test notice each small change of the judging code, half an hour: ARGS='"*.client_limits.*"'
	@nice -n 15 $(bin)/python scripts/mutants.py $(ARGS)

prove: ## check and every test, none of them skipped for want of a tool
	@LOADLAB_REQUIRE_DOCKER=1 LOADLAB_REQUIRE_PROMTOOL=1 LOADLAB_REQUIRE_BROWSER=1 LOADLAB_REQUIRE_NAMESPACES=1 \
	    $(MAKE) --no-print-directory check test-all test-compose test-statistics test-pythons

check: .venv/dev ## lint, format and types
	@$(bin)/ruff check .
	@$(bin)/ruff format --check .
	@$(bin)/mypy -p loadlab -p loadlab_target -p boards

format: .venv/dev ## put the code into the one format
	@$(bin)/ruff format .
	@$(bin)/ruff check --fix .

lock: .venv/dev ## renew the hashed locks in requirements/
	@scripts/lock.sh

outdated: .venv/dev ## list packages and images that are newer than the locks and docker-compose.yml; changes nothing
	@$(bin)/python scripts/outdated.py

dashboards: .venv/dev ## write grafana/dashboards anew, after a change of the code in grafana/boards
	@PYTHONPATH=grafana $(bin)/python -m boards

schema: .venv/dev ## write docs/result.schema.json anew, after a change of the result types
	@$(bin)/python -m loadlab.results.schema >docs/result.schema.json

docs: .venv/docs ## build the docs as a site, site/index.html; a link that leads nowhere is an error
	@$(bin)/python scripts/docs.py

pictures: .venv/dev ## write docs/pictures anew, after a change of what the page shows (needs Chromium)
	@LOADLAB_REQUIRE_BROWSER=1 LOADLAB_PICTURES=docs/pictures $(bin)/python -m pytest -q tests/browser/test_pictures.py

bench: .venv/dev .venv-bench/done ## what one core does, compared with wrk, hey, oha, Locust (see bench/README.md): ARGS="--only wrk cpu"
	@$(bin)/python bench/speed.py $(ARGS)

ground-truth: .venv/dev ## measured latency compared with queueing theory, half an hour: ARGS="--rho 0.5 --runs 4"
	@$(bin)/python bench/ground_truth.py $(ARGS)

false-alarms: .venv/dev ## how often steady loads are called unsteady, and changes are missed, on simulated queues: ARGS="--runs 100"
	@$(bin)/python bench/false_alarms.py $(ARGS)

idle-runs: .venv/dev ## default runs on an idle machine, none of which may be INVALID: ARGS="--runs 20 --scenario pool task"
	@$(bin)/python bench/idle_runs.py $(ARGS)

soak: .venv/dev ## account for millions of requests to a server that misbehaves, and fuzz parser and API, an hour: ARGS="--part 0.01"
	@$(bin)/python bench/soak.py $(ARGS)

.venv-bench/done: requirements/bench.txt
	@scripts/venv.sh bench

# A peer of the bench that is no Debian package; takes some minutes.
.bench-tools/bin/oha:
	@nice cargo install --quiet --locked --version 1.16.0 --root .bench-tools oha

clean: ## remove what was made here (.venv, caches); results and images stay
	@rm -rf .venv .venv-bench .mutants .bench-tools .stack dist site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find client target grafana tests -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@awk -F ':.*## ' '/^##@/ { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' Makefile

.venv/runtime: requirements/client.txt requirements/target.txt requirements/build.txt pyproject.toml
	@scripts/venv.sh runtime

.venv/dev: .venv/runtime requirements/dev.txt
	@scripts/venv.sh dev

.venv/mutants: .venv/dev requirements/mutants.txt
	@scripts/venv.sh mutants

.venv/docs: .venv/dev requirements/docs.txt
	@scripts/venv.sh docs

.PHONY: $(chores)
