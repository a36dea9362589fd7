"""Commands that the server runs: their output, their ends, and what happens to them when processes die."""

import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess

import pytest

from everyline import BINARY, Refused, Server, is_alive, messages, serving, wait_for

COUNTING = "for i in $(seq 1 2000); do echo line $i; done; cat {fifo}; for i in $(seq 2001 4000); do echo line $i; done; exit 3"


def open_gate(gate):
    # Opened for both ways, so that it doesn't wait for a reader; closing it is what the command waits for.
    with open(gate, "wb"):
        pass


def runner_of(server, id):
    """The pid of the process that runs an execution's command."""
    found = subprocess.run(["pgrep", "-f", f"^everyline runner .*{id}$"], capture_output=True, text=True).stdout.split()
    return int(found[0]) if found else None


def head_is(server, id, offset):
    return lambda: server.execution(id)["last_offset"] >= offset


def spooled(directory):
    """What a runner keeps for the server."""
    return b"".join(path.read_bytes() for path in sorted((directory / "spool").glob("[0-9]*")))


def counted(server, id):
    events = server.events(id)
    assert messages(events) == [f"line {n}" for n in range(1, 4001)]
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("FAILED", 3)
    assert len(events) == 4001


def test_a_command_runs_to_its_end(server):
    id = server.run("sh", "-c", "echo out; echo err >&2; printf '\\033[31mred\\033[0m\\n\\n50%%\\r100%%\\nlast'; exit 3")
    events = server.events(id)
    assert messages(events) == ["out", "err", "\x1b[31mred\x1b[0m", "", "50%\r100%", "last"]
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("FAILED", 3)
    execution = server.execution(id)
    assert (execution["status"], execution["exit_code"], execution["last_offset"]) == ("FAILED", 3, 7)
    assert execution["created_at"] <= execution["started_at"] <= execution["ended_at"]
    wait_for(lambda: not (server.data / "runners" / id).exists())


def test_split_streams_are_told_apart(server):
    id = server.run("sh", "-c", "echo out; echo err >&2", streams="split")
    assert {e["message"]: e["stream"] for e in server.events(id)[:-1]} == {"out": "stdout", "err": "stderr"}


@pytest.mark.parametrize("command,code", [("/nonexistent/program", 127), ("no-such-program-at-all", 127), ("/etc/passwd", 126)])
def test_a_command_that_can_not_be_started_says_why(server, command, code):
    events = server.events(server.run(command))
    assert events[0]["type"] == "notice" and events[0]["code"] == "not_started" and command in events[0]["message"]
    assert (events[1]["status"], events[1]["exit_code"], events[1]["reason"]) == ("FAILED", code, "not_started")


def test_a_command_finds_no_secrets(server):
    id = server.run("sh", "-c", "env; cat /proc/$PPID/cmdline | tr '\\0' ' '", env={"GREETING": "hello"})
    text = "\n".join(messages(server.events(id)))
    assert "GREETING=hello" in text and f"EVERYLINE_EXECUTION_ID={id}" in text
    assert server.key not in text and "elk_" not in text and "token" not in text.lower()


