"""The command line as a user meets it: what it prints where, what it exits with, and what Ctrl-C does."""

import gzip
import json
import os
import pwd
import re
import signal
import socket
import sqlite3
import subprocess

import pytest

from cli import CommandLine
from everyline import BINARY, Refused, messages, wait_for
from terminal import Terminal
from liar import Liar

HEX = r"[0-9a-z]{26}"


def open_gate(gate):
    with open(gate, "wb"):
        pass


def announced(command):
    """The id that a command in the background announces."""
    return wait_for(lambda: (found := re.search(f"execution ({HEX})\n", command.err)) and found[1])


# Running


@pytest.mark.parametrize("arguments", ["list", "logs --last", "logs -f --last"])
@pytest.mark.parametrize("target, reason", [(">&-", b"Bad file descriptor"), (">/dev/full", b"No space left on device")])
def test_an_output_that_takes_nothing_is_said(cli, arguments, target, reason):
    cli.out("run", "--", "echo", "x")
    done = subprocess.run(["sh", "-c", f"{BINARY} {arguments} {target}"], env=cli.environment, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode, done.stderr) == (125, b"everyline: standard output can't be written: " + reason + b".\n")


def test_run_passes_on_output_and_exit_code(cli):
    done = cli.run("run", "--", "sh", "-c", "echo out; echo err >&2; printf last; exit 3")
    assert done.returncode == 3
    assert done.stdout == b"out\nerr\nlast\n"
    assert re.fullmatch(
        f"everyline: execution ({HEX})\neveryline: in the browser: .*/\\1\neveryline: FAILED, exit code 3\n", done.stderr.decode())


def test_run_of_a_success_says_nothing_else(cli):
    done = cli.run("run", "--", "true")
    assert (done.returncode, done.stdout) == (0, b"")
    assert re.fullmatch(f"everyline: execution ({HEX})\neveryline: in the browser: .*/\\1\n", done.stderr.decode())


@pytest.mark.parametrize("arguments,code,words", [
    (["--timeout", "1s", "--", "sleep", "600"], 124, "time limit"),
    (["--", "no-such-program-at-all"], 127, "there is no program no-such-program-at-all"),
    (["--", "/etc/passwd"], 126, "can't be run"),
    (["--cwd", "/nonexistent", "--", "true"], 126, "no directory /nonexistent"),
    (["--", "sh", "-c", "kill -9 $$"], 137, "exit code 137"),
])
def test_run_has_the_exit_codes_that_shells_use(cli, arguments, code, words):
    done = cli.run("run", *arguments)
    assert done.returncode == code and words in done.stderr.decode()


def test_run_takes_the_command_as_it_stands(cli):
    words = ["-n", "--", "a b", "$HOME", "*", "", "ü"]
    assert cli.out("run", "--", "printf", "%s\\n", *words).split("\n")[:-1] == words
    assert cli.out("run", "--env", "A=1=2", "--cwd", "/usr", "--", "sh", "-c", "echo $A; pwd") == "1=2\n/usr\n"


def test_run_detached_prints_the_id_alone(cli, server):
    id = cli.out("run", "--detach", "--", "sh", "-c", "echo one; exit 9").strip()
    assert re.fullmatch(HEX, id)
    assert cli.run("logs", "-f", "--exit-status", id).returncode == 9
    assert cli.out("logs", id) == "one\n"


def test_ctrl_c_detaches_and_says_how_to_come_back(cli, server, gate):
    command = cli.start("run", "--", "sh", "-c", f"echo begun; cat {gate}; echo done")
    id = announced(command)
    wait_for(lambda: command.out == "begun\n")
    command.interrupt()
    assert command.wait() == 130
    assert f"everyline logs -f {id}" in command.err and f"everyline stop {id}" in command.err
    assert server.execution(id)["status"] == "RUNNING"
    open_gate(gate)
    assert cli.out("logs", "-f", id) == "begun\ndone\n"


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_ctrl_c_stops_the_command_where_that_is_wanted(cli, server, quiet):
    command = cli.start("run", *quiet, "--stop-on-interrupt", "--", "sh", "-c", "echo begun; exec sleep 600")
    wait_for(lambda: "Ctrl-C stops the command\n" in command.err and command.out == "begun\n")
    id = server.newest()
    command.interrupt()
    assert command.wait() == 143
    assert "STOPPED" in command.err
    assert server.execution(id)["reason"] == "stop_requested"


