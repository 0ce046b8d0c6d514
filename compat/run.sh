#!/usr/bin/env bash
# compat/run.sh SYSTEM [SCENARIO]: runs one system's scenarios, `all`, or the `fast` ones of all.
# SCENARIO may be a pattern: 'basic_*'.
# BROKER=ottla (default) | kafka: what is tested; kafka proves the scenarios themselves.
# METADATA=zookeeper (default) | embedded: the store an Ottla under test uses.
# REQUESTS=1: clients go through a proxy that notes their api keys and versions in the results.
set -euo pipefail
cd "$(dirname "$0")"
../.ci/packages
./fetch.sh
PYTHONPATH=$PWD/lib exec python3 -m compat "$@"
