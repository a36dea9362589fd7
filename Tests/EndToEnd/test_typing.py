"""What is typed at a terminal for a command on the server: `run -t -i`."""

import os
import pathlib
import shlex
import signal
import termios

import pytest

from everyline import BINARY, messages, wait_for
from terminal import Terminal
from test_input import data, write


@pytest.fixture
def typed(cli, server):
    """Starts a run at a terminal in which no shell restores anything."""
    made = []

    def start(script, *options, after="sleep 600"):
        line = shlex.join([BINARY, "run", "-q", "-ti", *options, "--", "sh", "-c", script])
        terminal = Terminal(["/bin/sh", "-c", f"trap : INT; {line}; echo code $?; {after}"], {**cli.environment, "TERM": "xterm"})
        terminal.before = terminal.settings
        made.append(terminal)
        return terminal

    yield start
    for terminal in made:
        terminal.end()
    # What a client leaves goes on at the server.
    for execution in server.get("/api/v1/executions?status=STARTING,RUNNING")["executions"]:
        server.delete(f"/api/v1/executions/{execution['execution_id']}")
    wait_for(lambda: not server.get("/api/v1/executions?status=STARTING,RUNNING,TERMINATING")["executions"])


def is_taken(terminal):
    return not terminal.settings[3] & (termios.ICANON | termios.ECHO)


def test_an_answer_can_be_typed_and_is_in_the_log(typed, server):
    terminal = typed("printf 'Name? '; read name; echo hello $name; exit 3")
    terminal.until(b"Name? ")
    wait_for(lambda: is_taken(terminal))
    terminal.type(b"Ada\r")
    terminal.until(b"hello Ada")
    terminal.until(b"code 3\r\n")
    assert terminal.settings == terminal.before
    assert messages(server.events(server.newest())) == ["Name? Ada", "hello Ada"]


def test_a_line_is_edited_at_a_prompt(cli):
    """What readline draws for it comes through: the cursor goes back, and a character is taken out."""
    line = shlex.join([BINARY, "run", "-q", "-ti", "--env", "PS1=bash$ ", "--", "bash", "--norc"])
    terminal = Terminal(["/bin/sh", "-c", f"{line}; echo code $?; sleep 600"], {**cli.environment, "TERM": "xterm"})
    try:
        terminal.until(b"bash")
        wait_for(lambda: is_taken(terminal))
        terminal.type(b"echo abXXcd")
        terminal.until(b"abXXcd")
        terminal.type(b"\x1b[D\x1b[D\x7f\x7f")
        assert b"\x08" in terminal.until(b"\x1b[1P") or b"\x1b[K" in terminal.seen
        terminal.type(b"\r")
        terminal.until(b"abcd\r\n")
        terminal.type(b"exit 5\r")
        terminal.until(b"code 5\r\n")
    finally:
        terminal.end()


def test_a_key_that_erases_takes_a_whole_character(typed):
    terminal = typed("echo beg''in; read x; printf '<%s>\\n' \"$x\"")
    terminal.until(b"begin")
    wait_for(lambda: is_taken(terminal))
    terminal.type("äö\x7fü\x7f\r".encode())
    terminal.until("<ä>".encode())


def test_a_password_that_is_not_echoed_is_not_in_the_log(typed, server):
    terminal = typed("stty -echo; printf 'Password: '; read p; stty echo; echo; echo length ${#p}")
    terminal.until(b"Password: ")
    wait_for(lambda: is_taken(terminal))
    terminal.type(b"secret\r")
    terminal.until(b"length 6")
    terminal.until(b"code 0\r\n")
    lines = messages(server.events(server.newest()))
    assert lines == ["Password: ", "length 6"]
    assert "secret" not in server.log()


@pytest.mark.parametrize("words", [["run", "-q", "-ti"], ["exec", "-q"]])
def test_a_signal_to_go_on_that_comes_at_any_time_changes_nothing_of_what_is_restored(cli, words):
    line = shlex.join([BINARY, *words, "--", "sh", "-c", "echo ready; read x; echo got $x"])
    terminal = Terminal(["/bin/sh", "-c", f"{line}; echo code $?; sleep 600"], {**cli.environment, "TERM": "xterm"})
    before = terminal.settings
    try:
        terminal.until(b"ready")
        wait_for(lambda: is_taken(terminal))
        for pid in terminal.processes():
            words_of = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if words_of[:2] == [os.fsencode(BINARY), words[0].encode()]:
                for _ in range(3):
                    os.kill(pid, signal.SIGCONT)
        terminal.type(b"data\r")
        terminal.until(b"got data")
        terminal.until(b"code 0\r\n")
        assert terminal.settings == before
    finally:
        terminal.end()


