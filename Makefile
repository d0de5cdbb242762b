# Bare `make` lists what there is. Variables: TEST='name' for one test, CARGO='cargo +nightly' and the like.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO ?= cargo
SERVICES := scripts/services/ctl
TEST ?=
CARGO_FLAGS ?=
SEED ?= 1
MINUTES ?= 60
RATE ?= 500
KILLS ?= 300

.PHONY: help quickstart up down status tutorial-setup psql check test bless soak soak-outages bench bench-kafka bench-checkpoints bench-growth sanitize release completions ci clean-services

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## "; print "make TARGET, one of:" } /^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## run sql/quickstart.sql: alerts on the screen, nothing else needed
	$(CARGO) run -- run sql/quickstart.sql

up: ## start Kafka, PostgreSQL and OpenSearch on loopback; write millstream.toml
	@$(SERVICES) up

down: ## stop them and leave no process; their data stays
	@$(SERVICES) down

status: ## what runs, and where
	@$(SERVICES) status

tutorial-setup: ## create and fill the tutorial's PostgreSQL tables (after `make up`)
	@$(SERVICES) tutorial-setup

psql: ## a psql prompt on that database
	@$(SERVICES) psql

check: ## formatting, clippy and documentation, without a warning
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps --document-private-items

test: ## every test, on services of its own that end with it (TEST=name for some; CARGO_FLAGS='--release --features fail-points')
	$(CARGO) test $(CARGO_FLAGS) --no-run
	@$(SERVICES) with $(CARGO) test $(CARGO_FLAGS) --no-fail-fast $(TEST)

bless: ## accept what the tests print now as the expected output; read the diff
	$(CARGO) test --no-run
	@UPDATE_EXPECT=1 $(SERVICES) with $(CARGO) test --no-fail-fast $(TEST)
	@git --no-pager diff --stat

soak: ## jobs killed at random moments (KILLS=300 SEED=1), every sink compared
	$(CARGO) test --no-run --test connectors
	@KILLS=$(KILLS) KILL_SEED=$(SEED) $(SERVICES) with $(CARGO) test --test connectors -- --nocapture --exact kills::soak_kills

soak-outages: ## random outages of all services under a running job (SEED=1 MINUTES=60 RATE=500), every row compared
	$(CARGO) test --no-run --test connectors
	@SOAK_SEED=$(SEED) SOAK_SECONDS=$$(($(MINUTES) * 60)) SOAK_RATE=$(RATE) \
	  $(SERVICES) with $(CARGO) test --test connectors -- --nocapture --exact outages::soak::soak_outages

sanitize: ## the modules with `unsafe` under Miri and Valgrind (TEST='kafka::writing' for some)
	@scripts/sanitize/run miri
	$(CARGO) test --no-run --test connectors
	@CARGO="$(CARGO)" TEST="$(TEST)" $(SERVICES) with scripts/sanitize/run valgrind

bench: ## microbenchmarks over Arrow batches
	$(CARGO) bench

bench-kafka: ## rows per CPU-second, memory and latency of jobs on a real broker (ROWS, RUNS, CHECKPOINTS=1s, OTHER='command {file}')
	$(CARGO) build --release
	$(CARGO) bench --no-run --bench latency
	@CARGO="$(CARGO)" $(SERVICES) with benches/kafka.sh

bench-checkpoints: ## pause, duration and size of checkpoints of a million keys, and the way back
	$(CARGO) build --release
	@benches/checkpoints.sh

bench-growth: ## the cost of a row as keys, partitions, columns and rates grow, and of a job that waits (PARTS='keys columns' for some)
	$(CARGO) build --release
	$(CARGO) bench --no-run --bench growth
	@CARGO="$(CARGO)" $(SERVICES) with benches/growth.sh

# C code without tables for unwinding, which nothing unwinds through, and in sections, of which the unused are dropped.
release: ## the small, fast binary, slow to build: target/dist/millstream
	CFLAGS="$${CFLAGS:-} -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables" $(CARGO) build --profile dist
	@ls -l "$${CARGO_TARGET_DIR:-target}/dist/millstream"

completions: ## shell completions for bash, zsh and fish into target/completions
	@mkdir -p target/completions
	@for shell in bash zsh fish; do $(CARGO) run -q -- completions "$$shell" >"target/completions/millstream.$$shell"; done
	@ls target/completions/*

ci: ## exactly what CI runs
	@.ci/run

clean-services: ## stop the services and delete all they installed and stored
	@$(SERVICES) clean
