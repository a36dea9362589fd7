"""A terminal for a command: with `exec` by itself where its output is one, with `run` if that is asked for."""

import fcntl
import os
import pathlib
import pty
import shlex
import signal
import subprocess
import termios

import pytest

from cli import CommandLine
from everyline import BINARY, Refused, is_alive, messages, number_in, wait_for
from terminal import Terminal


def is_raw(terminal):
    """Whether an exec has it: a shell that edits its line leaves the terminal's output as it is."""
    return not terminal.settings[1] & termios.OPOST


def exec_line(script, *options):
    return shlex.join([BINARY, "exec", "--quiet", *options, "--", "sh", "-c", script]).encode()


@pytest.fixture
def terminal(cli):
    terminal = Terminal.shell(cli.environment)
    yield terminal
    terminal.end()


@pytest.fixture
def alone(cli):
    """Starts an exec as the leader of a terminal's session, without a shell."""
    made = []

    def start(script, *options):
        terminal = Terminal([BINARY, "exec", "--quiet", *options, "--", "sh", "-c", script], {**cli.environment, "TERM": "vt220"})
        made.append(terminal)
        return terminal

    yield start
    for terminal in made:
        terminal.end()


# exec


def test_the_output_is_a_terminal_of_the_same_size_and_name(alone, server):
    terminal = alone("tty -s && test -t 1 && test -t 2 && echo three $TERM; while [ \"$(stty size)\" != '33 77' ]; do sleep 0.05; done; stty size")
    terminal.until(b"three vt220\r\n")
    terminal.resize(77, 33)
    terminal.until(b"33 77\r\n")
    assert wait_for_end(server) == ["three vt220", "33 77"]


def test_what_is_said_begins_behind_an_unfinished_line(own_server, tmp_path):
    cli = CommandLine(own_server.start(), tmp_path)
    terminal = Terminal([BINARY, "exec", "--quiet", "--", "sh", "-c", "echo one; read x; printf 'two\\nthree... '"], cli.environment)
    try:
        terminal.until(b"one\r\n")
        own_server.kill()
        terminal.type(b"\n")
        terminal.until(b"three... \r\neveryline: ")
        # What is said next follows a whole line.
        own_server.start()
        assert b"\r\n\r\n" not in terminal.rest()
        assert terminal.wait() == 0
    finally:
        terminal.end()


def test_the_size_that_the_terminal_began_with_is_in_the_execution(terminal, cli, server):
    terminal.resize(91, 33)
    terminal.type(exec_line("stty size") + b"\n")
    terminal.until(b"33 91\r\n")
    assert wait_for_end(server) == ["33 91"]
    assert server.execution(server.newest())["terminal"] == {"columns": 91, "rows": 33}
    assert "terminal:   91x33\n" in cli.out("status", server.newest())


def wait_for_end(server):
    id = server.newest()
    wait_for(lambda: server.execution(id)["status"] in ("SUCCEEDED", "FAILED", "STOPPED"))
    return messages(server.events(id))


def test_a_change_of_the_size_reaches_the_command(alone):
    terminal = alone("trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.05; done")
    terminal.until(b"ready\r\n")
    terminal.resize(91, 29)
    terminal.until(b"29 91\r\n")


def test_only_streams_that_are_terminals_are_replaced(terminal, tmp_path):
    error, script = tmp_path / "error", "test -t 0; echo in $?; test -t 1; echo out $?; test -t 2; echo err $? >&2"
    terminal.type(b"echo x | " + exec_line(script) + f" 2>{error}\n".encode())
    terminal.until(b"in 1\r\nout 0\r\n")
    assert wait_for(lambda: error.exists() and error.read_text()) == "err 1\n"
    terminal.until(b"$ ")
    terminal.type(exec_line("test -t 1; echo out $?") + b" | cat\n")
    terminal.until(b"out 1\r\n")
    terminal.until(b"$ ")
    terminal.type(exec_line("test -t 1; echo piped $?", "--no-tty") + b"\n")
    terminal.until(b"piped 1\r\n")


