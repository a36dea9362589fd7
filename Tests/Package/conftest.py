import pathlib
import subprocess

import pytest

from everyline import ROOT
from machine import Machine

PACKAGE = ROOT / ".build/package"


def one(pattern):
    found = sorted(PACKAGE.glob(pattern))
    assert len(found) == 1, f"{pattern}: {found}; scripts/package makes it"
    return found[0]


@pytest.fixture(scope="session")
def deb():
    return one("everyline_*.deb")


@pytest.fixture(scope="session")
def newer_deb(deb, tmp_path_factory):
    """The same package as a later version."""
    directory = tmp_path_factory.mktemp("newer")
    subprocess.run(["dpkg-deb", "--raw-extract", deb, directory / "tree"], check=True)
    control = directory / "tree/DEBIAN/control"
    control.write_text(control.read_text().replace("\nVersion: ", "\nVersion: 1000:"))
    newer = directory / "everyline_newer.deb"
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", "-Zgzip", "-z1", directory / "tree", newer], check=True, stdout=subprocess.DEVNULL)
    return newer


@pytest.fixture(params=["bookworm", "trixie"])
def machine(request, tmp_path):
    machine = Machine(request.param, tmp_path)
    yield machine
    machine.stop()


@pytest.fixture(scope="session")
def root():
    """The files as they are installed."""
    assert (PACKAGE / "root/usr/bin/everyline").exists(), "scripts/package makes it"
    return PACKAGE / "root"


@pytest.fixture(scope="session")
def package() -> pathlib.Path:
    return PACKAGE
