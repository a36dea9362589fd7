"""A TCP proxy that cuts connections: those that carry a stream, each after so many bytes."""

import contextlib
import random
import socket
import threading


class CuttingProxy:
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
                if is_request and b"upgrade: websocket" in data.lower() and self.cut < self.cuts:
                    state["limit"] = self.random.randrange(200, self.most)
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
