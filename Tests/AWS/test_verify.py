"""`everyline-aws verify`: a log that is held against CloudWatch by who may read both."""

import re

import pytest

from cloud import ROOT, subscription_off
from viewer import Viewer


def verify(cloud, id):
    return cloud.everyline_aws("verify", id)


def test_a_log_is_what_cloudwatch_has(cloud, execution):
    execution.write(*(f" line {number}" for number in range(2500)), "+a part", " of a line")
    execution.put(execution.stamped("written past the script"))
    execution.finish(3)
    Viewer(execution).wait_for_end()
    ran = verify(cloud, execution.id)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2502 numbered lines are the same in the log and in CloudWatch (2504 messages)" in ran.stdout
    assert "1 messages were written past the script" in ran.stdout
    assert "ends as FAILED, exit code 3, verified" in ran.stdout


def test_a_difference_is_named(cloud, execution):
    execution.write(" one", " two")
    execution.finish()
    Viewer(execution).wait_for_end()
    with subscription_off(cloud):
        execution.put(execution.stamped("\x1e2 another two", "\x1e9 never"))
        ran = verify(cloud, execution.id)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "DIFFERS: line 2 is in CloudWatch with two texts" in ran.stdout
    assert "DIFFERS: number 9 is in CloudWatch and not in the log" in ran.stdout


def test_what_can_not_be_compared_says_why(cloud, execution):
    running = verify(cloud, execution.id)
    assert running.returncode == 2 and "has not ended" in running.stderr
    unknown = verify(cloud, "01hvnone")
    assert unknown.returncode == 2 and "no such execution" in unknown.stderr
    assert verify(cloud, "not an id").returncode not in (0, 1, 2)


@pytest.mark.parametrize("producer", ["elsewhere"])
def test_a_log_that_never_was_in_cloudwatch_says_so(cloud, producer):
    made = cloud.request("POST", "/api/v1/executions", {"command": [producer]})
    ran = verify(cloud, made["execution_id"])
    assert ran.returncode == 2 and "never were in CloudWatch" in ran.stderr


def test_the_first_checks_of_a_real_account_print_what_their_list_says(cloud, execution):
    readme = (ROOT / "deploy/aws/README.md").read_text()
    rows = dict(re.findall(r"\| `(.*?)` \| (.*) \|\n", readme.split("## What to check first")[1]))
    says = lambda command: re.findall("`(.*?)`", rows[command])  # noqa: E731
    assert [cloud.request("GET", "/readyz").decode().strip()] == says("curl $EVERYLINE_URL/readyz")
    viewer = Viewer(execution)
    execution.write(*(f" {number}" for number in range(1, 101)))
    execution.finish()
    viewer.wait_for_end()
    ran = verify(cloud, execution.id).stdout
    phrases = says("everyline-aws verify ID")
    assert len(phrases) == 2 and all(phrase in ran for phrase in phrases), ran
