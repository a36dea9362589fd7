import os
import pathlib

import pytest

import attacks
from cloud import Cloud
from hostile import World


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    cloud = Cloud(os.environ["EVERYLINE_AWS_ENDPOINT"], tmp_path_factory.mktemp("cloud"))
    yield cloud
    cloud.close()


@pytest.fixture(scope="session")
def world(cloud):
    return World(cloud)


@pytest.fixture
def execution(cloud):
    return cloud.execution()


def pytest_collection_modifyitems(config, items):
    """What wants a stack as it was deployed comes first. What asks about all the other tests comes behind them, and only if they are
    all there."""
    items.sort(key=lambda item: bool(item.get_closest_marker("last")) - bool(item.get_closest_marker("first")))
    modules = {item.path.name for item in items}
    whole = modules >= {path.name for path in pathlib.Path(__file__).parent.glob("test_*.py")}
    if not whole or config.option.keyword or any("::" in argument for argument in config.args):
        for item in items:
            if item.get_closest_marker("last"):
                item.add_marker(pytest.mark.skip(reason="it asks about all tests, and these are some"))


def pytest_terminal_summary(terminalreporter):
    attacks.report(terminalreporter, "the functions")
