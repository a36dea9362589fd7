"""What the holder of a viewer's or a developer's key does to a server while its viewers' waits are measured: an attack is a
function that goes on until its process is ended."""

import contextlib
import http.client
import multiprocessing
import os
import random
import socket
import time

LONG_COMMAND = "a" * 130_000


class Target:
    """A server with something to attack: a viewer's key, long commands, a large log that goes on and one that has ended."""

    def __init__(self, server):
        self.address, self.key = server.address, server.create_key("viewer")
        developer = server.create_key("developer")
        for _ in range(300):
            server.post("/api/v1/executions", {"command": [LONG_COMMAND]}, key=developer)
        self.appending = [server.register() for _ in range(4)]
        self.going, self.ended = server.register(), server.register()
        for log in (self.going, self.ended):
            for _ in range(16):
                log.append(*[random.randbytes(100).hex() for _ in range(20_000)])
        self.ended.append(end="SUCCEEDED")
        location = server.get(f"{self.going.path}/logs", key=self.key)
        self.stream = "/" + location["websocket_url"].split("/", 3)[3] + "&after=0"
        self.events = "/" + location["stream_url"].split("/", 3)[3] + "&after=0"

    def connect(self, buffer=None):
        line = socket.socket()
        if buffer:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        line.settimeout(120)
        host, port = self.address.split(":")
        line.connect((host, int(port)))
        return line

    def get(self, path, *headers, key=None):
        fields = "".join(f"{header}\r\n" for header in headers)
        return f"GET {path} HTTP/1.1\r\nHost: {self.address}\r\nAuthorization: Bearer {key or self.key}\r\n{fields}\r\n".encode()

    def upgrade(self, *headers):
        return self.get(
            self.stream, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: everyline.v1", *headers)


def read_to_the_end(target, request):
    """Asks again and again, and reads the whole answer."""
    while True:
        with contextlib.suppress(OSError), target.connect() as line:
            line.sendall(request)
            while line.recv(1 << 20):
                pass


def lists(target, _):
    read_to_the_end(target, target.get("/api/v1/executions?limit=1000", "Connection: close"))


def compressed_lists(target, _):
    read_to_the_end(
        target, target.get("/api/v1/executions?limit=1000", "Connection: close", "Accept-Encoding: gzip"))


def compressed_downloads(target, _):
    read_to_the_end(target, target.get(
        f"{target.ended.path}/logs", "Accept: application/x-ndjson", "Accept-Encoding: gzip", "Connection: close"))


def text_downloads(target, _):
    read_to_the_end(target, target.get(f"{target.ended.path}/logs", "Accept: text/plain", "Connection: close"))


def compressed_replays(target, _):
    """Reads a backlog over a compressed WebSocket for a while, and begins again."""
    while True:
        with contextlib.suppress(OSError), target.connect() as line:
            line.sendall(target.upgrade("Sec-WebSocket-Extensions: permessage-deflate"))
            got = 0
            while got < 16 << 20:
                got += len(line.recv(1 << 20)) or (16 << 20)


def newlines(target, number):
    """An append of nothing but newlines, refused or not."""
    log = target.appending[number % len(target.appending)]
    body = b"\n" * (8 << 20)
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(target.address, timeout=120)
            connection.request("POST", f"{log.path}/events?after=0", body, {
                "Authorization": f"Bearer {log.token}", "Content-Type": "text/plain"})
            connection.getresponse().read()
            connection.close()


def stalled(target, _):
    """A hundred viewers that never read; those that are closed come again."""
    held = []
    while True:
        with contextlib.suppress(OSError):
            line = target.connect(buffer=4096)
            line.sendall(target.upgrade() if len(held) % 2 else target.get(target.events))
            held.append(line)
        if len(held) >= 100:
            held.pop(0).close()
            time.sleep(0.1)


def by(attack):
    """As `attackers` wants it: each connection in a process of its own."""
    @contextlib.contextmanager
    def running(server, connections):
        target = Target(server)

        def attacker(number):
            # The lines that are measured go before, where the machine is too small for all.
            os.nice(5)
            attack(target, number)

        processes = [
            multiprocessing.get_context("fork").Process(target=attacker, args=(number,), daemon=True)
            for number in range(connections)]
        for process in processes:
            process.start()
        try:
            yield
            assert all(process.is_alive() for process in processes), "the attack ended by itself"
        finally:
            for process in processes:
                process.kill()
                process.join()

    return running


ALL = {
    "lists": (by(lists), (8,)),
    "compressed-lists": (by(compressed_lists), (8,)),
    "compressed-downloads": (by(compressed_downloads), (8,)),
    "text-downloads": (by(text_downloads), (8,)),
    "compressed-replays": (by(compressed_replays), (8,)),
    "newlines": (by(newlines), (4,)),
    "stalled": (by(stalled), (4,)),
}
