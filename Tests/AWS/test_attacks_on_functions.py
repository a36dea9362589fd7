"""What an attacker would try who reaches the functions, queues or connections themselves: forged events, messages
that can't be read, and what a viewer may say. None may succeed, end a function, or hold up another client."""

import base64
import gzip
import json
import pathlib
import secrets
import zlib

import pytest

from cloud import FUNCTIONS
from viewer import Viewer
from waiting import wait_for


def packed(text):
    return base64.b64encode(gzip.compress(text if isinstance(text, bytes) else text.encode(), 9)).decode()


def bomb(mebibytes):
    """So much of nothing, made without having it."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(deflater.compress(b"\0" * (1 << 20)) for _ in range(mebibytes)) + deflater.flush()
    return base64.b64encode(data).decode()


def records(*bodies, group="g", **more):
    return {"Records": [{"messageId": str(n), "receiptHandle": "r", "body": body, "eventSource": "aws:sqs", "attributes": {
        "MessageGroupId": group, "ApproximateReceiveCount": "1", **more}} for n, body in enumerate(bodies)]}


def nested(depth):
    return json.loads("[" * depth + "]" * depth)


JUNK = {
    "null": None, "a number": 1, "a word": "x", "a list": [], "nothing": {}, "deep": nested(500), "another's": {"Records": "x"},
    "records of nothing": {"Records": [{}]}, "no attributes": {"Records": [{"messageId": "1", "receiptHandle": "r", "body": "b"}]},
    "a count that is none": records("b", ApproximateReceiveCount="x"), "a group that is none": records("b", group="../../x"),
    "an empty context": {"requestContext": {}}, "another kind": {"requestContext": {"eventType": "X", "connectionId": "c", "routeKey": "r"}},
    "logs that are none": {"awslogs": {"data": "!!"}}, "logs of nothing": {"awslogs": {"data": packed("{}")}},
    "a key without a user": {"create_key": {"user": "", "role": "admin"}}, "a role that is none": {"create_key": {"user": "x", "role": "root"}},
    "a task of nothing": {"id": "1", "source": "aws.ecs", "detail-type": "x", "region": "r", "time": "t", "detail": {}},
}


@pytest.mark.parametrize("kind", list(JUNK))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_forged_event_does_anything(world, function, kind):
    cloud, before = world.cloud, world.log(world.id)
    processes = cloud.pids(function.lower())
    answer = cloud.functions.invoke(FunctionName=cloud.ids[f"{function}Function"], Payload=json.dumps(JUNK[kind]).encode())
    body = json.loads(answer["Payload"].read() or b"null")
    # What the reconciler can't read is given back, until it is among its queue's dead letters.
    given_back = body is not None and "batchItemFailures" in body and (body["batchItemFailures"] == [] or function == "Reconciler")
    refused = "FunctionError" in answer or body is None or given_back or 400 <= body["statusCode"] < 500
    assert refused, body
    assert "everyline-" not in json.dumps(body) and "elk_" not in json.dumps(body)
    # Refused, not crashed.
    assert not processes or set(processes) <= set(cloud.pids(function.lower()))
    assert world.log(world.id) == before


@pytest.mark.parametrize("group, stream", [
    ("/aws/lambda/another", None), ("", None), (None, "run/command/another"), (None, ""), (None, "../{stream}"),
    ("{group}\0", None), ("{group}/", None), (None, "{stream}\n"), ("E#{id}", "TASK"),
])
def test_no_line_of_another_log_group_is_taken(world, execution, group, stream):
    cloud, names = world.cloud, {"group": world.cloud.log_group, "stream": execution.stream, "id": execution.id}
    message = {
        "messageType": "DATA_MESSAGE", "owner": "1", "subscriptionFilters": ["f"],
        "logGroup": cloud.log_group if group is None else group.format(**names),
        "logStream": execution.stream if stream is None else stream.format(**names),
        "logEvents": [{"id": "0" * 56, "timestamp": execution.time, "message": "forged"}]}
    with pytest.raises(AssertionError, match="Ingest failed"):
        cloud.invoke("Ingest", {"awslogs": {"data": packed(json.dumps(message))}})
    execution.write("real")
    viewer = Viewer(execution).wait_for(1)
    assert viewer.messages == ["real"]
    viewer.close()


@pytest.mark.parametrize("mebibytes", [65, 600])
def test_no_bomb_of_a_subscription_is_unpacked(world, mebibytes):
    with pytest.raises(AssertionError, match="tooLarge"):
        world.cloud.invoke("Ingest", {"awslogs": {"data": bomb(mebibytes)}})
    for pid in world.cloud.pids("ingest"):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert int(status.split("VmHWM:")[1].split()[0]) < 256 << 10, "more than the function has"


UNREADABLE = {
    "a word": "x", "no base64": "%%%%", "no gzip": base64.b64encode(b"x" * 50).decode(), "cut": packed("{}" * 100)[:-8],
    "nothing": packed(""), "no JSON": packed("x"), "no lines": packed("{}"),
    "a line without its text": packed('{"lines":[{"t":1}]}'), "no list": packed('{"lines":{"t":1,"m":"x"}}'),
    "a time that is none": packed('{"lines":[{"t":9223372036854775808,"m":"x"}]}'),
    "deep": packed("[" * 1_000_000), "no UTF-8": packed(b'{"lines":[{"t":1,"m":"\xff"}]}'), "a bomb": bomb(64),
}


def dead(cloud):
    """Takes what is among the dead letters."""
    queue = cloud.ids["LogsEventsDeadQueue"]
    found = cloud.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"]).get("Messages", [])
    for message in found:
        cloud.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return [(m["Body"], m["Attributes"]["MessageGroupId"]) for m in found]


def put(cloud, body, group):
    cloud.sqs.send_message(QueueUrl=cloud.logs_queue, MessageBody=body, MessageGroupId=group,
                           MessageDeduplicationId=secrets.token_hex(8))


@pytest.mark.parametrize("kind", list(UNREADABLE))
def test_a_message_that_cannot_be_read_is_kept_aside_and_holds_up_no_other(cloud, execution, kind):
    """Not even its own log: what stands behind it in its group comes at once."""
    dead(cloud)
    viewer = Viewer(execution)
    execution.write("before")
    viewer.wait_for(1)
    put(cloud, UNREADABLE[kind], execution.id)
    execution.write("behind")
    execution.end()
    viewer.wait_for_end()
    assert viewer.messages == ["before", "behind"] and viewer.end["verified"] is True
    assert wait_for(lambda: dead(cloud)) == [(UNREADABLE[kind], execution.id)]


@pytest.mark.parametrize("group", ["..", "a_b" * 40, "E#x", "'"])
def test_a_message_of_no_execution_is_kept_aside(cloud, group):
    dead(cloud)
    body = packed('{"lines":[{"t":1,"m":"x"}]}')
    put(cloud, body, group)
    assert wait_for(lambda: dead(cloud)) == [(body, group)]


def test_lines_of_an_execution_that_there_never_was_make_none(cloud, world, execution):
    unknown, viewer = execution.id[:-4] + "zzzz", Viewer(execution)
    put(cloud, packed('{"lines":[{"t":1,"m":"x"}]}'), unknown)
    cloud.sqs.send_message(QueueUrl=cloud.ids["ReconcileQueue"], MessageBody=json.dumps({"execution": unknown, "stopped": {
        "group": cloud.log_group, "stream": execution.stream, "status": "FAILED", "exitCode": 1, "stoppedAt": 0}}))
    execution.write("one")
    viewer.wait_for(1)
    execution.end()
    viewer.wait_for_end()
    wait_for(lambda: cloud.depth(cloud.logs_queue) == 0 == cloud.depth(cloud.ids["ReconcileQueue"]))
    assert world.records(unknown) == {}


@pytest.mark.parametrize("line", [
    {"t": 2 ** 63 - 1, "m": "x"}, {"t": -(2 ** 63), "m": "x"}, {"t": 0, "m": ""}, {"t": 1, "m": "\x1e0=0"}, {"t": 1, "m": "\x1e01=0"},
    {"t": 1, "m": "\x1e=0"}, {"t": 1, "m": "\x1e99999999999999999999=0"}, {"t": 1, "m": "\x1e1=0 x"}, {"t": 1, "m": "\x1e=\x1e>\0"},
    {"t": 2 ** 63 - 1, "m": "\x1e7 early"}, {"t": -(2 ** 63), "m": "\x1e9007199254740992 early"}, {"t": 1, "m": "x" * 200_000},
])
def test_no_line_however_odd_ends_a_log_or_holds_it_up(cloud, execution, line):
    viewer = Viewer(execution)
    put(cloud, packed(json.dumps({"lines": [line]})), execution.id)
    execution.write("one")
    viewer.wait(lambda: "one" in viewer.messages)
    assert viewer.end is None and execution.status["status"] in ("STARTING", "RUNNING")
    viewer.close()


SAYINGS = [
    "", "x", "null", "[]", "{}", "{" * 200, "\0", '{"action":"resume"}', '{"action":"resume","gen":2}', '{"action":"resume","after":0}',
    '{"action":"resume","gen":-1,"after":0}', '{"action":"resume","gen":18446744073709551616,"after":0}', '{"action":"resume","gen":1e3,"after":0}',
    '{"action":"resume","gen":"2","after":0}', '{"action":"resume","gen":2,"after":-1}', '{"action":"resume","gen":2,"after":18446744073709551615}',
    '{"action":"resume","gen":2,"after":null}', '{"action":"resume","gen":0,"after":0}', '{"action":"resume","gen":1,"after":0}',
    '{"action":"ping"}', '{"action":"ping","have":-1}', '{"action":"ping","have":9223372036854775807}',
    '{"action":"ping","have":18446744073709551615}', '{"action":"ping","have":1000000}', '{"action":"$connect"}', '{"action":"$disconnect"}',
    '{"action":"end","execution":"x"}', '{"action":"resume","gen":2,"after":0}' + " " * 300, '{"action":"ping","action":"resume","gen":1,"after":9}',
]


@pytest.mark.parametrize("saying", SAYINGS)
def test_nothing_that_a_viewer_says_harms_it_or_another(world, execution, saying):
    viewer, other = Viewer(execution), Viewer(execution)
    execution.write("one")
    viewer.wait_for(1), other.wait_for(1)
    processes = world.cloud.pids("connection")
    viewer.socket.send(saying)
    viewer.say(action="ping", have=1)
    execution.write("two")
    for each in (viewer, other):
        each.wait_for(2)
        assert each.messages == ["one", "two"]
        each.close()
    assert set(processes) <= set(world.cloud.pids("connection"))


@pytest.mark.parametrize("saying", [
    '{"action":"resume","gen":9,"after":0,"connection":"{other}"}', '{"action":"resume","gen":9,"after":0,"connectionId":"{other}"}',
    '{"action":"resume","gen":9,"after":0,"requestContext":{"connectionId":"{other}"}}', '{"action":"ping","have":0,"execution":"{id}"}',
])
def test_no_viewer_speaks_for_another(world, execution, saying):
    other = world.new_connection()
    query = f"execution={world.id}&token={world.token}&after=1"
    assert world.connect(query, id=other, headers={"Sec-WebSocket-Protocol": "everyline.v1"}) == 200
    assert world.say(other, '{"action":"resume","gen":1,"after":1}') == 200
    generation = world.connection(world.id, other)["generation"]
    viewer = Viewer(execution)
    viewer.socket.send(saying.replace("{other}", other).replace("{id}", world.id))
    assert world.say(world.new_connection(), '{"action":"resume","gen":99,"after":0}') == 200
    viewer.generation = 10
    viewer.say(action="resume", gen=10, after=0)
    execution.write("one")
    viewer.wait_for(1)
    viewer.close()
    assert world.connection(world.id, other) is None or world.connection(world.id, other)["generation"] == generation


@pytest.mark.parametrize("after", [1000, 2 ** 63 - 1])
def test_a_viewer_that_asks_for_what_is_not_there_yet_harms_itself_only(world, execution, after):
    viewer, other = Viewer(execution), Viewer(execution)
    execution.write("one")
    other.wait_for(1)
    viewer.say(action="resume", gen=2, after=after)
    execution.write("two")
    other.wait_for(2)
    processes = world.cloud.pids("delivery")
    viewer.say(action="ping", have=after)
    with viewer.changed:
        viewer.events.clear()
        viewer.generation = 3
    viewer.say(action="resume", gen=3, after=0)
    viewer.wait_for(2)
    execution.end()
    for each in (viewer, other):
        each.wait_for_end()
        assert each.messages == ["one", "two"]
    assert set(processes) <= set(world.cloud.pids("delivery"))


def test_a_generation_has_a_highest_and_nothing_breaks_there(world, execution):
    viewer = Viewer(execution)
    viewer.generation = 2 ** 63 - 1
    viewer.say(action="resume", gen=viewer.generation, after=0)
    execution.write("one")
    viewer.wait_for(1)
    viewer.say(action="resume", gen=viewer.generation, after=0)
    execution.end()
    viewer.wait_for_end()


def test_all_is_as_it_was_after_that_too(world):
    world.check()


def test_no_secret_is_written(world):
    """After all of the above, with the functions' logs at their most talkative: not there, and not in the table."""
    logs = {name: world.cloud.log(name.lower()) for name in FUNCTIONS}
    pages = world.cloud.dynamodb.get_paginator("scan").paginate(TableName=world.cloud.table)
    table = "".join(str(page["Items"]) for page in pages)
    for secret in world.used:
        assert secret not in table
        for name, log in logs.items():
            assert secret not in log, name
