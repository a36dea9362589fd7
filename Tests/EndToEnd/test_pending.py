"""Lines that have no newline yet: from the command to its viewers, without a place in the log."""

import json
import os
import time

import pytest

from cli import CommandLine
from everyline import BINARY, Refused, messages, serving, stream, wait_for
from liar import Liar
from terminal import Terminal
from test_cli import announced


def put(log, message, after=None, **more):
    body = {"after": log.head if after is None else after, "message": message, **more}
    return log.server.request("PUT", f"{log.path}/pending", body, key=log.token)[0]


def pending(log):
    return log.server.execution(log.id).get("pending")


def next_line(viewer):
    """The next thing that a viewer hears, but for signs of life."""
    while True:
        line = json.loads(viewer.recv(timeout=30).split("\n")[0])
        if line.get("type") != "heartbeat":
            return line


def test_viewers_see_a_line_without_a_newline_until_its_event_comes(server):
    log = server.register()
    log.append("one")
    with stream(log.stream_url()) as viewer:
        assert next_line(viewer)["message"] == "one"
        assert put(log, "50%", stream="stderr") == 204
        assert next_line(viewer) == {"type": "pending", "after": 1, "message": "50%", "stream": "stderr"}
        assert pending(log) == {"after": 1, "message": "50%", "stream": "stderr"}
        put(log, "")
        assert next_line(viewer) == {"type": "pending", "after": 1, "message": ""}
        assert pending(log) is None
        put(log, "60%")
        assert next_line(viewer)["message"] == "60%"
        log.append("100%")
        assert next_line(viewer)["offset"] == 2
        assert pending(log) is None
        log.append(end="SUCCEEDED")
        assert next_line(viewer)["type"] == "end"
    assert messages(server.events(log.id)) == ["one", "100%"]


def test_a_viewer_that_comes_later_sees_it_at_once_and_one_that_is_behind_does_not(server):
    log = server.register()
    log.append("one", "two")
    put(log, "? ")
    with stream(log.stream_url() + "&after=2") as viewer:
        assert next_line(viewer)["message"] == "? "
    put(log, "late", after=1)
    put(log, "early", after=3)
    assert pending(log) is None
    log.append("three")
    assert pending(log) == {"after": 3, "message": "early"}
    log.append(end="SUCCEEDED")
    with pytest.raises(Refused) as refused:
        put(log, "too late")
    assert (refused.value.status, refused.value.code) == (409, "execution_ended")


def test_a_viewer_without_the_subprotocol_sees_lines_only(server):
    log = server.register()
    with stream(log.stream_url(), subprotocol=None) as viewer:
        put(log, "50%")
        log.append("100%", end="SUCCEEDED")
        received = [json.loads(viewer.recv(timeout=30)) for _ in range(2)]
    assert received[0]["message"] == "100%" and received[1]["type"] == "disconnect"


def test_viewers_see_the_newest_ten_times_a_second(server):
    log = server.register()
    log.append("one")
    with stream(log.stream_url()) as viewer:
        start = time.monotonic()
        sent = 0
        while time.monotonic() - start < 2:
            put(log, f"{sent}")
            sent += 1
        log.append(end="SUCCEEDED")
        duration = time.monotonic() - start
        seen = []
        while (line := next_line(viewer)).get("type") != "end":
            seen.append(line)
    numbers = [int(line["message"]) for line in seen if line.get("type") == "pending"]
    assert numbers == sorted(set(numbers)) and numbers
    assert len(numbers) <= duration * 10 + 1


def test_server_sent_events_have_it_without_an_id(server):
    import urllib.request

    log = server.register()
    log.append("one")
    put(log, "50%")
    url = server.get(f"{log.path}/logs")["stream_url"]
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.headers["X-Accel-Buffering"] == "no"
        found = []
        for line in answer:
            found.append(line.decode().rstrip("\n"))
            if found[-1].startswith("event: pending"):
                found.append(answer.readline().decode().rstrip("\n"))
                break
    assert found[-2] == "event: pending"
    assert json.loads(found[-1].removeprefix("data: ")) == {"type": "pending", "after": 1, "message": "50%"}
    # The only id is the line's.
    assert [line for line in found if line.startswith("id:")] == ["id: 1"]


