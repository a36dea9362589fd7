"""`exec --best-effort`: the command runs whether there is a server or not, and nothing that it writes is lost."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import threading

import pytest

from cli import Background, CommandLine
from everyline import BINARY, messages, wait_for
from liar import Liar


@pytest.fixture
def away(own_server, tmp_path):
    """A server that is away, and how to reach it."""
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    server.stop()
    yield server, cli


def only(server):
    executions = server.get("/api/v1/executions")["executions"]
    assert len(executions) == 1
    return server.execution(executions[0]["execution_id"])


def test_the_command_runs_without_a_server_and_recover_delivers_its_output(away, tmp_path):
    server, cli = away
    done = cli.run("exec", "--best-effort", "--", "sh", "-c", "echo one; echo two; exit 3")
    assert (done.returncode, done.stdout) == (3, b"one\ntwo\n")
    said = done.stderr.decode()
    assert "can't be reached" in said and "The command runs without it" in said
    assert "`everyline recover` delivers it." in said
    tried = cli.run("recover")
    assert tried.returncode == 125
    assert f"the server at {server.url} can't be reached" in tried.stderr.decode() and "--url" in tried.stderr.decode()
    server.start()
    recovered = cli.run("recover")
    execution = only(server)
    assert (recovered.returncode, recovered.stdout.decode().strip()) == (0, execution["execution_id"]), recovered.stderr
    assert (execution["status"], execution["exit_code"]) == ("FAILED", 3)
    assert execution["command"] == ["sh", "-c", "echo one; echo two; exit 3"]
    assert (execution["host"], execution["working_directory"]) == (socket.gethostname(), os.getcwd())
    assert messages(server.events(execution["execution_id"])) == ["one", "two"]
    assert cli.run("recover").stdout == b""
    assert len(server.get("/api/v1/executions")["executions"]) == 1


@pytest.mark.parametrize("lost, words", [(1, []), (2, ["--best-effort"]), (1000, ["--best-effort"])])
def test_a_registration_whose_answer_is_lost_makes_one_log(server, tmp_path, lost, words):
    """However often it is asked for, and by which process."""
    before = server.get("/api/v1/executions")["executions"]
    left = [lost]

    def loses(method, path):
        left[0] -= method == "POST" and path == "/api/v1/executions"
        return left[0] >= 0 and path == "/api/v1/executions"

    with Liar(server, loses=loses) as liar:
        cli = CommandLine(liar, tmp_path)
        done = cli.run("exec", *words, "--", "sh", "-c", "echo one; exit 3")
        assert (done.returncode, done.stdout) == (3, b"one\n")
        if lost == 1000:
            left[0] = 0
            assert "`everyline recover` delivers it." in done.stderr.decode()
            assert cli.run("recover").returncode == 0
    (execution,) = [e for e in server.get("/api/v1/executions")["executions"] if e not in before]
    assert (execution["status"], execution["exit_code"]) == ("FAILED", 3)
    assert messages(server.events(execution["execution_id"])) == ["one"]


def test_output_is_delivered_with_another_key_than_its_registration_was_lost_with(server, tmp_path):
    """The token of a registration is made of the key that asked: with another one the log is another, and has all of it."""
    before = server.get("/api/v1/executions")["executions"]
    with Liar(server, loses=lambda method, path: path == "/api/v1/executions") as liar:
        cli = CommandLine(liar, tmp_path)
        assert cli.run("exec", "--best-effort", "--", "echo", "one").returncode == 0
    (lost,) = [e for e in server.get("/api/v1/executions")["executions"] if e not in before]
    other = server.post("/api/v1/keys", {"user": lost["owner"], "role": "developer"})["key"]
    done = CommandLine(server, tmp_path, key=other).run("recover", "--url", server.url)
    assert done.returncode == 0, done.stderr
    assert messages(server.events(done.stdout.decode().strip())) == ["one"]
    assert server.execution(lost["execution_id"])["last_offset"] == 0


def test_recover_takes_nothing_of_a_command_that_begins_or_ends_meanwhile(own_server, tmp_path):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    over = threading.Event()
    told = []

    def recover():
        while not over.is_set():
            done = cli.run("recover")
            told.append((done.returncode, done.stdout, done.stderr))

    recovering = threading.Thread(target=recover)
    recovering.start()
    try:
        commands = subprocess.run(
            ["sh", "-c", 'seq 40 | xargs -P4 -I@ "$0" exec --quiet --best-effort -- sh -c "echo @"', BINARY], env=cli.environment,
            capture_output=True, timeout=300)
    finally:
        over.set()
        recovering.join()
    assert (commands.returncode, commands.stderr, set(told)) == (0, b"", {(0, b"", b"")})
    executions = server.get("/api/v1/executions")["executions"]
    assert [execution["status"] for execution in executions] == ["SUCCEEDED"] * 40
    assert list((tmp_path / ".local/state/everyline/spool").iterdir()) == []


def test_the_output_is_delivered_by_itself_if_a_server_comes_while_the_command_runs(away, tmp_path):
    server, cli = away
    go = tmp_path / "go"
    command = cli.start("exec", "--best-effort", "--", "sh", "-c", f"echo early; while ! test -e {go}; do sleep 0.05; done; echo late")
    try:
        wait_for(lambda: command.out == "early\n")
        server.start()
        wait_for(lambda: "Everything has been delivered." in command.err)
        execution = only(server)
        assert execution["host"] == socket.gethostname()
        assert execution["status"] == "RUNNING" and f"execution {execution['execution_id']}\n" in command.err
        go.touch()
        assert command.wait() == 0
    finally:
        command.end()
    assert messages(server.events(execution["execution_id"])) == ["early", "late"]
    assert only(server)["status"] == "SUCCEEDED"
    assert cli.run("recover").stdout == b""


def test_a_server_that_is_there_when_the_command_ends_gets_the_output(away, tmp_path):
    """However long the last try was ago: the next one would come when the command has ended."""
    server, cli = away
    ends = tmp_path / "ends"
    command = cli.start("exec", "--best-effort", "--", "sh", "-c", f"echo kept; while ! test -e {ends}; do sleep 0.05; done")
    try:
        with socket.create_server(("127.0.0.1", int(server.address.split(":")[1]))) as refusing:
            # Six tries later the seventh is some ten seconds away.
            for _ in range(6):
                refusing.accept()[0].close()
        server.start()
        ends.touch()
        assert command.wait() == 0
    finally:
        command.end()
    assert messages(server.events(only(server)["execution_id"])) == ["kept"]
    assert cli.run("recover").stdout == b""


def test_without_it_nothing_runs_without_a_server(away, tmp_path):
    server, cli = away
    done = cli.run("exec", "--", "touch", str(tmp_path / "ran"))
    assert done.returncode == 125 and "Nothing was started." in done.stderr.decode()
    assert not (tmp_path / "ran").exists()


def test_a_key_that_is_refused_is_no_reason_not_to_run(own_server, tmp_path):
    server = own_server.start()
    cli = CommandLine(server, tmp_path, key="elk_" + "A" * 43)
    done = cli.run("exec", "--best-effort", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (0, b"ran\n")
    assert cli.run("recover").returncode == 125
    assert cli.run("recover", EVERYLINE_API_KEY=server.key).returncode == 0
    assert messages(server.events(only(server)["execution_id"])) == ["ran"]


HEAD = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


def answer_in_bytes(listener, answer, isOver):
    """Answers each connection with these bytes, and then with a blank now and then."""
    clients = []
    while not isOver.wait(0.05):
        while select.select([listener], [], [], 0)[0]:
            clients.append(listener.accept()[0])
            clients[-1].sendall(answer)
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(b" " if answer == HEAD else b"")


@pytest.mark.parametrize("answer", [b"", HEAD[:40], HEAD], ids=["nothing", "half a head", "a body in bytes"])
def test_a_server_that_never_answers_holds_the_command_up_for_seconds(tmp_path, answer):
    isOver = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answering = threading.Thread(target=answer_in_bytes, args=(silent, answer, isOver), daemon=True)
        answering.start()
        cli = CommandLine(None, tmp_path, key="elk_" + "A" * 43)
        # Its client gives up after half a minute, where the command needs the server.
        done = cli.run(
            "exec", "--best-effort", "--", "echo", "ran", timeout=25, EVERYLINE_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        isOver.set()
        answering.join()
    assert (done.returncode, done.stdout) == (0, b"ran\n")
    said = done.stderr.decode()
    assert said.startswith("everyline: waiting for the server to register the command\n")
    assert "The command runs without it" in said and "`everyline recover` delivers it." in said


def test_a_server_that_is_there_gets_everything_as_without_it(own_server, tmp_path):
    server = own_server.start()
    done = CommandLine(server, tmp_path).run("exec", "--best-effort", "--", "echo", "ran")
    assert (done.returncode, done.stdout) == (0, b"ran\n") and "delivered" not in done.stderr.decode()
    assert messages(server.events(only(server)["execution_id"])) == ["ran"]


def test_exec_says_when_an_outage_is_over_and_while_it_waits_names_recover(own_server, tmp_path):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    first, second = tmp_path / "first", tmp_path / "second"
    waits = "while ! test -e {}; do sleep 0.05; done"
    command = cli.start("exec", "--", "sh", "-c", f"echo one; {waits.format(first)}; echo two; {waits.format(second)}; echo three")
    try:
        wait_for(lambda: command.out == "one\n")
        server.stop()
        first.touch()
        wait_for(lambda: "kept in" in command.err)
        assert "delivered" not in command.err
        server.start()
        wait_for(lambda: "Everything has been delivered." in command.err)
        server.stop()
        second.touch()
        wait_for(lambda: "waiting for the server; Ctrl-C leaves the rest to `everyline recover`" in command.err)
        command.interrupt()
        assert command.wait() == 0
    finally:
        command.end()
    assert "`everyline recover` delivers them." in command.err


def test_a_full_disk_is_said_and_can_be_left(tmp_path):
    """The command waits for room; who has stopped it needn't."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    state = tmp_path / "state"
    state.mkdir()
    cli = CommandLine(None, tmp_path)
    mount = f"mount -t tmpfs -o size=512k,mode=700 none {state} && exec \"$0\" \"$@\""
    command = Background(
        ["unshare", "-rm", "sh", "-c", mount, BINARY, "exec", "--best-effort", "--", "seq", "200000"],
        {**cli.environment, "XDG_STATE_HOME": str(state)}, tmp_path)
    try:
        wait_for(lambda: "There is no room for more output in" in command.err)
        assert command.process.poll() is None and "199999" not in command.out
        # The first one is the command's, the next one this process's.
        command.process.send_signal(signal.SIGTERM)
        wait_for(lambda: command.process.poll() is not None or command.process.send_signal(signal.SIGTERM))
        assert command.wait() == 125
        assert "The output is not whole" in command.err and "is lost" in command.err
    finally:
        command.end()


