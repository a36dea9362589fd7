"""What many requests and viewers share: bytes of bodies, of lists, of what waits to be read."""

import concurrent.futures
import contextlib
import http.client
import json
import socket
import threading

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cli import CommandLine
from everyline import Refused, serving, stream, wait_for

LONG = "a" * 130_000


def pages(server, query="limit=1000"):
    """The pages of the list as (bytes, executions)."""
    cursor, found = "", []
    while cursor is not None:
        body = server.request("GET", f"/api/v1/executions?{query}{cursor and '&cursor=' + cursor}")[2]
        answer = json.loads(body)
        found.append((len(body), answer["executions"]))
        cursor = answer.get("next_cursor")
    return found


def test_a_page_of_the_list_ends_when_its_bytes_are_used_up(own_server, tmp_path):
    server = own_server.start()
    short = [server.register().id for _ in range(3)]
    long = [server.post("/api/v1/executions", {"command": [LONG]})["execution_id"] for _ in range(30)]
    found = pages(server)
    assert len(found) > 3
    assert all(size <= (1 << 20) + len(LONG) + 1000 for size, _ in found)
    assert [e["execution_id"] for _, page in found for e in page] == (short + long)[::-1]
    assert all(e["command"] == [LONG] for _, page in found for e in page if e["execution_id"] in long)
    # Escaped, a command is six times as long.
    for _ in range(10):
        server.post("/api/v1/executions", {"command": ["\x01" * 40_000]})
    assert all(size <= (1 << 20) + 300_000 for size, _ in pages(server))
    assert len([e for _, page in pages(server, "limit=7") for e in page]) == 43
    everything = CommandLine(server, tmp_path).out("list", "--limit", 100, "-o", "json")
    assert len(json.loads(everything)) == 43


def test_lists_that_are_read_slowly_hold_little(own_server):
    server = own_server.start()
    for _ in range(60):
        server.post("/api/v1/executions", {"command": [LONG]})
    before = server.memory()
    with contextlib.ExitStack() as held:
        answers = []
        for _ in range(40):
            connection = held.enter_context(contextlib.closing(http.client.HTTPConnection(server.address, timeout=60)))
            connection.request("GET", "/api/v1/executions?limit=1000", headers={"Authorization": f"Bearer {server.key}"})
            answers.append(connection.getresponse())
        assert server.memory() - before < 200 << 20
        for answer in answers:
            assert len(json.loads(answer.read())["executions"]) == 9


class HalfBody:
    """An append whose body has come but for its last bytes."""

    def __init__(self, log, size):
        self.log = log
        self.body = b"".join([json.dumps({"timestamp": 1, "message": "x" * 9000}).encode() + b"\n"] * (size // 9040))
        host, port = log.server.address.split(":")
        self.line = socket.create_connection((host, int(port)), timeout=60)
        self.line.sendall((
            f"POST {log.path}/events?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {log.token}\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: {len(self.body)}\r\n\r\n").encode() + self.body[:-100])

    def finish(self):
        self.line.sendall(self.body[-100:])
        answer = http.client.HTTPResponse(self.line)
        answer.begin()
        body = json.loads(answer.read())
        self.line.close()
        return answer.status, body


@pytest.fixture
def small_bodies(tmp_path):
    with serving(tmp_path, "--line-limit", "128KiB", "--append-limit", "1MiB", "--body-memory", "1MiB") as server:
        yield server


def test_bodies_share_a_budget_beyond_which_a_request_is_refused_and_may_come_again(small_bodies):
    server, held, log = small_bodies, HalfBody(small_bodies.register(), 900_000), small_bodies.register()
    lines = ["y" * 9000] * 40
    with pytest.raises(Refused) as refused:
        log.append(*lines)
    assert (refused.value.status, refused.value.code) == (503, "unavailable")
    assert int(refused.value.headers["Retry-After"]) >= 1
    # A small one has its place beside it.
    server.register().append("small")
    status, answer = held.finish()
    assert status == 200 and answer["head"] > 90
    assert log.append(*lines) == 40


def test_a_body_that_waits_for_the_budget_is_taken_when_there_is_room(small_bodies):
    held, log = HalfBody(small_bodies.register(), 900_000), small_bodies.register()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waits = pool.submit(log.append, *["y" * 9000] * 40)
        assert held.finish()[0] == 200
        assert waits.result(30) == 40


def stalled(url):
    """A viewer that reads nothing, and whose system takes little for it."""
    host, port = url.split("/")[2].split(":")
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect((host, int(port)))
    return stream(url, sock=line, max_queue=1, compression=None, close_timeout=0.1)


def metric(server, name):
    text = server.request("GET", "/metrics")[2].decode()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(f"everyline_{name} ")))