@pytest.mark.parametrize("body, status, code", [
    ({"after": 0, "message": "x" * 8193}, 400, "invalid_request"),
    ({"after": 0, "message": "a\nb"}, 400, "invalid_request"),
    ({"after": -1, "message": "a"}, 400, "invalid_request"),
    ({"after": 2**63, "message": "a"}, 400, "invalid_request"),
    ({"after": 0, "message": "a", "stream": "stdin"}, 400, "invalid_request"),
    ({"after": 0, "message": "a", "time": 1}, 400, "invalid_request"),
    ({"after": 0}, 400, "invalid_request"),
    ({"message": "a"}, 400, "invalid_request"),
    ({"after": 0, "message": "x" * 60_000}, 413, "body_too_large"),
])
def test_what_is_no_pending_line_is_refused(server, body, status, code):
    log = server.register()
    with pytest.raises(Refused) as refused:
        server.request("PUT", f"{log.path}/pending", body, key=log.token)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert pending(log) is None


def test_a_line_of_8_kibibytes_of_control_characters_is_taken(server):
    log = server.register()
    assert put(log, "\x01" * 8192) == 204
    assert pending(log)["message"] == "\x01" * 8192


def test_only_the_append_token_sets_it(server):
    log, other = server.register(), server.register()
    for key in [server.key, other.token]:
        with pytest.raises(Refused) as refused:
            server.request("PUT", f"{log.path}/pending", {"after": 0, "message": "a"}, key=key)
        assert refused.value.status in (401, 403)


def test_a_commands_prompt_is_shown_and_shown_again_after_a_crash_of_the_server(tmp_path):
    with serving(tmp_path) as server:
        id = server.run("sh", "-c", "echo one; printf 'Continue? [y/N] '; exec sleep 600")
        shown = {"after": 1, "message": "Continue? [y/N] "}
        wait_for(lambda: server.execution(id).get("pending") == shown)
        server.restart()
        start = time.monotonic()
        wait_for(lambda: server.execution(id).get("pending") == shown)
        assert time.monotonic() - start < 5
        server.delete(f"/api/v1/executions/{id}")
        assert messages(server.events(id)) == ["one", "Continue? [y/N] "]
        assert server.execution(id).get("pending") is None


def test_a_prompt_that_comes_again_is_shown_again(server, tmp_path):
    """Also where the line that it completes and the next prompt come at once."""
    go = tmp_path / "go"
    os.mkfifo(go)
    id = server.run("sh", "-c", f"printf 'Sure? '; cat {go}; printf 'no\\nSure? '; cat {go}")
    wait_for(lambda: server.execution(id).get("pending") == {"after": 0, "message": "Sure? "})
    go.write_text("")
    wait_for(lambda: server.execution(id).get("pending") == {"after": 1, "message": "Sure? "})
    go.write_text("")
    assert messages(server.events(id)) == ["Sure? no", "Sure? "]


@pytest.mark.parametrize("ways", [["WebSocket"], ["events"], []], ids=["WebSocket", "events", "blocks"])
def test_a_terminal_shows_the_line_in_place_and_a_file_whole_lines_only(server, tmp_path, ways):
    log = server.register()
    log.append("one")
    put(log, "10%")
    with Liar(server, ways=ways) as proxy:
        cli = CommandLine(proxy, tmp_path)
        terminal = Terminal([BINARY, "logs", "-f", log.id], {**cli.environment, "TERM": "xterm"})
        file = cli.start("logs", "-f", log.id)
        watch(log, terminal, file)


