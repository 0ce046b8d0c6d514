# make test    every test of this repository that needs no other broker, then the stock tools
# make compat  every system of compat/ on Apache Kafka, then on Ottla; COMPAT.md from both
# make bench   side by side with Apache Kafka
# make lint    what .ci/run asks before the tests
CARGO ?= cargo

.PHONY: fuzz test unit tools compat bench lint goldens differential

test:
	@.ci/test

unit:
	$(CARGO) test

tools:
	$(CARGO) build
	compat/run.sh tools

compat:
	$(CARGO) build --release
	REQUESTS=1 BROKER=kafka compat/run.sh all
	REQUESTS=1 compat/run.sh all
	compat/report

bench:
	$(CARGO) build --release
	bench/run.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --all-targets -- -D warnings
	@.ci/deny

goldens:
	protocol-tests/run.sh record

differential:
	protocol-tests/run.sh differential

# Each target for five minutes on mutations of fuzz/corpus; with cargo-fuzz and a nightly toolchain
# also `cargo +nightly fuzz run segments fuzz/corpus/segments`.
fuzz:
	OTTLA_FUZZ_SECONDS=$${OTTLA_FUZZ_SECONDS:-300} $(CARGO) test --lib fuzzing
