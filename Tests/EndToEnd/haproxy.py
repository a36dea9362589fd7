"""A proxy that sends the requests of all its clients over the same few connections to the server (`http-reuse always`)."""

import contextlib
import csv
import pathlib
import socket
import subprocess

CONFIGURATION = """
global
    nbthread 1
    stats socket {directory}/stats
defaults
    mode http
    timeout connect 10s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend clients
    bind fd@{listener}
    default_backend everyline
backend everyline
    http-reuse always
    server one {server} pool-purge-delay 60s
"""


class PoolingProxy:
    def __init__(self, address, directory):
        self.address, self.directory = address, directory

    def count(self, column):
        """One of the proxy's counters of its connections to the server."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(f"{self.directory}/stats")
            line.sendall(b"show stat\n")
            with line.makefile() as answer:
                rows = csv.DictReader(answer.read().removeprefix("# ").strip().split("\n"))
        return next(int(row[column]) for row in rows if row["svname"] == "one")


@contextlib.contextmanager
def pooling(server, directory: pathlib.Path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        file = directory / "haproxy.cfg"
        file.write_text(CONFIGURATION.format(directory=directory, listener=listener.fileno(), server=server.address))
        host, port = listener.getsockname()
        process = subprocess.Popen(["haproxy", "-db", "-q", "-f", str(file)], pass_fds=[listener.fileno()])
        try:
            yield PoolingProxy(f"{host}:{port}", directory)
        finally:
            process.terminate()
            process.wait(30)