def watch(log, terminal, file):
    try:
        terminal.until(b"10%")
        put(log, "10%\r\x1b]0;title\x0720%")
        terminal.until(b"\r20%")
        put(log, "another")
        terminal.until(b"\r\x1b[Janother")
        log.append("another line")
        terminal.until(b" line\r\n")
        put(log, "? ")
        terminal.until(b"? ")
        log.append("two", end="SUCCEEDED")
        assert terminal.until(b"two\r\n") == b"\r\x1b[Jtwo\r\n"
        assert file.wait() == 0
        assert file.out == "one\nanother line\ntwo\n"
    finally:
        terminal.end()
        file.end()


def test_a_line_that_comes_together_with_its_event_is_over(server, tmp_path):
    """Where events are held back, an unfinished line and what it became come at once."""
    with Liar(server, ways=()) as proxy:
        cli = CommandLine(proxy, tmp_path)
        script = "echo one; printf 'q> '; sleep 1; echo done"
        terminal = Terminal([BINARY, "run", "-q", "--", "sh", "-c", script], {**cli.environment, "TERM": "xterm"})
        try:
            assert terminal.rest().endswith(b"q> done\r\n")
            assert terminal.wait() == 0
        finally:
            terminal.end()


def test_a_log_that_is_followed_from_a_time_shows_it_before_any_event(server, cli):
    log = server.register()
    log.append_raw('{"timestamp": 1, "message": "old"}\n')
    terminal = Terminal([BINARY, "logs", "-f", "--since", "1h", log.id], {**cli.environment, "TERM": "xterm"})
    try:
        put(log, "? ")
        assert terminal.until(b"? ") == b"? "
        log.append(end="SUCCEEDED")
    finally:
        terminal.end()


def test_exec_and_pipe_send_it_too(cli, server):
    for arguments in (["exec", "--", "sh", "-c", "echo one; printf '? '; read x"], ["pipe"]):
        command = cli.start(*arguments)
        if arguments == ["pipe"]:
            command.process.stdin.write(b"one\n? ")
            command.process.stdin.flush()
        id = announced(command)
        wait_for(lambda: server.execution(id).get("pending") == {"after": 1, "message": "? "})
        command.wait()
        assert messages(server.events(id)) == ["one", "? "]


def test_a_terminal_that_cannot_erase_keeps_the_line_as_it_began(server, cli):
    log = server.register()
    terminal = Terminal([BINARY, "logs", "-f", log.id], {**cli.environment, "TERM": "dumb"})
    try:
        put(log, "10%")
        terminal.until(b"10%")
        with stream(log.stream_url()) as viewer:
            for text in ("20%", "30%"):
                put(log, text)
                wait_for(lambda: next_line(viewer).get("message") == text)
        log.append("10%\r20%\r30%\r40%", "? yes", end="SUCCEEDED")
        assert terminal.rest() == b"\r20%\r30%\r40%\r\n? yes\r\n"
    finally:
        terminal.end()


def test_what_is_said_meanwhile_stands_on_a_line_of_its_own(cli):
    script = "echo one; printf '50%%'; trap 'exit 0' TERM; while :; do sleep 0.1; done"
    terminal = Terminal([BINARY, "run", "-q", "--stop-on-interrupt", "--", "sh", "-c", script], {**cli.environment, "TERM": "xterm"})
    try:
        terminal.until(b"one\r\n50%")
        terminal.type(b"\x03")
        # The unfinished line makes way, the key's echo doesn't go on into the sentence, and the line is whole again.
        sentence = b"everyline: stopping the command \xe2\x80\xa6\r\n"
        assert terminal.until(sentence) == b"^C\r\x1b[J" + sentence
        assert terminal.until(b"50%")
        assert terminal.wait() == 0
    finally:
        terminal.end()


def test_a_sentence_does_not_go_on_behind_the_key_that_interrupts(cli):
    terminal = Terminal([BINARY, "run", "--", "sh", "-c", "echo one; exec sleep 600"], {**cli.environment, "TERM": "xterm"})
    try:
        terminal.until(b"execution ")
        id = terminal.until(b"\r\n").decode().strip()
        terminal.until(b"one\r\n")
        terminal.type(b"\x03")
        terminal.until(b"^C\r\neveryline: detached")
        assert terminal.wait() == 130
        cli.run("stop", id)
    finally:
        terminal.end()
