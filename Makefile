# `make help` lists every command.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BUILD := build/debug
PYTHON := build/venv/bin/python
GO := build/go/go
export LATCHWIRE_BUILD_DIR := $(CURDIR)/$(BUILD)
export GOTOOLCHAIN := local
export PATH := $(CURDIR)/build/go-tools:$(CURDIR)/build/go:$(PATH)

.PHONY: help install generate configure build run test bench lint tidy asan tsan release sim fuzz faults format clean

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what is missing: Debian packages, Python and Go tools, BoringSSL
	@cmake/install-dependencies.sh

generate: install ## Generate the Go, gateway and Python code from the protos
	@cmake/generate.sh

configure: install
	@[ -e $(BUILD)/build.ninja ] || cmake --fresh --preset debug

build: configure ## Build server, agent, gateway and tests into build/debug
	@cmake/generate.sh gateway && cmake/generate.sh python
	@ninja -C $(BUILD)
	@if [ -e server/gateway/go.mod ]; then echo "Building the gateway" && \
	  $(GO) -C server/gateway build -o $(CURDIR)/$(BUILD)/bin/latchwire-gateway .; fi

run: build ## Start everything on loopback and follow one event; ONESHOT=1 stops after it
	@$(PYTHON) tests/demo/run.py $(if $(filter 1,$(ONESHOT)),--oneshot)

test: build ## Lint and run all tests: ctest, go test, pytest
	@cmake/run-tests.sh $(BUILD)

MODE ?= default
bench: release ## Measure; MODE=stream,fanout,unary,rest,latency,matching,backlog,growth or all; SECONDS=60 sets the stream's length
	@LATCHWIRE_BUILD_DIR=$(CURDIR)/build/release $(PYTHON) tests/bench/run.py --mode=$(MODE) \
	  $(if $(filter command line,$(origin SECONDS)),--seconds=$(SECONDS)) $(BENCH_FLAGS)

lint: configure ## Check protos, format, house rules and thread safety
	@cmake/lint.sh $(BUILD)

tidy: configure ## Run clang-tidy on the files that differ from main, or FILES="..."
	@cmake/tidy.sh $(BUILD) $(FILES)

asan tsan: install
	@cmake --preset $@ >/dev/null
	@ninja -C build/$@
	@ctest --test-dir build/$@ --output-on-failure --parallel $$(nproc) --no-tests=error
asan: ## Build with address and undefined-behaviour sanitizers, run ctest
tsan: ## Build the parts without gRPC with the thread sanitizer, run ctest

release: install ## Build server and agent as one statically linked file each into build/release
	@cmake --preset release >/dev/null
	@cmake/generate.sh gateway
	@ninja -C build/release programs
	@if [ -e server/gateway/go.mod ]; then CGO_ENABLED=0 $(GO) -C server/gateway build -trimpath \
	  -ldflags '-s -w' -o $(CURDIR)/build/release/bin/latchwire-gateway .; fi

SEEDS ?= 1000
sim: build ## Run the simulation for SEEDS=1000 seeds; a failing seed is named
	@LATCHWIRE_SIM_SEEDS=$(SEEDS) $(BUILD)/tests/sim/latchwire_sim_test

fuzz: install ## Fuzz the parsers of untrusted input, each fuzzer for SECONDS=60; FUZZERS="url_fuzz json_fuzz" selects
	@tests/fuzz/run.sh -max_total_time=$(if $(filter command line,$(origin SECONDS)),$(SECONDS),60)

CYCLES ?= 200
faults: build ## Break disks, kill programs CYCLES=200 times, cut the power, run everything marked slow
	@LATCHWIRE_POWER_CUT_SEEDS=1000 $(BUILD)/server/store/sqlite/latchwire_store_sqlite_test --gtest_filter='PowerCut*'
	@LATCHWIRE_FAULT_CYCLES=$(CYCLES) $(PYTHON) -m pytest tests/faults -rP
	@$(PYTHON) -m pytest -m slow --ignore=tests/faults || [ $$? -eq 5 ]

format: install ## Format C++ and Go
	@cmake/format.sh

clean: ## Remove build/; cached tools stay in ~/.cache/latchwire
	rm -rf build

.PHONY: docker-check
docker-check: install ## Run the steps of docker/Dockerfile in bare Debian roots; needs root and an hour
	@$(PYTHON) tests/docker/build_in_root.py
