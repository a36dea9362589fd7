"""Lines that are cut: each other line is there once, whatever the long ones hold, and whatever the server takes of one."""

import os
import random
import re

import pytest

from cli import CommandLine
from everyline import Server, wait_for

LIMIT = 256 << 10


def whole(events):
    """The lines of a log, those that were cut joined."""
    lines, rest = [], ""
    for event in events:
        if event.get("type", "line") == "line":
            rest += event["message"]
            if not event.get("partial"):
                lines.append(rest)
                rest = ""
    assert rest == ""
    return lines


def long_lines():
    noise = random.Random(7).randbytes(1_000_000).replace(b"\n", b"\r")
    yield b"a" * 1000 + b"caf\xe9 " + b"b" * 299_000
    yield b"\xff" * 100_000
    yield b"a" * (LIMIT - 1) + b"\xe6"
    yield b"b" * LIMIT + b"\xe9rest"
    yield "é漢😀".encode() * 60_000 + b"\xf0\x9f\x98"
    yield noise


@pytest.mark.parametrize("form", ["exec", "pipe", "run"])
def test_a_long_line_that_is_no_text_costs_no_other_line(cli, server, tmp_path, form):
    lines = [line for long in long_lines() for line in (long, b"short", b"", b"after")]
    output = tmp_path / "output"
    output.write_bytes(b"".join(line + b"\n" for line in lines))
    if form == "pipe":
        done = cli.run("pipe", "-q", input=output.read_bytes())
    else:
        done = cli.run(form, "--", "cat", str(output))
    assert done.returncode == 0, done.stderr
    events = server.events(re.search(r"[0-9a-z]{26}", done.stderr.decode())[0])
    assert whole(events) == [line.decode("utf-8", "replace") for line in lines]
    assert all(len(event.get("message", "").encode()) <= LIMIT for event in events)
    assert (events[-1]["type"], events[-1]["status"]) == ("end", "SUCCEEDED")


@pytest.mark.parametrize("form, limit", [("run", 4096), ("exec", 4096), ("recover", 4096), ("exec", 50)])
def test_a_server_that_takes_less_of_a_line_than_it_said_gets_all_of_it(tmp_path, form, limit):
    """It is started anew with another limit, or the command was started without it."""
    server = Server(tmp_path / "server").start()
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    longest = 25 * limit
    lines = ["x" * n for n in (1, longest // 10, 3, limit, limit + 1, longest)] + ["é" * limit] + [f"line {n}" for n in range(2000)]
    output = tmp_path / "output"
    output.write_text("".join(line + "\n" for line in lines))
    cli = CommandLine(server, tmp_path)
    best_effort = ["--best-effort"] if form == "recover" else []
    command = "run" if form == "run" else "exec"
    if best_effort:
        server.stop()
    producer = cli.start(command, *best_effort, "--", "sh", "-c", f"echo begun; cat {gate}; cat {output}; exit 3")
    try:
        wait_for(lambda: producer.out.startswith("begun"))
        if not best_effort:
            server.stop()
        gate.write_text("on\n")
        if best_effort:
            assert producer.wait() == 3
        server.options = ["--line-limit", f"{limit}B"]
        server.start()
        if best_effort:
            assert cli.run("recover").returncode == 0
        else:
            assert producer.wait() == 3, producer.err
    finally:
        producer.end()
    id = server.get("/api/v1/executions?limit=1")["executions"][0]["execution_id"]
    events = server.events(id)
    assert whole(events) == ["begun", "on", *lines]
    assert (events[-1]["type"], events[-1]["exit_code"]) == ("end", 3)
    server.stop()


def test_a_line_limit_that_no_character_fits_is_refused(tmp_path):
    done = CommandLine(None, tmp_path).run("serve", "--data", tmp_path / "data", "--line-limit", "3B")
    assert done.returncode == 64 and "line-limit must be at least 4 bytes" in done.stderr.decode()
