# Build, test, install. Needs a Rust toolchain and make. scripts/setup-tests installs what the tests need.

PREFIX ?= /usr/local
CARGO ?= cargo
export CARGO_TARGET_DIR ?= $(CURDIR)/target

MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
STATIC := $(shell uname -m)-unknown-linux-musl
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SCRIPTS := $(shell grep -d skip -l '^\#!/bin/sh' scripts/*) scripts/bench/setup .ci/run $(wildcard completions/*.bash)
SCRIPTS += packaging/deb/postinst packaging/deb/prerm
DIST := .cargo .ci .github .gitignore ARCHITECTURE.md CHANGELOG.md Cargo.lock Cargo.toml LICENSE Makefile README.md clippy.toml \
	completions deny.toml docs examples fuzz man packaging rustfmt.toml scripts src tests
FUZZ_SECONDS ?= 60

SHARE := $(PREFIX)/share
BASH_COMPLETIONS := $(SHARE)/bash-completion/completions
FISH_COMPLETIONS := $(SHARE)/fish/vendor_completions.d
# bash-completion reads /etc at start, and ignores /usr/local/etc.
ETC := $(if $(filter /usr /usr/local,$(PREFIX)),/etc,$(PREFIX)/etc)
# The files to install, each as source:destination, and the links, each as target:link. uninstall uses the same lists.
FILES := \
	man/talk.1:$(SHARE)/man/man1/talk.1 \
	man/talk.7:$(SHARE)/man/man7/talk.7 \
	docs/PROTOCOL.md:$(SHARE)/doc/talk/PROTOCOL.md \
	docs/SECURITY.md:$(SHARE)/doc/talk/SECURITY.md \
	completions/_talk:$(SHARE)/zsh/site-functions/_talk \
	completions/talk.fish:$(FISH_COMPLETIONS)/talk.fish \
	completions/talk.bash:$(BASH_COMPLETIONS)/talk \
	completions/eager.bash:$(ETC)/bash_completion.d/talk
LINKS := $(foreach name,talk_client talk_server, \
	talk.1:$(SHARE)/man/man1/$(name).1 \
	talk.fish:$(FISH_COMPLETIONS)/$(name).fish \
	talk:$(BASH_COMPLETIONS)/$(name))

all: talk_client talk_server

# Always run: cargo knows what is out of date.
talk: FORCE
	$(CARGO) build --release --locked
	cp -f $(CARGO_TARGET_DIR)/release/talk $@

talk_client talk_server: talk
	ln -sf talk $@

run: all
	./talk server

# The tests mostly wait, so the checks and builds run beside them. Each stage shows its output when it is done.
test: needs
	$(CARGO) test --locked --no-run
	$(MAKE) --no-print-directory --jobs=3 --output-sync=target FUZZ_SECONDS=5 suite check fuzz test-package

suite:
	$(CARGO) test --locked
	python3 scripts/load --quick 1000 $(CARGO_TARGET_DIR)/debug/talk

test-package:
	scripts/test-package

# The long tests in full, which test runs in part or for a short time.
soak: needs load fuzz
	TALK_KILLS=70 TALK_SOAK=1 $(CARGO) test --locked --test suite -- bulk:: kills:: network::

load: talk
	python3 scripts/load ./talk

# Every fuzz target in turn.
fuzz:
	scripts/fuzz $(FUZZ_SECONDS)

check:
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path fuzz/Cargo.toml
	$(CARGO) clippy --locked --all-targets -- -D warnings
	scripts/fuzz lint
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	scripts/check-imports --self-test
	scripts/check-imports
	scripts/check-style
	$(CARGO) test --locked --quiet --bin talk option_lists
	shellcheck $(SCRIPTS)
	mandoc -Tlint -Wwarning man/*
	# Style warnings as well, except those that depend on which other manuals are installed.
	! mandoc -Tlint -Wstyle man/* 2>/dev/null | grep -v 'referenced manual not found'

# Writes the option lists of the manual, the README and the completions from what each mode declares.
option-lists:
	TALK_WRITE_OPTION_LISTS=1 $(CARGO) test --locked --quiet --bin talk option_lists

# Only says what is missing, since nobody expects a test to install packages; continuous integration does.
needs:
	scripts/setup-tests $(if $(CI),,--check)

setup:
	scripts/setup-tests

# Writes docs/BENCHMARKS.md; needs a quiet machine.
bench:
	scripts/bench/setup
	python3 scripts/bench

bench-quick:
	scripts/bench/setup
	python3 scripts/bench --quick

# Only copies: root may have no cargo, and must leave no files in the tree.
install: install-program install-files

install-program:
	@[ -x talk ] || { echo 'cannot install talk: not built; run make first' >&2; exit 1; }
	install -D -m 755 talk $(DESTDIR)$(PREFIX)/bin/talk
	ln -sf talk $(DESTDIR)$(PREFIX)/bin/talk_client
	ln -sf talk $(DESTDIR)$(PREFIX)/bin/talk_server

# Everything except the program.
install-files:
	set -e; for pair in $(FILES); do install -D -m 644 "$${pair%%:*}" "$(DESTDIR)$${pair#*:}"; done
	set -e; for pair in $(LINKS); do ln -sf "$${pair%%:*}" "$(DESTDIR)$${pair#*:}"; done

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,talk talk_client talk_server)
	set -e; for pair in $(FILES) $(LINKS); do rm -f "$(DESTDIR)$${pair#*:}"; done
	[ ! -d $(DESTDIR)$(SHARE)/doc/talk ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(SHARE)/doc/talk

# Reproducible: the same files give the same archive, byte for byte.
dist:
	tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 \
		--transform='s,^,talk-$(VERSION)/,' $(DIST) | gzip -n9 > talk-$(VERSION).tar.gz

deb:
	scripts/build-deb

test-deb: needs
	scripts/test-deb

# A single file without library dependencies.
static:
	if command -v rustup > /dev/null; then rustup target add $(STATIC); fi
	$(CARGO) build --release --locked --target $(STATIC)
	cp -f $(CARGO_TARGET_DIR)/$(STATIC)/release/talk talk-static

test-static: needs
	scripts/test-static

# Checks that the oldest supported Rust builds it.
msrv:
	rustup toolchain install --profile minimal $(MSRV)
	$(CARGO) +$(MSRV) check --locked --all-targets

# Licences, sources and advisories of the dependencies. Needs cargo-deny, and the network for the advisories.
audit:
	$(CARGO) deny --locked check

clean:
	$(CARGO) clean
	rm -f talk talk_client talk_server talk-*.tar.gz talk-desk_*.deb talk-static

.PHONY: all run test suite test-package soak load fuzz check option-lists needs setup bench bench-quick install \
	install-program install-files uninstall dist deb test-deb static test-static msrv audit clean FORCE
