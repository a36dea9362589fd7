"""Lines that are put into CloudWatch, as real viewers see them."""

import json
import os
import subprocess
import urllib.error

import pytest

from hostile import Stranger
from viewer import Viewer
from waiting import wait_for

EVERYLINE = os.environ.get("EVERYLINE_BINARY", ".build/debug/everyline")


def test_lines_are_seen_live_in_order_and_once(execution):
    viewer = Viewer(execution)
    for batch in range(5):
        execution.write(*(f"line {batch}.{n}" for n in range(20)))
        viewer.wait_for(20 * (batch + 1))
    execution.end(exit_code=3)
    viewer.wait_for_end()
    assert viewer.messages == execution.written
    assert viewer.repeated == 0
    assert viewer.end["status"] == "FAILED" and viewer.end["exit_code"] == 3 and viewer.end["verified"] is True


def test_the_command_line_follows_by_address_alone(cloud, execution, tmp_path):
    execution.write("first", "ünïcödé \u001b[31mred\u001b[0m")
    environment = {**os.environ, "EVERYLINE_URL": cloud.address, "EVERYLINE_API_KEY": cloud.key,
                   "XDG_CONFIG_HOME": str(tmp_path)}
    with open(tmp_path / "output", "wb+") as output:
        process = subprocess.Popen(
            [EVERYLINE, "logs", "-f", execution.id, "--exit-status"], env=environment,
            stdout=output, stderr=subprocess.PIPE)
        wait_for(lambda: b"red" in (tmp_path / "output").read_bytes() or process.poll() is not None)
        assert process.poll() is None, process.stderr.read()
        execution.write(*(f"more {n}" for n in range(500)))
        execution.end(exit_code=7)
        _, errors = process.communicate(timeout=60)
    assert (tmp_path / "output").read_text().splitlines() == execution.written
    assert process.returncode == 7, errors
    again = subprocess.run([EVERYLINE, "logs", execution.id], capture_output=True, env=environment, timeout=60)
    assert again.stdout.decode().splitlines() == execution.written and again.returncode == 0, again.stderr


