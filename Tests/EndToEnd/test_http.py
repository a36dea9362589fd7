"""HTTP itself: what is answered to whom and in what form, and what one connection may cost the others."""

import contextlib
import json
import re
import socket
import time

import pytest

from everyline import serving, stream


def connect(server, wait=20):
    host, port = server.address.split(":")
    return socket.create_connection((host, int(port)), timeout=wait)


def talk(server, data, wait=20):
    """All that comes back until the server hangs up."""
    received = b""
    with connect(server, wait) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        with contextlib.suppress(ConnectionError):
            while piece := line.recv(65536):
                received += piece
    return received


def heads(answer):
    return re.findall(rb"HTTP/1\.1 (\d+)", answer)


GET = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = "POST /api/v1/run HTTP/1.1\r\nHost: a\r\n"
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


@pytest.fixture(scope="module")
def logs(server):
    """An ended log of some size, a log that goes on, and the path of its event stream."""
    ended, open_log = server.register(), server.register()
    ended.append(*(f"line {number}" for number in range(1000)), end="SUCCEEDED")
    open_log.append("line")
    events = server.get(f"{open_log.path}/logs")["stream_url"]
    return {"ended": ended.path, "open": open_log.path, "events": "/" + events.split("/", 3)[3]}


# Hosts.

@pytest.mark.parametrize("fields", [
    "", "Host: a\r\nHost: a\r\n", "Host: a\r\nHost: b\r\n", "Host:\r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a,b\r\n",
    "Host: user@a\r\n", "Host: a:b\r\n", "Host: [::1\r\n", "Host: a\r\n" * 3])
@pytest.mark.parametrize("before, upgrade", [("", ""), (GET, ""), ("", UPGRADE), (GET, UPGRADE)])
def test_a_request_that_does_not_name_its_host_once_is_a_problem(server, before, fields, upgrade):
    answer = talk(server, f"{before}GET /healthz HTTP/1.1\r\n{fields}{upgrade}\r\n{GET}")
    assert heads(answer) == [b"200"] * bool(before) + [b"400"]
    problem = json.loads(answer.rpartition(b"\r\n\r\n")[2])
    assert problem["code"] == "invalid_request" and "Host" in problem["detail"]


@pytest.mark.parametrize("host", ["a", "a.example:7070", "127.0.0.1:80", "[::1]", "[::1]:7070"])
def test_a_request_names_its_host(server, host):
    assert heads(talk(server, LAST.replace("Host: a", f"Host: {host}"))) == [b"200"]


# HTTP/1.0

