"""Appends over a connection that is kept, as producers keep theirs: the server answers small ones without its router."""

import email.utils
import http.client
import json
import os
import socket
import time

import pytest

from everyline import messages, wait_for


class Producer:
    """A producer on one connection: the server's port, or the socket that runners connect to."""

    def __init__(self, server, log, path=None):
        self.log = log
        self.connection = http.client.HTTPConnection(server.address, timeout=30)
        if path:
            self.connection.sock = socket.socket(socket.AF_UNIX)
            self.connection.sock.connect(os.fspath(path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def post(self, body, after, query="", **headers):
        """The answer's status, headers and decoded body."""
        self.connection.request(
            "POST", f"{self.log.path}/events?after={after}{query}", body,
            {"Authorization": f"Bearer {self.log.token}", "Content-Type": "application/x-ndjson", **headers})
        answer = self.connection.getresponse()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())


def line(message, **fields):
    return json.dumps({"timestamp": int(time.time() * 1000), "message": message, **fields}) + "\n"


@pytest.fixture(params=["port", "socket"])
def producer(request, server):
    path = server.data / "runner.sock" if request.param == "socket" else None
    with Producer(server, server.register(), path) as producer:
        yield producer


def test_the_second_append_of_a_connection_is_answered_as_the_first_is(producer):
    first, second = producer.post(line("a"), 0), producer.post(line("b"), 1)
    assert (first[0], second[0]) == (200, 200)
    assert [answer[2]["head"] for answer in (first, second)] == [1, 2]
    assert first[2] | {"head": 0} == second[2] | {"head": 0}
    assert fixed(first[1]) == fixed(second[1])
    assert abs(http_time(first[1]) - http_time(second[1])) < 30


def fixed(headers):
    """The headers' names, and the values of those that are the same for each answer."""
    return {name.lower(): None if name.lower() in ("date", "x-request-id") else value for name, value in headers.items()}


def http_time(headers):
    (date,) = [value for name, value in headers.items() if name.lower() == "date"]
    return email.utils.parsedate_to_datetime(date).timestamp()


def test_what_is_wrong_with_a_later_append_is_said_as_with_the_first(producer):
    assert producer.post(line("a"), 0)[0] == 200
    for body, after, more, expected in [
        (line("x"), 5, {}, (409, "append_out_of_order")),
        (line("x"), 0, {}, (409, "different_content")),
        (line("x"), "one", {}, (400, "invalid_cursor")),
        ("no json\n", 1, {}, (400, "invalid_event")),
        (line("x"), 1, {"Authorization": "Bearer wrong"}, (401, "unauthorized")),
        (line("x"), 1, {"Content-Type": "image/png"}, (415, "unsupported_media_type")),
    ]:
        status, headers, problem = producer.post(body, after, **more)
        assert (status, problem["code"]) == expected
        assert problem["request_id"]
    assert producer.post(line("x"), 1, query="&incarnation=other")[2]["code"] == "other_incarnation"
    # None of it is in the log, and the connection is as good as before.
    assert producer.post(line("b"), 1)[2]["head"] == 2


def test_a_token_is_shown_in_any_form_that_http_allows(producer):
    token = producer.log.token
    shown = ["bearer " + token, "BEARER   " + token, "Bearer\t" + token, "Basic " + token, "Bearer", "Bearers " + token, token]
    # The first append of a connection is the router's.
    for after in range(2):
        statuses = [producer.post(b"", after, **{"Authorization": text})[0] for text in shown]
        assert statuses == [200, 200, 401, 401, 401, 401, 401]
        assert producer.post(line("a"), after, **{"Authorization": "Bearer", "X-API-Key": token})[2]["head"] == after + 1


def test_appends_of_a_connection_do_what_appends_do(producer, server):
    assert [producer.post(line(text), after)[2]["head"] for after, text in enumerate("abc")] == [1, 2, 3]
    assert producer.post(line("b") + line("c"), 1)[2]["head"] == 3
    assert producer.post(b"d\n\ne\n", 3, **{"Content-Type": "text/plain"})[2]["head"] == 6
    assert producer.post(b"", 6)[2]["head"] == 6
    server.delete(producer.log.path)
    assert producer.post(line("f"), 6)[2]["stop_requested"] is True
    end = json.dumps({"timestamp": 1, "type": "end", "status": "STOPPED"}) + "\n"
    assert producer.post(end, 7)[2]["head"] == 8
    assert producer.post(line("late"), 8)[2]["code"] == "execution_ended"
    assert messages(server.events(producer.log.id)) == ["a", "b", "c", "d", "", "e", "f"]


def test_a_client_names_its_requests(producer):
    answers = [producer.post(line(str(after)), after, **{"X-Request-ID": f"mine-{after}"}) for after in range(2)]
    assert [a[1].get("X-Request-ID", a[1].get("x-request-id")) for a in answers] == ["mine-0", "mine-1"]


def test_appends_are_counted(producer, server):
    def counted():
        page = server.request("GET", "/metrics")[2].decode().splitlines()
        found = [row for row in page if row.startswith("everyline_http_requests_total") and "/events" in row and '"POST"' in row]
        return sum(int(row.rsplit(" ", 1)[1]) for row in found if '"200"' in row), len(found)

    producer.post(line("a"), 0)
    before, series = counted()
    for after in range(1, 4):
        producer.post(line("b"), after)
    assert counted() == (before + 3, series)


def test_requests_that_come_in_one_piece_are_answered_in_order(producer):
    producer.post(line("a"), 0)
    bodies = [line(str(number)).encode() for number in range(5)]
    head = f"Authorization: Bearer {producer.log.token}\r\nHost: a\r\n"
    sent = b"".join(
        f"POST {producer.log.path}/events?after={after} HTTP/1.1\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        for after, body in enumerate(bodies, 1))
    producer.connection.sock.sendall(sent)
    received = b""
    while received.count(b'"head"') < len(bodies):
        piece = producer.connection.sock.recv(65536)
        assert piece, received
        received += piece
    heads = [int(part.split(b",")[0].split(b"}")[0]) for part in received.split(b'"head":')[1:]]
    assert heads == [2, 3, 4, 5, 6]


def test_a_client_that_has_closed_its_side_gets_its_answer(producer):
    producer.post(line("a"), 0)
    body = line("b").encode()
    connection = producer.connection.sock
    connection.sendall(
        f"POST {producer.log.path}/events?after=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {producer.log.token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    connection.shutdown(socket.SHUT_WR)
    received = b""
    while piece := connection.recv(65536):
        received += piece
    assert received.startswith(b"HTTP/1.1 200") and b'"head":2' in received


def test_a_body_that_comes_in_pieces_is_taken(producer):
    producer.post(line("a"), 0)
    body = line("b").encode()
    connection = producer.connection.sock
    connection.sendall(
        f"POST {producer.log.path}/events?after=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {producer.log.token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode())
    for place in range(0, len(body), 16):
        connection.sendall(body[place:place + 16])
    received = b""
    while b'"head":2' not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece


def test_a_server_that_stops_lets_go_of_its_producers(own_server):
    server = own_server.start()
    log = server.register()
    with Producer(server, log) as producer:
        assert producer.post(line("a"), 0)[2]["head"] == 1
        assert server.stop() == 0
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            producer.post(line("b"), 1)
    server.start()
    assert wait_for(lambda: server.execution(log.id))["last_offset"] == 1
