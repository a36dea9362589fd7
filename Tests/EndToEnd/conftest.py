import os
import signal

import pytest

import attacks
from cli import CommandLine
from everyline import Server

# Where a shell starts the tests in the background, or nohup(1) does, these are ignored, and would be by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the tests of a module that don't end it."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server.start()
    assert server.stop() == 0


@pytest.fixture
def own_server(tmp_path):
    """A server that a test may end as it likes; it is not started yet."""
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def gate(tmp_path):
    """A pipe at which a command waits until the test lets it go on."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return path


@pytest.fixture
def cli(server, tmp_path):
    return CommandLine(server, tmp_path)


def pytest_terminal_summary(terminalreporter):
    attacks.report(terminalreporter, "a server")
