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
    # What isn't its log's is the same in each version.
    assert execution.status["status"] == "RUNNING"
    for query in ("?limit=1000", "?status=RUNNING&limit=1000"):
        listed = {view["execution_id"]: view for view in cloud.get("/api/v1/executions" + query)["executions"]}
        assert listed[execution.id]["status"] == "RUNNING" and listed[execution.id]["last_offset"] == 1
    set_format(execution, 2)  # The update has come to the functions.
    viewer.wait_for_end(90)
    assert viewer.messages == ["one", "two", "three"] and viewer.end["verified"] is True


def test_an_older_version_stops_an_execution_whose_log_is_newer(cloud, execution):
    set_format(execution, 3)
    cloud.request("DELETE", execution.path)
    assert execution.status["status"] == "TERMINATING"
    set_format(execution, 2)
    execution.put(execution.stamped("\x1e1=143 stopped"))
    wait_for(lambda: execution.status["status"] == "STOPPED", lambda: execution.status)


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


def test_a_log_that_the_version_before_has_written_is_read_delivered_and_ended(cloud, execution):
    """The items are those that the version before packing wrote: two lines in a block, and two that came too early."""
    time = execution.time
    lines = b"".join(b'{"offset":%d,"timestamp":%d,"message":"old %d"}\n' % (n, time + n, n) for n in (1, 2))
    early = json.dumps({"lines": [{"t": time + n, "m": f"\x1e{n} early {n}"} for n in (5, 6)]}).encode()
    log = f"E#{execution.id}"
    meta, = cloud.dynamodb.query(
        TableName=cloud.table, KeyConditionExpression="pk = :log AND sk = :meta",
        ExpressionAttributeValues={":log": {"S": log}, ":meta": {"S": "META"}})["Items"]
    meta |= {
        "format": {"N": "1"}, "head_offset": {"N": "2"}, "log_bytes": {"N": str(len(lines))}, "latest_ms": {"N": str(time + 2)},
        "started_ms": {"N": str(time)}, "source_ms": {"N": str(time + 2)}, "next_line": {"N": "3"}, "parked": {"S": "5-6"}}
    block = {
        "pk": {"S": log}, "sk": {"S": f"L#{2:019}"}, "first_offset": {"N": "1"}, "latest_ms": {"N": str(time + 2)},
        "raw_bytes": {"N": str(len(lines))}, "events": {"B": zlib.compress(lines)}}
    parked = {"pk": {"S": log}, "sk": {"S": f"H#{5:016}#{6:016}"}, "lines": {"B": zlib.compress(early)}}
    for item in (block, parked, meta):
        cloud.dynamodb.put_item(TableName=cloud.table, Item=item)

    viewer = Viewer(execution).wait_for(2)
    execution.put(execution.stamped("\x1e3 three", "\x1e4 four"))
    viewer.wait_for(6)
    execution.put(execution.stamped("\x1e7=0"))
    viewer.wait_for_end()
    assert viewer.messages == ["old 1", "old 2", "three", "four", "early 5", "early 6"]
    assert viewer.end["verified"] is True and execution.status["status"] == "SUCCEEDED"
    assert [event["message"] for event in execution.location("?limit=9")["events"]] == viewer.messages
    assert all("events" in item and "packed" not in item for item in blocks(execution))