def test_the_terminal_is_raw_while_the_command_runs_and_restored_after_it(terminal, tmp_path):
    before, pid = terminal.settings, tmp_path / "pid"
    terminal.type(exec_line(f"echo $$ > {pid}; read line; exit 3") + b"; echo code $?; stty -a | grep -c ' icanon'\n")
    number_in(pid)
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"x\n")
    terminal.until(b"code 3\r\n1\r\n")
    wait_for(lambda: terminal.settings == before)


@pytest.mark.parametrize("program, code", [("nosuchcommand", 127), ("/nowhere/x", 127), ("/etc/passwd", 126), ("/tmp", 126)])
def test_a_command_that_can_not_be_started_ends_exec_at_a_terminal(terminal, server, program, code):
    before = terminal.settings
    terminal.type(f"{BINARY} exec --quiet -- {program}; echo code $?\n".encode())
    terminal.until(f"code {code}\r\n".encode())
    wait_for(lambda: terminal.settings == before)
    assert server.execution(server.newest())["exit_code"] == code


@pytest.mark.parametrize("name", ["TERM", "HUP", "KILL"])
def test_the_terminal_is_restored_when_exec_is_killed(cli, tmp_path, name):
    """No shell that would restore it is there."""
    pid, command = tmp_path / "pid", tmp_path / "command"
    # A process that holds the session, as a shell does.
    script = exec_line(f"echo $$ > {command}; echo $PPID > {pid}; exec sleep 600").decode()
    holder = Terminal(["/bin/sh", "-c", f"{script}; sleep 600"], cli.environment)
    try:
        before = holder.settings
        process = number_in(pid)
        wait_for(lambda: is_raw(holder))
        os.kill(process, getattr(signal, "SIG" + name))
        wait_for(lambda: holder.settings == before)
    finally:
        if name == "KILL":
            os.kill(number_in(command), signal.SIGKILL)
        holder.end()


def test_a_shell_ends_all_of_its_job_and_another_signal_is_the_commands(terminal, tmp_path):
    part, asked = tmp_path / "part", tmp_path / "asked"
    terminal.type(exec_line(f"trap 'echo > {asked}' USR1; sleep 600 & echo $! > {part}; while :; do wait; done") + b" &\n")
    sleeper = number_in(part)
    terminal.type(b"kill -USR1 $!\n")
    wait_for(asked.exists)
    assert is_alive(sleeper)
    terminal.type(b"kill %1\n")
    wait_for(lambda: not is_alive(sleeper))


def test_a_command_whose_exec_is_killed_goes_on_and_draws_on_the_terminal(terminal, cli, server, tmp_path):
    """A program that reads keys, which can no longer come, gets an error."""
    pid, keeper, go, end, done = (tmp_path / name for name in ("pid", "keeper", "go", "end", "done"))
    # Two: a process that opens one again may find the writer of the first time.
    os.mkfifo(go)
    os.mkfifo(end)
    script = (f"echo $PPID > {pid}; cut -d ' ' -f 6 /proc/self/stat > {keeper}; echo begun; read x < {go}; seq 5000; "
              f"test -t 2; echo tty $?; read line; echo read $?; echo x > /dev/tty; echo $? > {done}; read x < {end}")
    terminal.type(exec_line(script) + b"\n")
    terminal.until(b"begun\r\n")
    id = server.newest()
    wait_for(lambda: cli.out("logs", id) == "begun\n")
    os.kill(number_in(pid), signal.SIGKILL)
    terminal.until(b"$ ")
    go.write_text("go\n")
    drawn = terminal.until(b"read 1").replace(b"\r", b"").split(b"\n")
    assert drawn[-5002:] == [b"%d" % number for number in range(1, 5001)] + [b"tty 0", b"read 1"]
    assert number_in(done) == 0
    assert is_alive(number_in(keeper))
    end.write_text("go\n")
    wait_for(lambda: not is_alive(number_in(keeper)))
    assert cli.run("recover").returncode == 0
    assert messages(server.events(id)) == ["begun"]
    assert server.execution(id)["reason"] == "runner_lost"


def test_a_password_is_asked_on_the_terminal_and_is_not_in_the_log(alone, server):
    terminal = alone("stty -echo < /dev/tty; printf 'Password: ' > /dev/tty; read -r p < /dev/tty; stty echo < /dev/tty; echo got $(printf %s \"$p\" | wc -c)")
    terminal.until(b"Password: ")
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"secret\n")
    terminal.until(b"got 6\r\n")
    assert "secret" not in "".join(wait_for_end(server))


