import pathlib
import sys

import pytest
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))

from everyline import Server  # noqa: E402
from viewer import Viewer, launch  # noqa: E402


expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for the tests that don't end it."""
    server = Server(tmp_path_factory.mktemp("server"))
    yield server.start()
    assert server.stop() == 0


@pytest.fixture
def own_server(tmp_path):
    """A server that a test may end as it likes; it is not started yet."""
    server = Server(tmp_path)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


@pytest.fixture
def viewer(browser):
    """Opens pages; afterwards none of them may have had an error that it wasn't allowed."""
    viewer = Viewer(browser)
    yield viewer
    viewer.close()
    assert viewer.errors == []
