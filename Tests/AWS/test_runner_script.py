"""The script in which a task runs its command, in the shells that images have."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = (pathlib.Path(__file__).resolve().parents[2] / "deploy/aws/runner.sh").read_text()


@pytest.fixture(params=["dash", "bash"])
def shell(request):
    return [request.param, "-c", SCRIPT, "everyline", "e1"]


def run(shell, *command, limit=0, directory=""):
    ran = subprocess.run(shell + [str(limit), directory, *command], capture_output=True, timeout=30)
    assert ran.stderr == b""
    return ran.returncode, ran.stdout.split(b"\n")[:-1]


def test_keeps_the_order_of_both_outputs_and_the_exit_code_and_counts(shell):
    code, lines = run(shell, "sh", "-c", "echo a; echo b >&2; echo c; printf d; exit 3")
    assert (code, lines) == (3, [b"a", b"b", b"c", b"d", b"everyline-end e1 lines=4"])


def test_marks_what_cloudwatch_would_not_carry(shell):
    code, lines = run(shell, "printf", "\n\x1ex\n" + "ä" * 5000 + "\n")
    assert lines[:2] == [b"\x1e", b"\x1e=\x1ex"]
    parts = lines[2:-1]
    assert [part[:2] for part in parts[:-1]] == [b"\x1e>"] * (len(parts) - 1) and all(len(p) <= 8194 for p in parts)
    # Cut between characters, never within one.
    assert "".join(p.removeprefix(b"\x1e>").decode() for p in parts) == "ä" * 5000
    assert lines[-1] == b"everyline-end e1 lines=%d" % (len(lines) - 1)


def test_says_that_a_command_is_not_there(shell):
    code, lines = run(shell, "no-such-command")
    assert code == 127 and b"no-such-command" in lines[0]


def test_runs_in_a_directory(shell):
    assert run(shell, "pwd", directory="/usr")[1][0] == b"/usr"
    assert run(shell, "pwd", directory="/no/such")[0] == 126


def test_ends_a_command_at_its_time_limit_with_all_it_has_started(shell):
    started = time.monotonic()
    code, lines = run(shell, "sh", "-c", "echo a; sleep 60 & sleep 60", limit=1)
    assert (code, lines) == (124, [b"a", b"everyline-end e1 lines=1"])
    assert time.monotonic() - started < 8


def test_passes_a_stop_on_and_waits_for_the_last_words(shell):
    program = (
        "import signal, sys; signal.signal(15, lambda *_: (print('bye'), sys.exit(9))); "
        "print('hi', flush=True); signal.pause()")
    process = subprocess.Popen(shell + ["0", "", sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"hi\n"
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=10)[0] == b"bye\neveryline-end e1 lines=2\n"
    assert process.returncode == 9


def test_writes_each_line_at_once(shell):
    process = subprocess.Popen(shell + ["0", "", "sh", "-c", "echo a; sleep 20"], stdout=subprocess.PIPE)
    started = time.monotonic()
    assert process.stdout.readline() == b"a\n"
    assert time.monotonic() - started < 10
    process.terminate()
    process.communicate(timeout=10)
