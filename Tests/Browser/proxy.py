"""TCP proxies between a page and the server: one cuts what carries a stream, each after so many bytes; one blocks requests."""

import base64
import contextlib
import hashlib
import random
import re
import socket
import threading


class CuttingProxy:
    UPGRADES = b"upgrade: websocket"
    EVENTS = b"accept: text/event-stream"

    def __init__(self, port, cuts, most=6_000, seed=1):
        self.port = port
        self.cuts = cuts
        self.most = most
        self.random = random.Random(seed)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.cut = 0
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def drop(self):
        """Ends what is open now, as another network does."""
        for end in list(self.open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def passes(self, data, client):
        """Whether what a client sends goes on to the server."""
        return True

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                client.close()
                continue
            self.open |= {client, server}
            state = {"limit": None}
            threading.Thread(target=self._pump, args=(client, server, state, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, state, False), daemon=True).start()

    def _pump(self, source, target, state, is_request):
        passed = 0
        try:
            while data := source.recv(65_536):
                if is_request and not self.passes(data, source):
                    continue
                if is_request and any(word in data.lower() for word in (self.UPGRADES, self.EVENTS)) and self.cut < self.cuts:
                    # Behind an answer's head, so that none is taken for a refusal.
                    state["limit"] = self.random.randrange(1_000, self.most)
                limit = state["limit"]
                if not is_request and limit is not None and passed + len(data) >= limit and self.cut < self.cuts:
                    # In the middle of whatever it is.
                    target.sendall(data[: limit - passed])
                    self.cut += 1
                    break
                passed += len(data)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
            self.open.discard(end)


class BlockingProxy(CuttingProxy):
    """Blocks what has one of these words in its head: it refuses it, or swallows it and says nothing, or agrees to the upgrade and hangs up."""

    def __init__(self, port, refused=(), swallowed=(), cut=()):
        self.refused = refused
        self.hung_up = cut
        self.swallowed = swallowed
        super().__init__(port, cuts=0)

    def passes(self, data, client):
        head = data.lower()
        if any(word in head for word in self.swallowed):
            return False
        if any(word in head for word in self.refused):
            client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            client.shutdown(socket.SHUT_RDWR)
            return False
        if any(word in head for word in self.hung_up):
            key = re.search(rb"(?i)sec-websocket-key: *(\S+)", data)[1]
            accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            client.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Protocol: everyline.v1\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            client.shutdown(socket.SHUT_RDWR)
            return False
        return True
