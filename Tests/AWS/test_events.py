"""EventBridge: which events the template's rule lets through, and that one which it does reaches the log. All tests end their
tasks by such an event (`Execution.stop`)."""

import json

import pytest

import ecs_events
from viewer import Viewer


@pytest.fixture(scope="module")
def rule(cloud):
    rules = [r for r in cloud.events.list_rules()["Rules"] if r.get("EventPattern")]
    assert len(rules) == 1
    return rules[0]


def event(cloud, source="aws.ecs", kind="ECS Task State Change", **more):
    task = cloud.arn_of("Cluster").replace(":cluster/", ":task/") + "/0123456789abcdef"
    detail = ecs_events.stopped(task, cloud.arn_of("Cluster"), cloud.ids["CommandTask"], "e1")
    return {
        "version": "0", "id": "3317b2af-7005-947d-b652-f55e762e571a", "detail-type": kind, "source": source,
        "account": cloud.account, "time": "2026-11-24T10:00:00Z", "region": "us-east-1", "resources": [task],
        "detail": {**detail, **more}}


@pytest.mark.parametrize("changes, passes", [
    ({}, True),
    ({"exit": None, "stopCode": "SpotInterruption"}, True),
    ({"launchType": "EC2", "group": "service:x"}, True),
    ({"lastStatus": "RUNNING"}, False),
    ({"lastStatus": "DEPROVISIONING"}, False),
    ({"lastStatus": "stopped"}, False),
    ({"clusterArn": "arn:aws:ecs:us-east-1:000000000000:cluster/another"}, False),
    ({"clusterArn": None}, False),
    ({"kind": "ECS Container Instance State Change"}, False),
    ({"kind": "ECS Service Action"}, False),
    ({"source": "mine.ecs"}, False),
])
def test_the_rule_lets_through_stopped_tasks_of_its_cluster_only(cloud, rule, changes, passes):
    answer = cloud.events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event(cloud, **changes)))
    assert answer["Result"] is passes


def test_the_rule_is_the_templates_and_tells_the_function_that_listens(cloud, rule):
    assert json.loads(rule["EventPattern"]) == {
        "source": ["aws.ecs"], "detail-type": ["ECS Task State Change"],
        "detail": {"clusterArn": [cloud.arn_of("Cluster")], "lastStatus": ["STOPPED"]}}
    targets = cloud.events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert [t["Arn"] for t in targets] == [cloud.arn_of("CompletionFunction")]
    assert targets[0]["DeadLetterConfig"]["Arn"] == cloud.arn_of("LostEventsQueue")


def test_an_event_comes_twice_and_behind_others_and_ends_the_log_once(cloud, execution):
    viewer = Viewer(execution)
    execution.write("one")
    # Of the same task, but before it has stopped; and of one that is no execution's.
    for status in ("PENDING", "RUNNING", "DEPROVISIONING"):
        execution.stop(exit_code=None, lastStatus=status)
    execution.stop(exit_code=1, startedBy="ecs-svc/1234567890")
    viewer.wait_for(1)
    assert execution.status["status"] not in ("FAILED", "SUCCEEDED", "STOPPED")
    execution.finish(exit_code=3)
    execution.stop(exit_code=3)
    execution.stop(exit_code=3)
    viewer.wait_for_end()
    assert viewer.messages == ["one"] and (viewer.end["offset"], viewer.end["exit_code"]) == (2, 3)
    execution.stop(exit_code=3)
    again = Viewer(execution, url=viewer.url).wait_for_end()
    assert again.events == viewer.events
