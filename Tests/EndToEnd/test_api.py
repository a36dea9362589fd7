"""The HTTP API: what it does, and how it says no."""

import gzip
import json
import socket
import sqlite3

import pytest

from everyline import Refused, messages, serving, stream, wait_for


def refusal(call, *arguments, **more):
    """What the server says no with; every refusal is a problem document with a code, a status and the request's id."""
    with pytest.raises(Refused) as refused:
        call(*arguments, **more)
    error = refused.value
    assert error.problem is not None, error
    assert error.problem["status"] == error.status
    assert error.problem["request_id"] and error.problem["request_id"] == error.headers["X-Request-ID"]
    return error.status, error.code


# Appending


def test_a_long_line_is_cut_into_parts_that_are_marked(server):
    log = server.register()
    text = "e" * 200_000 + "é" * 100_000 + "e" * 200_000
    log.append(text, "next", end="SUCCEEDED")
    events = server.events(log.id)[:-1]
    parts = [e for e in events if e["message"] != "next"]
    assert "".join(e["message"] for e in parts) == text
    assert [e.get("partial", False) for e in parts] == [True] * (len(parts) - 1) + [False]
    assert all(len(e["message"].encode()) <= 262_144 for e in parts)


@pytest.mark.parametrize("size, status", [(8 << 20, 200), ((8 << 20) + 1, 413)])
def test_a_body_may_have_8_mebibytes(server, size, status):
    log = server.register()
    body = b"x" * (size - 1) + b"\n"
    if status == 200:
        assert log.append_raw(body, type="text/plain") == 32
    else:
        assert refusal(log.append_raw, body, type="text/plain") == (413, "body_too_large")
        assert server.execution(log.id)["last_offset"] == 0


# Reading


def block(server, log, query):
    _, headers, body = server.request("GET", f"{log.path}/block?{query}")
    assert headers["Content-Type"] == "application/x-ndjson"
    events = [json.loads(line) for line in body.splitlines()]
    if events:
        assert headers["X-Last-Offset"] == str(events[-1]["offset"])
    return [event["offset"] for event in events]


def test_a_block_never_changes_and_comes_in_ranges(server):
    log = server.register()
    log.append(*[str(n) for n in range(1000)])
    path = f"{log.path}/block?after=10&limit=500"
    _, headers, body = server.request("GET", path)
    log.append("more")
    same = server.request("GET", path)
    assert same[1]["ETag"] == headers["ETag"] and same[2] == body
    part = server.request("GET", path, headers={"Range": "bytes=100-199"})
    assert part[0] == 206 and part[2] == body[100:200]
    with pytest.raises(Refused) as refused:
        server.request("GET", path, headers={"If-None-Match": headers["ETag"]})
    assert refused.value.status == 304
    compressed = server.request("GET", path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(compressed[2]) == body


def test_lines_and_text_are_downloaded_in_ranges_compressed_and_cached(server):
    log = server.register()
    texts = [f"line {n} é" for n in range(5000)]
    log.append(*texts, end="SUCCEEDED")
    path = f"{log.path}/logs"
    _, headers, lines = server.request("GET", path, headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line)["offset"] for line in lines.splitlines()] == list(range(1, 5002))
    _, _, text = server.request("GET", path, headers={"Accept": "text/plain"})
    assert text.decode() == "".join(t + "\n" for t in texts)
    accept = {"Accept": "application/x-ndjson"}
    status, same_headers, body = server.request("HEAD", path, headers=accept)
    assert (status, body) == (200, b"") and same_headers["ETag"] == headers["ETag"]
    for spec, part in [("0-9", lines[:10]), ("100-", lines[100:]), ("-7", lines[-7:]), ("5-999999999", lines[5:])]:
        status, part_headers, body = server.request("GET", path, headers={**accept, "Range": "bytes=" + spec})
        assert (status, body) == (206, part)
        assert part_headers["Content-Range"].endswith(f"/{len(lines)}")
    assert refusal(server.request, "GET", path, headers={**accept, "Range": f"bytes={len(lines)}-"})[0] == 416
    with pytest.raises(Refused) as same:
        server.request("GET", path, headers={**accept, "If-None-Match": headers["ETag"]})
    assert same.value.status == 304
    status, _, body = server.request(
        "GET", path, headers={**accept, "Range": "bytes=0-9", "If-Range": '"another"'})
    assert (status, body) == (200, lines)
    _, zipped, body = server.request("GET", path, headers={**accept, "Accept-Encoding": "gzip"})
    assert zipped["Content-Encoding"] == "gzip" and gzip.decompress(body) == lines


# Executions


def test_a_command_with_a_word_that_linux_would_refuse_is_refused(server):
    assert refusal(server.post, "/api/v1/run", {"command": ["x" * 200_000]}) == (400, "invalid_request")


def test_a_stop_ends_a_log_whose_producer_has_gone(tmp_path):
    with serving(tmp_path, "--absent-producer", "1s") as server:
        log = server.register()
        log.append("a")
        assert server.delete(log.path)["status"] == "TERMINATING"
        execution = wait_for(lambda: (now := server.execution(log.id))["status"] == "STOPPED" and now)
        assert execution["reason"] == "producer_lost" and messages(server.events(log.id)) == ["a"]


