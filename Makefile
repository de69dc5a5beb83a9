# Aurora. `make run` opens the playground, `make test` proves everything; both install or build what they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

GO ?= go
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/aurora-test
VAULT := $(CACHE)/vault-1.21.2
SCW := $(CACHE)/scw-cli-2.40.0/scw
LINT_VERSION := v2.15.0
LINT := $(CACHE)/golangci-lint-$(LINT_VERSION)

# What is built here and not to be had from Debian is found first.
export PATH := $(dir $(SCW)):$(PATH)

.PHONY: build run test test-short lint bench tools servers policy-tables policy-sources clean

build:
	$(GO) build -trimpath -o bin/aurora ./cmd/aurora

run: build
	@./bin/aurora playground

# Everything, against the real thing: PostgreSQL, Redis, Vault, the CLIs, npm clients, a browser. Tests wait for servers and
# programs more than they compute, so more of them run side by side than there are cores.
test: tools
	$(GO) vet ./...
	$(GO) test -race -shuffle=on -parallel 4 -timeout 30m $$($(GO) list ./... | grep -v /policy)
	$(GO) test -shuffle=on ./providers/policy/...
	$(GO) test -count=1 -run TestHostileModel -v ./cmd/aurora

# What needs no server and no npm: for the minute between two edits.
test-short:
	$(GO) test -short ./...

lint: $(LINT)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w on these"; exit 1; }
	$(LINT) run --allow-parallel-runners ./...

# Measures, and writes cmd/aurora/BENCHMARKS.md and README's table: about ten minutes on two quiet cores. `make bench ONLY=executor,policy` runs parts.
bench: tools
	$(GO) run ./cmd/aurora/benchpage $(if $(ONLY),-only $(ONLY)) $(if $(ROUNDS),-rounds $(ROUNDS))

# Rebuilds the tables of the policy engine from the checked-in sources; `make policy-sources` reads the installed CLIs first.
policy-tables:
	$(GO) run ./providers/policy/gen

policy-sources:
	$(GO) run ./providers/policy/gen -extract

# What the tests drive and cannot be without: servers and az from Debian, Vault and scw from their modules, built once and kept.
tools: servers $(VAULT) $(SCW)

servers:
	@.ci/servers

$(VAULT):
	@echo "Building Vault for the tests; this takes some minutes, once."
	@mkdir -p $(CACHE)
	cd store/vault/testbench && $(GO) build -mod=readonly -tags minimal -trimpath -ldflags '-s -w' -o $(VAULT) .

$(SCW):
	@echo "Building the scw CLI for the tests; this takes a minute or two, once."
	@mkdir -p $(dir $(SCW))
	cd providers/testbench/scw && $(GO) build -mod=readonly -trimpath -ldflags '-s -w' -o $(SCW) github.com/scaleway/scaleway-cli/v2/cmd/scw

$(LINT):
	@mkdir -p $(CACHE)
	GOBIN=$(CACHE)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv $(CACHE)/bin/golangci-lint $(LINT)

clean:
	rm -rf bin
