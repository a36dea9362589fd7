"""AWS's limits on sizes and forms: what stands before the emulator refuses what is beyond them (`limits.py`), every call of every
test went through it, and here each limit is gone up to."""

import base64
import json
import os
import random
import subprocess
import types

import pytest

import limits
from cloud import subscription_off
from limits import Limits
from viewer import Viewer
from waiting import wait_for

EVERYLINE = os.environ.get("EVERYLINE_BINARY", ".build/debug/everyline")
QUEUE, FIFO = "https://sqs.us-east-1.amazonaws.com/1/q", "https://sqs.us-east-1.amazonaws.com/1/q.fifo"
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}


def call(target, body):
    return types.SimpleNamespace(method="POST", path="/", headers={"X-Amz-Target": target}, body=json.dumps(body).encode())


def fifo(text, **more):
    return {"QueueUrl": FIFO, "MessageBody": text, "MessageGroupId": "g", "MessageDeduplicationId": "d", **more}


def batch(*texts):
    return {"QueueUrl": FIFO, "Entries": [{**fifo(text), "Id": f"m{n}"} for n, text in enumerate(texts)]}


def put(length, attribute="b"):
    content = base64.b64encode(bytes(length)).decode()
    return {"Item": {**KEY, attribute: {"B": content}}}


def transaction(*parts):
    return {"TransactItems": [{"Put": {"Item": {**part["Item"], "sk": {"S": f"s{n}"}}}} for n, part in enumerate(parts)]}


def overrides(text):
    return {"overrides": {"containerOverrides": [{"command": [text]}]}, "startedBy": "e", "clientToken": "e"}


