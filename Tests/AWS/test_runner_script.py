"""The script in which a task runs its command, in the shells and awks that images have."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = (pathlib.Path(__file__).resolve().parents[2] / "deploy/aws/runner.sh").read_text()
SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}
AWKS = ["mawk", "gawk", "original-awk", "busybox"]


class Runner:
    """The script in one shell, with one awk."""

    def __init__(self, shell, awk, directory):
        self.command = [*SHELLS[shell], "-c", SCRIPT, "everyline", "e1"]
        (directory / "bin").mkdir()
        path = directory / "bin/awk"
        path.write_text(f'#!/bin/sh\nexec {"busybox awk" if awk == "busybox" else shutil.which(awk)} "$@"\n')
        path.chmod(0o755)
        self.directory = directory
        (directory / "tmp").mkdir()
        self.left = lambda: list((directory / "tmp").iterdir())
        self.environment = {**os.environ, "PATH": f'{directory / "bin"}:{os.environ["PATH"]}', "TMPDIR": str(directory / "tmp")}

    def start(self, *command, limit=0, directory="", script=SCRIPT):
        words = [script if word is SCRIPT else word for word in self.command]
        return subprocess.Popen(
            [*words, str(limit), directory, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment)

    def stop_itself_in(self, program):
        """From here on the script is stopped when it starts this program, before that does anything."""
        own = self.directory / "bin" / program
        own.write_text(f'#!/bin/sh\nkill -s TERM "$RUNNER"\nexec {shutil.which(program)} "$@"\n')
        own.chmod(0o755)
        # A shell that is replaced keeps its process's id.
        self.command = ["sh", "-c", 'RUNNER=$$ exec "$@"', "sh", *self.command]

    def run(self, *command, **options):
        """The exit code, and what was written without its marks."""
        return self.finish(self.start(*command, **options))

    def finish(self, process):
        output, errors = process.communicate(timeout=30)
        assert errors == b"" and self.left() == []
        return process.returncode, messages(output)


def messages(output):
    lines = output.split(b"\n")
    assert lines.pop() == b"" and all(line.startswith(b"\x1e") for line in lines), output
    return [line[1:].decode() for line in lines]


@pytest.fixture(params=[(shell, awk) for shell in SHELLS for awk in AWKS], ids="-".join)
def runner(request, tmp_path):
    for word in request.param:
        if not shutil.which(word):
            pytest.skip(f"{word} isn't here")
    return Runner(*request.param, tmp_path)


def test_numbers_the_lines_of_both_outputs_in_order_and_ends_with_the_exit_code(runner):
    code, lines = runner.run("sh", "-c", "echo a; echo b >&2; echo; printf d; exit 3")
    assert (code, lines) == (3, ["1 a", "2 b", "3 ", "4 d", "5=3"])


def test_ends_a_command_that_wrote_nothing(runner):
    assert runner.run("true") == (0, ["1=0"])


def test_cuts_a_long_line_between_characters(runner):
    text = "ä" * 10_000
    code, lines = runner.run("printf", "\x1e9 x\n" + text + "\nlast")
    assert lines[0] == "1 \x1e9 x" and lines[-2:] == [f"{len(lines) - 1} last", f"{len(lines)}=0"]
    parts = [re.fullmatch(r"(\d+)([+ ])(ä*)", line).groups() for line in lines[1:-2]]
    assert [int(number) for number, _, _ in parts] == list(range(2, len(lines) - 1))
    assert [kind for _, kind, _ in parts] == ["+"] * (len(parts) - 1) + [" "]
    assert "".join(part for _, _, part in parts) == text
    # Of what the log driver takes as one event, half.
    assert all(len(part.encode()) <= 8192 for _, _, part in parts)


def test_adds_nothing_to_a_last_line_without_a_newline_behind_a_long_one(runner):
    code, lines = runner.run("sh", "-c", "printf '%09193d\\n' 0; printf d; sleep 0.2")
    assert lines == ["1+" + "0" * 8192, "2 " + "0" * 1001, "3 d", "4=0"]


def test_counts_beyond_what_a_signed_integer_of_32_bits_holds(runner):
    script = SCRIPT.replace("-v line=0", "-v line=2147483646")
    assert script != SCRIPT
    code, lines = runner.run("printf", "a\\nb\\nc\\n", script=script)
    assert lines == ["2147483647 a", "2147483648 b", "2147483649 c", "2147483650=0"]


def test_says_that_a_command_is_not_there(runner):
    code, lines = runner.run("no-such-command")
    assert code == 127 and "no-such-command" in lines[0] and lines[-1] == "2=127"


def test_runs_in_a_directory(runner):
    assert runner.run("pwd", directory="/usr") == (0, ["1 /usr", "2=0"])
    code, lines = runner.run("pwd", directory="/no/such")
    assert code == 126 and lines[-1] == "2=126"


def test_ends_a_command_at_its_time_limit_with_all_it_has_started(runner):
    started = time.monotonic()
    assert runner.run("sh", "-c", "echo a; sleep 60 & sleep 60", limit=1) == (124, ["1 a", "2=124 timed_out"])
    assert time.monotonic() - started < 20


def test_passes_a_stop_on_and_waits_for_the_last_words(runner):
    program = (
        "import signal, sys; signal.signal(15, lambda *_: (print('bye'), sys.exit(9))); "
        "print('hi', flush=True); signal.pause()")
    process = runner.start(sys.executable, "-c", program)
    assert process.stdout.readline() == b"\x1e1 hi\n"
    os.kill(process.pid, signal.SIGTERM)
    assert messages(process.communicate(timeout=20)[0]) == ["2 bye", "3=9 stopped"]
    assert process.returncode == 9


@pytest.mark.parametrize("program", ["mktemp", "mkfifo", "setsid"])
def test_a_stop_while_the_command_is_being_started_is_heard(runner, program):
    runner.stop_itself_in(program)
    assert runner.run("sleep", "20") == (143, ["1=143 stopped"])


def test_writes_its_end_whatever_a_stop_cuts_short(runner):
    process = runner.start("sh", "-c", "trap 'echo bye; exit 9' TERM; echo hi; while :; do sleep 0.1; done")
    deadline = time.monotonic() + 20
    while not runner.left() and time.monotonic() < deadline:
        pass
    while process.poll() is None and time.monotonic() < deadline:
        process.terminate()
        # A shell whose trap is cut short by the next signal, again and again, runs out of stack.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    code, lines = runner.finish(process)
    assert re.fullmatch(r"\d=(9|143) stopped", lines[-1]) and code in (9, 143), lines


def test_writes_each_line_at_once(runner):
    process = runner.start("sh", "-c", "echo a; sleep 20")
    started = time.monotonic()
    assert process.stdout.readline() == b"\x1e1 a\n"
    assert time.monotonic() - started < 10
    process.terminate()
    process.communicate(timeout=20)


def test_ends_although_what_the_command_left_behind_holds_its_output(runner):
    started = time.monotonic()
    # It has said half a line, and says more after the end.
    code, lines = runner.run("sh", "-c", "echo a; (printf half; exec sleep 30) & sleep 0.2; exit 4")
    assert (code, lines) == (4, ["1 a", "2 half", "3=4"])
    assert time.monotonic() - started < 20


def test_takes_the_last_words_of_what_the_command_left_behind(runner):
    assert runner.run("sh", "-c", "echo a; (sleep 0.5; echo late) & exit 4") == (4, ["1 a", "2 late", "3=4"])


def test_never_ends_before_it_knows_the_code(runner):
    """The command closes its output before it ends: nothing holds the pipe then but the script."""
    for _ in range(10):
        code, lines = runner.run("sh", "-c", "echo x; exec >&- 2>&-; sleep 0.01; exit 3")
        assert (code, lines) == (3, ["1 x", "2=3"])


def test_writes_no_end_if_it_is_killed(runner):
    process = runner.start("sh", "-c", "echo a; exec sleep 2")
    assert process.stdout.readline() == b"\x1e1 a\n"
    process.kill()
    assert process.communicate(timeout=20)[0] == b""