def test_what_is_drawn_stays_and_line_ends_are_the_commands(alone, server):
    terminal = alone(r"printf '10%%\r50%%\r100%%\n'; printf 'dos\r\n'; printf '\033[2Kx\033[1Aup\n\n'; printf last")
    terminal.until(b"last")
    assert wait_for_end(server) == ["10%\r50%\r100%", "dos\r", "\x1b[2Kx\x1b[1Aup", "", "last"]


def test_a_key_interrupts_the_whole_group_of_the_command(alone, server):
    terminal = alone("trap 'echo parent; exit 7' INT; sh -c 'trap \"echo child; exit\" INT; echo ready; while :; do sleep 0.05; done'; wait")
    terminal.until(b"ready\r\n")
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"\x03")
    terminal.until(b"parent\r\n")
    assert terminal.wait() == 7
    assert "child" in "".join(wait_for_end(server))


def test_a_quoted_key_is_text_and_interrupts_nothing_around_exec(cli, tmp_path):
    """Ctrl-V takes the meaning of the key behind it away, for the programs around the command too."""
    said = tmp_path / "said"
    line = exec_line("read -r first; printf '[%s]' \"$first\" | od -An -c; echo there; read -r second").decode()
    terminal = Terminal(["/bin/sh", "-c", f"trap 'echo x >> {said}' INT; {line}; echo code $?; sleep 600"], cli.environment)
    try:
        wait_for(lambda: is_raw(terminal))
        terminal.type(b"\x16\x03\n")
        terminal.until(b"[ 003   ]")
        terminal.until(b"there\r\n")
        assert not said.exists()
        terminal.type(b"\x03")
        wait_for(said.exists)
        terminal.until(b"code 130\r\n")
    finally:
        terminal.end()


def test_ctrl_z_restores_the_terminal_and_fg_takes_it_again(terminal, tmp_path):
    pid = tmp_path / "pid"
    terminal.type(exec_line(f"echo $$ > {pid}; read line; echo got $line") + b"\n")
    number_in(pid)
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"\x1a")
    terminal.until(b"Stopped")
    terminal.type(b"stty -a | grep -c '[^-]icanon'; echo shell$((1+1))\n")
    terminal.until(b"1\r\nshell2\r\n")
    terminal.type(b"fg\n")
    wait_for(lambda: is_raw(terminal) and pathlib.Path(f"/proc/{number_in(pid)}/stat").read_text().split()[2] != "T")
    terminal.type(b"more\n")
    terminal.until(b"got more\r\n")


def gives_back():
    """Whether the kernel lets a process put keys in."""
    main, side = pty.openpty()
    try:
        with open(os.ttyname(side), "rb", buffering=0) as terminal:
            fcntl.ioctl(terminal, termios.TIOCSTI, b"x")
        return True
    except OSError:
        return False
    finally:
        os.close(main)
        os.close(side)


@pytest.mark.skipif(not gives_back(), reason="this kernel takes no keys from a process (dev.tty.legacy_tiocsti)")
@pytest.mark.parametrize("keys, last", [
    (b"echo ahead$((1+1))\necho be", b"echo be"),
    (b"echo wrong\x17ahead$((1+1))\nnonsense\x15echo bxy\x7f\x7fe", b"\b \be")])
def test_what_the_command_has_not_read_is_the_shells_when_it_ends(terminal, tmp_path, keys, last):
    go = tmp_path / "go"
    terminal.type(exec_line(f"read -r line; echo got $line; while ! test -e {go}; do sleep 0.05; done") + b"\n")
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"mine\n")
    terminal.until(b"got mine\r\n")
    terminal.type(keys)
    # The command's terminal has echoed all of it.
    terminal.until(last)
    go.touch()
    terminal.until(b"ahead2\r\n")
    terminal.type(b"hind$((1+1))\n")
    terminal.until(b"behind2\r\n")


