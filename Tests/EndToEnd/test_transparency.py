"""`exec` leaves a command as it is: its words, its environment, its files, its terminal and its signals."""

import fcntl
import json
import os
import pathlib
import resource
import select
import shlex
import signal
import subprocess
import tempfile
import threading
import time
import types

import pytest

from cli import CommandLine
from everyline import BINARY, is_alive, messages, number_in, serving, wait_for
from terminal import Terminal


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


@pytest.fixture
def terminal(cli):
    terminal = Terminal.shell(cli.environment)
    yield terminal
    terminal.end()


def exec_line(script):
    return f"{BINARY} exec -- sh -c {shlex.quote(script)} 2>/dev/null".encode()


# What a command finds


def test_words_variables_and_directories_need_not_be_text(cli, tmp_path):
    directory = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(directory)
    done = subprocess.run(
        [BINARY.encode(), b"exec", b"--", b"sh", b"-c", b'printf %s "$V$1"; pwd', b"sh", b"\xff\n\x80"],
        env={**{k.encode(): v.encode() for k, v in cli.environment.items()}, b"V": b"\xe9"}, cwd=directory,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert done.stdout == b"\xe9\xff\n\x80" + directory + b"\n"


@pytest.mark.parametrize("options", [[b"-e", b"W=\xe9=\xff"], [b"--env=W=\xe9=\xff"], [b"-e", b"Q"], [b"-e", b"V=1", b"-e", b"V=\xfe"]])
def test_added_variables_need_not_be_text(cli, options):
    done = subprocess.run(
        [BINARY.encode(), b"exec", *options, b"--", b"sh", b"-c", b'printf %s "$W$V$Q"'],
        env={**{k.encode(): v.encode() for k, v in cli.environment.items()}, b"Q": b"\xe8"}, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60)
    assert done.stdout == (b"\xfe" if len(options) > 2 else b"\xe9=\xff" if b"W" in options[-1] else b"") + b"\xe8", done.stderr


@pytest.mark.parametrize("arguments", [["--", "printf", b"\xe9"], ["-e", b"A=\xe9", "--", "true"]])
def test_a_server_gets_nothing_that_is_not_text(cli, arguments):
    done = cli.run("run", *(os.fsdecode(argument) for argument in arguments))
    assert done.returncode == 64 and b"UTF-8" in done.stderr and done.stdout == b""


def test_a_long_command_line_is_no_slower_than_its_command(cli, server):
    words = [f"word {n}" for n in range(16_000)]
    done = cli.run("exec", "--", "sh", "-c", 'echo $#; printf "%s\\n" "$1" "${16000}"', "sh", *words, timeout=30)
    assert done.stdout.decode().split("\n")[:3] == ["16000", "word 0", "word 15999"]
    assert server.get("/api/v1/executions?limit=1")["executions"][0]["command"][-1].endswith("…")


def test_the_command_has_its_callers_environment(cli):
    done = cli.run("exec", "--env", "ADDED=1", "--", "env", EVERYLINE_OWN="kept")
    found = done.stdout.decode().split("\n")
    assert {"ADDED=1", "EVERYLINE_OWN=kept", f"EVERYLINE_URL={cli.environment['EVERYLINE_URL']}"} <= set(found)
    assert sum(line.startswith("EVERYLINE_EXECUTION_ID=") for line in found) == 1


def test_the_command_has_its_callers_open_files_and_no_others(cli):
    readable, writable = os.pipe()
    fcntl.fcntl(writable, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    script = "ls /proc/self/fd | tr '\\n' ' '; cat /dev/fd/%d" % readable
    command = subprocess.Popen(
        [BINARY, "exec", "--", "sh", "-c", script], env=cli.environment, pass_fds=[readable], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    os.close(readable)
    os.write(writable, b"through")
    os.close(writable)
    out = command.communicate(timeout=60)[0].decode()
    # ls has one of its own, for the directory.
    assert out.endswith("through")
    found = {int(n) for n in out.removesuffix("through").split()}
    assert readable in found and max(found - {readable}) <= readable + 1


def test_standard_streams_may_be_closed(cli, server):
    redirected = f"{BINARY} exec -- sh -c 'echo x; exit 3' <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", redirected], env=cli.environment, timeout=60).returncode == 3
    assert messages(server.events(server.newest())) == ["x"]


@pytest.mark.parametrize("form", ["run", "exec"])
def test_a_command_has_the_limit_of_open_files_that_its_caller_had(tmp_path, form):
    from everyline import Server

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 600:
        pytest.skip("there is nothing to raise")
    server = Server(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (500, before[1]))
    try:
        server.start()
        assert CommandLine(server, tmp_path).out(form, "--", "sh", "-c", "ulimit -Sn") == "500\n"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        server.stop()


@pytest.mark.parametrize("arguments", [
    ["exec", "--", "echo", "x"], ["exec", "--streams", "split", "--", "echo", "x"], ["pipe"], ["run", "--", "echo", "x"],
    ["logs", "-f", "--last"], ["list"], ["status", "x"], ["canary", "--lines", "10", "--viewers", "2"], ["serve"]])
def test_too_few_open_files_are_said_in_words(cli, arguments, tmp_path):
    """And nothing else ends a command, however many there are."""
    cli.out("exec", "--", "echo", "x")
    if arguments == ["serve"]:
        # It gets no further than this.
        (tmp_path / "file").write_text("")
        arguments = ["serve", "--data", tmp_path / "file"]
    for limit in [4, 5, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 64, 96, 256]:
        done = subprocess.run(
            [BINARY, *arguments], env=cli.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
        # The loader's own words.
        if done.returncode == 127 and b"shared libraries" in done.stderr:
            continue
        assert done.returncode in (0, 125), (limit, done)
        assert done.returncode == 0 or done.stderr.startswith(b"everyline: "), (limit, done)
        assert limit > 32 or b"ulimit -n" in done.stderr, (limit, done)
    assert done.returncode == (125 if arguments[0] in ("serve", "status") else 0)


def test_a_server_says_that_it_may_open_too_few_files_or_serves(tmp_path):
    """A server that has started runs a command, and its client follows it."""
    key = tmp_path / "key"
    for limit in range(40, 1000, 30):
        serve = [BINARY, "serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0", "--admin-key-file", key]
        process = subprocess.Popen(
            ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *serve], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
        try:
            if not (line := process.stdout.readline()):
                assert b"ulimit -n" in process.stderr.read() and process.wait() == 125, limit
                continue
            found = types.SimpleNamespace(url=json.loads(line)["listening"], key=key.read_text().strip())
            assert CommandLine(found, tmp_path).out("run", "--", "echo", "x") == "x\n"
            return
        finally:
            process.terminate()
            process.communicate()
    raise AssertionError("no limit was enough")


@pytest.fixture
def other_user():
    """The words that run a command as a user who has no processes, and that user's directory."""
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o777)
        words = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
        if os.geteuid() != 0 or subprocess.run([*words, "test", "-x", BINARY, "-a", "-w", directory]).returncode != 0:
            pytest.skip("no other user can run the binary")
        yield words, directory


def test_too_few_threads_or_too_little_memory_are_said_in_words(cli, server, other_user):
    """And nothing is started then: whatever is, runs to its end."""
    words, directory = other_user
    limits = [f"ulimit -u {n}" for n in (*range(1, 20), 24, 32, 48, 64)] + [f"ulimit -v {n}000" for n in (200, 300, 400, 500, 700, 1000, 4000)]
    ended = []
    for limit in limits:
        script = f'{limit}; exec "$0" exec -q -- echo x'
        done = subprocess.run(
            [*words, "sh", "-c", script, BINARY], env={**cli.environment, "XDG_STATE_HOME": directory}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, cwd="/")
        # The loader's own words.
        if done.returncode == 127 and b"shared libraries" in done.stderr:
            continue
        ended.append(done.returncode)
        assert done.returncode in (0, 125), (limit, done)
        if done.returncode == 125:
            assert done.stderr.startswith(b"everyline: ") and (b"threads" in done.stderr or b"not started" in done.stderr), (limit, done)
    assert ended[-1] == 0 and 125 in ended
    assert not server.get("/api/v1/executions?status=RUNNING")["executions"]


def test_the_processor_time_and_the_file_size_of_exec_are_not_the_commands(cli):
    """The soft limits are the command's own to raise."""
    done = subprocess.run(
        ["sh", "-c", f"ulimit -Sf 100; ulimit -St 1; exec {BINARY} exec -q -- sh -c 'ulimit -Sf unlimited; ulimit -St unlimited; seq 1000000; echo end'"],
        env=cli.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=100)
    assert done.returncode == 0 and done.stdout.endswith(b"end\n"), done.stderr


def test_a_limit_of_open_files_that_may_be_raised_is_no_obstacle(cli):
    done = subprocess.run(
        [BINARY, "exec", "--", "sh", "-c", "ulimit -Sn"], env=cli.environment, stdin=subprocess.DEVNULL, capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    assert done.stdout == b"8\n"


@pytest.mark.parametrize("proc", ["mount -t proc -o subset=pid proc /proc", "umount -l /proc"])
def test_without_a_whole_proc_a_command_runs_to_its_end_and_gets_its_signals(cli, server, tmp_path, proc):
    """As with systemd's ProcSubset=pid, or in a chroot."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "sh", "-c", proc], capture_output=True).returncode != 0:
        pytest.skip("/proc can't be mounted here")
    script = "trap 'echo asked' USR1; echo begun; while ! test -e %s; do sleep 0.1; done; echo last; exit 7" % (tmp_path / "go")
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", f'{proc} && exec "$0" exec -q -- sh -c "$1"', BINARY, script], env=cli.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"begun\n", process.stderr.read()
        process.send_signal(signal.SIGUSR1)
        assert process.stdout.readline() == b"asked\n"
        (tmp_path / "go").touch()
        assert process.wait(60) == 7
    finally:
        process.kill()
    assert process.stdout.read() == b"last\n"
    events = server.events(server.newest())
    assert messages(events) == ["begun", "asked", "last"] and events[-1]["exit_code"] == 7


def test_what_was_there_before_is_no_part_of_the_command(cli, tmp_path):
    """A shell's other children, where it becomes `exec`."""
    sidecar = tmp_path / "sidecar"
    script = f"sleep 600 & echo $! >{sidecar}; exec {BINARY} exec -q --timeout 1s -- sleep 300"
    assert subprocess.run(["bash", "-c", script], env=cli.environment, timeout=60, stdin=subprocess.DEVNULL).returncode == 124
    pid = number_in(sidecar)
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)
    sent = f"( sleep 1; kill -TERM $$; sleep 5 ) & exec {BINARY} exec -q -- sleep 300"
    assert subprocess.run(["bash", "-c", sent], env=cli.environment, timeout=60, stdin=subprocess.DEVNULL).returncode == -signal.SIGTERM


# Its output


@pytest.mark.parametrize("command", ["exec", "run", "logs", "pipe"])
def test_an_output_that_does_not_wait_gets_everything(cli, command):
    expected = "".join(f"{n}\n" for n in range(1, 100_001))
    arguments = {"exec": ["--", "seq", "100000"], "run": ["--", "seq", "100000"], "pipe": []}
    if command == "logs":
        cli.out("exec", "--", "seq", "100000")
        arguments["logs"] = ["--last"]
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    process = subprocess.Popen(
        [BINARY, command, *arguments[command]], env=cli.environment, stdout=writable, stderr=subprocess.DEVNULL,
        stdin=subprocess.PIPE if command == "pipe" else subprocess.DEVNULL)
    if command == "pipe":
        feeder = threading.Thread(target=lambda: (process.stdin.write(expected.encode()), process.stdin.close()))
        feeder.start()
    # Nothing is read until the pipe is full and everyline waits for room in it.
    wait_for(lambda: not select.select([], [writable], [], 0)[1])
    os.close(writable)
    with open(readable, "rb") as file:
        assert file.read() == expected.encode()
    assert process.wait(60) == 0
    if command == "pipe":
        feeder.join()


def test_a_reader_that_goes_away_ends_no_command(cli, server):
    text = f"{BINARY} exec -q -- sh -c 'seq 1 100000; exit 3' | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", text], env=cli.environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"1\n", b"")
    assert messages(server.events(server.newest())) == [f"{n}" for n in range(1, 100_001)]


