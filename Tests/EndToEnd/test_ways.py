"""Following a log where not every way leads through: proxies that know no WebSocket, or hold answers back, and addresses that are none."""

import json

import pytest
from websockets.exceptions import InvalidStatus

from cli import CommandLine
from everyline import serving, stream, wait_for
from liar import Liar
from test_cli import announced


# Whether an answer is held back shows in five seconds.
@pytest.mark.parametrize("ways, name, seconds", [(["events"], "server-sent events", 1), ([], "reading again and again", 8)])
def test_a_log_is_followed_by_the_way_that_is_left(server, tmp_path, ways, name, seconds):
    with Liar(server, ways=ways) as proxy:
        cli = CommandLine(proxy, tmp_path)
        for command in (["run", "--", "sh", "-c", f"echo one; sleep {seconds}; echo two; exit 3"], ["logs", "-f", "--exit-status", "--last"]):
            done = cli.run(*command)
            assert (done.returncode, done.stdout) == (3, b"one\ntwo\n")
            err = done.stderr.decode()
            # A log that has ended is downloaded.
            assert command[0] == "logs" or f"WebSocket doesn't get through; following by {name}" in err
            assert "reconnecting" not in err


@pytest.mark.parametrize("ways, name", [(["upgrade", "events"], "server-sent events"), (["upgrade"], "reading again and again")])
def test_a_web_socket_that_carries_nothing_is_no_way(server, tmp_path, ways, name):
    with Liar(server, ways=ways) as proxy:
        log = server.register()
        log.append("one")
        viewer = CommandLine(proxy, tmp_path).start("logs", "-f", log.id)
        try:
            wait_for(lambda: viewer.out == "one\n")
            assert f"following by {name}" in viewer.err
            log.append("two", end="SUCCEEDED")
            assert viewer.wait() == 0
            assert viewer.out == "one\ntwo\n"
        finally:
            viewer.end()


def test_the_way_that_was_found_is_kept_over_a_restart_of_the_server(own_server, tmp_path):
    server = own_server.start()
    with Liar(server, ways=["events"]) as proxy:
        cli = CommandLine(proxy, tmp_path)
        log = server.register()
        log.append("one")
        viewer = cli.start("logs", "-f", log.id)
        wait_for(lambda: viewer.out == "one\n")
        tried = len([path for path in proxy.served if path.endswith("/stream")])
        server.restart()
        log.append("two", end="SUCCEEDED")
        assert viewer.wait() == 0
        assert viewer.out == "one\ntwo\n"
        assert viewer.err.count("following by") == 1
        assert len([path for path in proxy.served if path.endswith("/stream")]) == tried


@pytest.mark.parametrize("kept", [True, False])
def test_a_way_that_worked_is_given_up_when_it_fails_again_and_again_and_another_works(own_server, tmp_path, kept):
    server, left = own_server.start(), []

    def instead(method, path, body):
        # While the server is away no way works, which says nothing of this one.
        return (left.pop() if kept else left[0]) if path.endswith("/events") and left else None

    with Liar(server, ways=["events"], instead=instead) as proxy:
        log = server.register()
        log.append("one")
        viewer = CommandLine(proxy, tmp_path).start("logs", "-f", log.id)
        wait_for(lambda: viewer.out == "one\n")
        left += [(502, "text/html", "<h1>Bad Gateway</h1>")]
        server.restart()
        wait_for(lambda: not left if kept else "reading again and again" in viewer.err)
        log.append("two", end="SUCCEEDED")
        assert viewer.wait() == 0
        assert viewer.out == "one\ntwo\n"
        assert viewer.err.count("following by") == (1 if kept else 2)


def test_a_refusal_of_the_server_is_no_reason_for_another_way(server, tmp_path):
    with Liar(server, ways=["events"]) as proxy:
        done = CommandLine(proxy, tmp_path, key="wrong").run("logs", "-f", "nothing")
        assert done.returncode == 125 and "following by" not in done.stderr.decode()


BLOCKED = [
    # What a proxy, a firewall or a changed role makes of everything but the start.
    pytest.param((403, "text/html", "<h1>Forbidden</h1>"), id="a proxy forbids it"),
    pytest.param((302, "text/html", ""), id="a login page"),
    pytest.param((200, "text/html", "<h1>Welcome</h1>"), id="a page instead"),
    pytest.param((401, "application/problem+json", '{"title":"Not authenticated","status":401,"code":"unauthorized"}'), id="a refused key"),
    pytest.param((404, "application/problem+json", '{"title":"Unknown execution","status":404,"code":"unknown_execution"}'), id="an unknown log"),
]


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
@pytest.mark.parametrize("answer", BLOCKED)
def test_a_run_that_can_not_follow_says_that_the_command_runs_and_its_id(server, tmp_path, answer, quiet):
    with Liar(server, ways=[], instead=lambda method, path, body: None if path.endswith("/run") else answer) as proxy:
        command = CommandLine(proxy, tmp_path).start("run", *quiet, "--", "sh", "-c", "exec sleep 600")
        try:
            id = wait_for(lambda: server.get("/api/v1/executions?status=STARTING,RUNNING")["executions"])[0]["execution_id"]
            wait_for(lambda: id in command.err)
            wait_for(lambda: command.process.poll() is not None or "reconnecting" in command.err)
            said = [line for line in command.err.splitlines() if "standard input" not in line]
            assert id in said[0]
            # Where trying again may help, it does, for as long as it takes.
            if command.process.poll() is None:
                command.interrupt()
                assert command.wait() == 130
            else:
                assert command.wait() == 125
                assert f"execution {id} was started, and goes on" in command.err
            assert f"everyline logs -f {id}" in command.err and f"everyline stop {id}" in command.err
            wait_for(lambda: server.execution(id)["status"] == "RUNNING")
        finally:
            command.end()
            server.delete(f"/api/v1/executions/{id}")


def test_the_pages_at_the_public_url_may_open_streams_whatever_host_the_proxy_hands_on(tmp_path):
    with serving(tmp_path, "--public-url", "https://logs.example:8443/below") as server:
        log = server.register()
        token = log.stream_url().partition("?")[2]
        url = f"ws://{server.address}{log.path}/stream?{token}"
        with stream(url, origin="https://logs.example:8443") as viewer:
            log.append("one")
            assert any(json.loads(said).get("message") == "one" for said in viewer)
        for other in ("https://logs.example", "http://logs.example:8443", "https://logs.example:84"):
            with pytest.raises(InvalidStatus) as refused:
                stream(url, origin=other)
            assert refused.value.response.status_code == 403


def test_a_public_url_that_leads_nowhere_from_here_is_not_needed(tmp_path):
    with serving(tmp_path, "--public-url", "http://192.0.2.1:7070") as server:
        done = CommandLine(server, tmp_path).run("run", "--", "echo", "one", timeout=20)
        assert (done.returncode, done.stdout) == (0, b"one\n")
        assert "reconnecting" not in done.stderr.decode()