def test_they_say_where_the_page_is_unless_told_not_to(cli, server):
    for arguments in (["run", "--", "true"], ["exec", "--", "true"]):
        done = cli.run(*arguments)
        id = re.search(f"execution ({HEX})\n", done.stderr.decode())[1]
        assert f"in the browser: {server.url}/executions/{id}\n" in done.stderr.decode()
        assert server.request("GET", f"/executions/{id}")[0] == 200
        assert cli.run(arguments[0], "--quiet", *arguments[1:]).stderr == b""
    assert cli.run("list").stderr.decode() == f"everyline: in the browser: {server.url}/\n"
    assert cli.run("list", "--quiet").stderr == b""


def test_run_says_that_it_waits_for_a_server_that_does_not_answer(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = CommandLine(None, tmp_path, key="elk_" + "A" * 43).start("run", "--url", url, "--", "true")
        try:
            wait_for(lambda: "waiting for the server to start the command" in command.err)
        finally:
            command.end()


def test_a_run_that_is_interrupted_before_the_answer_says_that_the_command_may_run(server, tmp_path):
    held = [True]
    with Liar(server, holds=lambda method, path: path.endswith("/run") and held[0]) as proxy:
        command = CommandLine(proxy, tmp_path).start("run", "--stop-on-interrupt", "--", "sleep", "600")
        wait_for(lambda: "waiting for the server to start the command" in command.err)
        command.interrupt()
        assert command.wait() == 130
        assert "the command may have been started" in command.err and "everyline stop" in command.err
        held.clear()
        held.append(False)
    server.delete(f"/api/v1/executions/{server.newest()}")


@pytest.mark.parametrize("producer", [["exec", "--", "touch"], ["pipe", "--name"]])
def test_an_interrupted_registration_leaves_no_log_that_never_ends(server, tmp_path, producer):
    held = [True]
    with Liar(server, holds=lambda method, path: path.endswith("/executions") and method == "POST" and held[0]) as proxy:
        command = CommandLine(proxy, tmp_path).start(*producer, tmp_path / "started")
        wait_for(lambda: "waiting for the server to register the command" in command.err)
        id = server.newest()
        command.interrupt()
        held[0] = False
        assert command.wait() == -signal.SIGINT
        assert "interrupted; the command was not started" in command.err
    assert server.execution(id)["reason"] == "not_started"
    assert not (tmp_path / "started").exists()
    assert CommandLine(server, tmp_path).out("recover") == ""


def test_an_interrupted_registration_that_gets_no_answer_says_so(server, tmp_path):
    with Liar(server, holds=lambda method, path: path.endswith("/executions") and method == "POST") as proxy:
        command = CommandLine(proxy, tmp_path).start("exec", "--", "true")
        wait_for(lambda: "waiting for the server to register the command" in command.err)
        command.interrupt()
        assert command.wait() == -signal.SIGINT
        assert "The server may list it all the same" in command.err


def test_run_says_that_its_input_is_not_passed_on(cli, tmp_path):
    note = b"standard input is not passed on to the command"
    for quiet in ([], ["--quiet"]):
        assert note in cli.run("run", *quiet, "--", "cat", input=b"text").stderr
    assert note not in cli.run("run", "--", "cat").stderr


def test_an_execution_may_be_named_by_the_beginning_of_its_id(cli, server):
    first, second = server.run("echo", "first"), server.run("sleep", "600")
    assert cli.out("logs", "-f", first[:-1]) == "first\n"
    assert f"execution:  {second}" in cli.out("status", second[:20])
    common = first[:3]
    for arguments in (["logs", common], ["status", common], ["stop", common]):
        done = cli.run(*arguments)
        assert done.returncode == 125 and "more than one execution begins with" in done.stderr.decode()
    assert cli.out("stop", second[:-2]) .startswith(f"{second} ")
    assert cli.run("logs", first + "0").returncode == 125


def test_a_server_that_is_killed_interrupts_no_follower(own_server, tmp_path, gate):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    command = cli.start("run", "--", "sh", "-c", f"seq 1 1000; cat {gate}; seq 1001 2000; exit 4")
    announced(command)
    wait_for(lambda: command.out.endswith("\n1000\n"))
    server.restart()
    wait_for(lambda: "resumed after event 1000; nothing is missing" in command.err)
    open_gate(gate)
    assert command.wait() == 4
    assert command.out == "".join(f"{n}\n" for n in range(1, 2001))
    # Once that it is lost, and at most once that there is no server: by whatever way it was tried.
    assert 1 <= command.err.count("reconnecting after event 1000") <= 2
    assert command.err.count("the connection was lost") <= 1


def test_a_log_without_an_end_is_no_success(own_server, tmp_path, gate):
    """The data is gone and another server stands there: a follower must not believe that it saw everything."""
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    log = server.register()
    log.append("one")
    command = cli.start("logs", "-f", log.id)
    wait_for(lambda: command.out == "one\n")
    server.stop()
    key = server.key_file.read_text()
    server.data.rename(tmp_path / "elsewhere")
    server.start()
    assert server.key_file.read_text() == key
    assert command.wait() == 125
    assert "unknown_execution" in command.err


# Reading


@pytest.fixture(scope="module")
def seeded(server):
    log = server.register()
    for number in range(1, 11):
        log.append_raw(json.dumps({"timestamp": number * 60_000, "message": f"line {number}"}) + "\n")
    log.append(end="FAILED")
    return log


@pytest.mark.parametrize("options,expected", [
    ([], range(1, 11)),
    (["--after", "7"], range(8, 11)),
    (["--after", "11"], []),
    (["--tail", "3"], range(8, 11)),
    (["--tail", "0"], []),
    (["--tail", "99"], range(1, 11)),
    (["--since", "300000"], range(5, 11)),
    (["--since", "1970-01-01T00:09:00Z"], range(9, 11)),
    (["-f"], range(1, 11)),
    (["-f", "--tail", "2"], range(9, 11)),
])
def test_logs_begin_where_they_are_asked_to(cli, seeded, options, expected):
    assert cli.out("logs", *options, seeded.id) == "".join(f"line {n}\n" for n in expected)


def test_logs_of_a_log_that_goes_on_are_what_is_there(cli, server):
    log = server.register()
    assert cli.out("logs", log.id) == ""
    log.append("one", "two", "three")
    assert cli.out("logs", log.id) == "one\ntwo\nthree\n"
    assert cli.out("logs", "--tail", "1", log.id) == "three\n"
    assert cli.out("logs", "--since", "1h", log.id) == "one\ntwo\nthree\n"
    log.append(end="SUCCEEDED")


def delivered(server):
    metrics = server.request("GET", "/metrics", key="")[2].decode()
    return int(re.search(r"^everyline_delivered_bytes_total (\d+)$", metrics, re.M)[1])


def test_logs_since_a_time_get_no_older_lines_from_the_server(cli, server):
    log = server.register()
    log.append_raw("".join(json.dumps({"timestamp": n + 1, "message": "old " + "x" * 100}) + "\n" for n in range(5000)))
    before = delivered(server)
    assert cli.out("logs", "--since", "1h", log.id) == ""
    log.append("young")
    assert cli.out("logs", "--since", "1h", log.id) == "young\n"
    assert delivered(server) - before < 10_000


def test_logs_print_times_and_json(cli, seeded):
    lines = cli.out("logs", "--timestamps", "--tail", "1", seeded.id)
    assert lines == "1970-01-01T00:10:00.000Z line 10\n"
    events = [json.loads(line) for line in cli.out("logs", "-o", "json", seeded.id).splitlines()]
    assert [e["offset"] for e in events] == list(range(1, 12))
    assert (events[-1]["type"], events[-1]["status"]) == ("end", "FAILED")


def test_logs_exit_status(cli, server):
    log = server.register()
    log.append("x", end="FAILED")
    assert cli.run("logs", log.id).returncode == 0
    assert cli.run("logs", "-f", "--exit-status", log.id).returncode == 1


@pytest.mark.parametrize("arguments,words", [
    (["logs"], "--last"),
    (["logs", "--last", "x"], "--last"),
    (["logs", "--after", "1", "--tail", "2", "x"], "exclude each other"),
    (["logs", "--after", "-1", "x"], "--after"),
    (["logs", "--after", "x", "x"], "--after"),
    (["logs", "--since", "yesterday", "x"], "--since"),
    (["logs", "--tail", "-5", "x"], "--tail"),
    (["logs", "../../etc"], "execution"),
    (["run"], "command"),
    (["run", "--timeout", "soon", "--", "true"], "--timeout"),
    (["run", "--env", "NOTHING", "--", "true"], "NOTHING"),
    (["list", "--limit", "0"], "--limit"),
    (["list", "--status", "DONE"], "--status"),
    (["keys", "create", "--role", "god", "--user", "x"], "role"),
    (["nonsense"], "nonsense"),
])
def test_wrong_usage_is_said_to_be_wrong(cli, arguments, words):
    done = cli.run(*arguments)
    assert (done.returncode, done.stdout) == (64, b"")
    assert words in done.stderr.decode() and "Usage:" in done.stderr.decode()


def test_what_is_not_there_is_said_to_be_missing(cli):
    for arguments in (["logs", "nothing"], ["status", "nothing"], ["stop", "nothing"], ["logs", "-f", "nothing"]):
        done = cli.run(*arguments)
        assert done.returncode == 125 and "unknown_execution" in done.stderr.decode()
    done = cli.run("logs", "--after", "99", cli.out("run", "--detach", "--", "true").strip())
    assert done.returncode == 125 and "invalid_cursor" in done.stderr.decode()


def test_a_reader_that_hangs_up_ends_it_quietly(cli):
    text = f"{BINARY} run -- seq 1 1000000 | head -n 2; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", text], capture_output=True, env=cli.environment, timeout=60)
    assert done.stdout == b"1\n2\n141\n"
    assert b"rror" not in done.stderr


