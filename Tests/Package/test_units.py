"""The units of systemd, held against what it says of them itself."""

import re
import subprocess

import pytest

from everyline import ROOT

UNITS = ROOT / "deploy/systemd"


@pytest.mark.parametrize("unit, most", [("everyline", 4.0), ("everyline-recorder", 2.0)])
def test_a_unit_takes_away_what_it_can(unit, most):
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", UNITS / f"{unit}.service"], capture_output=True, text=True)
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", said.stdout)
    assert exposure, said.stderr
    assert float(exposure[1]) <= most


@pytest.mark.parametrize("unit", ["everyline", "everyline-recorder"])
def test_a_unit_has_no_setting_that_systemd_does_not_know(unit, root, tmp_path):
    file = tmp_path / f"{unit}.service"
    text = (UNITS / f"{unit}.service").read_text()
    file.write_text(text.replace("ExecStart=everyline ", f"ExecStart={root}/usr/bin/everyline "))
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True)
    assert [line for line in said.stderr.splitlines() if unit in line] == []
