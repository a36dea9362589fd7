"""Functions of two versions beside each other, as there are for minutes while a deployment is updated. The functions here are the
older or the newer ones by what a log's record says of its format."""

import json
import urllib.error
import zlib

import pytest

from viewer import Viewer
from waiting import wait_for


def set_format(execution, number):
    execution.cloud.dynamodb.update_item(
        TableName=execution.cloud.table, Key={"pk": {"S": f"E#{execution.id}"}, "sk": {"S": "META"}},
        UpdateExpression="SET #format = :number", ExpressionAttributeNames={"#format": "format"},
        ExpressionAttributeValues={":number": {"N": str(number)}})


def blocks(execution):
    return execution.cloud.dynamodb.query(
        TableName=execution.cloud.table, KeyConditionExpression="pk = :log AND begins_with(sk, :block)", ConsistentRead=True,
        ExpressionAttributeValues={":log": {"S": f"E#{execution.id}"}, ":block": {"S": "L#"}})["Items"]


def test_an_older_version_leaves_a_newer_log_alone_until_it_is_updated(cloud, execution):
    execution.write("one")
    viewer = Viewer(execution).wait_for(1)
    set_format(execution, 3)
    refusals = cloud.log("sequencer").count("the log has format 3")
    execution.write("two", "three")
    execution.finish()
    wait_for(lambda: cloud.log("sequencer").count("the log has format 3") > refusals + 1, lambda: cloud.log("sequencer")[-2000:])
    with pytest.raises(urllib.error.HTTPError) as refused:
        execution.location()
    assert refused.value.code == 503 and refused.value.headers["Retry-After"]
    assert len(blocks(execution)) == 1 and viewer.messages == ["one"]
    set_format(execution, 2)  # The update has come to the functions.
    viewer.wait_for_end(90)
    assert viewer.messages == ["one", "two", "three"] and viewer.end["verified"] is True


def test_a_log_that_the_version_before_began_is_written_on_as_that_version_reads_it(cloud, execution):
    set_format(execution, 1)
    viewer = Viewer(execution)
    execution.write("one", "two")
    execution.end()
    viewer.wait_for_end()
    assert viewer.messages == ["one", "two"] and viewer.end["verified"] is True
    lines = b"".join(zlib.decompress(item["events"]["B"]) for item in blocks(execution)).splitlines()
    assert [json.loads(line).get("message") for line in lines] == ["one", "two", None]
    assert [json.loads(line)["offset"] for line in lines] == [1, 2, 3]