@pytest.mark.parametrize("command", [["logs", "-f"], ["logs"]])
def test_a_reader_that_hangs_up_while_nothing_is_written_ends_it_too(cli, server, command):
    log = server.register()
    log.append("one", "two")
    text = f"{BINARY} {' '.join(command)} {log.id} | grep -m1 one; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", text], capture_output=True, env=cli.environment, timeout=60)
    assert done.stdout in (b"one\n141\n", b"one\n0\n" if command == ["logs"] else b"")
    assert done.stderr == b""
    log.append(end="SUCCEEDED")


def test_tail_counts_lines_not_events(cli, server):
    log = server.register()
    now = {"timestamp": 1}
    notice = {**now, "type": "notice", "code": "x", "message": "aside"}
    parts = [{**now, "message": "x" * 9, "partial": True}] * 40 + [{**now, "message": "!"}]
    log.append_raw("".join(json.dumps(e) + "\n" for e in [{**now, "message": "first"}, *parts, notice, notice, notice]))
    long = "x" * 360 + "!\n"
    for options, expected in [(["1"], long), (["2"], "first\n" + long), (["3"], "first\n" + long), (["0"], "")]:
        assert cli.out("logs", "--tail", *options, log.id) == expected
    log.append_raw(json.dumps({**now, "message": "last"}) + "\n")
    log.append(end="SUCCEEDED")
    assert cli.out("logs", "--tail", "1", log.id) == "last\n"
    assert cli.out("logs", "-f", "--tail", "2", log.id) == long + "last\n"
    assert cli.out("logs", "--tail", str(2**63 - 1), log.id) == "first\n" + long + "last\n"


