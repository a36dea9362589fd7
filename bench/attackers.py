"""What is done to a server while its viewers' waits are measured.

An attack is a function that is given the server and a number of connections, and gives a context in which it goes on. `ALL` has
each by its name, with the numbers of connections that it is tried with.
"""

import contextlib
import multiprocessing
import selectors
import socket
import struct
import zlib

import key_attacks
from harness import port, stream_path

SIZE = 256 * 1024


@contextlib.contextmanager
def none(server, connections):
    yield


def flood(address, connections, opening, data, reads):
    """Keeps connections full, for ever; opens one again that was closed. Each says `opening` first, once that is answered."""
    selector = selectors.DefaultSelector()
    data = data * (SIZE // len(data) + 1)

    def open_one():
        line = socket.create_connection(address, 30)
        if opening:
            line.sendall(opening)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = line.recv(1)
                if not piece:
                    raise SystemExit(f"the attack isn't let in: {head!r}")
                head += piece
        line.setblocking(False)
        selector.register(line, selectors.EVENT_WRITE | (selectors.EVENT_READ if reads else 0), [0])

    def close(line):
        selector.unregister(line)
        line.close()

    for _ in range(connections):
        open_one()
    while True:
        for key, events in selector.select():
            line, place = key.fileobj, key.data
            try:
                if events & selectors.EVENT_READ and not line.recv(SIZE):
                    raise ConnectionResetError
                if events & selectors.EVENT_WRITE:
                    place[0] = (place[0] + line.send(memoryview(data)[place[0]:])) % len(data)
            except BlockingIOError:
                pass
            except OSError:
                close(line)
                open_one()


@contextlib.contextmanager
def flooding(server, connections, data, opening=b"", reads=True):
    """In a process of its own, so that it and the measurement don't wait for each other."""
    process = multiprocessing.get_context("fork").Process(
        target=flood, args=(("127.0.0.1", port(server)), connections, opening, data, reads), daemon=True)
    process.start()
    try:
        yield
        assert process.is_alive(), "the attack ended by itself"
    finally:
        process.kill()
        process.join()


def pipelining(method, path, fields="", body="", reads=True):
    """Without a key: requests without end, each sent before the last is answered."""
    request = f"{method} {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}".encode()
    return lambda server, connections: flooding(server, connections, request, reads=reads)


def frames(data, fields=""):
    """With a viewer's token: what is sent over its stream, without end."""
    def attack(server, connections):
        log = server.register()
        opening = (
            f"GET {stream_path(server, log.id)} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n").encode()
        return flooding(server, connections, data, opening)
    return attack


def frame(first, payload=b""):
    """A short one, masked with zeros."""
    return struct.pack("!BB", first, 0x80 | len(payload)) + bytes(4) + payload


UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def deflated(text):
    """As permessage-deflate sends it."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


FEW = (1, 4, 16)
ALL = {
    "none": (none, (0,)),
    "health": (pipelining("GET", "/healthz"), FEW),
    "unread": (pipelining("GET", "/healthz", reads=False), FEW),
    "head": (pipelining("HEAD", "/healthz"), FEW),
    "nowhere": (pipelining("GET", "/x"), FEW),
    "document": (pipelining("GET", "/api/v1/openapi.json"), FEW),
    "unauthorized": (pipelining("GET", "/api/v1/executions", "Authorization: Bearer x\r\n"), FEW),
    "refused-body": (pipelining("POST", "/api/v1/run", "Content-Length: 2\r\n", "{}"), FEW),
    "bodies": (pipelining("POST", "/api/v1/run", "Content-Length: 100000000\r\n", "x" * 100_000), FEW),
    "no-host": (pipelining("GET", "/healthz", "Host: b\r\n"), FEW),
    "upgrades": (pipelining("GET", "/api/v1/executions/x/stream", UPGRADE), FEW),
    "pings": (frames(frame(0x89)), FEW),
    "messages": (frames(frame(0x81)), FEW),
    "inflated": (
        frames(frame(0xC1, deflated(b"a" * 65_000)), "Sec-WebSocket-Extensions: permessage-deflate\r\n"), FEW),
    **key_attacks.ALL,
}
