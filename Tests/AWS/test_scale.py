"""The paper on a thousand times the load says what its arithmetic gives."""

import subprocess
import sys

from template import ROOT


def test_the_papers_tables_are_what_the_arithmetic_gives():
    ran = subprocess.run([sys.executable, ROOT / "bench/aws/scale.py", "--check"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
