"""What begins or ends while something on the way dies: requests for a start, producers that are asked to stop."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import uuid

import pytest

from viewer import Viewer
from waiting import wait_for

EVERYLINE = os.environ.get("EVERYLINE_BINARY", ".build/debug/everyline")


def tasks_of(cloud, execution):
    return [t for status in ("RUNNING", "STOPPED") for t in cloud.ecs.list_tasks(
        cluster=cloud.ids["Cluster"], startedBy=execution, desiredStatus=status)["taskArns"]]


def make_older(cloud, execution, minutes):
    cloud.dynamodb.update_item(
        TableName=cloud.table, Key={"pk": {"S": f"E#{execution}"}, "sk": {"S": "META"}},
        UpdateExpression="SET created_ms = created_ms - :age", ExpressionAttributeValues={":age": {"N": str(minutes * 60000)}})


def ended(cloud, execution):
    log = cloud.get(f"/api/v1/executions/{execution}/logs")
    return log if "events" in log else None


def started_in_vain(cloud, headers):
    """A request of which it isn't known whether its task was started; gives the execution's id."""
    with cloud.proxy.refusing(lambda e: e.calls("RunTask"), status=500):
        with pytest.raises(urllib.error.HTTPError) as failure:
            cloud.request("POST", "/api/v1/run", {"command": ["sh", "-c", "echo one"]}, headers=headers)
    assert failure.value.code == 503
    problem = json.loads(failure.value.read())
    assert problem["code"] == "unavailable" and "Idempotency-Key" in problem["detail"]
    return problem["detail"].split(" was started")[0].split()[-1]


def test_a_request_that_died_before_its_task_was_started_is_carried_out_when_it_comes_again(cloud):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    id = started_in_vain(cloud, headers)
    assert cloud.get(f"/api/v1/executions/{id}/status")["status"] == "STARTING" and tasks_of(cloud, id) == []
    again = cloud.request("POST", "/api/v1/run", {"command": ["sh", "-c", "echo one"]}, headers=headers)
    assert again["execution_id"] == id
    task, = tasks_of(cloud, id)
    execution, ran = cloud.carry_out(task)
    execution.stop(ran.returncode)
    viewer = Viewer(execution, url=again["websocket_url"]).wait_for_end()
    assert viewer.messages == ["one"] and viewer.end["verified"] is True


def test_a_request_that_comes_again_starts_nothing_that_is_known(cloud):
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    started = [cloud.request("POST", "/api/v1/run", {"command": ["true"]}, headers=headers)["execution_id"]]
    with cloud.proxy.losing(lambda e: e.calls("RunTask")) as asked:
        started.append(cloud.request("POST", "/api/v1/run", {"command": ["true"]}, headers=headers)["execution_id"])
    assert started[0] == started[1] and asked == [0] and len(tasks_of(cloud, started[0])) == 1


def test_a_start_whose_answer_is_lost_starts_one_task(cloud):
    headers, command = {"Idempotency-Key": uuid.uuid4().hex}, {"command": ["sh", "-c", "echo one"]}
    with cloud.proxy.unanswered(lambda e: e.calls("RunTask")) as lost:
        with pytest.raises(urllib.error.HTTPError) as failure:
            cloud.request("POST", "/api/v1/run", command, headers=headers)
        id = json.loads(failure.value.read())["detail"].split(" was started")[0].split()[-1]
        assert failure.value.code == 503 and tasks_of(cloud, id) != []
        lost.goes_on = False
        again = cloud.request("POST", "/api/v1/run", command, headers=headers)
    assert again["execution_id"] == id
    # ECS starts one task for all requests with one token, if they are the same. The emulator doesn't look at it.
    assert len(lost.bodies) > 1 and len(set(lost.bodies)) == 1
    assert json.loads(lost.bodies[0])["clientToken"] == id
    task = tasks_of(cloud, id)[0]
    execution, ran = cloud.carry_out(task)
    execution.stop(ran.returncode)
    viewer = Viewer(execution, url=again["websocket_url"]).wait_for_end()
    assert viewer.messages == ["one"] and viewer.end["verified"] is True


def test_a_start_that_is_not_repeated_is_ended_when_a_client_asks(cloud):
    id = started_in_vain(cloud, {"Idempotency-Key": uuid.uuid4().hex})
    make_older(cloud, id, minutes=11)
    log = wait_for(lambda: ended(cloud, id))
    assert (log["status"], log["exit_code"]) == ("FAILED", 126)
    assert "was cut off" in json.dumps(cloud.get(f"/api/v1/executions/{id}/logs"))


def test_a_task_whose_note_was_lost_is_found(cloud):
    with cloud.proxy.refusing(lambda e: e.calls("PutItem", "task_arn"), status=500):
        with pytest.raises(urllib.error.HTTPError):
            cloud.request("POST", "/api/v1/run", {"command": ["sh", "-c", "echo one; echo two"]})
        listed = cloud.get("/api/v1/executions?status=STARTING&limit=1")["executions"]
    id = listed[0]["execution_id"]
    task, = tasks_of(cloud, id)
    make_older(cloud, id, minutes=2)
    assert wait_for(lambda: (cloud.get(f"/api/v1/executions/{id}/status"), cloud.dynamodb.get_item(
        TableName=cloud.table, Key={"pk": {"S": f"E#{id}"}, "sk": {"S": "TASK"}}).get("Item"))[1])["task_arn"]["S"] == task
    execution, ran = cloud.carry_out(task)
    execution.stop(ran.returncode)
    log = wait_for(lambda: ended(cloud, id))
    assert [e["message"] for e in log["events"]] == ["one", "two"]


def started_without_a_note(cloud, command):
    """A command whose task runs, which only ECS knows."""
    with cloud.proxy.refusing(lambda e: e.calls("PutItem", "task_arn"), status=500):
        with pytest.raises(urllib.error.HTTPError):
            cloud.request("POST", "/api/v1/run", {"command": command})
    id = cloud.get("/api/v1/executions?status=STARTING&limit=1")["executions"][0]["execution_id"]
    task, = tasks_of(cloud, id)
    return id, task


def test_a_stop_of_a_command_whose_tasks_note_was_lost_stops_the_task(cloud):
    id, task = started_without_a_note(cloud, ["sh", "-c", "echo one; echo two"])
    described = lambda: cloud.ecs.describe_tasks(cluster=cloud.ids["Cluster"], tasks=[task])["tasks"][0]  # noqa: E731
    assert described()["lastStatus"] == "RUNNING"
    stopped = cloud.request("DELETE", f"/api/v1/executions/{id}")
    assert stopped["status"] == "TERMINATING"
    wait_for(lambda: described()["lastStatus"] == "STOPPED")
    # Its log wasn't given up: what the command wrote is in it.
    execution, _ = cloud.carry_out(task, killed=True)
    execution.stop(None, stopCode="UserInitiated")
    log = wait_for(lambda: ended(cloud, id))
    assert (log["status"], [e["message"] for e in log["events"]]) == ("STOPPED", ["one", "two"])


def test_a_stop_of_what_was_never_started_ends_its_log(cloud):
    id = started_in_vain(cloud, {"Idempotency-Key": uuid.uuid4().hex})
    cloud.request("DELETE", f"/api/v1/executions/{id}")
    cloud.dynamodb.update_item(
        TableName=cloud.table, Key={"pk": {"S": f"E#{id}"}, "sk": {"S": "META"}},
        UpdateExpression="SET stop_ms = stop_ms - :age",
        ExpressionAttributeValues={":age": {"N": "61000"}})
    log = wait_for(lambda: ended(cloud, id))
    assert log["status"] == "STOPPED" and tasks_of(cloud, id) == []


def test_a_refused_start_says_why_in_awss_words(cloud):
    with cloud.proxy.refusing(lambda e: e.calls("RunTask"), status=400, code="ClientException"):
        started = cloud.request("POST", "/api/v1/run", {"command": ["true"]})
    log = cloud.get(f"/api/v1/executions/{started['execution_id']}/logs")
    notice, = log["events"]
    assert (notice["type"], notice["code"]) == ("notice", "not_started")
    assert notice["message"] == "ECS refused to start the command: as the test wants it"
    assert (log["status"], log["exit_code"]) == ("FAILED", 126)


def test_an_image_that_cannot_be_pulled_says_so_in_the_log(cloud, execution):
    execution.stop(None, stopCode="TaskFailedToStart", stoppedReason="CannotPullContainerError: no such image")
    log = wait_for(lambda: ended(cloud, execution.id))
    assert [(e["code"], e["message"]) for e in log["events"]] == [
        ("not_started", "ECS could not start the command's task: CannotPullContainerError: no such image")]
    assert (log["status"], log["exit_code"]) == ("FAILED", 126)


# MARK: Producers elsewhere


@pytest.fixture
def producer(cloud):
    registered = cloud.request("POST", "/api/v1/executions", {"command": ["elsewhere"]})
    return registered["execution_id"], registered["append_token"]


def test_a_producer_is_answered_at_once_and_told_when_to_ask_again(cloud, producer):
    id, token = producer
    begin = time.monotonic()
    answer = cloud.get(f"/api/v1/executions/{id}/control", key=token)
    named = {"execution_id": id, "incarnation": answer["incarnation"]}
    assert answer == {**named, "stop_requested": False, "status": "STARTING", "poll_after_seconds": 2}
    assert time.monotonic() - begin < 15
    cloud.request("DELETE", f"/api/v1/executions/{id}")
    answer = cloud.get(f"/api/v1/executions/{id}/control", key=token)
    assert answer == {**named, "stop_requested": True, "status": "TERMINATING"}


def test_a_stop_of_a_producer_that_is_gone_ends_its_log(cloud, producer):
    """After a minute; here after 6 s, as the stack is told."""
    id, _ = producer
    stopped = cloud.request("DELETE", f"/api/v1/executions/{id}")
    assert stopped["status"] == "TERMINATING"
    # No client asks for the execution meanwhile.
    item = lambda: cloud.dynamodb.get_item(  # noqa: E731
        TableName=cloud.table, Key={"pk": {"S": f"E#{id}"}, "sk": {"S": "META"}})["Item"]
    wait_for(lambda: "end_status" in item())
    assert (item()["end_status"]["S"], item()["end_reason"]["S"]) == ("STOPPED", "producer_lost")


def test_a_stop_reaches_a_command_that_runs_elsewhere(cloud, tmp_path):
    environment = {**os.environ, "EVERYLINE_URL": cloud.address, "EVERYLINE_API_KEY": cloud.key,
                   "XDG_CONFIG_HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [EVERYLINE, "exec", "--", "sh", "-c", "echo one; exec sleep 1000"], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True)
    try:
        running = lambda: [e for e in cloud.get("/api/v1/executions?status=RUNNING&limit=5")["executions"]  # noqa: E731
                           if "exec sleep 1000" in e["command"][-1]]
        id = wait_for(running)[0]["execution_id"]
        cloud.request("DELETE", f"/api/v1/executions/{id}")
        process.wait(timeout=60)
        log = wait_for(lambda: ended(cloud, id))
        assert (log["status"], [e["message"] for e in log["events"]]) == ("STOPPED", ["one"])
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
