# Build, test, install. Needs a Rust toolchain and make; the tests install what else they need (scripts/setup-tests).

PREFIX ?= /usr/local
CARGO ?= cargo
export CARGO_TARGET_DIR ?= $(CURDIR)/target

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
SCRIPTS := $(filter-out %/systemd,$(wildcard scripts/*)) .ci/run
DIST := .ci .gitignore CHANGELOG.md Cargo.lock Cargo.toml LICENSE Makefile README.md clippy.toml docs rustfmt.toml \
	scripts src tests

all: talk_client talk_server

# Cargo knows what is out of date, so it is always asked.
talk: FORCE
	$(CARGO) build --release --locked
	cp -f $(CARGO_TARGET_DIR)/release/talk $@

talk_client talk_server: talk
	ln -sf talk $@

run: all
	./talk server

test: setup check
	$(CARGO) test --locked
	scripts/test-package

check:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	scripts/check-imports
	shellcheck $(SCRIPTS)

setup:
	scripts/setup-tests

install: all
	install -D -m 755 talk $(DESTDIR)$(PREFIX)/bin/talk
	ln -sf talk $(DESTDIR)$(PREFIX)/bin/talk_client
	ln -sf talk $(DESTDIR)$(PREFIX)/bin/talk_server

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,talk talk_client talk_server)

# The same files give the same archive, byte for byte.
dist:
	tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 \
		--transform='s,^,talk-$(VERSION)/,' $(DIST) | gzip -n9 > talk-$(VERSION).tar.gz

clean:
	$(CARGO) clean
	rm -f talk talk_client talk_server talk-*.tar.gz

.PHONY: all run test check setup install uninstall dist clean FORCE