@pytest.mark.parametrize("command", [["list"], ["status", "x"], ["logs", "-f", "x"], ["run", "--", "true"]])
def test_a_server_that_is_not_there_is_named(cli, command):
    done = cli.run(*command, EVERYLINE_URL="http://127.0.0.1:1")
    assert done.returncode == 125
    assert "http://127.0.0.1:1" in done.stderr.decode() and "refused" in done.stderr.decode()


def test_tls_where_there_is_none_is_said_at_once(cli, server):
    for command in (["list"], ["logs", "-f", "x"]):
        done = cli.run(*command, EVERYLINE_URL=server.url.replace("http:", "https:"), timeout=9)
        assert done.returncode == 125 and "begins with http:" in done.stderr.decode()


# Listing, stopping, keys


def test_list_and_status(cli, server):
    id = cli.out("run", "--detach", "--", "echo", "a b").strip()
    cli.out("logs", "-f", id)
    first = cli.out("list", "--limit", "1").splitlines()
    assert first[0].split() == ["EXECUTION", "STATUS", "EXIT", "OWNER", "CREATED", "TOOK", "COMMAND"]
    assert len(first) == 2 and first[1].startswith(id) and first[1].endswith("echo 'a b'")
    assert json.loads(cli.out("list", "-o", "json", "--status", "SUCCEEDED", "--limit", "1"))[0]["execution_id"] == id
    assert json.loads(cli.out("status", "-o", "json", id))["command"] == ["echo", "a b"]
    assert "status:     SUCCEEDED" in cli.out("status", id)
    assert re.search(r"CPU time:   \d+\.\d{3} s\n", cli.out("status", id))
    assert cli.out("logs", "--last") == "a b\n"


def test_list_goes_on_beyond_a_page(own_server, tmp_path):
    server = own_server.start()
    ids = [server.register().id for _ in range(25)]
    listed = json.loads(CommandLine(server, tmp_path).out("list", "-o", "json", "--limit", "24"))
    assert [e["execution_id"] for e in listed] == ids[::-1][:24]


def test_list_takes_commands_of_any_length(own_server, tmp_path):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    word = "x'" * 60_000
    # All of them are more than a client takes in one answer.
    ids = [server.post("/api/v1/executions", {"command": ["echo", word]})["execution_id"] for _ in range(75)]
    assert [e["execution_id"] for e in json.loads(cli.out("list", "-o", "json", "--limit", "75"))] == ids[::-1]
    lines = cli.out("list", "--limit", "75").splitlines()
    assert len(lines) == 76 and all(len(line) < 700 and line.endswith("…") for line in lines[1:])
    _, headers, body = server.request("GET", "/api/v1/executions?limit=2", headers={"Accept-Encoding": "gzip"})
    assert headers["Content-Encoding"] == "gzip" and len(body) < 100_000
    assert [e["command"] for e in json.loads(gzip.decompress(body))["executions"]] == [["echo", word]] * 2


