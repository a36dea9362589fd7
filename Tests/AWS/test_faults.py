"""The same path when things go wrong on it: every line still comes, in order and once, and the end behind them."""

import os
import subprocess

from cloud import subscription_off
from viewer import Viewer
from waiting import wait_for

EVERYLINE_AWS = os.environ.get("EVERYLINE_AWS_BINARY", ".build/debug/everyline-aws")


def test_batches_come_twice_late_out_of_order_or_not_at_all(cloud, execution):
    with subscription_off(cloud):
        viewer = Viewer(execution)
        execution.write(*(f"line {n}" for n in range(60)))
        events = execution.stored()
        batches = [events[n:n + 10] for n in range(0, 60, 10)]
        for number in (1, 0, 1, 3, 0, 5):  # 2 and 4 are lost
            execution.bring(batches[number])
        execution.bring(events[5:35:2])  # cut otherwise, and partly new
        viewer.wait_for(20)
        execution.end()
        viewer.wait_for_end()
    assert viewer.messages == execution.written
    assert viewer.end["verified"] is True
    # What another viewer sees is the same log.
    again = Viewer(execution, url=viewer.url).wait_for_end()
    assert again.events == viewer.events


def test_the_last_lines_come_after_the_end_of_the_task(cloud, execution):
    with subscription_off(cloud):
        viewer = Viewer(execution)
        execution.write("one", "two")
        execution.stop()
        viewer.wait_for(2)
        execution.write("three", "four")
        execution.finish()
        viewer.wait_for_end()
    assert viewer.messages == ["one", "two", "three", "four"]
    assert viewer.end["verified"] is True


def test_lines_that_cloudwatch_has_lost_are_named_in_their_place(execution):
    viewer = Viewer(execution)
    execution.write("one")
    execution.events("lost", "lost too")
    execution.write("four")
    execution.finish()
    viewer.wait_for_end()
    assert viewer.messages == ["one", "four"]
    assert [e.get("code") for e in viewer.events] == [None, "lines_lost", None, None]
    assert "2 to 3" in viewer.events[1]["message"] and viewer.end["verified"] is False


def test_lines_that_come_again_under_new_ids_hide_no_loss(execution):
    """PutLogEvents takes a driver's retry as new events: here as many as were lost."""
    viewer = Viewer(execution)
    first = execution.events("one", "two")
    execution.put(first)
    execution.events("lost", "lost too")
    execution.put(first)
    execution.write("five")
    execution.end()
    viewer.wait_for_end()
    assert len(execution.stored()) == 6 and len({e["eventId"] for e in execution.stored()}) == 6
    assert viewer.messages == ["one", "two", "five"]
    assert [e.get("code") for e in viewer.events] == [None, None, "lines_lost", None, None]
    assert "3 to 4" in viewer.events[2]["message"] and viewer.end["verified"] is False


def test_a_task_that_was_killed_ends_without_a_count(execution):
    viewer = Viewer(execution)
    execution.write("one")
    execution.stop(exit_code=None, stopCode="SpotInterruption", containers=[{"name": "command"}])
    viewer.wait_for_end()
    assert viewer.messages == ["one"]
    assert (viewer.end["status"], viewer.end["reason"], viewer.end["verified"]) == ("FAILED", "runner_lost", False)


def test_a_lost_ring_is_repaired_by_a_ping(cloud, execution):
    viewer = Viewer(execution)
    execution.write("one")
    viewer.wait_for(1)
    queue = cloud.deliveries.split("/")[-1]
    with cloud.proxy.losing(lambda e: e.calls("SendMessageBatch", queue) or e.calls("SendMessage", queue), times=1) as lost:
        execution.write("two")
        viewer.wait_for(2)
        assert lost[0] == 1
    execution.end()
    viewer.wait_for_end()
    assert viewer.messages == ["one", "two"]


def test_a_sender_that_dies_with_the_lock_is_replaced_when_its_lease_is_over(cloud, execution):
    viewer = Viewer(execution)
    with cloud.proxy.holding(lambda e: e.posts() and b'"offset":1,' in e.body) as held:
        execution.write(*(f"line {n}" for n in range(50)))
        assert held.arrived.wait(20)
        cloud.kill("delivery")
    execution.end()
    viewer.wait_for_end()
    assert viewer.messages == execution.written


