import os

import pytest

from cloud import Cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory):
    cloud = Cloud(os.environ["EVERYLINE_AWS_ENDPOINT"], tmp_path_factory.mktemp("cloud"))
    yield cloud
    cloud.close()


@pytest.fixture
def execution(cloud):
    return cloud.execution()
