"""Clients that know nothing of `everyline.v1` (`existing_client.py`), against the functions."""

import json
import urllib.error

import pytest

from existing_client import ExistingClient
from test_starts_and_stops import tasks_of


@pytest.fixture
def client(cloud):
    return ExistingClient(cloud.address, cloud.key)


def test_a_command_of_one_string_is_a_shells(cloud, client):
    started = client.run('echo "one  two" | tr a-z A-Z; exit 3')
    task, = tasks_of(cloud, started["execution_id"])
    execution, ran = cloud.carry_out(task)
    execution.stop(ran.returncode)
    followed = client.follow(started["websocket_url"])
    assert [message for _, _, message in followed] == ["ONE  TWO"]
    status = client.status(started["execution_id"])
    assert (status["status"], status["exit_code"]) == ("FAILED", 3)
    assert client.logs(started["execution_id"]) == followed


def test_each_event_has_an_id_that_never_changes(cloud, client, execution):
    url = client.logs(execution.id)
    execution.write("one", 'two "quoted"', "", "four")
    execution.end()
    followed = client.follow(url)
    assert [message for _, _, message in followed] == execution.written
    assert len({id for id, _, _ in followed}) == 4
    assert client.follow(f"{url}&after=2") == followed[2:]
    assert client.logs(execution.id) == followed


def test_health_says_where_commands_run(client):
    health = client.health()
    assert (health["provider"], health["region"]) == ("AWS", "us-east-1")


# What has no way through CloudWatch.


@pytest.mark.parametrize("more", [{"terminal": {"columns": 80, "rows": 24}}])
def test_a_terminal_is_refused_in_words(cloud, more):
    with pytest.raises(urllib.error.HTTPError) as refused:
        cloud.request("POST", "/api/v1/run", {"command": ["sh"], **more})
    problem = json.loads(refused.value.read())
    assert (refused.value.code, problem["code"]) == (400, "not_supported") and "terminal" in problem["detail"]


def test_an_unfinished_line_is_refused_in_words(cloud):
    registered = cloud.request("POST", "/api/v1/executions", {"command": ["elsewhere"]})
    with pytest.raises(urllib.error.HTTPError) as refused:
        cloud.request("PUT", f"/api/v1/executions/{registered['execution_id']}/pending", {"after": 0, "message": "10%"},
                      key=registered["append_token"])
    problem = json.loads(refused.value.read())
    assert (refused.value.code, problem["code"]) == (400, "not_supported"), problem