def test_only_what_was_typed_goes_to_the_shell(terminal, tmp_path):
    """A command can put keys into its own terminal: they are not the user's."""
    put = shlex.join(["python3", "-c", "import fcntl, sys, termios\nfor key in b'echo evil$((1+1))\\n':\n"
                                       " try: fcntl.ioctl(0, termios.TIOCSTI, bytes([key]))\n except OSError: pass\nprint('put')"])
    terminal.type(exec_line(put) + b"; echo after$((1+1))\n")
    terminal.until(b"after2\r\n")
    terminal.type(b"echo last$((1+1))\n")
    assert b"evil2" not in terminal.until(b"last2\r\n")


@pytest.mark.parametrize("options", [(), ("--no-tty",)])
def test_what_a_command_wrote_is_shown_before_it_stops(terminal, options):
    script = "i=0; while [ $i -lt 3000 ]; do echo number $i; i=$((i+1)); done; printf before; kill -TSTP $$; echo aft''er"
    terminal.type(exec_line(script, *options) + b"\n")
    seen = terminal.until(b"Stopped")
    assert seen.count(b"number ") == 3000 and b"number 2999\r\nbefore" in seen
    terminal.type(b"fg\n")
    terminal.until(b"after\r\n")


@pytest.mark.parametrize("options", [(), ("--no-tty",)])
def test_a_command_that_stops_again_and_again_stops_each_time(terminal, options):
    script = "i=0; while [ $i -lt 8 ]; do i=$((i+1)); echo rou''nd $i; kill -STOP $$; done; echo e''nd"
    terminal.type(exec_line(script, *options) + b"\n")
    for number in range(1, 9):
        seen = terminal.until(b"Stopped")
        assert seen.count(b"round ") == 1 and b"round %d\r\n" % number in seen
        terminal.until(b"$ ")
        terminal.type(b"fg\n")
        # bash says which command goes on.
        terminal.until(b"kill -STOP")
        terminal.until(b"\n")
    terminal.until(b"end\r\n")


def test_words_wait_while_a_program_draws(own_server, tmp_path):
    server = own_server.start()
    ready, go, done = tmp_path / "ready", tmp_path / "go", tmp_path / "done"
    wait = "while ! test -e {}; do sleep 0.05; done"
    script = f"stty raw; echo drawn; touch {ready}; {wait.format(go)}; printf more; {wait.format(done)}; stty sane; echo; read line"
    terminal = Terminal([BINARY, "exec", "--quiet", "--", "sh", "-c", script], CommandLine(server, tmp_path).environment)
    try:
        terminal.until(b"drawn")
        wait_for(ready.exists)
        server.kill()
        go.touch()
        shown = terminal.until(b"more")
        done.touch()
        said = terminal.until(b"sent as soon as possible.")
        assert b"everyline:" not in shown and b"can't be reached" in said
        server.start()
        terminal.until(b"Everything has been delivered.")
        terminal.type(b"\n")
        assert terminal.wait() == 0
    finally:
        terminal.end()


def jobs(terminal):
    """What the shell says of them."""
    terminal.type(b"jobs -l; echo asked$((1+1))\n")
    return terminal.until(b"asked2\r\n")


@pytest.mark.parametrize("script, why", [("read -r line; echo got $line", b"tty input"), ("stty sane; echo was; read -r line; echo got $line", b"tty output")])
def test_in_the_background_a_command_that_takes_the_terminal_is_stopped_until_it_is_in_the_foreground(terminal, script, why):
    terminal.type(exec_line(script) + b" &\n")
    wait_for(lambda: b"Stopped (" + why + b")" in jobs(terminal))
    terminal.type(b"fg\n")
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"more\n")
    terminal.until(b"got more\r\n")


def test_a_command_that_goes_on_in_the_background_is_stopped_when_it_reads(terminal, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    # It starts no other program: Ctrl-Z would stop only that one before it has taken its place, and the shell waits for it then (vfork).
    terminal.type(exec_line(f"echo run''ning; read -r go < {gate}; read -r line; echo got $line") + b"\n")
    terminal.until(b"running\r\n")
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"\x1a")
    terminal.until(b"Stopped")
    terminal.type(b"bg\n")
    gate.write_text("go\n")
    wait_for(lambda: b"Stopped (tty input)" in jobs(terminal))
    terminal.type(b"fg\n")
    wait_for(lambda: is_raw(terminal))
    terminal.type(b"more\n")
    terminal.until(b"got more\r\n")


