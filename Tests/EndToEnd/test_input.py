"""Standard input of a command on the server: whole, in order, once, at the command's pace, and its owner's alone."""

import base64
import hashlib
import json
import os
import subprocess
import threading

import pytest

from cli import CommandLine
from everyline import BINARY, Refused, wait_for

NDJSON = {"Content-Type": "application/x-ndjson"}


def data(text):
    text = text.encode() if isinstance(text, str) else text
    return json.dumps({"type": "input", "base64": base64.b64encode(text).decode()}) + "\n"


END = '{"type":"end"}\n'


def digest(text):
    return {"taken_sha256": hashlib.sha256(text.encode()).hexdigest()}


def write(server, id, after, *lines, key=None):
    return server.post(f"/api/v1/executions/{id}/input?after={after}", "".join(lines).encode(), key=key, headers=NDJSON)


def read(server, log, after, **query):
    query = "".join(f"&{name}={value}" for name, value in query.items())
    body = server.request("GET", f"{log.path}/input?after={after}{query}", key=log.token)[2]
    return [json.loads(line) for line in body.splitlines()]


def refusal(ask, *arguments, **more):
    with pytest.raises(Refused) as refused:
        ask(*arguments, **more)
    return refused.value.status, refused.value.code


# The command line


def test_input_is_handed_on_to_its_end(cli):
    done = cli.run("run", "-qi", "--", "cat", input=b"one\ntwo\nlast")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"one\ntwo\nlast\n", b"")
    assert cli.run("run", "-i", "--", "wc", "-c", input=b"").stdout == b"0\n"
    assert cli.run("run", "-i", "--", "wc", "-c").stdout == b"0\n"


def test_input_is_handed_on_byte_for_byte(cli, tmp_path):
    bytes = os.urandom(500_000)
    done = cli.run("run", "-qi", "--", "sha256sum", input=bytes)
    assert done.stdout.decode().split()[0] == hashlib.sha256(bytes).hexdigest()


def test_a_command_that_does_not_read_all_of_it_ends_all_the_same(cli):
    assert cli.run("run", "-qi", "--", "head", "-c", "3", input=b"abc" * 200_000).stdout == b"abc\n"
    assert cli.run("run", "-qi", "--", "sh", "-c", "exec <&-; echo closed", input=b"x" * 600_000).stdout == b"closed\n"
    assert cli.run("run", "-qi", "--", "no-such-program-at-all", input=b"x").returncode == 127


def test_without_i_a_command_reads_nothing(cli):
    assert cli.run("run", "-q", "--", "wc", "-c", input=b"text").stdout == b"0\n"


def test_detach_and_input_exclude_each_other(cli):
    assert cli.run("run", "-i", "--detach", "--", "cat").returncode == 64


