"""Sends the requests of captured.tsv as they stand; each must be answered, never with a hang-up.

The topics and groups that they name may be unknown to the broker: an error code is an answer.
"""

import pathlib
import socket
import struct

from compat import kit

ROWS = pathlib.Path(__file__).resolve().parent / "captured.tsv"
LONGEST = 400  # bytes of a body that the recording kept; a longer one was cut


def whole_requests():
    for line in ROWS.read_text().splitlines():
        if line.startswith("#"):
            continue
        client, key, version, _count, *body = line.split("\t")
        body = bytes.fromhex(body[0] if body else "")
        if len(body) < LONGEST:
            yield client.encode(), int(key), int(version), body


def need(s, size):
    data = b""
    while len(data) < size:
        part = s.recv(size - len(data))
        assert part, "the connection was closed"
        data += part
    return data


TRANSACTIONS = (22, 24, 26)  # InitProducerId, AddPartitionsToTxn, EndTxn


def captured(_scratch):
    return replayed([r for r in whole_requests() if r[1] not in TRANSACTIONS], 20)


def captured_transactions(_scratch):
    return replayed([r for r in whole_requests() if r[1] in TRANSACTIONS], 3)


def replayed(requests, least):
    assert len(requests) >= least, f"only {len(requests)} requests in the recording"
    for number, (client, key, version, body) in enumerate(requests):
        # One connection a request: JoinGroup may leave a member behind, which is no other's matter.
        with socket.create_connection(("127.0.0.1", kit.broker().port), 10) as s:
            s.settimeout(30)
            header = struct.pack(">hhih", key, version, number, len(client)) + client
            s.sendall(struct.pack(">i", len(header + body)) + header + body)
            try:
                answer = need(s, struct.unpack(">i", need(s, 4))[0])
            except (AssertionError, OSError) as e:
                raise AssertionError(f"{client} api {key} v{version} {body.hex()}: {e}") from e
        assert struct.unpack(">i", answer[:4])[0] == number, f"api {key} v{version}: correlation"
    return f"{len(requests)} requests answered"