def test_an_output_that_is_full_is_said_and_recorded(cli, server):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BINARY, "exec", "--", "sh", "-c", "echo one; echo two; exit 3"], env=cli.environment, stdout=full,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60)
    assert done.returncode == 3 and done.stderr.count(b"No space left on device") == 1
    assert messages(server.events(server.newest())) == ["one", "two"]


# Its terminal


def test_a_command_asks_on_the_terminal(terminal):
    terminal.type(exec_line('printf "Name: " >/dev/tty && read -r name </dev/tty && echo "hello $name"') + b"\n")
    terminal.until(b"Name: ")
    terminal.type(b"you\n")
    terminal.until(b"hello you")


def test_ctrl_z_suspends_the_command_and_fg_resumes_it(terminal, tmp_path):
    pid = tmp_path / "pid"
    terminal.type(exec_line(f"echo $$ > {pid}; read line; echo got $line") + b"\n")
    command = number_in(pid)
    terminal.type(b"\x1a")
    terminal.until(b"Stopped")
    assert state(command) == "T"
    terminal.type(b"echo shell$((1+1))\n")
    terminal.until(b"shell2")
    terminal.type(b"fg\n")
    wait_for(lambda: state(command) != "T")
    terminal.type(b"more\n")
    terminal.until(b"got more")


