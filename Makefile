# Thin on purpose: each target is one line, and what it does is readable in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run build setup test fmt fmt-check lint lint-server lint-browser test-rust e2e e2e-postgres chaos weight deny bench

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || sed -n 's/:.*##/:/p' Makefile

run: ## A working portal with demonstration data and a Stripe sandbox; prints its address
	@scripts/run

test: ## Everything continuous integration runs
	@scripts/test

setup: ## Install what building and testing need (make run and make test do it by themselves)
	@scripts/setup test

build: ## Server, WebAssembly and styles, optimised for production
	@scripts/setup run
	@scripts/build

fmt: ## Format the code
	@bash -c '. scripts/lib.sh && cargo fmt --all'

fmt-check: ## Is the code formatted?
	@bash -c '. scripts/lib.sh && cargo fmt --all -- --check'

lint: lint-server lint-browser ## Clippy, warnings are errors

lint-server: ## Clippy for the server and all tests
	@scripts/lint server

lint-browser: ## Clippy for what runs in the browser
	@scripts/lint browser

test-rust: ## Unit, property, service (SQLite and PostgreSQL), HTTP and contract tests
	@scripts/test-rust

e2e: ## Everything in Chromium: main job with and without JavaScript, every page, kill -9; then portico audit
	@scripts/e2e

e2e-postgres: ## The main job and kill -9 in Chromium, on a PostgreSQL that is started for it
	@scripts/e2e --postgres

chaos: ## Two portals killed, frozen, out of disk, with a Stripe that fails: nobody twice, nobody missing
	@scripts/chaos

weight: ## What a first look at the dashboard downloads, against its budget
	@scripts/weight

deny: ## Licences, sources and known vulnerabilities of dependencies
	@scripts/deny

bench: ## Requests, webhooks and memory with a million postings
	@scripts/setup run postgres
	@scripts/build
	@scripts/bench
