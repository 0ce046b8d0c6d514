#!/bin/sh
# Lays out, inside the image, what users of the apache/kafka and confluentinc/cp-kafka images and
# the testcontainers modules expect to find. All of it belongs to uid 1000 and is writable: the
# modules edit these files before they start the broker.
set -eu
here=$(dirname "$0")
getent passwd 1000 >/dev/null || {
  groupadd -g 1000 appuser
  useradd -u 1000 -g 1000 -M -d /var/lib/kafka -s /bin/bash appuser
}
mkdir -p /etc/confluent/docker /etc/kafka/docker /etc/kafka/secrets \
  /opt/kafka/config /opt/kafka/bin /mnt/shared/config \
  /var/lib/kafka/data /var/lib/zookeeper/data /var/lib/zookeeper/log

for folder in /etc/confluent/docker /etc/kafka/docker; do
  install -m 755 "$here/run" "$here/configure" "$here/properties" "$here/launch" "$folder/"
  printf '#!/bin/bash\n' > "$folder/ensure"
  chmod 755 "$folder/ensure"
  # Sourced by plain sh in some modules: no bashisms.
  printf 'set -o nounset\nset -o errexit\n' > "$folder/bash-config"
done

install -m 755 "$here/kafka-storage" /usr/local/bin/kafka-storage
install -m 755 "$here/zookeeper-server-start" /usr/local/bin/zookeeper-server-start
for tool in kafka-storage zookeeper-server-start; do
  ln -sf "/usr/local/bin/$tool" "/opt/kafka/bin/$tool.sh"
done

chown -R 1000 /etc/confluent /etc/kafka /opt/kafka /mnt/shared \
  /var/lib/kafka /var/lib/zookeeper
# Any uid in group 0 may run the image, as upstream's allow.
chmod -R g=u /etc/confluent /etc/kafka /opt/kafka /var/lib/kafka