def test_a_command_that_does_not_stop_is_not_stopped(terminal, tmp_path):
    pid = tmp_path / "pid"
    # A terminal that is gone ends it, so that no failure leaves it behind.
    loop = "while [ -t 0 ]; do read line && break; done; echo got $line"
    terminal.type(exec_line(f"trap 'echo not now' TSTP; echo $$ > {pid}; {loop}") + b"\n")
    number_in(pid)
    terminal.type(b"\x1a")
    terminal.until(b"not now")
    terminal.type(b"on\n")
    terminal.until(b"got on")


@pytest.mark.parametrize("key,name", [(b"\x03", "INT"), (b"\x1c", "QUIT")])
def test_a_key_reaches_the_command_once(terminal, tmp_path, key, name):
    pid = tmp_path / "pid"
    script = f"n=0; trap 'n=$((n+1))' {name}; echo $$ > {pid}; read a; read b; echo times $n; exit 4"
    terminal.type(exec_line(script) + b"; echo code $?\n")
    number_in(pid)
    terminal.type(key)
    terminal.until(b"^C" if name == "INT" else b"^\\")
    terminal.type(b"x\ny\nz\n")
    terminal.until(b"times 1")
    terminal.until(b"code 4")


def test_a_shells_loop_ends_with_ctrl_c(terminal, tmp_path):
    pid = tmp_path / "pid"
    line = exec_line(f"echo $$ > {pid}; exec sleep 600")
    terminal.type(b"bash -c " + shlex.quote(f"while :; do {line.decode()}; echo again; done").encode() + b"\n")
    number_in(pid)
    terminal.type(b"\x03")
    terminal.until(b"$ ")
    terminal.type(b"echo over $((1+1))\n")
    assert b"again\r\n" not in terminal.until(b"over 2")