def test_stop(cli, server):
    id = cli.out("run", "--detach", "--", "sleep", "600").strip()
    assert cli.out("stop", id) == f"{id} TERMINATING\n"
    server.events(id)
    assert cli.out("stop", id) == f"{id} STOPPED\n"
    assert f"stopped by: {server.get('/api/v1/me')['user']}\n" in cli.out("status", id)


def test_keys_are_made_used_and_revoked(cli, server, tmp_path):
    made = cli.run("keys", "create", "--user", "colleague", "--role", "viewer")
    key = made.stdout.decode().strip()
    assert re.fullmatch(r"elk_[\w-]{43}", key)
    colleague = CommandLine(server, tmp_path, key)
    id = cli.out("run", "--detach", "--", "echo", "hello").strip()
    assert colleague.out("logs", "-f", id) == "hello\n"
    for refused in (["run", "--", "true"], ["stop", id], ["keys", "list"]):
        done = colleague.run(*refused)
        assert done.returncode == 125 and "forbidden" in done.stderr.decode()
    listed = json.loads(cli.out("keys", "list", "-o", "json"))
    name = next(k["id"] for k in listed if k["user"] == "colleague")
    assert key not in json.dumps(listed)
    cli.out("keys", "revoke", name)
    done = colleague.run("list")
    assert done.returncode == 125 and "EVERYLINE_API_KEY" in done.stderr.decode()


# Producing from here


def test_exec_says_what_its_command_took(cli, server):
    done = cli.run("exec", "--", "perl", "-e", "my $t = times; 1 while times - $t < 0.1")
    assert done.returncode == 0
    id = re.search(f"execution ({HEX})\n", done.stderr.decode())[1]
    assert server.execution(id)["cpu_ms"] >= 100


def where_this_runs():
    return {"host": socket.gethostname(), "host_user": pwd.getpwuid(os.geteuid()).pw_name, "working_directory": os.getcwd()}


def test_exec_and_pipe_say_where_they_run_and_status_shows_it(cli, server):
    for command, text in ((["exec", "--", "true"], None), (["pipe"], b"a\n")):
        done = cli.run(*command, input=text)
        id = re.search(HEX, done.stderr.decode())[0]
        assert server.execution(id).items() >= where_this_runs().items()
        shown = cli.out("status", id)
        for name, value in zip(("host", "user", "directory"), where_this_runs().values()):
            assert re.search(rf"^{name}: +{re.escape(value)}$", shown, re.M)


def test_exec_records_on_a_server_of_an_earlier_version_too(server, tmp_path):
    asked = []
    with pytest.raises(Refused) as unknown:
        server.post("/api/v1/executions", {"command": ["x"], "unknown": 1})

    def refuse(method, path, body):
        if method != "POST" or not path.endswith("/executions"):
            return None
        asked.append(json.loads(body))
        return (400, "application/problem+json", unknown.value.body) if asked[-1].keys() - {"command"} else None

    with Liar(server, instead=refuse) as earlier:
        done = CommandLine(earlier, tmp_path).run("exec", "--", "echo", "hello")
    assert (done.returncode, done.stdout) == (0, b"hello\n"), done.stderr
    id = re.search(HEX, done.stderr.decode())[0]
    assert messages(server.events(id)) == ["hello"] and "host" not in server.execution(id)
    assert [request.keys() - {"command"} for request in asked] == [where_this_runs().keys(), set()]


def test_exec_runs_here_and_records_there(cli, server, tmp_path):
    done = cli.run("exec", "--", "sh", "-c", "read line; echo got $line; echo err >&2; exit 6", input=b"hello\n")
    assert (done.returncode, done.stdout) == (6, b"got hello\n") and b"\nerr\n" in done.stderr
    id = re.search(HEX, done.stderr.decode())[0]
    assert sorted(messages(server.events(id))) == ["err", "got hello"]
    assert server.execution(id)["exit_code"] == 6
    assert not list((tmp_path / ".local/state/everyline/spool").iterdir())


def test_exec_goes_on_while_the_server_is_away(own_server, tmp_path, gate):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    command = cli.start("exec", "--", "sh", "-c", f"echo one; cat {gate}; seq 1 1000; exit 2")
    id = announced(command)
    wait_for(lambda: command.out == "one\n")
    server.kill()
    open_gate(gate)
    wait_for(lambda: command.out.endswith("\n1000\n"))
    wait_for(lambda: "kept in" in command.err)
    server.start()
    assert command.wait() == 2
    assert messages(server.events(id)) == ["one"] + [str(n) for n in range(1, 1001)]


