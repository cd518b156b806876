.DEFAULT_GOAL := help
.PHONY: help run test bench bench-clone bench-ui crash crash-clone crash-build fuzz dev package screens setup

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

run: ## install what is missing, build, and open the program (without a display: the demo clone in the terminal)
	@scripts/setup run
	@scripts/run

test: ## install what is missing and run every check and test
	@scripts/setup test
	@scripts/test

setup: ## install what the tests need, and nothing else
	@scripts/setup test

bench: ## measure the queue, the rewriter, the copiers, commands and builds: release build, target beside measured
	@scripts/setup bench
	@scripts/bench

bench-ui: ## measure the real window: start, busy queue, launch, idle, memory; release build, target beside measured
	@scripts/setup bench
	@scripts/bench ui

crash: ## kill -9 campaign on the queue (N=1000)
	CLONEDECK_KILLS=$(or $(N),1000) cargo test -p clonedeck-queue --test crash -- --nocapture

crash-clone: ## kill -9 and cancel whole clones of 20,000 files and 500,000 rows at random (N=20; CLONEDECK_SEED repeats one)
	@scripts/setup test
	cargo build --release -p clonedeck-cli
	CLONEDECK_KILLS=$(or $(N),20) CLONEDECK_CANCELS=$(or $(N),20) CLONEDECK_FILES=$(or $(FILES),20000) CLONEDECK_ROWS=$(or $(ROWS),500000) \
	  cargo test --release -p clonedeck-tests --test clone -- crash:: --nocapture --test-threads=1

bench-clone: ## measure copiers, databases and whole clones: release build, target beside measured
	@scripts/setup bench
	@scripts/bench files databases clone

crash-build: ## kill -9 campaign on builds and commands (N=50), then 200 builds at once
	CLONEDECK_KILLS=$(or $(N),50) CLONEDECK_BUILDS=$(or $(BUILDS),200) cargo test -p clonedeck-jobs --test crash -- --nocapture --test-threads=1

fuzz: ## fuzz the rewriter, values and dumps (N=600 seconds each)
	@scripts/fuzz $(or $(N),600)

dev: ## the page with hot reload on a fake backend, in a browser at http://127.0.0.1:5173
	@scripts/setup run
	npm --prefix ui run dev

screens: ## pictures of every screen, both themes, in artefacts/screens, and the README's of the real window
	@scripts/setup test
	npm --prefix ui run screens
	@scripts/page
	cargo build -q -p clonedeck-cli -p clonedeck-desktop
	cargo test -q -p clonedeck-tests --test window -- --ignored picture::

package: ## a .deb in target/release/bundle, with the desktop program and the command; scripts/package --check tries it
	@scripts/setup run
	@scripts/package
