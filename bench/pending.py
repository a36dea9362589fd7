"""Lines that have no newline yet: what a progress bar costs with many viewers, and how soon a byte is on a viewer's screen."""

import os
import pty
import re
import selectors
import socket
import subprocess
import sys
import time

from harness import Workspace, cpu_seconds, median, serving, stream_path

SECONDS = 10
VIEWERS = 1000
UPGRADE = ("GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: everyline.v1\r\n\r\n")


class Viewers:
    """Connections that count the pending lines that they get, and look at nothing else."""

    def __init__(self, server, id, count):
        self.selector, self.sockets, self.messages = selectors.DefaultSelector(), [], 0
        host, port = server.address.split(":")
        path = stream_path(server, id)
        for _ in range(count):
            line = socket.create_connection((host, int(port)))
            line.sendall(UPGRADE.format(path, server.address).encode())
            self.sockets.append(line)
        for line in self.sockets:
            head = b""
            while b"\r\n\r\n" not in head:
                head += line.recv(1)
            assert head.startswith(b"HTTP/1.1 101"), head
            line.setblocking(False)
            self.selector.register(line, selectors.EVENT_READ)

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                # A message is far shorter, and never cut by so much room.
                self.messages += key.fileobj.recv(65536).count(b'"type":"pending"')

    def close(self):
        for line in self.sockets:
            line.close()


def progress(repeat):
    """Viewers of a progress bar that changes twenty times a second."""
    cpu, rates = [], []
    script = "import sys, time\nfor n in range(100000):\n sys.stdout.write(f'\\rDownloading {n} %'); sys.stdout.flush(); time.sleep(0.05)"
    with Workspace("progress") as directory, serving(directory) as server:
        for _ in range(repeat):
            id = server.run(sys.executable, "-c", script)
            viewers = Viewers(server, id, VIEWERS)
            viewers.read(1)
            viewers.messages, before, start = 0, cpu_seconds(server.process.pid), time.monotonic()
            viewers.read(SECONDS)
            took = time.monotonic() - start
            cpu.append((cpu_seconds(server.process.pid) - before) / took)
            rates.append(viewers.messages / VIEWERS / took)
            viewers.close()
            server.delete(f"/api/v1/executions/{id}")
    return median(cpu), median(rates)


def delay(repeat):
    """From a byte that a command writes to the screen of `everyline logs -f`; milliseconds, in order."""
    found = []
    script = ("import random, sys, time\nfor _ in range(100000):\n time.sleep(random.uniform(0.2, 0.5))\n"
              " sys.stdout.write(f'\\r<{time.monotonic_ns()}>'); sys.stdout.flush()")
    with Workspace("delay") as directory, serving(directory) as server:
        id = server.run(sys.executable, "-c", script)
        main, side = pty.openpty()
        environment = {**os.environ, "EVERYLINE_URL": server.url, "EVERYLINE_API_KEY": server.key, "TERM": "xterm"}
        viewer = subprocess.Popen([os.environ["EVERYLINE_BINARY"], "logs", "-f", id], stdin=side, stdout=side, stderr=side, env=environment)
        os.close(side)
        seen, shown, end = set(), b"", time.monotonic() + SECONDS * repeat
        while time.monotonic() < end:
            shown = (shown + os.read(main, 65536))[-200:]
            now = time.monotonic_ns()
            for stamp in re.findall(rb"<([0-9]+)>", shown):
                if stamp not in seen:
                    seen.add(stamp)
                    found.append((now - int(stamp)) / 1e6)
        viewer.kill()
        viewer.wait()
        os.close(main)
        server.delete(f"/api/v1/executions/{id}")
    # What stood there when the viewer came.
    return sorted(found[1:])
