"""What programs draw on a terminal (`scripts/terminal-outputs` has recorded it), in a log: lines end where the terminal's do, and what is drawn
with carriage returns and cursor movements stays as it came."""

import subprocess

import pytest

from everyline import ROOT, messages

OUTPUTS = {path.name: path.read_bytes() for path in sorted((ROOT / "Tests/Outputs").iterdir())}


def lines(output):
    """The lines that a terminal's output has."""
    parts = output.decode("utf-8", "replace").split("\n")
    return [part.removesuffix("\r") for part in parts[:-1]] + parts[-1:] * bool(parts[-1])


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_outputs_are_those_of_a_terminal(name):
    output = OUTPUTS[name]
    assert b"\r\n" in output or b"\x1b[?1049h" in output
    assert b"\r" in output.replace(b"\r\n", b"") or b"\x1b[" in output


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("size", [1, 1000, 1_000_000])
def test_what_is_drawn_is_in_the_log_as_it_came(server, name, size):
    """The terminal adds nothing here, so that each byte is the recorded one; it comes in parts of that size."""
    if size == 1 and len(OUTPUTS[name]) > 5000:
        size = 7
    script = f"stty raw; exec dd if={ROOT}/Tests/Outputs/{name} bs={size} status=none"
    id = server.run("sh", "-c", script, terminal={"columns": 100, "rows": 30})
    events = server.events(id)
    assert events[-1]["exit_code"] == 0
    assert messages(events) == lines(OUTPUTS[name])


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_pipes_lines_keep_their_carriage_returns(server, name):
    events = server.events(server.run("cat", f"{ROOT}/Tests/Outputs/{name}"))
    parts = OUTPUTS[name].decode("utf-8", "replace").split("\n")
    assert messages(events) == parts[:-1] + parts[-1:] * bool(parts[-1])


def test_a_program_that_is_run_draws_the_same_in_the_log(server, tmp_path):
    """Not only what was recorded once: git, on a terminal of a command's own."""
    quiet = dict(check=True, capture_output=True)
    subprocess.run(["git", "init", "-q", tmp_path / "source"], **quiet)
    (tmp_path / "source/file").write_text("text\n")
    subprocess.run(["git", "-C", tmp_path / "source", "add", "."], **quiet)
    subprocess.run(["git", "-C", tmp_path / "source", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "m"], **quiet)
    id = server.run("git", "clone", f"file://{tmp_path}/source", f"{tmp_path}/copy", terminal={"columns": 80, "rows": 24})
    seen = messages(server.events(id))
    assert seen[0] == f"Cloning into '{tmp_path}/copy'..."
    progress = [line for line in seen if line.startswith("Receiving objects:")]
    # The other side of git writes a line of its own, when it likes.
    assert "".join(progress).count("\r") >= 2 and progress[-1].endswith("done.")
