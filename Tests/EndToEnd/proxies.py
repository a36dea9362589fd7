"""The proxies of docs/proxies.md, each run by the configuration that stands there, with this test's addresses and files."""

import contextlib
import pathlib
import re
import socket
import ssl
import subprocess

from everyline import ROOT, Server, wait_for

PAGE = (ROOT / "docs/proxies.md").read_text()
NAMES = ["nginx", "haproxy", "caddy"]
PATH = "/logs"


def documented(name):
    return re.search(rf"```{name}\n(.*?)```", PAGE, re.DOTALL)[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def replaced(text, *changes):
    """The text after changes that must each find something."""
    for old, new in changes:
        assert old in text, f"docs/proxies.md says {old!r} no more"
        text = text.replace(old, new)
    return text


def certificate(directory):
    certificate, key, both = (directory / name for name in ("chain.pem", "key.pem", "both.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    both.write_text(certificate.read_text() + key.read_text())
    return certificate, key, both


def command(name, directory, port, server, timeout):
    """Writes the proxy's configuration; what starts it in the foreground."""
    chain, key, both = certificate(directory)
    file = directory / f"{name}.conf"
    text = documented(name)
    if name == "nginx":
        text = replaced(
            text, ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"), ("/etc/ssl/example.com.pem", str(chain)),
            ("/etc/ssl/example.com.key", str(key)), ("127.0.0.1:7070", server), ("60s", timeout))
        temporary = "".join(
            f"{kind}_temp_path {directory}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        file.write_text(
            f"user root;\ndaemon off;\npid {directory}/pid;\nerror_log {directory}/error.log;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{text}\n}}\n")
        return ["nginx", "-c", str(file), "-e", f"{directory}/error.log"]
    if name == "haproxy":
        file.write_text(replaced(
            text, ("bind :443", f"bind 127.0.0.1:{port}"), ("/etc/ssl/example.com.pem", str(both)),
            ("127.0.0.1:7070", server), ("60s", timeout)))
        return ["haproxy", "-db", "-q", "-f", str(file)]
    file.write_text("{\n    admin off\n    auto_https disable_redirects\n}\n" + replaced(
        text, ("example.com {", f"https://localhost:{port} {{"), ("/etc/ssl/example.com.pem", str(chain)),
        ("/etc/ssl/example.com.key", str(key)), ("127.0.0.1:7070", server)))
    return ["caddy", "run", "--config", str(file), "--adapter", "caddyfile"]


class Proxied(Server):
    """A server, seen through the proxy."""

    def __init__(self, name, directory, *options):
        super().__init__(directory, *options)
        self.name, self.port = name, free_port()
        self.outside = f"https://localhost:{self.port}{PATH}"
        self.options += ["--public-url", self.outside]
        self.proxy = None

    @property
    def trust(self):
        return ssl.create_default_context(cafile=self.directory / "chain.pem")

    def start_proxy(self, timeout):
        words = command(self.name, self.directory, self.port, self.address, timeout)
        with open(self.directory / "proxy.log", "wb") as log:
            self.proxy = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": "/usr/sbin:/usr/bin:/bin", "HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory)})

        def listens():
            assert self.proxy.poll() is None, (self.directory / "proxy.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return True

        wait_for(listens)
        self.url = self.outside

    def stop_proxy(self):
        if self.proxy:
            self.proxy.terminate()
            self.proxy.wait(30)


@contextlib.contextmanager
def proxied(name, directory, *options, timeout="60s"):
    directory = pathlib.Path(directory)
    server = Proxied(name, directory, *options)
    server.start()
    try:
        server.start_proxy(timeout)
        yield server
    finally:
        server.stop_proxy()
        server.stop()
