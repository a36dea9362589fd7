"""Other systems, measured in the same run where they are installed."""

import contextlib
import csv
import shutil
import socket
import subprocess
import time

from harness import EVENT_BYTES, cpu_microseconds


class Redis:
    """Streams of a Redis that syncs its file before each answer, as Everyline does. (Debian: redis-server.)"""

    def __init__(self, directory):
        directory.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", directory, "--save", "",
             "--appendonly", "yes", "--appendfsync", "always"], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            assert self.process.poll() is None and time.monotonic() < end, "Redis did not start"
            time.sleep(0.05)  # It says nothing when it listens.

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def append(self, events):
        """Appends one at a time; the median in microseconds, and the processor time of each."""
        before = cpu_microseconds(self.process.pid)
        done = subprocess.run(
            ["redis-benchmark", "-p", str(self.port), "-c", "1", "-n", str(events), "--csv", "XADD", "log", "*", "event",
             "x" * EVENT_BYTES], stdout=subprocess.PIPE, text=True, check=True)
        cpu = (cpu_microseconds(self.process.pid) - before) / events
        (row,) = csv.DictReader(done.stdout.splitlines())
        return float(row["p50_latency_ms"]) * 1000, cpu


def redis(directory):
    """A Redis, or `None` where none is installed."""
    return Redis(directory) if shutil.which("redis-server") and shutil.which("redis-benchmark") else None
