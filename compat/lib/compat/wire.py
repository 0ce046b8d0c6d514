"""A producer of a few lines, to write what no client would: old versions, a batch at a time.

Of FindCoordinator 1, InitProducerId 0, AddPartitionsToTxn 0, AddOffsetsToTxn 0, TxnOffsetCommit 0,
Produce 3 and EndTxn 0 only what a transaction over partitions 0 needs. An answer other than success
is an error.
"""

import socket
import struct
import time

PATIENCE = 60
RETRIED = {3, 6, 14, 15, 51}  # not told of it yet, not led, loading, not available, concurrent


def text(value):
    return struct.pack(">h", len(value)) + value.encode()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def batch(value, producer, sequence, timestamp):
    """One record in a transactional batch of format 2."""
    record = b"\0\0\0\1" + bytes([len(value) << 1]) + value.encode() + b"\0"
    tail = struct.pack(">hiqqqhii", 0x10, 0, timestamp, timestamp, *producer, sequence, 1)
    tail += bytes([len(record) << 1]) + record
    return struct.pack(">qiibI", 0, len(tail) + 9, -1, 2, crc32c(tail)) + tail


class Producer:
    """A transactional id, with its producer id and epoch unless it has some already."""

    def __init__(self, bootstrap, transactional_id, producer=None, timeout_ms=900_000):
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), PATIENCE)
        self.id, self.sequence = transactional_id, 0
        self.until(10, 1, text(transactional_id) + b"\1", ">4xh")
        self.producer = producer or self.until(
            22, 0, text(transactional_id) + struct.pack(">i", timeout_ms), ">4xhqh")[1:]

    def ask(self, api, version, body):
        frame = struct.pack(">hhih", api, version, 1, -1) + body
        self.socket.sendall(struct.pack(">i", len(frame)) + frame)
        size, _correlation = struct.unpack(">ii", self.socket.recv(8, socket.MSG_WAITALL))
        return self.socket.recv(size - 4, socket.MSG_WAITALL)

    def until(self, api, version, body, shape):
        """The answer in this shape, its error first, once it says success."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = struct.unpack_from(shape, self.ask(api, version, body))
            if answer[0] not in RETRIED or time.monotonic() > deadline:
                assert answer[0] == 0, f"api {api} answered {answer}"
                return answer
            time.sleep(0.05)

    def _head(self):
        return text(self.id) + struct.pack(">qh", *self.producer)

    def add(self, topic):
        body = self._head() + struct.pack(">i", 1) + text(topic) + struct.pack(">ii", 1, 0)
        self.until(24, 0, body, f">4x4x{2 + len(topic)}x4x4xh")

    def produce(self, topic, value, timestamp):
        records = batch(value, self.producer, self.sequence, timestamp)
        body = text(self.id) + struct.pack(">hii", -1, 10_000, 1) + text(topic)
        body += struct.pack(">iii", 1, 0, len(records)) + records
        self.until(0, 3, body, f">4x{2 + len(topic)}x4x4xh")
        self.sequence += 1

    def find(self, group):
        """Waits until the group has a coordinator."""
        self.until(10, 1, text(group) + b"\0", ">4xh")

    def offset(self, group, topic, offset):
        """Adds the group, and an offset of it."""
        self.until(25, 0, self._head() + text(group), ">4xh")
        self.find(group)
        body = text(self.id) + text(group) + struct.pack(">qh", *self.producer)
        body += struct.pack(">i", 1) + text(topic) + struct.pack(">iiqh", 1, 0, offset, -1)
        self.until(28, 0, body, f">4x4x{2 + len(topic)}x4x4xh")

    def end(self, commit):
        self.until(26, 0, self._head() + bytes([commit]), ">4xh")

    def end_refused(self):
        """The error of an end."""
        return struct.unpack_from(">4xh", self.ask(26, 0, self._head() + b"\1"))[0]
