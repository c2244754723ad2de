# Everything a developer runs. What is built or fetched lies in a cache outside the checkout: a fresh clone finds it.
SHELL := bash
export POINTSMAN_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pointsman-build
export CARGO_TARGET_DIR ?= $(POINTSMAN_CACHE)/target
export PATH := $(HOME)/.cargo/bin:$(POINTSMAN_CACHE)/tools/bin:$(PATH)

parts := src-tauri/engine/model.sh src-tauri/engine/wheel.sh src-tauri/engine/build.sh \
         tests/parts/tiny.sh tests/parts/sdks.sh tests/parts/node.sh tests/parts/ollama.sh

# How long `make fuzz` tries each target.
SECONDS ?= 60

# How the programs are built: `release` as users have them, or `dev` where what `make test` built is good enough.
PROFILE ?= release
built := $(CARGO_TARGET_DIR)/$(PROFILE:dev=debug)

.PHONY: help deps parts run ui desktop test test-desktop test-agents test-vllm fuzz captures models bench lint audit \
        package test-package engine

help: ## list what make can do
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name does; do \
	    printf '  make %-12s %s\n' "$$name" "$$does"; done

deps: ## install what the machine lacks: a C compiler, Python, Rust
	@.ci/deps

parts: deps ## fetch and build the real runtimes and models that the tests talk to (minutes, once)
	@for part in $(parts); do "$$part" || exit; done

# Where there is a display: the tray and the window. Where there is none nothing of a desktop is installed or built.
display := $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(if $(filter Darwin,$(shell uname)),yes))

run: deps ## run the gateway on port 4747: with tray and window where there is a display
	@command -v ollama llama-server >/dev/null || { src-tauri/engine/wheel.sh && src-tauri/engine/model.sh; }
ifneq ($(display),)
	@$(MAKE) --no-print-directory desktop
else
	cargo build --profile $(PROFILE) -p pointsman
endif
	@engine="$(POINTSMAN_CACHE)/engine-static/bin"; [ -d "$$engine" ] || engine="$(POINTSMAN_CACHE)/engine/bin"; \
	    export POINTSMAN_ENGINE_DIR="$$engine" POINTSMAN_MODELS_DIR="$(POINTSMAN_CACHE)/models"; \
	    exec "$(built)/"$(if $(display),pointsman-desktop,pointsman serve)

ui: deps ## build the window's page
	@.ci/page

desktop: ui ## build the command, the tray and the window
	@.ci/deps desktop
	cargo build --profile $(PROFILE) --workspace

test: parts ## run every test, against real runtimes
	@.ci/deps test
	@.ci/deps desktop
	@.ci/page test
	POINTSMAN_TEST_PARTS="$(POINTSMAN_CACHE)" cargo test --workspace
	@.ci/keychain

test-desktop: parts desktop ## run the tray and the window on a display of their own, each entry and each command
	@.ci/deps desktop-test
	@.ci/page browser
	@POINTSMAN_TEST_PARTS="$(POINTSMAN_CACHE)" tests/desktop/run "$(built)"

test-agents: parts ## run the tests that need real agents: Claude Code, Codex and four more (2 GB, on demand)
	@tests/parts/agents.sh
	POINTSMAN_TEST_PARTS="$(POINTSMAN_CACHE)" cargo test --workspace -- --ignored agents

test-vllm: parts ## run the tests that need a real vLLM (6 GB, on demand)
	@tests/parts/vllm.sh
	POINTSMAN_TEST_PARTS="$(POINTSMAN_CACHE)" cargo test --workspace -- --ignored vllm

fuzz: deps ## give inputs by chance to all that reads other people's bytes: SECONDS=60 for each target
	@.ci/fuzz $(SECONDS)

captures: deps ## record again what the vendors' own SDKs send (0.5 GB, on demand)
	@tests/captures/record.sh

bench: deps ## measure what Pointsman costs, beside a bare proxy and nginx
	@for part in tests/parts/nginx.sh tests/parts/tiny.sh src-tauri/engine/wheel.sh; do $$part || exit; done
	PATH="$$PATH:$(POINTSMAN_CACHE)/nginx/usr/sbin" cargo bench --workspace --bench gateway

lint: deps ## check format, lints, docs, licences, the table of models, and that the gateway knows no window
	@python3 src-tauri/gateway/models/check.py >/dev/null
	cargo fmt --all --check
	cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
	@.ci/deps desktop
	@.ci/page lint
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy --locked --manifest-path tests/fuzz/Cargo.toml --bins -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
	@.ci/tool cargo-deny 0.20.2
	cargo deny --log-level error check bans licenses sources
	cargo deny --log-level error --manifest-path tests/fuzz/Cargo.toml --config deny.toml check bans licenses sources
	@tree=$$(cargo tree -p pointsman-gateway --prefix none) && ! grep '^tauri ' <<<"$$tree" || \
	    { echo "lint: pointsman-gateway must not depend on tauri" >&2; exit 1; }

# Apart from `lint`, since it fetches the advisory database, which not every machine can, and a new advisory must not
# fail a change that has nothing to do with it.
audit: deps ## check the dependencies for known vulnerabilities
	@.ci/tool cargo-deny 0.20.2
	cargo deny check advisories

# By hand, when the packages that it pins have newer data: no build needs it.
models: deps ## make the table of hosted models anew from the catalogues it comes from
	python3 src-tauri/gateway/models/make.py
	python3 src-tauri/gateway/models/check.py

engine: deps ## build llama.cpp's server, linked statically: what a package ships (minutes, once)
	@src-tauri/engine/build.sh

package: engine desktop ## make an archive of the command and its engine, and packages of the whole, in dist/
	@.ci/deps desktop-test
	@.ci/package

test-package: ## install the .deb in dist/ on this machine, try it, and remove it (root, Debian)
	@.ci/deps desktop-test
	@POINTSMAN_TEST_PARTS="$(POINTSMAN_CACHE)" tests/desktop/package