def test_a_producer_that_goes_on_after_a_stop_is_ended(tmp_path):
    with serving(tmp_path, "--unheeded-stop", "1s") as server:
        log = server.register()
        log.append("a")
        server.delete(log.path)

        def goes_on():
            try:
                log.append("more")
            except Refused as refused:
                return refused.code

        assert wait_for(goes_on) == "execution_ended"
        assert server.execution(log.id)["reason"] == "stop_requested"


def test_a_producer_that_is_not_heard_of_is_lost_also_across_a_restart(tmp_path):
    with serving(tmp_path, "--lost-producer", "3s") as server:
        silent, live = server.register(), server.register()
        silent.append("a")
        server.restart()

        def lost():
            live.append("still here")
            return (now := server.execution(silent.id))["status"] == "FAILED" and now

        assert wait_for(lost)["reason"] == "producer_lost"
        assert server.execution(live.id)["status"] == "RUNNING"
        assert [e.get("code") for e in server.events(silent.id)] == [None, "producer_lost", None]
        assert refusal(silent.append, "late") == (409, "execution_ended")


# Access


def test_asking_for_streams_writes_nothing(tmp_path):
    with serving(tmp_path) as server:
        log = server.register()
        url = log.stream_url()
        database = sqlite3.connect(f"file:{server.data}/everyline.sqlite?mode=ro", uri=True)
        rows = lambda: [database.execute("SELECT count(*), total_changes() FROM stream_token").fetchone(),
                        database.execute("PRAGMA data_version").fetchone()]
        before = rows()
        assert len({log.stream_url() for _ in range(20)}) >= 1
        assert rows() == before
        database.close()
        # And what was issued before a restart still opens.
        server.restart()
        log.append("a", end="SUCCEEDED")
        with stream(url) as viewer:
            assert "message" in json.loads(viewer.recv().split("\n")[0])


def test_no_secret_is_in_the_servers_log_or_data(tmp_path):
    with serving(tmp_path, "--log-level", "trace") as server:
        key = server.create_key("developer")
        log = server.register(key=key)
        log.append("a")
        url = log.stream_url(key)
        token = url.split("token=")[1]
        server.get(f"{log.path}/logs", key=key)
        stored = b"".join(p.read_bytes() for p in server.data.iterdir() if p.name.startswith("everyline.sqlite"))
        for secret in [key, server.key, log.token, token]:
            assert secret not in server.log()
            assert secret.encode() not in stored


# The server itself


def test_it_says_how_it_is(server):
    assert server.request("GET", "/healthz", key="")[0] == 200
    assert server.request("GET", "/readyz", key="")[0] == 200
    text = server.request("GET", "/metrics", key="")[2].decode()
    assert "# TYPE everyline_events_appended_total counter" in text
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0


def talk(server, data, until=b""):
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            if until and until in received:
                break
        return received


def test_a_body_that_is_not_chunked_as_it_says_is_a_problem(server):
    answer = talk(server, f"POST /api/v1/run HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.key}\r\nTransfer-Encoding: "
                          "chunked\r\n\r\n2\r\n{}\r\nZZ\r\n".encode(), until=b'"invalid_request"')
    assert answer.startswith(b"HTTP/1.1 400") and b"chunk size" in answer


@pytest.mark.parametrize("data, status, code", [
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431, "head_too_large"),
    (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "head_too_large"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "invalid_request"),
    (b"\x00" * 100 + b"\r\n\r\n", 400, "invalid_request"),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nrubbish\r\n\r\n", 400, "invalid_request")])
def test_what_is_not_http_is_answered_with_a_problem(server, data, status, code):
    head, _, body = talk(server, data).rpartition(b"\r\n\r\n")
    answer = head.rpartition(b"HTTP/1.1 ")[2].decode().lower()
    assert answer.startswith(str(status)) and "content-type: application/problem+json" in answer
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code) and f"x-request-id: {problem['request_id']}" in answer


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/me", "/api/v1/executions/x/events", "/healthz"])
def test_whatever_is_wrong_an_answer_to_head_has_no_body(server, path):
    get = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    head, rest = talk(server, f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n{get}".encode()).split(b"\r\n\r\n", 1)
    assert b"Content-Length" in head and rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_rubbish_on_the_line_ends_that_connection_only(server):
    for data in [b"\x00" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"x" * 600,
                 b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"]:
        try:
            answer = talk(server, data)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        assert not answer or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.0 4")
    assert server.request("GET", "/healthz")[0] == 200


def test_a_request_that_does_not_come_is_not_waited_for(tmp_path):
    with serving(tmp_path, "--request-timeout", "200ms", "--idle-timeout", "200ms") as server:
        assert talk(server, b"") == b""
        assert talk(server, b"GET /healthz HTT").startswith(b"HTTP/1.1 408")
        # Between requests, too.
        assert b"200 OK" in talk(server, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