def test_each_thing_is_said_once_of_an_outage(own_server, tmp_path, gate):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    producer = cli.start("exec", "--", "sh", "-c", f"echo one; cat {gate}; echo two")
    viewer = cli.start("logs", "-f", announced(producer))
    wait_for(lambda: viewer.out == "one\n" and producer.out == "one\n")
    for outage in (1, 2):
        # A server that refuses connections for so long that each tries again a few times: after 0.1 s, 0.2 s, 0.4 s and so on.
        with socket.create_server(("127.0.0.1", server_port(server, kill=True))) as deaf:
            deaf.settimeout(30)
            for _ in range(10):
                deaf.accept()[0].close()
        server.start()
        wait_for(lambda: viewer.err.count("nothing is missing") == outage)
    open_gate(gate)
    assert producer.wait() == 0 and viewer.wait() == 0
    for said in (producer.err.splitlines(), viewer.err.split("nothing is missing")[0].splitlines(), viewer.err.split("nothing is missing")[1].splitlines()):
        assert len(said) == len(set(said)), said
    assert producer.err.count("kept in") <= 2


def server_port(server, kill):
    server.kill()
    return int(server.address.split(":")[1])


@pytest.mark.parametrize("arguments", [["exec", "--", "true"], ["run", "--", "true"], ["pipe"], ["logs", "x"], ["list"]])
def test_that_the_key_is_sent_unencrypted_is_said_once(cli, arguments):
    done = cli.run(*arguments, EVERYLINE_URL="http://everyline.invalid:1", timeout=120)
    assert done.stderr.decode().count("unencrypted") == 1


def test_what_killed_producers_left_behind_is_delivered_later(own_server, tmp_path, gate):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    spools = tmp_path / ".local/state/everyline/spool"
    second = tmp_path / "second-gate"
    os.mkfifo(second)
    assert cli.out("recover") == ""
    killed = cli.start("exec", "--", "sh", "-c", f"echo one; cat {gate}; seq 1 1000; exec sleep 600")
    piped = cli.start("pipe")
    ended = cli.start("exec", "--", "sh", "-c", f"cat {second}; echo two; exit 3")
    producers = [killed, piped, ended]
    ids = [announced(producer) for producer in producers]
    piped.process.stdin.write(b"a\n")
    piped.process.stdin.flush()
    wait_for(lambda: killed.out == "one\n" and piped.out == "a\n")
    wait_for(lambda: all(server.execution(id)["last_offset"] == 1 for id in ids[:2]))
    server.kill()
    open_gate(gate)
    open_gate(second)
    piped.process.stdin.write(b"b\nc\n")
    piped.process.stdin.flush()
    wait_for(lambda: killed.out.endswith("\n1000\n") and piped.out == "a\nb\nc\n" and ended.out == "two\n")
    wait_for(lambda: all("kept in" in producer.err for producer in producers))
    assert cli.out("recover") == "", "they are at work still"
    for producer in producers:
        producer.process.kill()
        producer.wait()
    away = cli.run("recover")
    assert away.returncode == 125 and away.stdout == b"" and all(f"kept in {spools / id}" in away.stderr.decode() for id in ids)
    assert (spools / ids[0] / "origin.json").stat().st_mode & 0o777 == 0o600

    server.start()
    reminded = cli.run("exec", "--", "true")
    assert reminded.returncode == 0 and "outputs of 3 earlier executions were not delivered" in reminded.stderr.decode()
    # Its append token is enough.
    assert sorted(cli.out("recover", EVERYLINE_API_KEY="").split()) == sorted(ids)
    assert not list(spools.iterdir())
    for id, lines in zip(ids, [["one"] + [str(n) for n in range(1, 1001)], ["a", "b", "c"], ["two"]]):
        events = server.events(id)
        execution = server.execution(id)
        if id == ids[2]:
            # Its end had been recorded before it was killed.
            assert messages(events) == lines and (execution["exit_code"], execution.get("reason")) == (3, None)
        else:
            assert messages(events) == lines and events[-2]["code"] == "runner_lost"
            assert (execution["status"], execution["reason"]) == ("FAILED", "runner_lost")