def test_a_terminal_without_its_keys_says_so(cli):
    terminal = Terminal([BINARY, "run", "-q", "-t", "--", "echo", "there"], {**cli.environment, "TERM": "xterm"})
    try:
        terminal.until(b"what is typed is not passed on to the command; --interactive does that")
        assert terminal.rest().endswith(b"there\r\n")
    finally:
        terminal.end()


def test_a_change_of_the_size_reaches_the_command(typed):
    terminal = typed("while [ \"$(stty size)\" != '33 77' ]; do sleep 0.05; done; echo there")
    wait_for(lambda: is_taken(terminal))
    terminal.resize(77, 33)
    terminal.until(b"there")


def test_ctrl_c_detaches_and_the_command_goes_on(typed, server):
    terminal = typed("echo ready; read line; echo got $line")
    terminal.until(b"ready")
    wait_for(lambda: is_taken(terminal))
    id = server.newest()
    terminal.type(b"\x03")
    terminal.until(b"code 130\r\n")
    assert terminal.settings == terminal.before
    assert server.execution(id)["status"] == "RUNNING"
    write(server, id, 0, data("more\n"))
    assert messages(server.events(id))[-1] == "got more"


@pytest.mark.parametrize("name", ["TERM", "HUP", "QUIT", "KILL"])
def test_the_terminal_is_restored_when_run_is_killed(typed, cli, name):
    terminal = typed("echo ready; sleep 600")
    terminal.until(b"ready")
    wait_for(lambda: is_taken(terminal))
    process = next(
        int(pid) for pid in os.listdir("/proc") if pid.isdigit() and stat(pid)[1] == str(terminal.pid)
        and open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")[1:2] == [b"run"])
    os.kill(process, getattr(signal, "SIG" + name))
    wait_for(lambda: terminal.settings == terminal.before)
    terminal.until(b"code ")


def stat(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    except OSError:
        return ["", ""]


def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(cli, server):
    terminal = Terminal.shell(cli.environment)
    try:
        before = terminal.settings
        script = "echo rea''dy; read line; while [ \"$(stty size)\" != '33 77' ]; do sleep 0.05; done; echo got $line"
        terminal.type(shlex.join([BINARY, "run", "-q", "-ti", "--", "sh", "-c", script]).encode() + b"\n")
        terminal.until(b"ready")
        wait_for(lambda: is_taken(terminal))
        terminal.type(b"\x1a")
        terminal.until(b"Stopped")
        terminal.type(b"stty -a | grep -c '[^-]icanon'; echo shell$((1+1))\n")
        terminal.until(b"1\r\nshell2\r\n")
        # Of this the kernel tells the shell.
        terminal.resize(77, 33)
        terminal.type(b"fg\n")
        wait_for(lambda: is_taken(terminal))
        terminal.type(b"more\r")
        terminal.until(b"got more")
        wait_for(lambda: terminal.settings[3] == before[3])
    finally:
        terminal.end()


def test_a_terminals_reader_sees_the_end_of_a_pipe(cli):
    done = cli.run("run", "-qti", "--", "cat", input=b"one\ntwo")
    assert (done.returncode, done.stdout) == (0, b"one\ntwoone\ntwo\n")


@pytest.mark.parametrize("arguments", [["run", "-q", "--", "sh", "-c", "echo begun; sleep 600"], ["logs", "-f", "--last"]])
def test_ctrl_backslash_ends_a_client_and_says_nothing_of_its_threads(cli, server, arguments):
    if arguments[0] == "logs":
        server.run("sh", "-c", "echo begun; sleep 600")
    terminal = Terminal([BINARY, *arguments], {**cli.environment, "TERM": "xterm"})
    try:
        terminal.until(b"begun")
        terminal.type(b"\x1c")
        assert terminal.wait() == -signal.SIGQUIT
        assert b"crashed" not in terminal.rest()
    finally:
        terminal.end()
        server.delete(f"/api/v1/executions/{server.newest()}")
        # Else the module's server may end before the runner has heard of it.
        wait_for(lambda: server.execution(server.newest()).get("ended_at"))
