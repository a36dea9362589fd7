"""What an attacker would try on the AWS form, one case a line: the cases that a server is held against as well
(`attacks.py`), as API Gateway brings them to the functions. None may succeed, and all must be as well after each as before."""

import time
from urllib.parse import unquote

import pytest

from attacks import BAD_KEYS, BAD_TOKENS, BODIES, CURSORS, MESSAGES, ORIGINS, PATHS, ROUTES
from viewer import Viewer


@pytest.mark.parametrize("kind", BAD_KEYS)
@pytest.mark.parametrize("method, path, body", ROUTES)
def test_no_wrong_key_opens_a_route(world, method, path, body, kind):
    assert world.ask(method, path.format(id=world.id), body, key=world.keys[kind]).status == 401


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_no_wrong_token_connects(world, kind):
    assert world.connect(f"execution={world.id}&token={world.tokens[kind]}&after=0") == 401


@pytest.mark.parametrize("query", [
    "", "execution={id}", "token={token}", "execution=&token={token}", "execution={other}&token={token}",
    "execution=../{id}&token={token}", "execution={id}%00&token={token}", "execution=E%23{id}&token={token}",
    "execution={id}%23&token={token}", "EXECUTION={id}&token={token}", "execution[]={id}&token={token}",
])
def test_no_wrong_address_connects(world, query):
    assert world.connect(query.format(id=world.id, other=world.other, token=world.token)) in (401, 404)


@pytest.mark.parametrize("kind", BAD_TOKENS)
@pytest.mark.parametrize("way", ["events", "stream"])
def test_no_wrong_token_opens_a_stream_over_http(world, way, kind):
    answer = world.ask("GET", f"/api/v1/executions/{world.id}/{way}?token={world.tokens[kind]}&after=0", key="")
    assert answer.status in (401, 404, 405) and b"one" not in answer.body


def test_an_expired_token_connects_to_nothing(world):
    """Although the database still has it: it removes what has expired days later."""
    token = world.stream_token(world.id, world.alice)
    world.used.append(token)
    assert world.connect(f"execution={world.id}&token={token}") == 200
    world.expire(token)
    assert world.connect(f"execution={world.id}&token={token}") == 401


def test_a_token_used_again_gets_its_own_log_and_nothing_else(world):
    """Using it again is what reconnecting is; each use is a connection of its own, of which none takes anything from another."""
    token = world.stream_token(world.id, world.alice)
    world.used.append(token)
    one, other = world.new_connection(), world.new_connection()
    for connection in (one, other, one):
        assert world.connect(f"execution={world.id}&token={token}&after=1", id=connection) == 200
        assert world.connection(world.id, connection)["cursor_offset"]["N"] == "1"
    assert world.connect(f"execution={world.other}&token={token}") == 401


@pytest.mark.parametrize("kind", ["other", "alice", "bob", "viewer", "token", "none", "admin"])
def test_only_its_producer_appends(world, kind):
    secret = {"other": world.other_append_token, "alice": world.alice, "bob": world.bob, "viewer": world.viewer,
              "token": world.token, "none": "", "admin": world.cloud.key}[kind]
    answer = world.ask("POST", f"/api/v1/executions/{world.id}/events?after=2", b'{"timestamp":1,"message":"forged"}\n', key=secret,
                       type="application/x-ndjson")
    assert answer.status == 401


@pytest.mark.parametrize("who", ["bob", "viewer"])
def test_no_user_stops_anothers_execution(world, who):
    assert world.ask("DELETE", f"/api/v1/executions/{world.id}", key=getattr(world, who)).status == 403


@pytest.mark.parametrize("who", ["alice", "viewer"])
@pytest.mark.parametrize("method, path, body", [
    ("GET", "/api/v1/keys", None), ("POST", "/api/v1/keys", {"user": "x", "role": "admin"}), ("DELETE", "/api/v1/keys/x", None),
    ("POST", "/", {"create_key": {"user": "x", "role": "admin"}}),
    ("POST", "/api/v1/keys?create_key=1", {"create_key": {"user": "x", "role": "admin"}}),
])
def test_only_an_administrator_makes_a_key_by_http(world, method, path, body, who):
    """What makes the first key is an invocation, which a request can't be made to look like."""
    assert world.ask(method, path, body, key=getattr(world, who), headers={"create_key": "{}"}).status in (403, 404, 405)


@pytest.mark.parametrize("form", ["as it is", "decoded"])
@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out(world, path, form):
    path = path.format(id=world.id)
    answer = world.ask("GET", unquote(path) if form == "decoded" else path, key=world.alice)
    # A path that a gateway has decoded once may be the log's own.
    own = form == "decoded" and unquote(path) == f"/api/v1/executions/{world.id}/logs"
    assert 400 <= answer.status < 500 or own and answer.status == 200, (answer.status, answer.body)
    assert b"root:" not in answer.body
    for name, value in answer.headers.items():
        assert name.lower() not in ("x-injected", "set-cookie") and not set("\r\n\0") & set(name + value)