def test_a_runners_directory_is_for_its_owner_alone(server, gate):
    id = server.run("cat", str(gate))
    directory = server.data / "runners" / id
    for path in [directory, *directory.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    open_gate(gate)
    server.events(id)


def test_a_time_limit_ends_a_command(server):
    events = server.events(server.run("sh", "-c", "echo begun; sleep 600", timeout_seconds=1))
    assert messages(events) == ["begun"]
    assert (events[-1]["status"], events[-1]["exit_code"], events[-1]["reason"]) == ("FAILED", 124, "timed_out")


def test_what_a_command_took_is_in_its_end_and_in_its_execution(server):
    script = "my $n = 1.5e8; $_ = 'x' x $n; my $t = times; 1 while times - $t < 0.2"
    id = server.run("perl", "-e", script)
    end = server.events(id)[-1]
    assert end["cpu_ms"] >= 200 and end["peak_memory_bytes"] > 150_000_000
    shown = server.execution(id)
    assert (shown["cpu_ms"], shown["peak_memory_bytes"]) == (end["cpu_ms"], end["peak_memory_bytes"])
    # Whose end doesn't say it, of an earlier version or another producer, has neither.
    log = server.register()
    log.append("a", end="SUCCEEDED")
    assert not {"cpu_ms", "peak_memory_bytes"} & server.execution(log.id).keys()


def test_where_a_command_runs_is_in_its_execution(server, tmp_path):
    for options in ({}, {"working_directory": str(tmp_path)}):
        id = server.run("pwd", **options)
        directory = messages(server.events(id))[0]
        shown = server.execution(id)
        assert (shown["host"], shown["host_user"]) == (socket.gethostname(), pwd.getpwuid(os.geteuid()).pw_name)
        assert "terminal" not in shown and shown["working_directory"] == directory == options.get("working_directory", directory)
    size = {"columns": 90, "rows": 30}
    assert server.execution(server.run("true", terminal=size))["terminal"] == size
    # Not in lists, which would be long.
    listed = server.get("/api/v1/executions")["executions"][0]
    assert not {"host", "host_user", "working_directory", "terminal"} & listed.keys()


def test_where_a_command_runs_elsewhere_its_producer_says_or_nothing_does(server):
    where = {"host": "h" * 255, "host_user": "DOMAIN\\u u", "working_directory": "/" + "ü" * 2047,
             "terminal": {"columns": 1000, "rows": 1}}
    register = lambda **fields: server.register(**fields).id
    assert server.execution(register(**where)).items() >= where.items()
    assert not where.keys() & server.execution(register()).keys()
    assert where.keys() & server.execution(register(host="h")).keys() == {"host"}
    for wrong in ({"host": ""}, {"host": "h" * 256}, {"host_user": "\x1b[2J"}, {"host_user": "ü"}, {"host": 1},
                  {"working_directory": "relative"}, {"working_directory": "/\0"}, {"working_directory": "/" + "ü" * 2048},
                  {"terminal": {"columns": 0, "rows": 1}}, {"terminal": "80x24"}):
        with pytest.raises(Refused) as refused:
            register(**wrong)
        assert refused.value.problem["code"] == "invalid_request" and next(iter(wrong)) in refused.value.problem["detail"]


def test_stopping_ends_the_whole_group(server, tmp_path):
    pids = tmp_path / "pids"
    script = f"sleep 600 & echo $! $$ > {pids}; trap 'echo goodbye; exit 0' TERM; echo begun; wait"
    id = server.run("sh", "-c", script)
    wait_for(head_is(server, id, 1))
    assert server.delete(f"/api/v1/executions/{id}")["status"] == "TERMINATING"
    events = server.events(id)
    assert messages(events) == ["begun", "goodbye"]
    assert (events[-1]["status"], events[-1]["reason"]) == ("STOPPED", "stop_requested")
    assert server.execution(id)["stopped_by"] == server.get("/api/v1/me")["user"]
    assert not any(is_alive(pid) for pid in pids.read_text().split())


def test_what_a_command_leaves_behind_does_not_hold_its_log(server, tmp_path):
    pid = tmp_path / "pid"
    events = server.events(server.run("sh", "-c", f"echo done; sleep 600 & echo $! > {pid}"))
    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert messages(events) == ["done"]
    assert [e.get("code") for e in events[1:]] == ["output_held", None]
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("SUCCEEDED", 0)


# Faster than anything can record it, until it is ended.
FLOOD = "trap '' TERM; yes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


def test_what_a_command_leaves_behind_does_not_hold_its_log_however_fast_it_writes(server, tmp_path):
    pid = tmp_path / "pid"
    id = server.run("sh", "-c", f"sh -c \"{FLOOD}\" & echo $! > {pid}; exit 3")
    try:
        events = server.events(id)
    finally:
        number = int(pid.read_text())
        for process in [child for child in pathlib.Path(f"/proc/{number}/task/{number}/children").read_text().split()] + [number]:
            os.kill(int(process), signal.SIGKILL)
    assert [e.get("code") for e in events[-2:]] == ["output_held", None]
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("FAILED", 3)


def test_a_stop_ends_what_writes_on_behind_its_command(server, tmp_path):
    pid = tmp_path / "pid"
    id = server.run("sh", "-c", f"trap '' TERM; sh -c \"echo \\$\\$ > {pid}; {FLOOD}\" & exit 3")
    wait_for(pid.exists)
    server.delete(f"/api/v1/executions/{id}")
    # The command itself had ended before.
    assert server.events(id)[-1]["exit_code"] == 3
    assert not is_alive(pid.read_text())


@pytest.mark.parametrize("loses", ["half", "a newline of the first file"])
def test_a_log_ends_whose_spool_loses_lines_under_its_runner(own_server, gate, loses):
    server = own_server.start()
    id = server.run("sh", "-c", f"cat {gate}; i=0; while [ $i -lt 40000 ]; do echo line $i of a command that has very much more to say than this; i=$((i+1)); done; exit 7")
    wait_for(lambda: (server.data / "runners" / id / "spool").is_dir())
    server.kill()
    open_gate(gate)
    runner = server.data / "runners" / id
    wait_for(lambda: b'"type":"end"' in spooled(runner)[-1000:])
    first = sorted((runner / "spool").glob("0*"))[0]
    if loses == "half":
        os.truncate(first, first.stat().st_size // 2)
    else:
        with open(first, "r+b") as file:
            place = file.read(1 << 20).rindex(b"\n")
            file.seek(place)
            file.write(b"#")
    server.start()
    events = server.events(id)
    assert (events[-1]["offset"], events[-1]["exit_code"]) == (40001, 7)
    lost = [e for e in events if e.get("code") == "lines_lost"]
    kept = {e["message"] for e in events if "code" not in e and "message" in e}
    assert lost and len(lost) + len(kept) == 40000
    wait_for(lambda: not runner.exists())


def test_a_command_outlives_its_server(own_server, gate):
    """The server is killed, and another one takes its place at once: at the same port, with the same streams."""
    server = own_server.start()
    id = server.run("sh", "-c", COUNTING.format(fifo=gate))
    wait_for(head_is(server, id, 10))
    server.kill()
    server.start()
    wait_for(head_is(server, id, 2000))
    server.restart()
    open_gate(gate)
    counted(server, id)


def test_a_command_ends_while_no_server_is_there(own_server, gate):
    server = own_server.start()
    id = server.run("sh", "-c", COUNTING.format(fifo=gate))
    runner = wait_for(lambda: runner_of(server, id))
    assert server.stop() == 0
    open_gate(gate)
    wait_for(lambda: b'"type":"end"' in spooled(server.data / "runners" / id))
    assert is_alive(runner)
    server.start()
    counted(server, id)
    wait_for(lambda: not is_alive(runner))


@pytest.mark.parametrize("with_server", [False, True])
def test_a_runner_that_is_killed_is_accounted_for(own_server, tmp_path, with_server):
    """What it had written down is in the log; the command doesn't go on alone."""
    server = own_server.start()
    pid = tmp_path / "pid"
    id = server.run("sh", "-c", f"echo $$ > {pid}; echo begun; exec sleep 600")
    wait_for(head_is(server, id, 1))
    command = int(pid.read_text())
    assert is_alive(command)
    if with_server:
        server.kill()
    os.kill(runner_of(server, id), signal.SIGKILL)
    if with_server:
        server.start()
    events = server.events(id)
    assert messages(events) == ["begun"]
    assert events[-2]["code"] == "runner_lost"
    assert (events[-1]["status"], events[-1]["reason"]) == ("FAILED", "runner_lost")
    assert "exit_code" not in events[-1] or events[-1]["exit_code"] is None
    wait_for(lambda: not is_alive(command))
    wait_for(lambda: not (server.data / "runners" / id).exists())


def test_a_runner_that_is_killed_with_unsent_output_loses_none_of_it(own_server, gate):
    server = own_server.start()
    id = server.run("sh", "-c", COUNTING.format(fifo=gate))
    wait_for(head_is(server, id, 2000))
    runner = runner_of(server, id)
    server.kill()
    open_gate(gate)
    wait_for(lambda: b'"type":"end"' in spooled(server.data / "runners" / id))
    os.kill(runner, signal.SIGKILL)
    server.start()
    counted(server, id)


def test_everything_is_killed_again_and_again(own_server, tmp_path):
    """Ten commands at once, the server killed five times."""
    server = own_server.start()
    script = "for i in $(seq 1 1500); do echo line $i; [ $((i % 50)) = 0 ] && sleep 0.1; done; exit 5"
    ids = [server.run("sh", "-c", script) for _ in range(10)]
    for round in range(1, 6):
        wait_for(lambda: all(head_is(server, id, round * 150)() for id in ids))
        server.restart()
    for id in ids:
        events = server.events(id)
        assert messages(events) == [f"line {n}" for n in range(1, 1501)]
        assert (events[-1]["offset"], events[-1]["exit_code"]) == (1501, 5)


def test_a_log_at_its_limit_says_so_and_ends(tmp_path):
    with serving(tmp_path, "--log-limit", "100KiB") as server:
        events = server.events(server.run("sh", "-c", "seq 1 100000; exit 4"))
        lines = messages(events)
        assert lines == [str(n) for n in range(1, len(lines) + 1)] and 1000 < len(lines) < 100_000
        assert [e.get("code") for e in events[-2:]] == ["log_full", None]
        assert (events[-1]["status"], events[-1]["exit_code"]) == ("FAILED", 4)


def test_a_command_outlives_the_data_of_its_server(own_server, tmp_path):
    server = own_server.start()
    go, done = tmp_path / "go", tmp_path / "done"
    id = server.run("sh", "-c", f"echo begun; until [ -e {go} ]; do sleep 0.1; done; echo more; touch {done}")
    wait_for(head_is(server, id, 1))
    runner = runner_of(server, id)
    server.kill()
    shutil.rmtree(server.data)
    go.touch()
    wait_for(done.exists)
    os.kill(runner, signal.SIGKILL)


def test_a_directory_that_goes_away_for_a_while_ends_nothing(own_server, tmp_path):
    server = own_server.start()
    go = tmp_path / "go"
    id = server.run("sh", "-c", f"echo begun; until [ -e {go} ]; do sleep 0.1; done; seq 1000; exit 3")
    wait_for(head_is(server, id, 1))
    runners, away = server.data / "runners", server.data / "away"
    runners.rename(away)
    wait_for(lambda: server.execution(id)["status"] == "RUNNING")
    away.rename(runners)
    go.touch()
    events = server.events(id)
    assert messages(events) == ["begun"] + [str(n) for n in range(1, 1001)]
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("FAILED", 3)


def test_every_log_ends_though_no_runner_can_work(own_server):
    """A job that no runner can read: the server ends its log, and says why."""
    server = own_server.start()
    id = server.run("sleep", "600")
    job = server.data / "runners" / id
    wait_for(lambda: (job / "command.json").exists() and json.loads((job / "command.json").read_text()).get("process"))
    command, runner = json.loads((job / "command.json").read_text())["process"]["pid"], runner_of(server, id)
    server.kill()
    os.kill(runner, signal.SIGKILL)
    (job / "given-up").write_text("its disk is broken\n")
    server.start()
    events = server.events(id)
    assert [e.get("code") for e in events[-2:]] == ["runner_lost", None] and "its disk is broken" in events[-2]["message"]
    assert (events[-1]["status"], events[-1]["reason"]) == ("FAILED", "runner_lost")
    wait_for(lambda: not is_alive(command))


def on_small_disk(directory, size, *options):
    """A server whose data has a file system of its own, in a mount namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    small = directory / "small"
    small.mkdir()
    server = Server(directory / "server")
    mount = f"mount -t tmpfs -o size={size} none {small} && exec \"$0\" \"$@\""
    process = subprocess.Popen(
        ["unshare", "-rm", "sh", "-c", mount, BINARY, "serve", "--data", small, *options,
         "--listen", "127.0.0.1:0", "--admin-key-file", server.key_file],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=server.environment)
    server.process = process
    server.url = json.loads(process.stdout.readline())["listening"]
    server.key = server.key_file.read_text().strip()
    return server, pathlib.Path(f"/proc/{process.pid}/root{small}")


def test_a_full_disk_loses_no_line(tmp_path):
    """The server has no room; the runner keeps everything, and the log goes on when there is room again."""
    # More than the write-ahead log has room for from its start.
    lines = 500_000
    server, inside = on_small_disk(tmp_path, "256m", "--spool", tmp_path / "spool")
    try:
        filler = inside / "filler"
        space = os.statvfs(inside)
        filler.write_bytes(b"x" * (space.f_bavail * space.f_frsize - (1 << 20)))
        id = server.run("sh", "-c", f"seq -f 'line %.0f of a command that has much to say' 1 {lines}; exit 3")
        runner = tmp_path / "spool" / id
        wait_for(lambda: b'"type":"end"' in spooled(runner)[-1000:])
        wait_for(lambda: "no_space" in (runner / "runner.log").read_text())
        assert server.execution(id).get("ended_at") is None
        filler.unlink()
        events = server.events(id)
        assert messages(events) == [f"line {n} of a command that has much to say" for n in range(1, lines + 1)]
        assert (events[-1]["offset"], events[-1]["exit_code"]) == (lines + 1, 3)
    finally:
        server.stop()


def test_a_full_disk_under_data_and_spool_makes_the_command_wait(tmp_path):
    """The default: both lie on one file system. Nothing is killed, and nothing lost."""
    lines = 500_000
    server, inside = on_small_disk(tmp_path, "256m")
    try:
        filler, go = inside / "filler", tmp_path / "go"
        probe = server.register()
        id = server.run(
            "sh", "-c", f"echo begun; until [ -e {go} ]; do sleep 0.1; done; "
            f"seq -f 'line %.0f of a command that has much to say' 1 {lines}; exit 3")
        wait_for(head_is(server, id, 1))
        space = os.statvfs(inside)
        filler.write_bytes(b"x" * (space.f_bavail * space.f_frsize))
        go.touch()

        def has_no_room():
            try:
                probe.append("x" * 100_000)
            except Refused as refused:
                return refused.status == 507

        wait_for(has_no_room, seconds=120)
        assert server.execution(id)["status"] == "RUNNING"
        filler.unlink()
        events = server.events(id)
        assert messages(events) == ["begun"] + [f"line {n} of a command that has much to say" for n in range(1, lines + 1)]
        assert (events[-1]["status"], events[-1]["exit_code"]) == ("FAILED", 3)
    finally:
        server.stop()