def test_a_background_job_that_no_shell_can_continue_fails_when_it_reads(terminal, server, tmp_path):
    begun = tmp_path / "begun"
    terminal.type(b"(" + exec_line(f"echo $$ > {begun}; read -r line") + b" &)\n")
    number_in(begun)
    wait_for(lambda: server.execution(server.newest())["status"] == "FAILED")


@pytest.mark.parametrize("after", ["while :; do sleep 0.05; done", "echo in front; read -r line; echo got $line"])
def test_a_job_that_was_in_the_background_can_be_brought_to_the_front_while_it_runs(terminal, tmp_path, after):
    go = tmp_path / "go"
    terminal.type(exec_line(f"while ! test -e {go}; do sleep 0.05; done; {after}") + b" &\n")
    terminal.until(b"$ ")
    terminal.type(b"fg\n")
    wait_for(lambda: is_raw(terminal))
    go.touch()
    if "read" in after:
        terminal.until(b"in front\r\n")
        terminal.type(b"more\n")
        terminal.until(b"got more\r\n")
    else:
        terminal.type(b"\x03")
    terminal.until(b"$ ")
    terminal.type(b"echo still$((1+1))\n")
    terminal.until(b"still2\r\n")


def test_a_job_in_the_background_ends_its_lines_as_without_exec(terminal):
    terminal.type(exec_line("echo one; echo tw''o") + b" &\n")
    assert b"\r\r" not in terminal.until(b"two") + terminal.until(b"\n")


@pytest.mark.parametrize("start", ["alone", "in a shell"])
def test_a_terminal_that_is_closed_hangs_up_on_all_that_the_command_runs(cli, server, tmp_path, start):
    begun = tmp_path / "begun"
    script = f"trap 'exit 7' HUP; sleep 600 & echo $! > {begun}; wait"
    if start == "alone":
        terminal = Terminal([BINARY, "exec", "--quiet", "--", "sh", "-c", script], {**cli.environment, "TERM": "vt220"})
    else:
        terminal = Terminal.shell(cli.environment)
        terminal.type(exec_line(script) + b"\n")
    try:
        left = number_in(begun)
        wait_for(lambda: is_raw(terminal))
        terminal.close()
        events = server.events(server.newest())
        # Without a notice that something which was left behind holds the output.
        assert [(event.get("type"), event.get("exit_code")) for event in events] == [("end", 7)]
        wait_for(lambda: not is_alive(left))
    finally:
        terminal.end()


def test_a_command_that_ignores_the_hangup_finds_the_end_of_its_input(cli, server, tmp_path):
    script = "trap '' HUP; echo begun; read line; echo read $?; read line; echo read $?"
    terminal = Terminal([BINARY, "exec", "--quiet", "--", "sh", "-c", script], {**cli.environment, "TERM": "vt220"})
    try:
        terminal.until(b"begun")
        wait_for(lambda: is_raw(terminal))
        terminal.close()
        assert messages(server.events(server.newest())) == ["begun", "read 1", "read 1"]
    finally:
        terminal.end()


def test_a_process_that_is_left_behind_without_the_terminal_lives(alone, server, tmp_path):
    pid = tmp_path / "pid"
    terminal = alone(f"sleep 600 >/dev/null 2>&1 </dev/null & echo $! > {pid}; echo left")
    terminal.until(b"left\r\n")
    left = number_in(pid)
    wait_for_end(server)
    assert terminal.wait() == 0
    status = pathlib.Path(f"/proc/{left}/status").read_text()
    os.kill(left, signal.SIGKILL)
    assert "sleeping" in status


@pytest.mark.parametrize("arguments", [["exec", "-t", "--streams", "split"], ["run", "-t", "--streams", "split"], ["run", "--size", "1x1"],
                                       ["run", "-t", "--size", "0x9"], ["exec", "-t"], ["exec", "-t", "--no-tty"]])
def test_a_terminal_that_can_not_be_is_wrong_usage(cli, arguments):
    assert cli.run(*arguments, "--", "true").returncode == 64


