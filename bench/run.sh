#!/usr/bin/env bash
# bench/run.sh: Ottla beside Apache Kafka 3.9 in one run; arguments go to the benchmark.
# OTTLA_KAFKA_JARS names a folder of Kafka's jars; without it they are fetched as for the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${OTTLA_KAFKA_JARS:-}" ]; then
    compat/fetch.sh
    export OTTLA_KAFKA_JARS=$PWD/compat/.cache/k39
fi
exec cargo bench --bench side_by_side -- "$@"
