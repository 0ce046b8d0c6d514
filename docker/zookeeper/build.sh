#!/bin/sh
# Builds ottla-zookeeper:3.8.4 from the published jars on Debian's JRE.
set -eu
cd "$(dirname "$0")"
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib -DincludeScope=runtime
docker build -q -t ottla-zookeeper:3.8.4 . >/dev/null
echo "zookeeper image: ottla-zookeeper:3.8.4 built"