def test_in_the_background_a_command_takes_no_input_from_the_shell(terminal):
    terminal.type(exec_line("cat") + b" &\n")
    terminal.until(b"$ ")
    for n in range(5):
        terminal.type(b"echo typed$((%d+1000))\n" % n)
        terminal.until(b"typed%d\r\n" % (n + 1000))
    terminal.type(b"kill -9 %1\n")


def test_in_the_background_run_is_stopped_when_it_would_read(terminal):
    terminal.type(f"{BINARY} run -q -i -- cat &\n".encode())
    # The shell says so before its next prompt.
    terminal.until(b"$ ")
    end, n = time.monotonic() + 60, 1000
    seen = b""
    while b"Stopped" not in seen:
        assert time.monotonic() < end
        n += 1
        terminal.type(b"echo typed$((%d+1))\n" % n)
        seen = terminal.until(b"typed%d\r\n" % (n + 1))
    terminal.type(b"fg\n")
    terminal.until(b"cat\r\n")
    terminal.type(b"for the command\n\x04")
    terminal.until(b"for the command\r\nfor the command\r\n")
    terminal.type(b"echo code $?\n")
    terminal.until(b"code 0")


# Its signals


def started(cli, script, **more):
    process = subprocess.Popen(
        [BINARY, "exec", "--", "sh", "-c", script], env=cli.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more)
    assert process.stdout.readline() == b"begun\n"
    return process


@pytest.mark.parametrize("name", ["QUIT", "INT", "TERM", "HUP", "USR1", "USR2", "ALRM", "WINCH", "URG"])
def test_a_signal_to_exec_is_the_commands(cli, name):
    process = started(cli, f"trap 'echo {name}; exit 5' {name}; echo begun; while :; do sleep 0.05; done")
    process.send_signal(getattr(signal, "SIG" + name))
    assert process.communicate(timeout=60)[0].decode() == f"{name}\n"
    assert process.returncode == 5


def test_exec_ends_as_its_command_ends(cli, server):
    process = started(cli, "echo begun; kill -TERM $$")
    assert process.wait(60) == -signal.SIGTERM
    assert server.execution(server.newest())["exit_code"] == 128 + signal.SIGTERM


