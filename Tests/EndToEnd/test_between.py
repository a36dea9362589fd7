"""What stands between a producer and its server: proxies that answer in the server's place, and links that are slow."""

import json
import os
import socket
import subprocess
import threading

import pytest

from cli import Background, CommandLine
from everyline import BINARY, is_alive, messages, wait_for
from liar import Liar

PAGE = ("text/html", b"<html><body>no</body></html>")
BODIES = {
    "a page": PAGE,
    "nothing": (None, b""),
    "foreign JSON": ("application/json", b'{"code":"ended","head":0}'),
    "a foreign problem": ("application/problem+json", b'{"type":"about:blank","title":"no","status":400}'),
    "a problem with a foreign code": ("application/problem+json", b'{"title":"no","status":400,"code":"blocked_by_policy"}'),
}
STATUSES = [200, 201, 204, 301, 302, 307, 400, 401, 402, 403, 404, 405, 409, 410, 413, 429, 444, 451, 500, 501, 502, 503, 504, 520, 521]
ANSWERS = [(status, "a page") for status in STATUSES] + [
    (status, body) for status in [200, 400, 401, 404, 409, 413, 503] for body in BODIES if body != "a page"]


def place(method, path):
    """Which of a producer's requests this is."""
    if method == "POST" and path.endswith("/executions"):
        return "registration"
    if path.endswith("/events"):
        return "append"
    return "control" if path.endswith("/control") else None


class Faults:
    """Answers the first requests of each kind in the server's place, and the next after each time that `inject` is called."""

    def __init__(self, status, body, only=None, count=1):
        self.answer, self.only, self.count = (status, *BODIES[body]), only, count
        self.lock, self.left, self.answered = threading.Lock(), {}, {}

    def inject(self):
        with self.lock:
            self.left = {}

    def __call__(self, method, path, body):
        kind = place(method, path)
        if kind is None or kind not in (self.only or [kind]):
            return None
        with self.lock:
            if self.left.setdefault(kind, self.count) == 0:
                return None
            self.left[kind] -= 1
            self.answered[kind] = self.answered.get(kind, 0) + 1
            return self.answer


@pytest.mark.parametrize("status, body", ANSWERS)
def test_a_passing_foreign_answer_changes_nothing(server, tmp_path, status, body):
    faults = Faults(status, body)
    with Liar(server, instead=faults) as proxy:
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        cli = CommandLine(proxy, tmp_path)
        producer = cli.start("exec", "--", "sh", "-c", f"echo first; cat {gate}; echo last; exit 3")
        try:
            id = wait_for(lambda: producer.err.startswith("everyline: execution ") and producer.err.split("\n")[0].split()[-1])
            wait_for(lambda: server.execution(id)["last_offset"] == 1)
            faults.inject()
            gate.write_text("middle\n")
            assert producer.wait() == 3, producer.err
        finally:
            producer.end()
    assert faults.answered.keys() >= {"registration", "append"} and faults.answered["append"] > 1
    assert producer.out == "first\nmiddle\nlast\n"
    events = server.events(id)
    assert messages(events) == ["first", "middle", "last"] and events[-1]["exit_code"] == 3



ELSEWHERE = {
    "a head that was never sent": ("append", "application/json", {"head": 7, "stop_requested": False}),
    "a head that was never sent, and a stop": ("append", "application/json", {"head": 7, "stop_requested": True}),
    "an old head and a stop": ("append", "application/json", {"head": 0, "stop_requested": True}),
    "another log's head and a stop": ("append", "application/json", {"execution_id": "another", "head": 2, "stop_requested": True}),
    "a stop of another command": ("control", "application/json", {"execution_id": "another", "stop_requested": True, "status": "TERMINATING"}),
    "another type and a stop": ("append", "text/html", {"head": 2, "stop_requested": True}),
    "a stop of another type": ("control", "text/html", {"stop_requested": True}),
    "a stop in another incarnation": ("control", "application/json", {"stop_requested": True, "incarnation": "f" * 16}),
}


