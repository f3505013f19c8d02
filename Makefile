# Needs Go and make. `make help` lists the targets; docs/ has the rest.

.DEFAULT_GOAL := help

GO     ?= go
BIN    := bin
LINTER := $(BIN)/golangci-lint
# The packages that take longest come first, so that both processors are busy until the end.
PKGS   ?= ./e2e ./web ./...
# Many tests wait for a browser or for messages more than they compute.
ATONCE ?= -p 3 -parallel 3
FLAGS  ?=

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: patience build ## Run a whole portal on this machine, with an AWS of its own
	./$(BIN)/gatehouse local

# Nothing is printed while everything is compiled for the first time.
.PHONY: patience
patience:
	@[ -x $(BIN)/gatehouse ] || echo "Building Gatehouse. The first time, this takes a minute or two."

.PHONY: build
build: ## Build bin/gatehouse, bin/api and bin/worker
	$(GO) build -trimpath -o $(BIN)/ ./cmd/...

ARCHITECTURES ?= amd64 arm64

.PHONY: image
image: ## Pack the programs into a container image, without Docker; docs/deploy.md has the FLAGS
	$(GO) test -C tools ./image
	@for architecture in $(ARCHITECTURES); do \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$architecture $(GO) build -trimpath -ldflags='-s -w' -o $(BIN)/image/$$architecture/ ./cmd/... || exit 1; done
	$(GO) run -C tools ./image -programs $(CURDIR)/$(BIN)/image -out $(CURDIR)/$(BIN)/gatehouse-image.tar $(FLAGS)

.PHONY: lambda
lambda: ## Pack portal and worker into zips for AWS Lambda, bin/lambda-arm64.zip and -amd64.zip
	$(GO) test -C tools ./lambda
	$(GO) run -C tools ./lambda -sources $(CURDIR) -out $(CURDIR)/$(BIN) -architectures '$(ARCHITECTURES)'

.PHONY: test
test: $(BIN)/testrun ## Run all tests; the last lines say what failed, and what was not run and why
	./$(BIN)/testrun -vet=off $(ATONCE) -timeout 20m $(PKGS)

.PHONY: test-race
test-race: $(BIN)/testrun ## The same under the race detector; needs a C compiler
	./$(BIN)/testrun -race -timeout 30m $(PKGS)

.PHONY: upgrade
upgrade: ## Upgrade from the oldest compatible version and roll back, for some minutes; needs git history
	GATEHOUSE_REQUIRE=upgrade $(GO) test ./e2e -count=1 -timeout 20m -run '^TestAnUpgradeCanBeRolledBack$$' -v

.PHONY: conformance
conformance: ## Hold the local AWS, and moto if installed, to AWS's answers
	$(GO) test -C conformance -count=1 -timeout 30m -run '^TestConformance$$' -table $(FLAGS)

.PHONY: bench
bench: ## Compare the transport with stock watermill-aws, for some minutes
	$(GO) run ./bench $(FLAGS)

.PHONY: signups
signups: ## Have a crowd sign up; docs/performance.md has the FLAGS
	$(GO) run ./bench/signups $(FLAGS)

.PHONY: bench-flap
bench-flap: ## Time newcomers beside accounts that keep subscribing and leaving
	$(GO) run ./bench/signups -flap 40 -quotas -lasting 1m $(FLAGS)

.PHONY: bench-account
bench-account: ## Compare accounts with a long history and a short one
	$(GO) run ./bench -account $(FLAGS)

.PHONY: bench-alone
bench-alone: ## Count round trips to AWS from one person's click to the key
	$(GO) run ./bench/signups -alone 7 $(FLAGS)

.PHONY: bench-reads
bench-reads: ## Measure reads of the catalog, pages and the dashboard
	$(GO) run ./bench/reads $(FLAGS)

.PHONY: bench-usage
bench-usage: ## Count the calls of collecting usage, for 300 plans and 10,000 keys
	$(GO) run ./bench/usage $(FLAGS)

.PHONY: bench-marketplace
bench-marketplace: ## Send one worker 10,000 notices of AWS Marketplace at once
	$(GO) run ./bench/marketplace $(FLAGS)

.PHONY: bench-letters
bench-letters: ## List and replay 5,000 dead letters among 10,000 accounts
	$(GO) run ./bench/operators $(FLAGS)

.PHONY: bench-views
bench-views: ## Rebuild the views of 100,000 facts, and compare them with the journal
	$(GO) run ./bench/operators -views $(FLAGS)

.PHONY: cost
cost: ## Count what AWS would bill, and write docs/cost.md
	$(GO) run ./bench/cost -out docs/cost.md $(FLAGS)

.PHONY: click-path
click-path: ## List the functions that one click on Subscribe executes
	$(GO) build -cover -covermode=atomic -coverpkg=./... -o $(BIN)/clickpath ./bench/clickpath
	@GOCOVERDIR=$$(mktemp -d) ./$(BIN)/clickpath

.PHONY: lint
lint: $(LINTER) ## Check format, .golangci.yml (with go vet), and the prose
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		echo "Not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet -C tools ./...
	./$(LINTER) run
	$(GO) test -C tools ./prose ./manifests
	$(GO) run -C tools ./prose ..

.PHONY: graph
graph: ## Draw the package graph in docs/architecture.md from the imports
	$(GO) test ./docs -run TestArchitectureShows -count=1 -update

.PHONY: screenshots
screenshots: ## Take pictures of every page in Chromium, to docs/screenshots or FLAGS=-dir=…
	$(GO) run ./bench/screenshots $(FLAGS)

.PHONY: axe
axe: $(BIN)/axe.min.js ## Fetch axe-core with npm, for the tests of accessibility

.PHONY: clean
clean: ## Remove what was built; the data of `make run` stays
	rm -rf $(BIN)

# The programs that only developing needs have a module of their own, so that what they
# are built from stays out of Gatehouse's.
$(LINTER): tools/go.mod tools/go.sum
	$(GO) build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/testrun: $(wildcard tools/testrun/*.go)
	$(GO) test -C tools ./testrun
	$(GO) build -C tools -o ../$@ ./testrun

# axe-core is for testing only. npm checks that the package is the published one.
AXE := 4.14.1
$(BIN)/axe.min.js:
	mkdir -p $(BIN)
	cd $(BIN) && npm pack --silent --fetch-retries=1 --fetch-timeout=30000 axe-core@$(AXE) && tar -xzf axe-core-$(AXE).tgz --strip-components=1 package/axe.min.js
	rm $(BIN)/axe-core-$(AXE).tgz

# AWS's emulator starts functions as AWS Lambda does. Tests run the portal and the workers in it.
RIE := v0.0.0-20261030222936-bef5c4ba774d
$(BIN)/aws-lambda-rie:
	GOBIN=$(CURDIR)/$(BIN) $(GO) install github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@$(RIE)
