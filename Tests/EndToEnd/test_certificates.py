"""What the command line says of a server whose certificate isn't one to trust: in words that say what to do, each against a server that
has such a certificate."""

import datetime
import pathlib
import socket
import subprocess
import threading

import pytest

from cli import CommandLine
from everyline import serving

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXTENSIONS = "subjectAltName=DNS:localhost,IP:127.0.0.1"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def self_signed(directory, name, *more):
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
            "-out", certificate, *more)
    return certificate, key


def issued(directory, start, end, extensions=EXTENSIONS):
    """A certificate of an authority, with the authority's own behind it; the dates are as 20301231."""
    authority, authority_key = self_signed(directory, "An Authority", "-days", "9000")
    key, request, certificate, settings = (directory / f"server.{kind}" for kind in ("key", "csr", "pem", "conf"))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=a server", "-keyout", key, "-out", request)
    (directory / "index").touch()
    settings.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={directory}/index\nnew_certs_dir={directory}\ndefault_md=sha256\npolicy=p\n"
                        f"rand_serial=yes\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\n{extensions}\n")
    openssl("ca", "-batch", "-notext", "-config", settings, "-cert", authority, "-keyfile", authority_key, "-in", request, "-out", certificate,
            "-startdate", f"{start}000000Z", "-enddate", f"{end}000000Z")
    chain = directory / "chain.pem"
    chain.write_text(certificate.read_text() + authority.read_text())
    return chain, key, authority


def said(directory, certificate, key, *options, host="localhost"):
    """What `everyline list` says of a server with this certificate, and what a viewer and a producer do."""
    with serving(directory, "--tls-certificate", str(certificate), "--tls-key", str(key)) as server:
        server.url = f"https://{host}:{server.address.split(':')[1]}"
        cli = CommandLine(server, directory)
        says = []
        for arguments in (["list"], ["run", "--", "true"], ["exec", "--", "true"]):
            done = cli.run(arguments[0], *options, *arguments[1:])
            assert done.returncode == 125, done
            text = done.stderr.decode()
            assert not any(word in text for word in (".cc", ".c:", ".swift", "NIOSSL", "OPENSSL", "BoringSSL", str(ROOT))), text
            says.append(text)
        assert all(f"the server at {server.url} can't be reached: " in text for text in says), says
        return says


@pytest.fixture(autouse=True)
def year():
    return datetime.datetime.now(datetime.timezone.utc).year


def test_a_certificate_that_has_expired(tmp_path):
    chain, key, authority = issued(tmp_path, "20200101", "20210203")
    for options in ([], ["--ca-file", authority]):
        assert all("its certificate expired on 2021-02-03" in text for text in said(tmp_path, chain, key, *options))


def test_a_certificate_that_is_not_valid_yet(tmp_path, year):
    chain, key, authority = issued(tmp_path, f"{year + 2}0405", f"{year + 9}0101")
    says = said(tmp_path, chain, key, "--ca-file", authority)
    assert all(f"its certificate is valid from {year + 2}-04-05 on, and here it is {year}-" in text for text in says)


def test_a_certificate_that_is_self_signed(tmp_path):
    certificate, key = self_signed(tmp_path, "localhost", "-days", "2", "-addext", EXTENSIONS)
    assert all("its certificate is self-signed: --ca-file FILE trusts" in text for text in said(tmp_path, certificate, key))


def test_a_certificate_of_an_unknown_authority(tmp_path, year):
    chain, key, authority = issued(tmp_path, "20200101", f"{year + 9}0101")
    says = said(tmp_path, chain, key)
    assert all("its certificate is from An Authority, which isn't trusted here: --ca-file FILE trusts" in text for text in says)


@pytest.mark.parametrize("host, extensions, words", [
    ("localhost", "subjectAltName=DNS:logs.example.com,DNS:*.example.org,IP:10.0.0.1",
     "its certificate is for logs.example.com, *.example.org, 10.0.0.1, not for localhost"),
    ("127.0.0.1", "subjectAltName=DNS:localhost", "its certificate is for localhost, not for 127.0.0.1"),
    ("localhost", "basicConstraints=CA:FALSE", "its certificate names no host, so not localhost either")])
def test_a_certificate_for_another_host(tmp_path, year, host, extensions, words):
    chain, key, authority = issued(tmp_path, "20200101", f"{year + 9}0101", extensions)
    assert all(words in text for text in said(tmp_path, chain, key, "--ca-file", authority, host=host))


def test_a_certificate_of_a_trusted_authority_is_trusted(tmp_path, year):
    chain, key, authority = issued(tmp_path, "20200101", f"{year + 9}0101")
    with serving(tmp_path, "--tls-certificate", str(chain), "--tls-key", str(key)) as server:
        server.url = f"https://localhost:{server.address.split(':')[1]}"
        assert CommandLine(server, tmp_path).run("list", "--ca-file", authority).returncode == 0


def test_a_file_of_authorities_that_is_none(tmp_path):
    key = tmp_path / "key.pem"
    key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    for file, words in ((tmp_path / "nofile", "no such file or directory"), (key, "it holds no certificate in PEM form")):
        done = CommandLine(None, tmp_path).run("list", "--url", "https://127.0.0.1:1", "--ca-file", file)
        assert done.returncode == 125 and f"the CA file can't be used: {file}: {words}" in done.stderr.decode()


def test_what_speaks_no_http(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def answer():
            while True:
                connection = listener.accept()[0]
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"\0\1 I am not HTTP\r\n\r\n" * 10)

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        done = CommandLine(None, tmp_path).run("status", "a", "--url", url)
    assert done.returncode == 125
    assert f"the server at {url} can't be reached: what answers there doesn't speak HTTP" in done.stderr.decode()


def test_a_server_without_tls(server, tmp_path):
    cli = CommandLine(server, tmp_path)
    done = cli.run("list", "--url", server.url.replace("http:", "https:"))
    assert "it doesn't speak TLS" in done.stderr.decode()