def test_a_recording_that_waits_for_room_can_be_left(own_server, tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    server, state, go = own_server.start(), tmp_path / "state", tmp_path / "go"
    state.mkdir()
    os.mkfifo(go)
    mount = f"mount -t tmpfs -o size=512k,mode=700 none {state} && exec \"$0\" pipe -q"
    command = Background(
        ["unshare", "-rm", "sh", "-c", f"(cat {go}; exec yes) | ({mount})", BINARY],
        {**CommandLine(server, tmp_path).environment, "XDG_STATE_HOME": str(state)}, tmp_path)
    try:
        wait_for(lambda: "execution" in command.err)
        server.stop()
        go.write_text("go\n")
        wait_for(lambda: "There is no room for more output in" in command.err)
        recorder = next(int(path.parent.name) for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                        if path.read_bytes().startswith(os.fsencode(BINARY) + b"\0pipe\0-q"))
        os.kill(recorder, signal.SIGTERM)
        assert command.wait() == 125
        assert "The output is not whole" in command.err
    finally:
        command.end()


def test_a_key_that_the_server_refuses_is_said_as_such(own_server, tmp_path):
    done = CommandLine(own_server.start(), tmp_path, key="elk_wrong").run("exec", "--best-effort", "--", "sh", "-c", "exit 4")
    said = done.stderr.decode()
    assert done.returncode == 4 and "the server refuses to register the command" in said and "can't be reached" not in said