def test_a_zombie_changes_nothing(cloud, execution):
    """A sender is held in its post beyond its lease and its message's visibility; another one takes over; then it goes on."""
    second = cloud.functions.create_event_source_mapping(
        FunctionName=cloud.second_delivery(), EventSourceArn=cloud.arn(cloud.deliveries), BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"])["UUID"]
    try:
        viewer = Viewer(execution)
        with cloud.proxy.holding(lambda e: e.posts() and b'"offset":1,' in e.body) as held:
            execution.write(*(f"line {n}" for n in range(20)))
            assert held.arrived.wait(20)
            # The ping of the viewer, who waits, or the message that comes back, brings the successor.
            viewer.wait_for(20, seconds=30)
            execution.write(*(f"line {n}" for n in range(20, 40)))
            viewer.wait_for(40, seconds=30)
            held.release()
            execution.end()
            viewer.wait_for_end()
        viewer.close()
        assert viewer.messages == execution.written
        assert viewer.repeated >= 1, "the zombie sent nothing"
    finally:
        cloud.functions.delete_event_source_mapping(UUID=second)


def test_lines_in_the_dead_letter_queue_are_read_from_cloudwatch(cloud, execution):
    cloud.redrive(cloud.logs_queue, receives=2, visibility=1)
    try:
        viewer = Viewer(execution)
        with cloud.proxy.refusing(lambda e: e.calls("TransactWriteItems", execution.id), status=400, code="AccessDenied"):
            execution.write("one", "two")
            wait_for(lambda: cloud.depth(cloud.ids["LogsEventsDeadQueue"]), "the message was not given up")
        execution.write("three")
        viewer.wait_for(3)
        execution.end()
        viewer.wait_for_end()
        assert viewer.messages == ["one", "two", "three"] and viewer.end["verified"] is True
    finally:
        cloud.redrive(cloud.logs_queue, receives=30, visibility=6)


def test_viewers_drop_and_come_back_while_lines_come(execution):
    seen, got = 0, []
    url = execution.location()["websocket_url"]
    for turn in range(5):
        viewer = Viewer(execution, after=seen, url=url)
        execution.write(*(f"line {turn}.{n}" for n in range(25)))
        viewer.wait_for(10)
        viewer.drop()
        got += viewer.events
        seen = viewer.last
    execution.end()
    viewer = Viewer(execution, after=seen, url=url).wait_for_end()
    got += viewer.events
    assert [e["offset"] for e in got] == list(range(1, len(execution.written) + 2))
    assert [e["message"] for e in got[:-1]] == execution.written


def test_a_resumption_in_the_middle_goes_on_where_it_says(execution):
    execution.write(*(f"line {n}" for n in range(40)))
    viewer = Viewer(execution).wait_for(40)
    with viewer.changed:
        del viewer.events[15:]
        viewer.generation = 2
    viewer.say(action="resume", gen=2, after=15)
    viewer.wait_for(40)
    execution.end()
    viewer.wait_for_end()
    assert viewer.messages == execution.written


def stopped_unheard(cloud):
    """An execution whose task was killed without an event that says so."""
    started = cloud.request("POST", "/api/v1/run", {"command": ["sh", "-c", "echo one; echo two"]})
    tasks = cloud.ecs.list_tasks(cluster=cloud.ids["Cluster"], startedBy=started["execution_id"])["taskArns"]
    execution, _ = cloud.carry_out(tasks[0], killed=True)
    cloud.ecs.stop_task(cluster=cloud.ids["Cluster"], task=tasks[0])
    return execution, started


def test_an_unannounced_end_is_found_by_a_viewer_who_waits(cloud):
    execution, started = stopped_unheard(cloud)
    viewer = Viewer(execution, url=started["websocket_url"]).wait_for_end()
    assert viewer.messages == ["one", "two"]
    assert (viewer.end["status"], viewer.end["verified"]) == ("STOPPED", False)


def test_an_unannounced_end_is_found_by_who_asks_the_api(cloud):
    """Of one that is older than a minute: younger ones' tasks are only being started."""
    execution, _ = stopped_unheard(cloud)
    cloud.dynamodb.update_item(
        TableName=cloud.table, Key={"pk": {"S": f"E#{execution.id}"}, "sk": {"S": "META"}},
        UpdateExpression="SET created_ms = created_ms - :minutes", ExpressionAttributeValues={":minutes": {"N": "120000"}})
    wait_for(lambda: execution.status["status"] == "STOPPED", lambda: execution.status)


def test_an_unannounced_end_is_found_by_the_doctor(cloud):
    execution, _ = stopped_unheard(cloud)
    ran = subprocess.run(
        [EVERYLINE_AWS, "doctor", "--stack", "everyline", "--endpoint-url", cloud.endpoint, "--repair"],
        capture_output=True, text=True, timeout=60, env={
            **os.environ, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"})
    assert ran.returncode == 1 and execution.id in ran.stdout, ran.stdout + ran.stderr
    wait_for(lambda: "events" in execution.location(), execution.location)
    log = execution.location()
    assert (log["status"], [e["message"] for e in log["events"]]) == ("STOPPED", ["one", "two"])
