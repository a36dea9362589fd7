"""Clients that know nothing of `everyline.v1` (`existing_client.py`), against the server."""

import time

import pytest

from everyline import Refused
from existing_client import ExistingClient


@pytest.fixture
def client(server):
    return ExistingClient(server.url, server.key)


def wait_for_end(client, id):
    deadline = time.monotonic() + 60
    while (status := client.status(id))["status"] not in ("SUCCEEDED", "FAILED", "STOPPED"):
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    return status


def test_a_command_of_one_string_is_a_shells(client, server):
    started = client.run('echo "one  two" | tr a-z A-Z; echo $NAME; exit 3', env={"NAME": "ada"})
    followed = client.follow(started["websocket_url"])
    assert [message for _, _, message in followed] == ["ONE  TWO", "ada"]
    assert wait_for_end(client, started["execution_id"])["exit_code"] == 3
    view = server.get(f"/api/v1/executions/{started['execution_id']}")
    assert view["command"][:2] == ["sh", "-c"] and len(view["command"]) == 3


@pytest.mark.parametrize("command", ["", "a\x00b", "x" * 131_073, {"sh": "-c"}, 1, None])
def test_a_string_that_is_no_command_is_refused(server, command):
    with pytest.raises(Refused) as refused:
        server.post("/api/v1/run", {"command": command})
    assert (refused.value.status, refused.value.code) == (400, "invalid_request")


def test_each_event_has_an_id_that_never_changes(client, server):
    log = server.register()
    log.append("one", 'a "quoted" , "event_id":"no" text', "", "\\", '"partial":true}', end=None)
    url = client.logs(log.id)
    log.append_raw('{"timestamp":5,"message":"its own","event_id":"x-7"}\n{"timestamp":5,"message":"cut","partial":true}\n')
    log.append("rest", end="SUCCEEDED")
    followed = client.follow(url)
    assert [message for _, _, message in followed] == [
        "one", 'a "quoted" , "event_id":"no" text', "", "\\", '"partial":true}', "its own", "cut", "rest"]
    ids = [id for id, _, _ in followed]
    assert len(set(ids)) == 8 and ids[5] == "x-7"
    # From any point, in pages, and when it is over: the same.
    assert client.follow(f"{url}&after=3") == followed[3:]
    assert client.logs(log.id) == followed
    page = server.get(f"/api/v1/executions/{log.id}/logs?after=2&limit=3")
    assert [client.event(event) for event in page["events"]] == followed[2:5]
    assert page["next_after"] == 5


def test_a_stop_and_health_are_as_they_know_them(client):
    started = client.run("echo begun; exec sleep 1000")
    client.kill(started["execution_id"])
    assert wait_for_end(client, started["execution_id"])["status"] == "STOPPED"
    assert client.health()["provider"] == "embedded"
