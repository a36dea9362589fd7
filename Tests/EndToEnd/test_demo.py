"""The README's first command: a command is followed while its viewer is cut off twice and its server is killed."""

import pathlib
import subprocess

from everyline import BINARY

ROOT = pathlib.Path(__file__).resolve().parents[2]
# swift build puts it beside the program that it shows.
DEMO = pathlib.Path(BINARY).with_name("everyline-demo")


def test_the_demo_gets_every_line_once_and_in_order_across_two_cuts_and_a_kill(tmp_path):
    done = subprocess.run(
        [DEMO, BINARY, ROOT / "scripts/demo-job", tmp_path, "--once"], capture_output=True, text=True, timeout=120)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines[-1] == "verified: 5,226/5,226 events, 0 gaps, 0 duplicates; exit 3"
    assert sum("the connection is cut" in line for line in lines) == 2
    assert sum("the server is killed with -9" in line for line in lines) == 1
    assert sum("resumed after event" in line for line in lines) == 3
