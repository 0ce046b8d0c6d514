#!/usr/bin/env bash
# protocol-tests/run.sh record              writes goldens/ from Apache Kafka 3.9 in ZooKeeper mode
# protocol-tests/run.sh prove [CASE]        asks a new Kafka and compares: are the masks right?
# protocol-tests/run.sh differential [CASE] the same requests to Kafka and to Ottla, compared
# protocol-tests/run.sh target HOST:PORT    compares any running broker with the goldens
set -euo pipefail
cd "$(dirname "$0")"
[ "$1" = target ] || ../compat/fetch.sh
PYTHONPATH=../compat/lib exec python3 -m compat.goldens "$@"