@pytest.mark.parametrize("answer", ELSEWHERE)
def test_an_answer_to_something_else_is_not_heeded(server, tmp_path, answer):
    kind, type, body = ELSEWHERE[answer]
    faults = Faults(200, "nothing", only=[kind])
    faults.answer = (200, type, json.dumps(body).encode())
    # An append's answer says what has arrived, the first one nothing yet.
    faults.left = {"append": 0}
    with Liar(server, instead=faults) as proxy:
        gate = tmp_path / "gate"
        os.mkfifo(gate)
        producer = CommandLine(proxy, tmp_path).start("exec", "--", "sh", "-c", f"echo first; cat {gate}; echo last; exit 3")
        try:
            id = wait_for(lambda: producer.err.startswith("everyline: execution ") and producer.err.split("\n")[0].split()[-1])
            wait_for(lambda: server.execution(id)["last_offset"] == 1 and (kind == "append" or faults.answered))
            faults.inject()
            gate.write_text("middle\n")
            assert producer.wait() == 3, producer.err
        finally:
            producer.end()
    assert faults.answered[kind]
    events = server.events(id)
    assert messages(events) == ["first", "middle", "last"] and events[-1]["exit_code"] == 3


@pytest.mark.parametrize("options, code", [([], 3), (["--require-delivery"], 125)])
@pytest.mark.parametrize("status", [200, 302, 401, 404, 413, 501])
def test_a_command_ends_as_its_own_though_nothing_is_ever_taken(server, tmp_path, status, options, code):
    with Liar(server, instead=Faults(status, "a page", only=["append", "control"], count=-1)) as proxy:
        cli = CommandLine(proxy, tmp_path)
        pid = tmp_path / "pid"
        producer = cli.start("exec", *options, "--", "sh", "-c", f"echo $$ > {pid}; echo a; exit 3")
        try:
            wait_for(lambda: producer.out and "is kept in" in producer.err)
            # Until then an interrupt would be the command's.
            wait_for(lambda: not is_alive(int(pid.read_text())))

            def leave():
                producer.interrupt()
                return producer.process.poll() is not None

            wait_for(leave)
            assert producer.wait() == code, producer.err
        finally:
            producer.end()
        said = producer.err.strip().split("\n")[-1]
        assert "lacks events" in said and "`everyline recover`" in said and producer.out == "a\n"
    id = producer.err.split("\n")[0].split()[-1]
    assert server.execution(id)["last_offset"] == 0
    spool = next((tmp_path / ".local/state/everyline/spool").iterdir())
    origin = spool / "origin.json"
    origin.write_text(json.dumps({**json.loads(origin.read_text()), "url": server.url}))
    assert CommandLine(server, tmp_path).out("recover") == id + "\n"
    assert messages(server.events(id)) == ["a"]


def test_bodies_that_a_proxy_finds_too_large_are_halved(server, tmp_path):
    refused = []

    def instead(method, path, body):
        if place(method, path) == "append" and len(body) > 64 << 10:
            refused.append(len(body))
            return (413, *PAGE)
        return None

    with Liar(server, instead=instead) as proxy:
        done = CommandLine(proxy, tmp_path).run("exec", "--", "seq", "-f", "line %.0f " + "x" * 60, "5000")
        assert done.returncode == 0, done.stderr
    assert refused
    id = done.stderr.decode().split("\n")[0].split()[-1]
    assert messages(server.events(id)) == [f"line {n} " + "x" * 60 for n in range(1, 5001)]


def test_a_line_that_a_proxy_finds_too_large_comes_in_parts(server, tmp_path):
    def instead(method, path, body):
        return (413, *PAGE) if place(method, path) == "append" and len(body) > 64 << 10 else None

    script = "echo first; head -c 200000 /dev/zero | tr '\\0' x; echo; head -c 70000 /dev/zero | tr '\\0' y; echo; echo last; exit 3"
    with Liar(server, instead=instead) as proxy:
        done = CommandLine(proxy, tmp_path).run("exec", "--", "sh", "-c", script)
        assert done.returncode == 3 and b"lacks" not in done.stderr, done.stderr
    events = server.events(server.newest())
    assert "".join(e["message"] + ("" if e.get("partial") else "\n") for e in events[:-1]) == done.stdout.decode()
    assert max(len(e["message"]) for e in events[:-1]) < 64 << 10 and events[-1]["exit_code"] == 3