@pytest.mark.parametrize("fields", ["", "Connection: keep-alive\r\n", "Host: a\r\n"])
def test_a_client_of_http_1_0_gets_a_log_as_it_is_and_the_end_of_the_connection(server, logs, fields):
    answer = talk(server, f"GET {logs['ended']}/logs HTTP/1.0\r\nAuthorization: Bearer {server.key}\r\n"
                          f"Accept: text/plain\r\n{fields}\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert body == b"".join(b"line %d\n" % number for number in range(1000))
    assert b"chunked" not in head.lower() and b"connection: close" in head.lower()


def test_a_client_of_http_1_0_follows_a_log_by_server_sent_events(server):
    log = server.register()
    log.append("one")
    path = "/" + server.get(f"{log.path}/logs")["stream_url"].split("/", 3)[3]
    with connect(server) as line:
        line.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        received = b""
        while b'"one"' not in received:
            received += line.recv(65536)
        log.append("two", end="SUCCEEDED")
        while piece := line.recv(65536):
            received += piece
    body = received.split(b"\r\n\r\n", 1)[1]
    assert body.startswith(b"retry: ") and body.count(b"\nid: ") == 3 and body.endswith(b"\n\n")


# HEAD

@pytest.mark.parametrize("path, fields", [
    ("/", ""), ("/healthz", ""), ("/readyz", ""), ("/metrics", ""), ("/api/v1/openapi.json", ""), ("/api/v1/me", ""),
    ("/nothing", ""), ("/executions/x", ""), ("/api/v1/executions", ""), ("/api/v1/executions", "Accept-Encoding: gzip\r\n"),
    ("{ended}", ""), ("{ended}/status", ""), ("{ended}/logs", ""), ("{ended}/logs", "Accept: text/plain\r\n"),
    ("{ended}/logs", "Accept: text/plain\r\nRange: bytes=5-9\r\n"), ("{ended}/logs", "Accept: application/x-ndjson\r\n"),
    ("{ended}/logs", "Accept: text/plain\r\nAccept-Encoding: gzip\r\n"), ("{ended}/block", ""), ("{open}/logs", ""),
    ("{open}/stream", ""), ("{open}/events", ""), ("{open}/logs?after=x", ""), ("/api/v1/keys", "")])
def test_head_is_answered_as_get_is_but_for_the_body(server, logs, path, fields):
    answers = {}
    for method in ["HEAD", "GET"]:
        answer = talk(server, f"{method} {path.format(**logs)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                              f"Authorization: Bearer {server.key}\r\n{fields}\r\n")
        head, answers[method + " body"] = answer.split(b"\r\n\r\n", 1)
        # What tells one answer from another isn't compared; nor how a body is framed whose length isn't known before.
        answers[method] = sorted(
            line for line in head.decode().lower().split("\r\n")
            if not line.startswith(("x-request-id:", "date:", "transfer-encoding:"))
            and not (path == "/metrics" and line.startswith("content-length:")))
    assert answers["HEAD body"] == b"" and answers["GET body"] != b""
    assert answers["HEAD"] == answers["GET"]


def test_head_of_an_event_stream_ends(server, logs):
    """Its body has neither an end nor chunks, and what is behind it is the next answer."""
    answer = talk(server, f"HEAD {logs['events']} HTTP/1.1\r\nHost: a\r\n\r\n{LAST}")
    head, rest = answer.split(b"\r\n\r\n", 1)
    assert b"text/event-stream" in head and b"content-length" not in head.lower() and rest.startswith(b"HTTP/1.1 200")


# What two readers of the same bytes may understand differently

@pytest.mark.parametrize("request_bytes", [
    POST + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    POST + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    POST.replace("1.1", "1.0") + "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n",
    POST + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", POST + "Content-Length: 4, 4\r\n\r\nabcd",
    POST + "Content-Length:\r\n\r\n", POST + "Content-Length: 1 0\r\n\r\n", POST + "Content-Length: 0x4\r\n\r\nabcd",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", "GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
    "GET /healthz HTTP/1.1\nHost: a\n\n", "GET /healthz HTTP/1.1\r\nHost: a\nContent-Length: 40\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n",
    POST + "Transfer-Encoding: chunked\r\n\r\n0\n\n", POST + "Transfer-Encoding: chunked\r\n\r\n4;a\nabcd\r\n0\r\n\r\n",
    POST + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n", POST + "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd0\r\n\r\n",
])
@pytest.mark.parametrize("before", ["", GET])
def test_nothing_is_answered_behind_a_request_that_can_be_misread(server, before, request_bytes):
    answer = talk(server, before + request_bytes + "GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b'"openapi"' not in answer
    # A 401 where the head was all right and its body isn't.
    assert answer.startswith(b"HTTP/1.1 200") == bool(before) and heads(answer)[-1] in (b"400", b"401")


@pytest.mark.parametrize("connection", ["close", "Close", "keep-alive, close", "close, x", "close\r\nConnection: keep-alive"])
def test_nothing_is_answered_behind_a_connections_last_request(server, connection):
    assert heads(talk(server, f"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: {connection}\r\n\r\n{GET}")) == [b"200"]


# Requests that are answered before they have come

@pytest.mark.parametrize("head", [
    POST + "Content-Length: 100000000\r\n", POST + "Transfer-Encoding: chunked\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n", "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n"])
def test_an_unread_body_is_not_waited_for(server, head):
    """It comes byte by byte, for ever."""
    piece = b"1\r\na\r\n" if "chunked" in head else b"a"
    received = b""
    with connect(server) as line:
        line.sendall(head.encode() + b"\r\n")
        with contextlib.suppress(ConnectionError):
            line.settimeout(0.2)
            while True:
                with contextlib.suppress(TimeoutError):
                    if not (part := line.recv(65536)):
                        break
                    received += part
                line.sendall(piece)
    assert len(heads(received)) == 1


@pytest.mark.parametrize("size", [100, 60_000])
def test_a_small_unread_body_leaves_the_connection_to_the_next_request(server, size):
    with connect(server) as line:
        line.sendall(f"{POST}Content-Length: {size}\r\n\r\n".encode())
        received = b""
        while b'"unauthorized"' not in received:
            received += line.recv(65536)
        assert b"connection: close" not in received.lower()
        line.sendall(b"a" * size + LAST.encode())
        while piece := line.recv(65536):
            received += piece
    assert heads(received) == [b"401", b"200"]


# One connection and the others

@pytest.mark.parametrize("request_bytes, status", [
    (GET, b"200"), (GET.replace("/healthz", "/x"), b"404"), (GET.replace("GET", "HEAD"), b"200"),
    (GET.replace("/healthz", "/api/v1/me"), b"401"), (POST + "Content-Length: 2\r\n\r\n{}", b"401"),
    (GET.replace("/healthz", "/api/v1/executions/x/stream").replace("\r\n\r\n", f"\r\n{UPGRADE}\r\n"), b"401")])
def test_all_requests_of_a_connection_are_answered_in_order_however_many_come_together(server, request_bytes, status):
    answer = talk(server, request_bytes * 300 + LAST.replace("/healthz", "/readyz"))
    assert heads(answer) == [status] * 300 + [b"200"] and answer.endswith(b"ready\n")


def test_who_asks_once_is_answered_before_who_has_asked_hundreds_of_times(server):
    log, count = server.register(), 400
    with contextlib.ExitStack() as stack:
        viewer = stack.enter_context(stream(log.stream_url()))
        # Enough of them for every event loop to have some.
        greedy = [stack.enter_context(connect(server, 60)) for _ in range(8)]
        for line in greedy:
            line.sendall(GET.encode() * count)
        received = [line.recv(1) for line in greedy]
        assert heads(talk(server, LAST)) == [b"200"]
        log.append("line")
        while '"line"' not in viewer.recv(20):
            pass
        for number, line in enumerate(greedy):
            # What has come so far.
            received[number] += line.recv(1 << 24, socket.MSG_DONTWAIT)
        assert max(len(heads(answers)) for answers in received) < count
        for line, answers in zip(greedy, received):
            while len(heads(answers)) < count:
                answers += line.recv(1 << 20)


@pytest.mark.parametrize("said", [b"GET /healthz HTTP/1.1\r\nX: ", b"GET /", b"\r\n"])
def test_a_second_request_that_dribbles_is_not_waited_for_longer_than_a_first(tmp_path, said):
    with serving(tmp_path, "--request-timeout", "500ms") as server, connect(server) as line:
        line.sendall(GET.encode())
        received = b""
        while b"ok everyline" not in received:
            received += line.recv(65536)
        line.sendall(said)
        line.settimeout(0.1)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            # The time between two requests is a minute: it isn't that.
            while time.monotonic() - began < 30:
                with contextlib.suppress(TimeoutError):
                    if not (piece := line.recv(65536)):
                        break
                    received += piece
                line.sendall(b"\r\n" if said == b"\r\n" else b"a")
        assert time.monotonic() - began < 30
        assert heads(received)[1:] in ([b"408"], [])


@pytest.mark.parametrize("head", [
    b"Host: a\r\nHost: b", b"Host: a\r\nX: " + b"x" * 100_000, b"Host: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked"])
def test_what_can_not_be_read_is_answered_as_what_it_is(server, head):
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(b"POST /api/v1/run HTTP/1.1\r\n" + head + b"\r\n\r\n")
        answer = line.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 4") and b"x-content-type-options: nosniff" in answer.lower()