def test_an_ignored_hangup_stays_ignored(cli):
    process = started(
        cli, "echo begun; sleep 0.3; grep SigIgn /proc/self/status", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    out = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 0
    # Python ignores SIGPIPE and SIGXFSZ in itself alone: it restores them in its children.
    assert int(out.split()[1], 16) == 1 << (signal.SIGHUP - 1)


# What it leaves behind, and a stop


@pytest.mark.parametrize("form", ["run", "exec"])
def test_a_service_that_a_command_leaves_behind_lives(cli, server, tmp_path, form):
    pid, go, done = tmp_path / "pid", tmp_path / "go", tmp_path / "done"
    os.mkfifo(go)
    script = f"(read go < {go}; seq 100000; echo $? > {done}; sleep 600) & echo $! > {pid}; echo started"
    command = subprocess.run(
        [BINARY, form, "--", "sh", "-c", script], env=cli.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
    assert command.returncode == 0
    id = server.newest()
    wait_for(lambda: not (server.data / "runners" / id).exists())
    assert [event.get("code") for event in server.events(id)[1:]] == ["output_held", None]
    go.write_text("go\n")
    assert number_in(done) == 0
    drains = subprocess.run(["pgrep", "-f", "^everyline drain"], capture_output=True, text=True).stdout.split()
    assert drains
    os.kill(int(pid.read_text()), signal.SIGKILL)
    subprocess.run(["pkill", "-KILL", "-P", pid.read_text().strip()])


def test_what_leftovers_write_reaches_execs_output(cli, tmp_path):
    go = tmp_path / "go"
    os.mkfifo(go)
    process = started(cli, f"(read go < {go}; echo later) & echo begun")
    os.set_blocking(process.stdout.fileno(), True)
    assert process.wait(60) == 0
    go.write_text("go\n")
    assert process.stdout.read() == b"later\n"


def test_what_leftovers_write_comes_whole_and_in_order_to_a_reader_that_waits(cli, server, tmp_path):
    """Longer than their output is recorded, and more than waits for the reader in memory."""
    go = tmp_path / "go"
    os.mkfifo(go)
    process = started(cli, f"echo begun; (seq 3000000; read go < {go}; seq 3000001 3100000) &")
    id = server.newest()
    wait_for(lambda: server.execution(id).get("ended_at"), 60)
    assert [event.get("code") for event in server.events(id)[-2:]] == ["output_held", None]
    os.set_blocking(process.stdout.fileno(), True)
    first = process.stdout.read(len("".join(f"{n}\n" for n in range(1, 3_000_001))))
    go.write_text("go\n")
    lines = (first + process.stdout.read()).split()
    assert lines == [b"%d" % n for n in range(1, 3_100_001)]
    assert process.wait(60) == 0


def test_each_stream_goes_where_it_goes_without_exec(cli, server, tmp_path):
    script = "echo one; echo two >&2; echo three"
    both = tmp_path / "both"
    for redirection, out, err in [
            (f"2>{tmp_path}/err", b"one\nthree\n", b"two\n"), (f"2>&1 >{tmp_path}/out", b"two\n", b"one\nthree\n"),
            (f">{both} 2>&1", b"", b"one\ntwo\nthree\n"), ("2>/dev/null", b"one\nthree\n", b"")]:
        done = subprocess.run(
            ["sh", "-c", f'"$0" exec --quiet -- sh -c "{script}" {redirection}', BINARY], env=cli.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        kept = [tmp_path / name for name in ("err", "out", "both") if (tmp_path / name).exists()]
        assert (done.returncode, done.stdout, b"".join(file.read_bytes() for file in kept)) == (0, out, err), redirection
        for file in kept:
            file.unlink()
        assert sorted(messages(server.events(server.newest()))) == ["one", "three", "two"]


@pytest.mark.parametrize("options", [[], ["--streams", "split"]])
def test_a_command_whose_exec_is_killed_writes_on_to_execs_output(cli, tmp_path, options):
    go, done, error = tmp_path / "go", tmp_path / "done", tmp_path / "error"
    os.mkfifo(go)
    script = f"echo begun; read x < {go}; seq 100000; echo error >&2; echo $? > {done}"
    with open(error, "wb") as file:
        process = subprocess.Popen(
            [BINARY, "exec", "--quiet", *options, "--", "sh", "-c", script], env=cli.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=file)
    assert process.stdout.readline() == b"begun\n"
    process.kill()
    process.wait()
    go.write_text("go\n")
    lines = process.stdout.read().split()
    assert lines[:100_000] == [b"%d" % n for n in range(1, 100_001)]
    assert number_in(done) == 0
    assert (lines[100_000:], error.read_bytes()) == ([], b"error\n")


@pytest.mark.parametrize("form", ["run", "exec"])
def test_a_stop_ends_what_a_command_has_started_in_other_sessions(cli, server, tmp_path, form):
    pids = tmp_path / "pids"
    left = f"setsid sh -c 'trap \"\" HUP; echo $$ >> {pids}; exec sleep 600' >/dev/null 2>&1 &"
    command = cli.start(form, "--", "sh", "-c", f"({left}); ({left}); echo begun; wait; sleep 600")
    wait_for(lambda: pids.exists() and pids.read_text().count("\n") == 2 and "begun" in command.out)
    id = server.newest()
    cli.out("stop", id)
    assert command.wait() == 143
    events = server.events(id)
    assert (events[-1]["status"], events[-1]["reason"]) == ("STOPPED", "stop_requested")
    assert not any(is_alive(pid) for pid in pids.read_text().split())


def test_a_successor_ends_what_is_left_in_other_sessions(cli, server, tmp_path):
    pids = tmp_path / "pids"
    script = f"setsid sh -c 'echo $$ > {pids}; exec sleep 600' >/dev/null 2>&1 & echo begun; kill -9 $PPID; sleep 600"
    id = server.run("sh", "-c", script)
    events = server.events(id)
    assert (events[-1]["status"], events[-1]["reason"]) == ("FAILED", "runner_lost")
    assert not is_alive(number_in(pids))


@pytest.mark.parametrize("ending", ["time limit", "stop", "signal"])
def test_a_reader_that_pauses_holds_up_no_end(cli, server, ending):
    options = ["--timeout", "2s"] if ending == "time limit" else []
    process = subprocess.Popen(
        [BINARY, "exec", *options, "--", "yes"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=cli.environment)
    try:
        id = process.stderr.readline().split()[-1].decode()
        wait_for(lambda: server.execution(id)["last_offset"] > 0)
        if ending == "stop":
            server.delete(f"/api/v1/executions/{id}")
        if ending == "signal":
            process.send_signal(signal.SIGTERM)
        last = wait_for(lambda: server.execution(id).get("ended_at") and server.execution(id))
        assert last["status"] == ("STOPPED" if ending == "stop" else "FAILED")
        # What was written before is the reader's all the same.
        out = process.stdout.read()
        assert out.startswith(b"y\ny\n") and process.wait(60) != 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_whose_reader_pauses_is_left_by_a_signal(cli, server, number):
    process = subprocess.Popen(
        [BINARY, "run", "--", "yes"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=cli.environment, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    try:
        id = process.stderr.readline().split()[-1].decode()
        # More than a pipe and a window of the stream hold.
        wait_for(lambda: server.execution(id)["log_bytes"] > 16 << 20)
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    finally:
        process.kill()
        process.wait()
        server.delete(f"/api/v1/executions/{id}?force=true")


@pytest.mark.parametrize("form", ["exec", "run"])
def test_a_command_has_the_priority_of_its_caller(cli, tmp_path, form):
    command = [BINARY, "exec", "-q", "--", "nice"]
    if form == "exec":
        done = subprocess.run(["nice", "-n", "7", *command], capture_output=True, env=cli.environment, timeout=60)
        assert int(done.stdout) == os.nice(0) + 7, done.stderr
    else:
        with serving(tmp_path / "server") as own:
            assert int(CommandLine(own, tmp_path).out("run", "-q", "--", "nice")) == os.nice(0)


def test_a_stop_after_the_commands_exit_ends_what_it_left_behind(cli, server, tmp_path):
    left = tmp_path / "left"
    script = f"setsid sh -c 'echo $$ >{left}; while :; do echo late; sleep 0.1; done' & while [ ! -s {left} ]; do :; done; exit 5"
    producer = cli.start("exec", "-q", "--", "sh", "-c", script)
    wait_for(lambda: left.exists() and left.read_text())
    number = int(left.read_text())
    wait_for(lambda: "late" in producer.out)
    id = server.newest()
    server.delete(f"/api/v1/executions/{id}")
    assert producer.wait() == 5
    wait_for(lambda: not os.path.exists(f"/proc/{number}") or state(number) == "Z")
    assert server.events(id)[-1]["exit_code"] == 5
