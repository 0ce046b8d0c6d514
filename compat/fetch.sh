#!/usr/bin/env bash
# Fetches the jars of Apache Kafka (3.9 and 4) into compat/.cache and compiles the tool driver.
# Idempotent: what is there stays. Needs java, javac and mvn.
set -euo pipefail
cd "$(dirname "$0")"
. ./versions.env
cache=$PWD/.cache
fetch() { # fetch FOLDER VERSION
    local stamp=$cache/$1/.complete-$2
    [ -e "$stamp" ] && return
    rm -rf "${cache:?}/$1"
    mvn -q -B -Dkafka.version="$2" -Dslf4j.version="$SLF4J_VERSION" \
        dependency:copy-dependencies -DoutputDirectory="$cache/$1"
    touch "$stamp"
}
logging() { # logging FOLDER LEVEL TARGET
    mkdir -p "$cache/$1"
    printf '%s\n' "log4j.rootLogger=$2, out" \
        log4j.appender.out=org.apache.log4j.ConsoleAppender "log4j.appender.out.target=$3" \
        log4j.appender.out.layout=org.apache.log4j.PatternLayout \
        'log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n' \
        log4j.logger.org.apache.zookeeper=WARN > "$cache/$1/log4j.properties"
}
driver() { # driver JARS : one build for each Kafka, the Exit class moved between them
    local out=$cache/driver-$1 source=lib/java/ToolDriver.java
    [ "$out/ToolDriver.class" -nt "$source" ] && return
    mkdir -p "$out"
    javac -cp "$cache/$1/*" -d "$out" "$source"
}
mkdir -p "$cache"
fetch k39 "$KAFKA_VERSION"
fetch k4 "$KAFKA4_VERSION"
logging log-server INFO System.out
logging log-tool WARN System.err
driver k39
driver k4