class SlowLink:
    """Passes on so many bytes a second to the server, however many connections there are, with little room on the way."""

    def __init__(self, address, rate):
        host, port = address.split(":")
        self.target, self.tick = (host, int(port)), threading.Condition()
        self.rate, self.sent, self.isOpen = rate, 0, True
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            for source, target, isSlow in [(client, server, True), (server, client, False)]:
                threading.Thread(target=self.pass_on, args=(source, target, isSlow), daemon=True).start()

    def pass_on(self, source, target, isSlow):
        try:
            while part := source.recv(2048):
                if isSlow:
                    # What makes the link slow is this wait.
                    with self.tick:
                        self.tick.wait_for(lambda: False, len(part) / self.rate)
                        self.sent += len(part)
                target.sendall(part)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def test_a_slow_link_brings_everything_and_sends_little_twice(server, tmp_path):
    link = SlowLink(server.address, 48 << 10)
    try:
        cli = CommandLine(server, tmp_path)
        cli.environment["EVERYLINE_URL"] = link.url
        lines = [f"line {n} " + "0123456789" * 6 for n in range(1, 3001)]
        done = cli.run("exec", "--", "seq", "-f", "line %.0f " + "0123456789" * 6, "3000", timeout=120)
        assert done.returncode == 0, done.stderr
    finally:
        link.close()
    id = done.stderr.decode().split("\n")[0].split()[-1]
    assert messages(server.events(id)) == lines
    assert link.sent < 2 * sum(len(json.dumps({"timestamp": 10**12, "message": line})) + 1 for line in lines)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 000 No\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 000 No\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\n\r\n" * 1000], ids=["000", "099", "000 without an end", "1xx without end"])
def test_what_is_not_http_is_a_failed_request(tmp_path, answer):
    """And no client ends by it, or waits for what it never says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connections = []
        while True:
            connections.append(listener.accept()[0])
            connections[-1].recv(65536)
            connections[-1].sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    cli = CommandLine(None, tmp_path)
    done = cli.run("list", EVERYLINE_URL="http://127.0.0.1:%d" % listener.getsockname()[1])
    assert done.returncode == 125 and b"not HTTP" in done.stderr, done


def test_a_refused_log_whose_output_finds_no_room_changes_nothing_for_the_command(server, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    state, gate = tmp_path / "state", tmp_path / "gate"
    state.mkdir()
    os.mkfifo(gate)
    refusal = json.dumps({"type": "about:blank", "request_id": "1", "status": 409, "code": "execution_ended", "title": "no", "detail": "It has ended.", "head": 1}).encode()
    refuses = threading.Event()
    answer = lambda method, path, body: (409, "application/problem+json", refusal) if refuses.is_set() and place(method, path) == "append" else None
    with Liar(server, instead=answer) as proxy:
        cli = CommandLine(proxy, tmp_path)
        script = f"echo one; cat /dev/zero >{state}/filler 2>/dev/null; echo full; cat {gate}; seq 20000; exit 3"
        mount = f"mount -t tmpfs -o size=512k,mode=700 none {state} && exec \"$0\" \"$@\""
        producer = Background(
            ["unshare", "-rm", "sh", "-c", mount, BINARY, "exec", "--", "sh", "-c", script],
            {**cli.environment, "XDG_STATE_HOME": str(state)}, tmp_path)
        try:
            wait_for(lambda: "full\n" in producer.out)
            refuses.set()
            gate.write_text("refused\n")
            assert producer.wait() == 3, producer.err
        finally:
            producer.end()
    assert producer.out.endswith("\n20000\n")
    assert "There was no room for all of them, and the rest is lost" in producer.err and "are kept" not in producer.err
