"""A table that was put back: clients that know more than it holds are told, and lines come again by their numbers."""

import json
import time
import urllib.error

import pytest

from cloud import FUNCTIONS
from viewer import Viewer


def items_of(cloud, execution):
    """What a recovery would bring of one execution, and which lives the data have had."""
    found, start = [], {}
    while True:
        page = cloud.dynamodb.scan(TableName=cloud.table, ConsistentRead=True, **start)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    names = [f"E#{execution.id}", "INCARNATIONS"]
    return [item for item in found
            if item["pk"]["S"] in names or execution.id in (item["sk"]["S"].split("#")[-1], item.get("execution_id", {}).get("S"))]


def put(cloud, table, items):
    for item in items:
        cloud.dynamodb.put_item(TableName=table, Item=item)


def delete(cloud, items):
    for item in items:
        cloud.dynamodb.delete_item(TableName=cloud.table, Key={"pk": item["pk"], "sk": item["sk"]})


@pytest.fixture
def recovered(cloud):
    """A table in which no function works."""
    name = "everyline-recovered"
    key = [("pk", "HASH"), ("sk", "RANGE")]
    cloud.dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": n, "KeyType": k} for n, k in key],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n, _ in key])
    yield name
    cloud.dynamodb.delete_table(TableName=name)


def answer_to(ask):
    """The API's own answer: where a process was killed in the middle of what it did, the gateway answers first."""
    end = time.monotonic() + 30
    while True:
        try:
            return ask()
        except urllib.error.HTTPError as error:
            if error.code < 500 or time.monotonic() > end:
                raise


def test_clients_of_a_table_that_was_put_back_are_told_and_lines_come_again_by_their_numbers(cloud, execution, recovered):
    cloud.dynamodb.update_item(
        TableName=cloud.table, Key={"pk": {"S": f"E#{execution.id}"}, "sk": {"S": "META"}},
        UpdateExpression="SET producer = :task", ExpressionAttributeValues={":task": {"S": "runner"}})
    execution.write("1", "2", "3")
    viewer = Viewer(execution).wait_for(3)
    known = execution.location()["incarnation"]
    backup = items_of(cloud, execution)
    execution.write("4", "5")
    viewer.wait_for(5)

    put(cloud, recovered, backup)
    noted = cloud.everyline_aws("restored", "--table", recovered)
    assert noted.returncode == 0 and "open logs: 1" in noted.stdout, noted.stdout + noted.stderr
    delete(cloud, items_of(cloud, execution))
    put(cloud, cloud.table, [item for page in cloud.dynamodb.get_paginator("scan").paginate(TableName=recovered) for item in page["Items"]])
    # Functions start anew with the table that has the old one's name.
    for name in FUNCTIONS:
        cloud.kill(name.lower())

    with pytest.raises(urllib.error.HTTPError) as refused:
        answer_to(lambda: execution.location(f"?after=5&incarnation={known}"))
    problem = json.load(refused.value)
    assert (refused.value.code, problem["code"], problem["base"]) == (409, "other_incarnation", 3)
    # What the gateway still holds of the viewer is of no use: at its next ping it has to come back.
    viewer.thread.join(40)
    assert not viewer.thread.is_alive() and viewer.end is None and len(viewer.events) == 5
    with pytest.raises(Exception, match="rejected"):
        Viewer(execution, after=5, url=viewer.url)

    again = Viewer(execution, after=problem["base"])
    assert execution.location()["incarnation"] == problem["incarnation"] != known
    execution.write("6")
    execution.end()
    again.wait_for_end()
    assert [event.get("code") for event in again.events] == ["restored", None, None, None, None]
    assert [event["message"] for event in again.events[1:-1]] == ["4", "5", "6"]
    assert again.end["verified"] is True