@pytest.fixture
def cut_off(own_server, tmp_path, gate):
    """An `exec` that has delivered `one` and holds `two`, since its server was killed in between."""
    cli = CommandLine(own_server.start(), tmp_path)
    command = cli.start("exec", "--", "sh", "-c", f"echo one; cat {gate}; echo two; exec sleep 600")
    id = announced(command)
    wait_for(lambda: own_server.execution(id)["last_offset"] == 1)
    own_server.kill()
    open_gate(gate)
    wait_for(lambda: command.out == "one\ntwo\n" and "kept in" in command.err)
    return own_server, cli, command, id


def test_what_comes_too_late_is_kept_and_named(cut_off, tmp_path):
    server, cli, command, id = cut_off
    server.options += ["--absent-producer", "1s"]
    command.process.kill()
    command.wait()
    server.start()
    cli.out("stop", id)
    wait_for(lambda: server.execution(id)["status"] == "STOPPED")
    assert server.execution(id)["reason"] == "producer_lost"
    done = cli.run("recover")
    assert done.returncode == 125 and "too late" in done.stderr.decode() and "execution_ended" in done.stderr.decode()
    assert b'"two"' in b"".join(p.read_bytes() for p in (tmp_path / ".local/state/everyline/spool" / id / "spool").iterdir())
    # It would be refused again, so it isn't tried.
    again = cli.run("recover")
    assert (again.returncode, again.stdout) == (0, b"") and f"--as-new {id}" in again.stderr.decode()
    assert "recover" not in cli.run("exec", "--", "true").stderr.decode()


def test_a_stop_right_after_a_restart_waits_for_a_producer_that_comes_back(cut_off):
    server, cli, command, id = cut_off
    server.start()
    cli.out("stop", id)
    assert command.wait() == 143
    assert messages(server.events(id)) == ["one", "two"]
    assert server.execution(id)["reason"] == "stop_requested"


def test_exec_stops_when_the_server_says_so(cli, server):
    command = cli.start("exec", "--", "sh", "-c", "echo begun; exec sleep 600")
    id = announced(command)
    wait_for(lambda: command.out == "begun\n")
    cli.out("stop", id)
    assert command.wait() == 143
    assert server.execution(id)["status"] == "STOPPED"


def test_exec_does_not_start_what_it_could_not_record(cli, tmp_path):
    made = tmp_path / "made"
    done = cli.run("exec", "--", "touch", made, EVERYLINE_URL="http://127.0.0.1:1")
    assert done.returncode == 125 and not made.exists()
    assert "is the server running" in done.stderr.decode().lower()


def test_pipe_records_what_it_is_given(cli, server):
    text = "".join(f"line {n}\n" for n in range(5000)).encode() + b"\xff\x00 last"
    done = cli.run("pipe", "--name", "a build", input=text)
    assert (done.returncode, done.stdout) == (0, text)
    id = re.search(HEX, done.stderr.decode())[0]
    assert messages(server.events(id)) == text.decode(errors="replace").split("\n")
    assert server.execution(id)["command"] == ["a build"]
    assert cli.run("pipe", "--quiet", input=b"x\n").stdout == b""


def test_a_server_with_impossible_times_is_listed_all_the_same(cli, server, tmp_path):
    log = server.register()
    log.append(end="SUCCEEDED")

    def lie(method, path, body):
        if method != "GET" or "/executions" not in path:
            return None
        one = {**server.execution(log.id), "created_at": -2 ** 63, "started_at": -2 ** 63, "ended_at": 2 ** 63 - 1}
        # A list that never ends, and has nothing.
        answer = one if path.endswith(log.id) else {"executions": [one], "next_cursor": "more"} if "once" not in told else {"executions": [], "next_cursor": "more"}
        told.add("once")
        return 200, "application/json", json.dumps(answer).encode()

    told = set()
    with Liar(server, instead=lie) as proxy:
        liars = CommandLine(proxy, tmp_path)
        assert log.id in liars.out("list", "--limit", "1000")
        assert log.id in liars.out("status", log.id)


def test_a_slip_in_the_settings_shows_no_key(cli, tmp_path):
    config = tmp_path / "xdg/everyline/config.yaml"
    config.parent.mkdir(parents=True)
    for slip in ('api_key: "elk_SECRET\n', "api_key: elk_SECRET: x\n", "- elk_SECRET\n", "api_key: [elk_SECRET]\n", "api_key: elk_SECRET\napi_key: elk_SECRET\n"):
        config.write_text("url: http://127.0.0.1:1\n" + slip)
        config.chmod(0o600)
        said = cli.run("list", XDG_CONFIG_HOME=str(tmp_path / "xdg")).stderr.decode()
        assert "config.yaml" in said or "can't be reached" in said
        assert "SECRET" not in said, said