# An item of "pk", "sk" and "b" has seven bytes besides its content.
@pytest.mark.parametrize("target, fits, too_large, code", [
    ("AmazonSQS.SendMessage", fifo("x" * 262_144), fifo("x" * 262_145), "InvalidParameterValue"),
    ("AmazonSQS.SendMessage", fifo("é\U0001F642\t\n"), fifo("\x1e1 a"), "InvalidMessageContents"),
    ("AmazonSQS.SendMessage", fifo("\ufffd"), fifo("\uffff"), "InvalidMessageContents"),
    ("AmazonSQS.SendMessage", fifo("x", MessageGroupId="g" * 128), fifo("x", MessageGroupId="g" * 129), "InvalidParameterValue"),
    ("AmazonSQS.SendMessage", fifo("x"), fifo("x", DelaySeconds=1), "InvalidParameterValue"),
    ("AmazonSQS.SendMessage", {"QueueUrl": QUEUE, "MessageBody": "x", "DelaySeconds": 900},
     {"QueueUrl": QUEUE, "MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
    ("AmazonSQS.SendMessageBatch", batch(*["x"] * 10), batch(*["x"] * 11), "TooManyEntriesInBatchRequest"),
    ("AmazonSQS.SendMessageBatch", batch("x" * 262_143, "x"), batch("x" * 262_143, "xx"), "BatchRequestTooLong"),
    ("DynamoDB_20120810.PutItem", put(409_600 - 7), put(409_600 - 6), "ValidationException"),
    ("DynamoDB_20120810.TransactWriteItems", transaction(*[put(1)] * 100), transaction(*[put(1)] * 101), "ValidationException"),
    ("DynamoDB_20120810.TransactWriteItems", transaction(*[put(400_000)] * 10), transaction(*[put(400_000)] * 11), "ValidationException"),
    ("DynamoDB_20120810.TransactWriteItems", transaction(put(1)),
     {"TransactItems": [{"Delete": {"Key": KEY}}, {"Delete": {"Key": KEY}}]}, "ValidationException"),
    ("DynamoDB_20120810.GetItem", {"Key": {"pk": {"S": "p" * 2048}, "sk": {"S": "s" * 1024}}},
     {"Key": {"pk": {"S": "p"}, "sk": {"S": "s" * 1025}}}, "ValidationException"),
    ("DynamoDB_20120810.UpdateItem", {"Key": KEY, "UpdateExpression": "x" * 4096},
     {"Key": KEY, "UpdateExpression": "x" * 4097}, "ValidationException"),
    # `{"containerOverrides":[{"command":[""]}]}` has 41 characters.
    ("AmazonEC2ContainerServiceV20141113.RunTask", overrides("x" * 8151), overrides("x" * 8152), "InvalidParameterException"),
    ("AmazonEC2ContainerServiceV20141113.RunTask", overrides("\n" * 4075), overrides("\n" * 4076), "InvalidParameterException"),
])
def test_what_is_at_a_limit_passes_and_what_is_beyond_it_is_refused_as_by_aws(target, fits, too_large, code):
    limits = Limits()
    assert limits.check(call(target, fits), False) is None and limits.refused == []
    refusal = limits.check(call(target, too_large), False)
    assert refusal.status == 400 and json.loads(refusal.body)["__type"] == code and len(limits.refused) == 1


def test_a_post_and_a_request_that_are_too_large_are_refused():
    def post(length):
        return types.SimpleNamespace(method="POST", path="/_aws/execute-api/a/live/@connections/c", headers={}, body=bytes(length))

    limits = Limits()
    assert limits.check(post(131_072), False) is None
    assert limits.check(post(131_073), False).status == 413
    request = lambda body, **headers: types.SimpleNamespace(method="POST", path="/api/v1/run", headers=headers, body=body)  # noqa: E731
    assert limits.check(request(b"x" * 6_290_000), True) is None
    # In the event that a function is given, a quotation mark has two bytes.
    assert limits.check(request(b'"' * 3_200_000), True).status == 413
    assert limits.check(request(b"x" * 10_000_001), True).status == 413
    assert limits.check(request(b"x", Cookie="c" * 10_300), True).status == 431
    assert limits.api_answer(b'"' * 3_200_000, {}).status == 500 and limits.api_answer(b"x" * 6_290_000, {}) is None


def noise(length, seed):
    """Text that shrinks as little as text can."""
    chosen = random.Random(seed)
    return "".join(chr(chosen.choice(range(0x4E00, 0x9FFF))) for _ in range(length // 3))


def test_more_lines_than_one_page_has_are_read_from_cloudwatch(cloud, execution):
    """The emulator gives no second page; `limits.py` does, and an empty one first."""
    with subscription_off(cloud):
        execution.write(*(f"line {n}" for n in range(12_500)))
        execution.finish()
    execution.stop()
    viewer = Viewer(execution).wait_for_end(120)
    assert viewer.messages == execution.written and viewer.end["verified"] is True


@pytest.mark.parametrize("line", [lambda n: "\x01" * 7990, lambda n: noise(7990, n), lambda n: '"' * 7990],
                         ids=["controls", "noise", "quotes"])
def test_the_largest_batches_of_the_most_difficult_lines_arrive(cloud, execution, line):
    """Ingest's messages, blocks, kept runs, and frames, at their largest: they come in two halves, the second half first."""
    with subscription_off(cloud):
        execution.write(*[line(n) + f"{n:>5}" for n in range(120)])
        execution.finish()
        stored = execution.stored()
        execution.bring(stored[60:])
        execution.bring(stored[:60])
        viewer = Viewer(execution).wait_for_end(90)
    assert viewer.messages == execution.written and viewer.end["verified"] is True


def test_the_longest_lines_of_a_producer_fit_into_frames(cloud):
    registered = cloud.request("POST", "/api/v1/executions", {"command": ["elsewhere"]})
    id, token = registered["execution_id"], registered["append_token"]
    execution = types.SimpleNamespace(id=id, location=lambda query: cloud.get(f"/api/v1/executions/{id}/logs{query}"))
    lines = ["\x01" * registered["line_limit"], "\U0001F642" * (registered["line_limit"] // 4), "\\" * registered["line_limit"]] * 4
    events = [{"timestamp": 1, "message": line} for line in lines] + [
        {"timestamp": 1, "type": "end", "status": "SUCCEEDED", "exit_code": 0}]
    viewers = [Viewer(execution, url=execution.location("")["websocket_url"], form=form) for form in ("everyline.v1", None)]
    cloud.request("POST", f"/api/v1/executions/{id}/events?after=0", None, key=token, raw="".join(
        json.dumps(event) + "\n" for event in events).encode(), headers={"Content-Type": "application/x-ndjson"})
    for viewer in viewers:
        viewer.wait_for_end()
        assert viewer.messages == lines


@pytest.mark.parametrize("producer", [["exec", "-q", "--", "cat"], ["pipe", "-q"], None], ids=["exec", "pipe", "post"])
def test_a_line_of_any_length_comes_to_a_live_viewer_in_parts(cloud, tmp_path, producer):
    """Also one that is longer than what a gateway takes at once."""
    long = "x" * 200_000 + "\U0001F642" * 30_000
    if producer:
        environment = {**os.environ, "EVERYLINE_URL": cloud.address, "EVERYLINE_API_KEY": cloud.key,
                       "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
        process = subprocess.Popen([EVERYLINE, *producer], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process.stdin.write(b"begun\n")
        process.stdin.flush()
        here = lambda: [e for e in cloud.get("/api/v1/executions?status=RUNNING&limit=20")["executions"]  # noqa: E731
                        if e["command"] == [producer[-1] if producer[0] == "exec" else "pipe"] and e.get("last_offset") == 1]
        id = wait_for(here)[0]["execution_id"]
    else:
        registered = cloud.request("POST", "/api/v1/executions", {"command": ["elsewhere"]})
        id = registered["execution_id"]
    execution = types.SimpleNamespace(id=id, location=lambda query: cloud.get(f"/api/v1/executions/{id}/logs{query}"))
    viewer = Viewer(execution)
    if producer:
        process.stdin.write(long.encode() + b"\nshort\n")
        process.stdin.close()
        assert process.wait(60) == 0
        expected = ["begun", long, "short"]
    else:
        events = [{"timestamp": 1, "message": long}, {"timestamp": 1, "message": "short"},
                  {"timestamp": 1, "type": "end", "status": "SUCCEEDED", "exit_code": 0}]
        cloud.request("POST", f"/api/v1/executions/{id}/events?after=0", None, key=registered["append_token"], raw="".join(
            json.dumps(event) + "\n" for event in events).encode(), headers={"Content-Type": "application/x-ndjson"})
        expected = [long, "short"]
    viewer.wait_for_end()
    lines, line = [], ""
    for event in viewer.events:
        line += event.get("message", "")
        if "message" in event and not event.get("partial"):
            lines, line = [*lines, line], ""
    assert lines == expected


def test_an_answer_of_the_most_difficult_lines_fits_into_the_functions(cloud):
    """Two MiB of a log's lines, all of them quotation marks, in JSON in JSON."""
    registered = cloud.request("POST", "/api/v1/executions", {"command": ["elsewhere"]})
    id, token, head = registered["execution_id"], registered["append_token"], 0
    for line in ('"' * 9000, '"'):
        body = "".join(json.dumps({"timestamp": 1, "message": line}) + "\n" for _ in range(1_800_000 // (2 * len(line) + 60)))
        answer = cloud.request("POST", f"/api/v1/executions/{id}/events?after={head}", None, key=token, raw=body.encode(),
                               headers={"Content-Type": "application/x-ndjson"})
        head = answer["head"]
    end = json.dumps({"timestamp": 1, "type": "end", "status": "SUCCEEDED", "exit_code": 0}) + "\n"
    cloud.request("POST", f"/api/v1/executions/{id}/events?after={head}", None, key=token, raw=end.encode(),
                  headers={"Content-Type": "application/x-ndjson"})
    seen, after = 0, 0
    while after < head:
        page = cloud.get(f"/api/v1/executions/{id}/logs?limit=100000&after={after}")
        seen, after = seen + len(page["events"]), page.get("next_after", head)
    assert seen == head


@pytest.mark.last
def test_no_call_of_any_test_was_beyond_a_limit(cloud):
    assert cloud.proxy.limits.refused == []
    most = cloud.proxy.limits.most
    # What the tests above are for.
    assert most["a message"] > limits.SQS_MESSAGE // 2 and most["an item"] > limits.ITEM // 4, most
    assert most["a post to a connection"] > limits.POST * 3 // 4, most