def closed(server):
    return metric(server, "unread_closed_total")


def large_log(server, lines=60):
    log = server.register()
    for _ in range(lines):
        log.append("x" * 200_000)
    return log


def test_viewers_share_a_budget_beyond_which_the_furthest_behind_is_closed_and_can_resume(tmp_path):
    with serving(tmp_path, "--viewer-memory", "500KiB") as server, contextlib.ExitStack() as viewers:
        log = large_log(server)
        first = viewers.enter_context(stalled(log.stream_url()))
        wait_for(lambda: metric(server, "unread_bytes") > 0)
        for _ in range(2):
            viewers.enter_context(stalled(log.stream_url()))
        # Each holds one line of 200 kB.
        wait_for(lambda: closed(server) == 1)
        received = []
        with pytest.raises(ConnectionClosed) as ended:
            while True:
                received.append(first.recv(timeout=30))
        assert ended.value.rcvd.code == 1013
        seen = [json.loads(line)["offset"] for message in received for line in message.split("\n")]
        assert seen == list(range(1, len(seen) + 1)) and len(seen) < 60
        # The others may stay, and one that reads has what it wants.
        with stream(f"{log.stream_url()}&after={len(seen)}") as viewer:
            rest = []
            while len(rest) < 60 - len(seen):
                rest += [json.loads(line)["offset"] for line in viewer.recv(timeout=30).split("\n")]
        assert rest == list(range(len(seen) + 1, 61))
        assert closed(server) == 1 and metric(server, "streams_stalled_total") == 1


@pytest.mark.parametrize("accept", ["text/event-stream", "application/x-ndjson", "text/plain", "application/json"])
def test_answers_that_are_not_read_share_the_budget_of_viewers(tmp_path, accept):
    with serving(tmp_path, "--viewer-memory", "300KiB") as server, contextlib.ExitStack() as held:
        log, ended = large_log(server), large_log(server)
        ended.append(end="SUCCEEDED")
        path = f"{ended.path}/logs"
        if accept == "text/event-stream":
            path = "/" + server.get(f"{log.path}/logs")["stream_url"].split("/", 3)[3]
        line = held.enter_context(contextlib.closing(socket.socket()))
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(30)
        host, port = server.address.split(":")
        line.connect((host, int(port)))
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: {server.address}\r\nAccept: {accept}\r\n"
                     f"Authorization: Bearer {server.key}\r\n\r\n".encode())
        wait_for(lambda: metric(server, "unread_bytes") > 0)
        # Each holds one line of 200 kB.
        held.enter_context(stalled(log.stream_url()))
        wait_for(lambda: closed(server) == 1)
        got = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := line.recv(1 << 20):
                got += len(piece)
        assert 0 < got < 60 * 200_000


def test_a_viewer_that_reads_is_not_closed_for_those_that_do_not(tmp_path):
    with serving(tmp_path, "--viewer-memory", "600KiB") as server, contextlib.ExitStack() as viewers:
        log = large_log(server)
        done = threading.Event()
        received = []

        def follow():
            with stream(log.stream_url() + f"&after={log.head}") as viewer:
                while not done.is_set() or len(received) < 8:
                    lines = [json.loads(line) for line in viewer.recv(timeout=30).split("\n")]
                    received.extend(line["offset"] for line in lines if "offset" in line)

        reader = threading.Thread(target=follow)
        reader.start()
        for number in range(8):
            with contextlib.suppress(InvalidStatus):
                viewers.enter_context(stalled(log.stream_url()))
            log.append(f"live {number}")
        done.set()
        reader.join(60)
        assert received == list(range(61, 69))


def test_many_readings_at_once_take_no_thread_and_no_connection_of_their_own(own_server):
    server = own_server.start()
    log = server.register()
    log.append("a")

    def read(_):
        for path in ("/api/v1/executions", f"{log.path}/block", log.path):
            server.request("GET", path)
        return server.threads()

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        # What is made once is made by now.
        usual = max(pool.map(read, range(100)))
        assert max(pool.map(read, range(300))) <= usual
        assert usual < 24