def test_pipe_at_a_terminal_ends_at_the_first_ctrl_c(cli, server):
    terminal = Terminal([BINARY, "pipe"], cli.environment)
    try:
        terminal.type(b"typed\n")
        # What is echoed, and what is written.
        for _ in range(2):
            terminal.until(b"typed\r\n")
        terminal.type(b"\x03")
        assert terminal.wait() == 1
    finally:
        terminal.end()
    assert server.execution(server.newest())["status"] == "STOPPED"


def test_pipe_of_a_file_ends_when_it_is_stopped(cli, server, tmp_path):
    """Not at the file's end, which may be far away."""
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.write(b"line\n")
        file.truncate(3 << 30)
    with open(large, "rb") as file:
        recorder = subprocess.Popen([BINARY, "pipe", "-q"], env=cli.environment, stdin=file, stderr=subprocess.PIPE)
    try:
        id = re.search(HEX, recorder.stderr.readline().decode())[0]
        wait_for(lambda: server.execution(id)["last_offset"] > 0)
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(60) == 1
    finally:
        recorder.kill()
        recorder.stderr.close()
    assert server.execution(id)["status"] == "STOPPED"


def test_pipe_fails_where_it_can_not_read(cli, server, tmp_path):
    for given, reason in ((f"<{tmp_path}", "Is a directory"), ("<&-", "Bad file descriptor")):
        done = subprocess.run(["/bin/sh", "-c", f"exec {BINARY} pipe {given}"], env=cli.environment, capture_output=True, timeout=60)
        assert done.returncode == 1 and f"standard input can't be read: {reason}" in done.stderr.decode(), done
        execution = server.execution(re.search(HEX, done.stderr.decode())[0])
        assert execution["status"] == "FAILED"
        assert server.events(execution["execution_id"])[0]["code"] == "output_lost"


# Settings


def test_settings_come_from_flags_before_the_environment_before_the_file(cli, server, tmp_path):
    config = tmp_path / "xdg/everyline/config.yaml"
    config.parent.mkdir(parents=True)

    def write(**values):
        config.write_text("".join(f"{k}: {v}\n" for k, v in values.items()))
        config.chmod(0o600)

    def listing(*flags, **environment):
        return cli.run("list", *flags, XDG_CONFIG_HOME=str(tmp_path / "xdg"), **environment).returncode

    nothing = {"EVERYLINE_URL": "", "EVERYLINE_API_KEY": ""}
    write(url=server.url, api_key=server.key)
    assert listing(**nothing) == 0
    write(url="http://127.0.0.1:1", api_key="elk_wrong")
    assert listing(**nothing) == 125
    assert listing() == 0
    key_file = tmp_path / "key"
    key_file.write_text(server.key + "\n")
    key_file.chmod(0o600)
    assert listing("--url", server.url, "--api-key-file", str(key_file), EVERYLINE_URL="http://127.0.0.1:1",
                   EVERYLINE_API_KEY="elk_wrong") == 0
    write(ulr="typo")
    done = cli.run("list", XDG_CONFIG_HOME=str(tmp_path / "xdg"))
    assert done.returncode == 125 and "ulr" in done.stderr.decode()
    write(url=server.url, api_key=server.key)
    config.chmod(0o644)
    done = cli.run("list", XDG_CONFIG_HOME=str(tmp_path / "xdg"), **nothing)
    assert done.returncode == 0 and "chmod 600" in done.stderr.decode()


def test_help_version_and_completions(cli):
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", cli.out("--version"))
    overview = cli.out("--help")
    for command in ("serve", "run", "exec", "pipe", "logs", "list", "status", "stop", "keys", "doctor", "completions"):
        assert re.search(rf"^  {command} ", overview, re.M), command
        assert "OVERVIEW" in cli.out(command, "--help")
    assert " runner " not in overview
    for shell in ("bash", "zsh", "fish"):
        assert "everyline" in cli.out("completions", shell)
    done = subprocess.run(["bash", "-n"], input=cli.out("completions", "bash").encode(), capture_output=True)
    assert done.returncode == 0, done.stderr


def test_doctor_finds_what_is_missing(own_server, tmp_path):
    server = own_server.start()
    log = server.register()
    for part in range(3):
        log.append(*[f"line {part}.{n}" for n in range(100)])
    cli = CommandLine(server, tmp_path)
    assert "1 executions, 300 events" in cli.out("doctor", "--data", server.data)
    server.stop()
    with sqlite3.connect(server.data / "everyline.sqlite") as database:
        database.execute("DELETE FROM block WHERE first = 101")
    done = cli.run("doctor", "--data", server.data)
    assert done.returncode == 1 and f"fault: {log.id}" in done.stdout.decode()
    done = cli.run("doctor", "--data", tmp_path / "nothing")
    assert done.returncode == 125 and b"nothing" in done.stderr