# run


def test_run_gives_a_terminal_of_the_size_that_is_asked_for(cli):
    script = "test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM && echo dev > /dev/tty"
    assert cli.out("run", "-t", "--size", "90x20", "--", "sh", "-c", script) == "20 90\nxterm-256color\ndev\n"
    assert cli.out("run", "-t", "--env", "TERM=vt100", "--", "sh", "-c", "stty size; echo $TERM") == "40 120\nvt100\n"
    assert cli.run("run", "--", "sh", "-c", "test -t 1").returncode == 1


@pytest.mark.parametrize("options, end", [("-qt", ""), ("-qti", ""), ("-qti", " | cat"), ("-qt", " | cat"), ("-qt", " </dev/null 2>/dev/null")])
def test_runs_terminal_has_the_callers_size(cli, options, end):
    line = shlex.join([BINARY, "run", options, "--", "stty", "size"])
    terminal = Terminal(["/bin/sh", "-c", f"stty cols 71 rows 23; {line}{end}; sleep 600"], cli.environment)
    try:
        terminal.until(b"23 71\r\n")
    finally:
        terminal.end()


@pytest.mark.parametrize("begin, lives", [("sleep 600", False), ("nohup sleep 600", True), ("setsid sleep 600", True)])
def test_what_a_command_leaves_behind_is_hung_up_on_as_by_script(cli, tmp_path, begin, lives):
    quiet = "</dev/null >/dev/null 2>&1"
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"

    def script(number):
        # It ends when the other program has taken its place: as nohup, it ignores the signal by then.
        return f"{begin} {quiet} & echo $! > {number}; until [ \"$(cat /proc/$!/comm)\" = sleep ]; do :; done"

    cli.out("run", "-qt", "--", "sh", "-c", script(ours))
    subprocess.run(["script", "-qec", script(theirs), "/dev/null"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    left = [number_in(ours), number_in(theirs)]
    try:
        if not lives:
            wait_for(lambda: not any(is_alive(number) for number in left))
        assert [is_alive(number) for number in left] == [lives, lives]
    finally:
        for number in left:
            if is_alive(number):
                os.kill(number, signal.SIGKILL)


def test_a_stop_ends_a_command_with_a_terminal(cli, server):
    id = server.run("sh", "-c", "echo begun; sleep 600", terminal={"columns": 80, "rows": 24})
    wait_for(lambda: server.execution(id)["last_offset"])
    cli.out("stop", id)
    events = server.events(id)
    assert (events[-1]["status"], messages(events)) == ("STOPPED", ["begun"])


@pytest.mark.parametrize("wrong", [{"columns": 0, "rows": 1}, {"columns": 80}, {"columns": 80, "rows": 1001}, "80x24"])
def test_the_server_refuses_a_terminal_that_can_not_be(server, wrong):
    with pytest.raises(Refused) as refused:
        server.run("true", terminal=wrong)
    assert (refused.value.status, refused.value.code) == (400, "invalid_request")


def test_the_server_splits_no_terminal(server):
    with pytest.raises(Refused) as refused:
        server.run("true", terminal={"columns": 80, "rows": 24}, streams="split")
    assert (refused.value.status, refused.value.code) == (400, "invalid_request")


@pytest.mark.parametrize("key", [b"\x03", b"\x1c"])
def test_a_key_throws_nothing_away_that_the_command_has_written(terminal, server, tmp_path, key):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = f"trap '' INT QUIT; i=0; while [ $i -lt 20000 ]; do echo n$i; i=$((i+1)); done; echo over; cat {gate}"
    terminal.type(exec_line(script) + b"; echo code $?\n")
    for line in (b"n1000\r\n", b"n6000\r\n", b"n11000\r\n"):
        terminal.until(line)
        terminal.type(key)
    terminal.until(b"over\r\n")
    gate.write_text("")
    terminal.until(b"code 0\r\n")
    # What the terminal shows of the key stands before a line.
    lines = [line.replace("^C", "").replace("^\\", "") for line in messages(server.events(server.newest()))]
    assert [line for line in lines if line] == [f"n{n}" for n in range(20_000)] + ["over"]
