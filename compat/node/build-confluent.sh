#!/usr/bin/env bash
# build-confluent.sh FOLDER VERSION: @confluentinc/kafka-javascript from its own tarball. Its
# installer wants archives from the web; the tarball carries librdkafka's source, built here.
set -euo pipefail
folder=$1 version=$2
lib=$folder/lib package=$folder/node_modules/@confluentinc/kafka-javascript
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . --ignore-scripts \
    "@confluentinc/kafka-javascript@$version"
cp -r "$package/deps/librdkafka" src
(cd src && chmod +x configure lds-gen.py mklove/* &&
    ./configure --prefix="$lib" --disable-lz4-ext && make -j2 libs && make install-subdirs)
# Else the system's older headers win.
sed -i "s#/usr/include/librdkafka#$lib/include/librdkafka#" "$package/binding.gyp"
CXXFLAGS=-I$lib/include LDFLAGS="-L$lib/lib -Wl,-rpath,$lib/lib" BUILD_LIBRDKAFKA=0 \
    npm rebuild --build-from-source @confluentinc/kafka-javascript
