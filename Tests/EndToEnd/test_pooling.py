"""Streams on connections that have served other requests before, as clients' and proxies' pools make them."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed

from everyline import serving, stream
from haproxy import pooling

UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


class Line:
    """A connection to the server that is kept."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection(*server.address.split(":"), timeout=30)
        self.connection.connect()
        self.socket = self.connection.sock

    def request(self, method, path, **more):
        self.connection.request(method, path, **more)
        answer = self.connection.getresponse()
        body = answer.read()
        assert self.connection.sock is self.socket, "it is still the same connection"
        return answer.status, body


def path(url):
    return "/" + url.split("/", 3)[3]


def head(method, path, fields):
    lines = [f"{method} {path} HTTP/1.1", "Host: a", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def messages_to_the_end(viewer):
    """The lines of a viewer from the beginning to the end of its log, each exactly once."""
    events = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            lines = map(json.loads, viewer.recv(timeout=30).split("\n"))
            events += [line for line in lines if "offset" in line]
    assert viewer.close_code == 1000
    assert [event["offset"] for event in events] == list(range(1, len(events) + 1)) and events[-1]["type"] == "end"
    return [event["message"] for event in events[:-1]]


@pytest.mark.parametrize("requests", [1, 2, 100])
def test_a_stream_is_taken_after_any_number_of_requests(server, requests):
    log, line = server.register(), Line(server)
    for number in range(requests):
        assert line.request("GET", "/healthz")[0] == 200
        body = [json.dumps({"timestamp": 1, "message": f"{number}"}).encode(), b"\n"]
        status, _ = line.request(
            "POST", f"{log.path}/events?after={number}", body=iter(body), encode_chunked=True,
            headers={"Authorization": f"Bearer {log.token}", "Content-Type": "application/x-ndjson",
                     "Transfer-Encoding": "chunked"})
        assert status == 200
    with stream(log.stream_url(), sock=line.socket) as viewer:
        log.append("last", after=requests, end="SUCCEEDED")
        assert messages_to_the_end(viewer) == [*map(str, range(requests)), "last"]


def test_a_stream_that_is_declined_leaves_its_connection_to_others(server):
    log, line = server.register(), Line(server)
    url = log.stream_url()
    for _ in range(3):
        status, body = line.request("GET", path(url).split("token=")[0] + "token=no", headers=UPGRADE)
        assert status == 401 and json.loads(body)["code"] == "unauthorized"
        assert line.request("GET", "/nowhere", headers=UPGRADE)[0] == 404
        assert line.request("GET", "/healthz")[0] == 200
    with stream(url, sock=line.socket) as viewer:
        log.append("line", end="SUCCEEDED")
        assert messages_to_the_end(viewer) == ["line"]


def test_a_stream_waits_for_the_answers_before_it(server):
    """The answer before it is itself a stream, of server-sent events, and ends when the log does."""
    log, line = server.register(), Line(server)
    location = server.get(f"{log.path}/logs")
    first = head("GET", path(location["stream_url"]), {})
    line.socket.sendall(first + head("GET", path(location["websocket_url"]), UPGRADE))
    received = b""
    while b"\r\n\r\n" not in received:
        received += line.socket.recv(65536)
    log.append(*[f"line {number}" for number in range(1000)])
    log.append(end="SUCCEEDED")
    while piece := line.socket.recv(65536):
        received += piece
    answer, upgraded = received.split(b"\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 101" not in answer
    assert upgraded.startswith(b"HTTP/1.1 101 ")
    for part in answer, upgraded:
        assert [part.count(b'"message":"line %d"' % number) for number in range(1000)] == [1] * 1000


def test_who_says_nothing_more_gets_the_answers_before_its_stream_and_is_hung_up_on(server):
    log, line = server.register(), Line(server)
    log.append("line")
    location = server.get(f"{log.path}/logs")
    page = head("GET", f"{log.path}/logs?after=0", {"Authorization": f"Bearer {server.key}"})
    line.socket.sendall(page + head("GET", path(location["websocket_url"]), UPGRADE))
    line.socket.shutdown(socket.SHUT_WR)
    received = b""
    while piece := line.socket.recv(65536):
        received += piece
    assert received.startswith(b"HTTP/1.1 200 ")


def test_nothing_follows_the_answer_that_is_a_connections_last(server):
    """A wish for an upgrade that is only half said is answered, and the connection ends: also for the stream behind it."""
    log, line = server.register(), Line(server)
    assert line.request("GET", "/healthz")[0] == 200
    half = {name: value for name, value in UPGRADE.items() if name != "Connection"}
    line.socket.sendall(head("GET", "/healthz", half) + head("GET", path(log.stream_url()), UPGRADE))
    received = b""
    while piece := line.socket.recv(65536):
        received += piece
    assert received.startswith(b"HTTP/1.1 200 ") and received.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("said", ["nothing", "half a head"])
@pytest.mark.parametrize("before", ["a request", "a declined stream"])
def test_a_used_connection_that_falls_silent_is_closed(tmp_path, before, said):
    with serving(tmp_path, "--idle-timeout", "300ms") as server:
        line = Line(server)
        assert line.request("GET", "/healthz")[0] == 200
        if before == "a declined stream":
            assert line.request("GET", f"{server.register().path}/stream", headers=UPGRADE)[0] == 401
        if said == "half a head":
            line.socket.sendall(head("GET", "/healthz", UPGRADE)[:-2])
        assert line.socket.recv(65536) == b""


def test_a_proxys_pool_carries_requests_and_streams(server, tmp_path):
    log = server.register()
    with pooling(server, tmp_path) as proxy, contextlib.ExitStack() as viewers:
        url = log.stream_url().replace(server.address, proxy.address)
        opened = []
        for number in range(20):
            for _ in range(5):
                with urllib.request.urlopen(f"http://{proxy.address}/healthz", timeout=30) as answer:
                    assert answer.status == 200
            connections = proxy.count("connect")
            opened.append(viewers.enter_context(stream(url)))
            assert proxy.count("connect") == connections, "the stream has taken a used connection"
            log.append(f"{number}")
        log.append(end="SUCCEEDED")
        for viewer in opened:
            assert messages_to_the_end(viewer) == [*map(str, range(20))]


def test_a_proxys_pool_carries_many_clients_at_once(server, tmp_path):
    with pooling(server, tmp_path) as proxy:

        def follow(client):
            log = server.register()
            url = log.stream_url().replace(server.address, proxy.address)
            for number in range(10):
                request = urllib.request.Request(
                    f"http://{proxy.address}{log.path}/events?after={number}", method="POST",
                    data=json.dumps({"timestamp": 1, "message": f"{client} {number}"}).encode() + b"\n",
                    headers={"Authorization": f"Bearer {log.token}", "Content-Type": "application/x-ndjson"})
                with urllib.request.urlopen(request, timeout=30) as answer:
                    assert json.loads(answer.read())["head"] == number + 1
                with stream(f"{url}&after={number}") as viewer:
                    assert f'"message":"{client} {number}"' in viewer.recv(timeout=30)
            log.append(after=10, end="SUCCEEDED")
            with stream(url) as viewer:
                return messages_to_the_end(viewer)

        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            for client, lines in enumerate(clients.map(follow, range(8))):
                assert lines == [f"{client} {number}" for number in range(10)]
        assert proxy.count("reuse") > 0
