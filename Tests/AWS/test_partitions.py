"""A loud log with many viewers: what they write is counted by partition, and held against what a partition takes."""

import base64
import gzip
import json
import time

from partitions import WRITES_A_SECOND, budget
from template import RESOURCES
from viewer import Viewer
from waiting import wait_for

VIEWERS = 24


def follow(cloud, viewers):
    """A log of 2,000 lines in forty batches, and so many viewers to its end: the units written for it."""
    execution = cloud.execution()
    with budget(cloud) as counted:
        following = [Viewer(execution) for _ in range(viewers)]
        for batch in range(40):
            execution.write(*(f"{batch}.{n} " + "x" * 100 for n in range(50)))
        execution.end()
        for viewer in following:
            viewer.wait_for_end(180)
            assert viewer.messages == execution.written
        # The records of the last viewers go just behind their last frame.
        members = lambda: cloud.dynamodb.query(  # noqa: E731
            TableName=cloud.table, ConsistentRead=True, KeyConditionExpression="pk = :pk AND begins_with(sk, :m)",
            ExpressionAttributeValues={":pk": {"S": f"E#{execution.id}"}, ":m": {"S": "M#"}})["Items"]
        wait_for(lambda: not members(), "a membership is left")
    return execution, counted


def test_many_viewers_of_a_loud_log_take_none_of_its_partitions_writes_but_their_memberships(cloud):
    execution, counted = follow(cloud, VIEWERS)
    partition, viewers = f"E#{execution.id}", ("Delivery", "Connection")
    keys = counted.keys(partition, viewers)
    assert keys and all(key.startswith("M#") for key in keys), keys
    # Each comes once and goes once; a lock, a cursor and a ping are elsewhere.
    assert counted.of(partition, viewers) <= 4 * VIEWERS
    own = {pk for pk, _, _ in counted.units if pk.startswith("C#")}
    assert len(own) >= VIEWERS
    # Whatever the second: no partition of a viewer's own gets near what a partition takes.
    assert max(counted.of(pk) for pk in own) < WRITES_A_SECOND / 2

    alone, few = follow(cloud, 1)
    appends = lambda execution, counted: counted.of(f"E#{execution.id}", ("Sequencer",))  # noqa: E731
    # The producer's own writes: how the batches fell together changes them, viewers don't.
    assert appends(execution, counted) <= 2 * appends(alone, few)
    # At the pace at which the appends alone use up the partition, a thousand viewers come and go within a second more.
    lines = len(alone.written) * WRITES_A_SECOND / appends(alone, few)
    assert lines > 1000, f"{lines:.0f} lines a second"


def test_a_burst_of_one_execution_is_the_metric_that_the_alarm_looks_at(cloud, execution):
    nothing = base64.b64encode(gzip.compress(b'{"lines":[]}')).decode()

    def records(group, count):
        now = int(time.time() * 1000)
        return [{
            "messageId": f"{group}-{n}", "receiptHandle": "r", "body": nothing, "eventSource": "aws:sqs",
            "attributes": {"MessageGroupId": group, "ApproximateReceiveCount": "1", "SentTimestamp": str(now)}}
            for n in range(count)]

    lines = lambda: [json.loads(line) for line in cloud.log("sequencer").splitlines() if '"_aws"' in line]  # noqa: E731
    quiet = [cloud.execution().id for _ in range(3)]
    cloud.invoke("Sequencer", {"Records": [record for id in quiet for record in records(id, 200)]})
    assert not [line for line in lines() if line["execution_id"] in quiet]
    cloud.invoke("Sequencer", {"Records": records(execution.id, 310)})
    found, = [line for line in lines() if line["execution_id"] == execution.id]
    directive, = found["_aws"]["CloudWatchMetrics"]
    alarm = RESOURCES["BurstAlarm"]["Properties"]
    assert (directive["Namespace"], directive["Metrics"][0]["Name"]) == (alarm["Namespace"], alarm["MetricName"])
    dimension, = alarm["Dimensions"]
    assert directive["Dimensions"] == [[dimension["Name"]]]
    assert found[dimension["Name"]] == cloud.ids[dimension["Value"]["Ref"]] and found[alarm["MetricName"]] == 1
    # Half of a minute's seconds.
    assert (alarm["Statistic"], alarm["Period"], alarm["Threshold"]) == ("Sum", 60, 30)