def test_a_command_that_does_not_read_holds_up_who_writes(cli, server, tmp_path):
    """A mebibyte at the server, as much here, and a pipe: then nothing more is read."""
    go = tmp_path / "go"
    process = subprocess.Popen(
        [BINARY, "run", "-qi", "--", "sh", "-c", f"while ! test -e {go}; do sleep 0.05; done; wc -c"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=cli.environment)
    written = 0

    def feed():
        nonlocal written
        while written < 4_000_000:
            written += os.write(process.stdin.fileno(), b"x" * 10_000)
        process.stdin.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        id = wait_for(lambda: (now := server.newest()) if str(go) in server.execution(server.newest())["command"][-1] else None)
        # The server is full when nothing more of it is taken: a byte beyond what it has isn't there.
        wait_for(lambda: write(server, id, 1 << 40, data("x"))["received"] >= 1 << 20)
        answer = write(server, id, 1 << 40, data("x"))
        assert answer["received"] - answer["taken"] <= 1 << 20
        assert written < 3_500_000
    finally:
        go.touch()
        feeder.join(300)
    assert process.stdout.read() == b"4000000\n"
    process.stdout.close()
    assert process.wait(30) == 0


def test_input_survives_the_servers_death(own_server, tmp_path):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    process = subprocess.Popen(
        [BINARY, "run", "-i", "--", "sh", "-c", "while read -r line; do echo got $line; done; echo end"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=cli.environment)
    try:
        process.stdin.write(b"first\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"got first\n"
        for turn in range(3):
            process.stdin.write("".join(f"{turn}-{n}\n" for n in range(500)).encode())
            process.stdin.flush()
            server.restart()
        process.stdin.write(b"last\n")
        process.stdin.close()
        server.restart()
        out = process.stdout.read().decode().split("\n")
        assert out == [f"got {turn}-{n}" for turn in range(3) for n in range(500)] + ["got last", "end", ""]
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


# The wire


def test_bytes_are_taken_once_whatever_is_sent_again(server):
    log = server.register()
    reader = threading.Thread(target=lambda: read(server, log, 0))
    reader.start()
    assert write(server, log.id, 0, data("abc")) == {"received": 3, "taken": 0, **digest(""), "ended": False, "closed": False}
    reader.join(30)
    assert write(server, log.id, 0, data("abcde"))["received"] == 5
    assert write(server, log.id, 2, data("cde"), data("f"))["received"] == 6
    # Nothing that it could wait for.
    for nothing in ([], [data("")]):
        assert write(server, log.id, 5, *nothing)["received"] == 6
    # Beyond a hole nothing is taken.
    assert write(server, log.id, 9, data("x"), END) == {"received": 6, "taken": 0, **digest(""), "ended": False, "closed": False}
    assert read(server, log, 0) == [{"type": "input", "base64": base64.b64encode(b"abcdef").decode()}]
    assert read(server, log, 0) == read(server, log, 0)
    assert write(server, log.id, 6, data("g"), END) == {"received": 7, "taken": 0, **digest(""), "ended": True, "closed": False}
    assert read(server, log, 4) == [{"type": "input", "base64": base64.b64encode(b"efg").decode()}, {"type": "end"}]
    assert write(server, log.id, 0)["taken_sha256"] == digest("abcd")["taken_sha256"]
    assert read(server, log, 7) == [{"type": "end"}]
    assert read(server, log, 7, closed="true") == []
    assert write(server, log.id, 7) == {"received": 7, "taken": 7, "ended": True, "closed": True}
    log.append(end="SUCCEEDED")
    assert refusal(write, server, log.id, 7) == (409, "execution_ended")
    assert refusal(read, server, log, 7) == (409, "execution_ended")


def test_other_bytes_where_some_wait_are_refused(server):
    log = server.register()
    reader = threading.Thread(target=lambda: read(server, log, 0))
    reader.start()
    assert write(server, log.id, 0, data("abc"))["received"] == 3
    reader.join(30)
    assert refusal(write, server, log.id, 0, data("xyz")) == (409, "different_content")
    assert refusal(write, server, log.id, 2, data("x"), END) == (409, "different_content")
    assert write(server, log.id, 0)["received"] == 3
    assert read(server, log, 3, closed="true") == []
    log.append(end="SUCCEEDED")


def test_a_size_comes_where_it_is_another_one(server):
    log = server.register()
    reader = threading.Thread(target=lambda: read(server, log, 0))
    reader.start()
    size = {"type": "size", "columns": 90, "rows": 20}
    write(server, log.id, 0, json.dumps(size))
    reader.join(30)
    assert read(server, log, 0, columns=80, rows=20) == [size]
    write(server, log.id, 0, data("a"))
    assert [line["type"] for line in read(server, log, 0, columns=90, rows=20)] == ["input"]
    log.append(end="SUCCEEDED")


def test_an_end_in_the_log_ends_the_waiting(server):
    log = server.register()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(refusal(read, server, log, 0)))
    asking.start()
    assert write(server, log.id, 0)["received"] == 0
    log.append(end="SUCCEEDED")
    asking.join(60)
    assert answers == [(409, "execution_ended")]


@pytest.mark.parametrize("body", [
    b"{}", b"text", b'{"type":"input"}', b'{"type":"input","base64":"="}', b'{"type":"input","base64":"YQ"}', b'{"type":"other"}',
    b'{"type":"input","base64":"YR=="}', b'{"type":"size","columns":0,"rows":1}', b'{"type":"size","columns":1001,"rows":1}',
    b'{"type":"size","columns":99999999999999999999,"rows":1}', b'{"type":"end"}x',
    b'{"type":"end"}\n{"type":"input","base64":"YQ=="}'])
def test_what_is_no_input_is_refused(server, body):
    log = server.register()
    assert refusal(server.post, f"{log.path}/input?after=0", body, headers=NDJSON) == (400, "invalid_request")
    log.append(end="SUCCEEDED")


@pytest.mark.parametrize("query", ["", "?after=-1", "?after=x", "?after=9223372036854775808", "?after=0&more=1", "?after=0&after=0"])
def test_a_place_that_is_none_is_refused(server, query):
    log = server.register()
    assert refusal(server.post, f"{log.path}/input{query}", b"", headers=NDJSON)[0] == 400
    assert refusal(server.get, f"{log.path}/input{query}", key=log.token)[0] == 400
    log.append(end="SUCCEEDED")


def test_the_furthest_place_does_no_harm(server):
    log = server.register()
    last = 2**63 - 1
    reader = threading.Thread(target=lambda: read(server, log, last))
    reader.start()
    assert write(server, log.id, last, data("abc"))["received"] == last + 3
    reader.join(30)
    assert write(server, log.id, 5, data("abc"))["received"] == last + 3
    log.append(end="SUCCEEDED")


# Who may


def test_its_owner_alone_writes_and_its_producer_alone_reads(server):
    keys = {role: server.create_key(role, f"input-{role}") for role in ("viewer", "developer", "operator", "admin")}
    owner = server.create_key("developer", "input-owner")
    second = server.create_key("developer", "input-owner")
    reader = server.create_key("viewer", "input-owner")
    log = server.register(key=owner)
    for key in [*keys.values(), server.key, reader]:
        assert refusal(write, server, log.id, 0, data("x"), key=key) == (403, "forbidden")
    assert refusal(write, server, log.id, 0, data("x"), key=log.token)[0] == 401
    other = server.register()
    for key in [*keys.values(), server.key, owner, other.token, ""]:
        assert refusal(server.get, f"{log.path}/input?after=0", key=key)[0] == 401
    asking = threading.Thread(target=lambda: read(server, log, 0))
    asking.start()
    assert write(server, log.id, 0, data("x"), key=second)["received"] == 1
    asking.join(30)
    for unknown in ("nothing", "x" * 64):
        assert refusal(write, server, unknown, 0, data("x")) == (404, "unknown_execution")
    log.append(end="SUCCEEDED")
    other.append(end="SUCCEEDED")


# What is lost is said


def test_an_end_that_another_client_writes_is_said(server, tmp_path):
    command = CommandLine(server, tmp_path).start("run", "-i", "--", "sh", "-c", f"cat; while ! test -e {tmp_path}/go; do sleep 0.05; done")
    try:
        wait_for(lambda: "execution " in command.err)
        id = command.err.split("execution ")[1].split()[0]
        wait_for(lambda: write_if_asked(server, id, 0, END))
        command.process.stdin.write(b"late\n")
        command.process.stdin.flush()
        wait_for(lambda: "another client writes to the command's input" in command.err)
        (tmp_path / "go").touch()
        command.process.stdin.close()
        assert command.wait() == 0
    finally:
        command.end()


def test_other_bytes_of_another_client_are_said(server, tmp_path):
    go = tmp_path / "go"
    command = CommandLine(server, tmp_path).start("run", "-i", "--", "sh", "-c", f"while ! test -e {go}; do sleep 0.05; done; head -c 1000000 | wc -c")
    try:
        wait_for(lambda: "execution " in command.err)
        id = command.err.split("execution ")[1].split()[0]
        # The pipe takes some of it, and the rest waits at the server.
        feeder = threading.Thread(target=lambda: command.process.stdin.write(b"x" * 1_000_000))
        feeder.start()
        wait_for(lambda: (there := write_if_asked(server, id, 1 << 40, data("x"))) and there["received"] == 1_000_000)
        feeder.join(30)
        assert refusal(write, server, id, 999_990, data("y")) == (409, "different_content")
        go.touch()
        command.process.stdin.close()
        assert command.wait() == 0
        assert command.out == "1000000\n"
    finally:
        command.end()


def test_bytes_of_another_client_that_the_command_has_got_are_said(server, tmp_path):
    go = tmp_path / "go"
    command = CommandLine(server, tmp_path).start("run", "-i", "--", "sh", "-c", f"head -n 1; while ! test -e {go}; do sleep 0.05; done")
    try:
        wait_for(lambda: "execution " in command.err)
        id = command.err.split("execution ")[1].split()[0]
        wait_for(lambda: write_if_asked(server, id, 0, data("theirs\n")))
        wait_for(lambda: command.out == "theirs\n")
        command.process.stdin.write(b"mine is longer\n")
        command.process.stdin.flush()
        wait_for(lambda: "another client writes to the command's input" in command.err)
        go.touch()
        command.process.stdin.close()
        assert command.wait() == 0
    finally:
        command.end()


def write_if_asked(server, id, after, *lines):
    try:
        return write(server, id, after, *lines)
    except Refused as refused:
        assert refused.code == "no_input"


def test_an_input_that_cannot_be_read_is_a_failure(server, tmp_path):
    source = os.open(tmp_path, os.O_RDONLY)
    try:
        done = subprocess.run(
            [BINARY, "run", "-q", "-i", "--", "cat"], env=CommandLine(server, tmp_path).environment, stdin=source, capture_output=True,
            timeout=60)
    finally:
        os.close(source)
    assert done.returncode == 125 and "standard input can't be read" in done.stderr.decode()
