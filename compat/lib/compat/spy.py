"""A proxy in front of a broker that notes which requests come: api keys and their versions.

It reads only the first four bytes of each request, and forwards bytes as they are. Plaintext only.
"""

import asyncio
import contextlib
import struct
import threading

CHUNK = 1 << 16


class Requests:
    """Notes the kinds of requests in a stream of bytes that comes in pieces."""

    def __init__(self, seen):
        self.seen, self.rest, self.skip = seen, b"", 0

    def take(self, data):
        while data:
            if self.skip:
                step = min(self.skip, len(data))
                self.skip -= step
                data = data[step:]
                continue
            data, self.rest = self.rest + data, b""
            if len(data) < 8:
                self.rest = data
                return
            size, key, version = struct.unpack(">ihh", data[:8])
            self.seen.add((key, version))
            self.skip, data = max(size - 4, 0), data[8:]


class Spy:
    """Listens on `port` and forwards to `target` on a thread of its own; `seen` is what came."""

    def __init__(self, port, target):
        self.port, self.target, self.seen = port, target, set()
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    def _run(self, started):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        started.set()
        self.loop.run_forever()

    def take(self):
        """What came since the last call, as sorted (api key, version)."""
        seen, self.seen = self.seen, set()
        return sorted(seen)

    async def _serve(self, reader, writer):
        with contextlib.suppress(OSError):
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self.target)
            await asyncio.gather(self._pump(reader, back_writer, Requests(self)),
                                 self._pump(back_reader, writer, None))

    def add(self, kind):
        self.seen.add(kind)

    async def _pump(self, reader, writer, requests):
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                if requests:
                    requests.take(data)
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