def test_a_long_log_comes_in_parts_that_a_function_can_give(cloud, execution, tmp_path):
    viewer = Viewer(execution)
    execution.write(*(f"{n:>8} " + "x" * 400 for n in range(8000)))
    execution.end()
    viewer.wait_for_end(120)
    for accept in ("application/json", "application/x-ndjson", "text/plain"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            cloud.get(f"{execution.path}/logs", headers={"Accept": accept})
        problem = json.loads(refused.value.read())
        assert refused.value.code == 400 and problem["code"] == "not_supported" and "limit=N" in problem["detail"]
    page = execution.location("?parts=true")
    assert page["next_after"] == page["events"][-1]["offset"] < 8000
    got, after = [], 0
    while after is not None:
        page = execution.location(f"?limit=3000&after={after}")
        got += [e["message"] for e in page["events"]]
        after = page.get("next_after")
    assert got == execution.written
    environment = {**os.environ, "EVERYLINE_URL": cloud.address, "EVERYLINE_API_KEY": cloud.key,
                   "XDG_CONFIG_HOME": str(tmp_path)}
    ran = subprocess.run([EVERYLINE, "logs", execution.id], capture_output=True, env=environment, timeout=60)
    assert ran.stdout.decode().splitlines() == viewer.messages and ran.returncode == 0, ran.stderr
    assert viewer.messages == execution.written
    assert ran.stderr == b""


def test_viewers_join_at_every_moment(execution):
    viewers = []
    for batch in range(6):
        viewers.append(Viewer(execution))
        execution.write(*(f"line {batch}.{n}" for n in range(10)))
    viewers.append(Viewer(execution))
    location = execution.location()
    execution.end()
    for viewer in viewers:
        viewer.wait_for_end()
        assert viewer.messages == execution.written
    # One that asked before the end and comes after it.
    late = Viewer(execution, url=location["websocket_url"]).wait_for_end()
    assert late.messages == execution.written


def test_an_ended_log_is_read_by_the_api(cloud, execution):
    viewer = Viewer(execution)
    execution.write(*(f"line {n}" for n in range(10)))
    execution.end()
    viewer.wait_for_end()
    log = execution.location("?after=4")
    assert [e["offset"] for e in log["events"]] == [5, 6, 7, 8, 9, 10]
    assert (log["status"], log["exit_code"], log["last_offset"]) == ("SUCCEEDED", 0, 11)
    text = cloud.get(f"{execution.path}/logs", headers={"Accept": "text/plain"})
    assert text.decode().splitlines() == execution.written


def test_a_log_that_goes_on_is_read_in_blocks(cloud, execution):
    execution.write(*(f"{n:>8} " + "x" * 400 for n in range(8000)))
    viewer = Viewer(execution).wait_for(8000, 120)
    blocks = []
    while not blocks or blocks[-1]:
        after = blocks[-1][-1]["offset"] if blocks else 0
        lines = cloud.get(f"{execution.path}/block?after={after}").splitlines()
        blocks.append([json.loads(line) for line in lines])
    # More than one function can answer with.
    assert len(blocks) > 2
    events = [event for block in blocks for event in block]
    assert [event["offset"] for event in events] == list(range(1, 8001))
    assert [event["message"] for event in events] == viewer.messages
    at = events[4000]
    found = json.loads(cloud.get(f"{execution.path}/block?last_seen_timestamp={at['timestamp']}&limit=1"))
    # A batch may overtake another, so that times go back in the log; of what isn't older, none is left out all the same.
    assert found["offset"] <= at["offset"]
    assert all(event["timestamp"] < at["timestamp"] for event in events[:found["offset"] - 1])
    viewer.close()


def test_viewers_reconnect_with_an_offset_and_with_a_time(execution):
    execution.write(*(f"line {n}" for n in range(30)))
    first = Viewer(execution).wait_for(30)
    seen = first.drop()
    execution.write(*(f"line {n}" for n in range(30, 60)))
    second = Viewer(execution, after=seen, url=first.url).wait_for(30)
    assert second.messages == execution.written[30:]
    last = second.events[-11]
    second.drop()
    location = execution.location(f"?last_seen_timestamp={last['timestamp']}")
    after = int(location["websocket_url"].split("after=")[1])
    third = Viewer(execution, after=after, url=location["websocket_url"])
    execution.end()
    third.wait_for_end()
    # Every event that is not older: the one that was seen comes again.
    assert third.messages == execution.written[49:]


def test_a_stream_begins_where_its_address_says_by_a_time(cloud, execution):
    execution.write("a", "b", "c")
    first = Viewer(execution).wait_for(3)
    seen = first.events[1]["timestamp"]
    viewer = Viewer(execution, after=1, url=f"{first.url}&last_seen_timestamp={seen}", form=None)
    viewer.wait_for(2)
    assert viewer.messages == ["b", "c"]
    viewer.close()


def test_a_producer_elsewhere_appends_over_the_api(world):
    """More than one pass of a sender takes: it gives way and notifies again."""
    id, token = world.register(world.alice)
    live = Viewer(Stranger(id), url=world.stream_url(id, world.alice))
    world.append(id, token, "first")
    live.wait_for(1)
    lines = [f"{n:>6} " + "x" * 16_000 for n in range(540)]
    for start in range(0, 540, 180):
        world.append(id, token, *lines[start:start + 180], after=1 + start)
    late = Viewer(Stranger(id), url=world.stream_url(id, world.alice))
    late.wait_for(541)
    world.append(id, token, after=541, end="SUCCEEDED")
    for viewer in (live, late):
        viewer.wait_for_end()
        assert viewer.messages == ["first", *lines]


def test_a_line_without_a_newline_is_refused_as_not_supported(world):
    id, token = world.register(world.alice)
    with pytest.raises(urllib.error.HTTPError) as refused:
        world.cloud.request("PUT", f"/api/v1/executions/{id}/pending", {"after": 0, "message": "50%"}, key=token)
    assert refused.value.code == 400 and json.loads(refused.value.read())["code"] == "not_supported"
    world.append(id, token, end="SUCCEEDED")


def test_an_input_is_refused_as_not_supported(world):
    id, token = world.register(world.alice)
    for method, path, body, key in [
            ("POST", f"/api/v1/executions/{id}/input?after=0", None, world.alice),
            ("GET", f"/api/v1/executions/{id}/input?after=0", None, token),
            ("POST", "/api/v1/run", {"command": ["cat"], "input": True}, world.alice)]:
        with pytest.raises(urllib.error.HTTPError) as refused:
            world.cloud.request(method, path, body, key=key)
        assert refused.value.code == 400 and json.loads(refused.value.read())["code"] == "not_supported"
    world.append(id, token, end="SUCCEEDED")


def test_a_viewer_that_cannot_speak_first_gets_lines_and_a_disconnect(execution):
    execution.write("a", "b", "c")
    viewer = Viewer(execution, form=None)
    viewer.wait_for(3)
    execution.write("d")
    execution.end()
    viewer.wait_for_end()
    assert viewer.messages == ["a", "b", "c", "d"]
    assert viewer.end == {"type": "disconnect", "reason": "execution_completed"}


def test_a_viewer_that_stalls_holds_up_no_other(execution):
    slow, quick = Viewer(execution), Viewer(execution)
    slow.stalled.clear()
    execution.write(*(f"line {n}" for n in range(100)))
    quick.wait_for(100)
    slow.stalled.set()
    execution.end()
    for viewer in (slow, quick):
        viewer.wait_for_end()
        assert viewer.messages == execution.written


def test_streams_open_with_a_valid_token_only(execution):
    url = execution.location()["websocket_url"]
    for wrong in (url.replace("token=els_", "token=els-"), url.split("&token=")[0], url.replace(execution.id, "other")):
        with pytest.raises(Exception, match="HTTP 40|rejected"):
            Viewer(execution, url=wrong)


def test_commands_run_as_tasks(cloud):
    started = cloud.request("POST", "/api/v1/run", {
        "command": ["sh", "-c", "echo out; echo; printf '%020000d\\n' 0; exit 4"], "env": {"A": "b"}, "timeout_seconds": 60})
    tasks = cloud.ecs.list_tasks(cluster=cloud.ids["Cluster"], startedBy=started["execution_id"])["taskArns"]
    assert len(tasks) == 1
    task = cloud.ecs.describe_tasks(cluster=cloud.ids["Cluster"], tasks=tasks)["tasks"][0]
    override = task["overrides"]["containerOverrides"][0]
    assert override["command"][:3] == [started["execution_id"], "60", ""]
    assert {"name": "A", "value": "b"} in override["environment"]
    execution, ran = cloud.carry_out(tasks[0])
    execution.stop(ran.returncode)
    viewer = Viewer(execution, url=started["websocket_url"]).wait_for_end()
    assert viewer.end["status"] == "FAILED" and viewer.end["exit_code"] == 4 and viewer.end["verified"] is True
    texts = [(e["message"], e.get("partial", False)) for e in viewer.events[:-1]]
    assert [t for t, _ in texts[:2]] == ["out", ""]
    assert [p for _, p in texts] == [False, False, True, True, False]
    assert "".join(t for t, _ in texts[2:]) == "0" * 20000


def test_the_command_line_runs_a_command_and_follows_it(cloud, tmp_path):
    environment = {**os.environ, "EVERYLINE_URL": cloud.address, "EVERYLINE_API_KEY": cloud.key,
                   "XDG_CONFIG_HOME": str(tmp_path)}
    known = set(cloud.ecs.list_tasks(cluster=cloud.ids["Cluster"])["taskArns"])
    process = subprocess.Popen(
        [EVERYLINE, "run", "--", "sh", "-c", "echo one; echo two; exit 5"], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    new = wait_for(lambda: set(cloud.ecs.list_tasks(cluster=cloud.ids["Cluster"])["taskArns"]) - known)
    execution, ran = cloud.carry_out(new.pop())
    execution.stop(ran.returncode)
    output, errors = process.communicate(timeout=60)
    assert (output, process.returncode) == (b"one\ntwo\n", 5), errors


def test_a_stop_reaches_the_task(cloud):
    started = cloud.request("POST", "/api/v1/run", {"command": ["sleep", "100"]})
    cloud.request("DELETE", f"/api/v1/executions/{started['execution_id']}")
    tasks = [t for status in ("RUNNING", "STOPPED") for t in cloud.ecs.list_tasks(
        cluster=cloud.ids["Cluster"], startedBy=started["execution_id"], desiredStatus=status)["taskArns"]]
    task = cloud.ecs.describe_tasks(cluster=cloud.ids["Cluster"], tasks=tasks)["tasks"][0]
    assert task["desiredStatus"] == "STOPPED" and task["stoppedReason"] == "stop requested"