@pytest.mark.parametrize("name, value", [
    ("host", "evil.example"), ("host", "a\r\nX-Injected: yes"), ("x-forwarded-host", "evil.example"), ("x-request-id", "a\r\nSet-Cookie: a=b"),
    ("accept", "text/html\r\nX-Injected: yes"), ("accept-encoding", "gzip, \0"), ("range", "bytes=0-99999999999999999999"),
    ("range", "bytes=-" + "9" * 1000), ("idempotency-key", "a" * 100_000), ("x-injected", "b" * 200_000), ("if-none-match", "*\r\n"),
])
def test_no_header_becomes_another(world, name, value):
    answer = world.ask("GET", f"/api/v1/executions/{world.id}", key=world.alice, headers={name: value})
    for field, text in answer.headers.items():
        assert field.lower() not in ("x-injected", "set-cookie") and not set("\r\n\0") & set(field + text)
    assert answer.status < 500


@pytest.mark.parametrize("way", ["logs", "block", "websocket"])
@pytest.mark.parametrize("cursor", CURSORS)
def test_no_cursor_but_an_offset_is_taken(world, way, cursor):
    if way in ("logs", "block"):
        assert world.ask("GET", f"/api/v1/executions/{world.id}/{way}?{cursor}", key=world.alice).status == 400
    elif cursor == "after=1&after=0":
        pytest.skip("of several values the gateway gives the last")
    else:
        assert world.connect(f"execution={world.id}&token={world.token}&{cursor}") == 400


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_page_of_another_origin_connects(world, origin):
    host = world.cloud.address.removeprefix("http://")
    status = world.connect(f"execution={world.id}&token={world.token}", headers={"Origin": origin.format(host=host)})
    assert status == 403


def test_the_viewers_own_page_and_who_is_no_browser_connect(world):
    query = f"execution={world.id}&token={world.token}"
    assert [world.connect(query, headers=h) for h in ({}, {"origin": world.cloud.address})] == [200, 200]


@pytest.mark.parametrize("body, type", BODIES + [(b"a" * ((3 << 20) + 1), "application/x-ndjson")])
def test_no_body_forges_an_event(world, body, type):
    answer = world.ask("POST", f"/api/v1/executions/{world.id}/events?after=2", body, key=world.append_token, type=type)
    assert answer.status in (400, 413, 415)
    # The fixture's last look at the log shows that nothing of it was kept.


@pytest.mark.parametrize("method, path, size", [
    ("POST", "/api/v1/run", 2 << 20), ("POST", "/api/v1/executions", 2 << 20), ("POST", "/api/v1/keys", 2 << 20),
])
def test_no_body_is_too_large(world, method, path, size):
    assert world.ask(method, path, b'{"command":["' + b"a" * size + b'"]}').status == 413


@pytest.mark.parametrize("body", [
    {"command": []}, {"command": ["a\0b"]},
    {"command": ["a"], "env": {"A=B": "c"}}, {"command": ["a"], "timeout_seconds": -1}, {"command": ["a"], "timeout_seconds": 2 ** 64},
    {"command": ""}, {"command": "a" * 9000}, {"command": {"a": "b"}}, {"command": ["a"], "streams": "x"},
    {"command": ["a" * 9000]}, {"command": ["a"], "env": {"A": "b" * 9000}}, {"command": ["a"] * 3000},
    {"command": ["\x01" * 1500]}, {"command": ["a"], "working_directory": "/" + "a" * 9000},
])
def test_no_command_gets_beyond_what_a_task_takes(world, body):
    before = world.cloud.ecs.list_tasks(cluster=world.cloud.ids["Cluster"])["taskArns"]
    answer = world.ask("POST", "/api/v1/run", body, key=world.alice)
    assert 400 <= answer.status < 500, (answer.status, answer.body)
    assert world.cloud.ecs.list_tasks(cluster=world.cloud.ids["Cluster"])["taskArns"] == before


@pytest.mark.parametrize("message", MESSAGES)
def test_no_output_breaks_out_of_its_event(world, message):
    id, token = world.register(world.alice)
    world.append(id, token, message, end="SUCCEEDED")
    world.used.append(token)
    answer = world.ask("GET", f"/api/v1/executions/{id}/logs", key=world.alice)
    assert answer.headers["content-type"].startswith("application/json")
    assert [e["message"] for e in world.json("GET", f"/api/v1/executions/{id}/logs", key=world.alice)["events"]] == [message]


def test_a_viewer_is_served_while_others_say_nothing(world, execution):
    """Fifty connections that never resume, as a client makes them that hangs: the functions don't wait for them."""
    token = world.stream_token(execution.id, world.alice)
    world.used.append(token)
    silent = [world.new_connection() for _ in range(50)]
    for connection in silent:
        assert world.connect(f"execution={execution.id}&token={token}", id=connection,
                             headers={"Sec-WebSocket-Protocol": "everyline.v1"}) == 200
    began = time.monotonic()
    viewer = Viewer(execution)
    execution.write("a")
    viewer.wait_for(1)
    print(f"served in {(time.monotonic() - began) * 1000:.0f} ms beside 50 connections that say nothing")
    execution.end()
    viewer.wait_for_end()
    for connection in silent:
        assert world.event("DISCONNECT", connection)["statusCode"] == 200


def test_all_is_as_it_was(world):
    world.check()
