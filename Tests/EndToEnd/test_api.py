"""The HTTP API: what it does, and how it says no."""

import gzip
import json
import socket
import sqlite3

import pytest

from everyline import Refused, messages, serving, stream, wait_for


def refusal(call, *arguments, **more):
    """What the server says no with; every refusal is a problem document with a code, a status and the request's id."""
    with pytest.raises(Refused) as refused:
        call(*arguments, **more)
    error = refused.value
    assert error.problem is not None, error
    assert error.problem["status"] == error.status
    assert error.problem["request_id"] and error.problem["request_id"] == error.headers["X-Request-ID"]
    return error.status, error.code


# Appending


def test_an_append_answers_with_the_head_and_a_retry_does_no_harm(server):
    log = server.register()
    assert log.append("a", "b") == 2
    assert log.append("a", "b", after=0) == 2
    assert log.append("a", "b", "c", after=0) == 3
    assert log.append(after=3) == 3
    log.append(end="SUCCEEDED")
    assert messages(server.events(log.id)) == ["a", "b", "c"]


def test_an_append_out_of_order_is_refused_with_the_head(server):
    log = server.register()
    log.append("a")
    with pytest.raises(Refused) as refused:
        log.append("x", after=2)
    assert (refused.value.status, refused.value.code) == (409, "append_out_of_order")
    assert refused.value.problem["head"] == 1


def test_other_content_under_an_offset_that_is_taken_is_refused_and_never_a_success(server):
    log = server.register()
    log.append("a", "b")
    with pytest.raises(Refused) as refused:
        log.append("c", "d", after=0)
    assert (refused.value.status, refused.value.code) == (409, "different_content")
    assert refused.value.problem["head"] == 2
    for body in [b"a\nx", b"x", b"a\nx\nc"]:
        assert refusal(log.append_raw, body, after=0, type="text/plain") == (409, "different_content")
    assert log.append_raw(b"a\nb\nc", after=0, type="text/plain") == 3
    log.append(end="SUCCEEDED")
    assert messages(server.events(log.id)) == ["a", "b", "c"]


def test_an_append_says_whether_the_producer_should_stop(server):
    log = server.register()

    def answer():
        headers = {"Content-Type": "text/plain"}
        answer = server.post(f"{log.path}/events?after=0", b"", key=log.token, headers=headers)
        assert answer.pop("incarnation")
        return answer

    assert answer() == {"head": 0, "stop_requested": False}
    server.delete(log.path)
    assert answer() == {"head": 0, "stop_requested": True}


def test_nothing_follows_the_end(server):
    log = server.register()
    log.append("a", end="FAILED")
    assert refusal(log.append, "x") == (409, "execution_ended")
    assert log.append("a", end="FAILED", after=0) == 2
    assert server.execution(log.id)["status"] == "FAILED"


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "null", "text", '{"timestamp":1}', '{"message":"a"}', '{"timestamp":"1","message":"a"}',
     '{"timestamp":-1,"message":"a"}', '{"timestamp":1,"message":1}', '{"timestamp":1,"message":"a","extra":1}',
     '{"timestamp":1,"message":"a","stream":"stdin"}', '{"timestamp":1,"message":"a"} x',
     '{"timestamp":1,"message":"a","message":"b"}', '{"timestamp":1,"message":"\\x"}', '{"timestamp":1,"message":"\n"}',
     '{"timestamp":1,"type":"end","status":"RUNNING"}', '{"timestamp":1,"type":"end"}', '{"timestamp":1e999,"message":""}',
     '{"timestamp":1,"type":"end","status":"FAILED"}\n{"timestamp":1,"message":"a"}', b'{"timestamp":1,"message":"\xff"}',
     b'{"timestamp":1,"message":"\x00"}', '{"offset":1,"timestamp":1,"message":"a"}'])
def test_a_body_that_is_no_events_is_refused_whole(server, body):
    log = server.register()
    body = body if isinstance(body, bytes) else body.encode()
    assert refusal(log.append_raw, b'{"timestamp":1,"message":"good"}\n' + body) == (400, "invalid_event")
    assert server.execution(log.id)["last_offset"] == 0


def test_plain_text_is_stamped_and_what_is_no_utf8_is_replaced(server):
    log = server.register()
    log.append_raw(b"one\n\ntwo\r\n\xff\xfe\x00\nlast without newline", type="text/plain")
    log.append(end="SUCCEEDED")
    assert messages(server.events(log.id)) == ["one", "", "two\r", "\ufffd\ufffd\x00", "last without newline"]


def test_a_long_line_is_cut_into_parts_that_are_marked(server):
    log = server.register()
    text = "é" * 300_000
    log.append(text, "next", end="SUCCEEDED")
    events = server.events(log.id)[:-1]
    parts = [e for e in events if e["message"] != "next"]
    assert "".join(e["message"] for e in parts) == text
    assert [e.get("partial", False) for e in parts] == [True] * (len(parts) - 1) + [False]
    assert all(len(e["message"].encode()) <= 262_144 for e in parts)


@pytest.mark.parametrize("size, status", [(8 << 20, 200), ((8 << 20) + 1, 413)])
def test_a_body_may_have_8_mebibytes(server, size, status):
    log = server.register()
    body = b"x" * (size - 1) + b"\n"
    if status == 200:
        assert log.append_raw(body, type="text/plain") == 32
    else:
        assert refusal(log.append_raw, body, type="text/plain") == (413, "body_too_large")
        assert server.execution(log.id)["last_offset"] == 0


def test_only_the_append_token_appends(server):
    log, other = server.register(), server.register()
    for token in [server.key, other.token, "ela_nonsense", log.token[:-1]]:
        assert refusal(log.append_raw, "", token=token)[0] in (401, 403)
    assert refusal(server.get, f"{log.path}/control", key=other.token)[0] in (401, 403)


def test_a_log_at_its_limit_takes_notices_and_the_end(tmp_path):
    with serving(tmp_path, "--log-limit", "1000B") as server:
        log = server.register()
        log.append("x" * 1000)
        assert refusal(log.append, "y") == (413, "log_full")
        log.append_raw('{"timestamp":1,"type":"notice","code":"log_full","message":"the log is full"}\n')
        log.append(end="SUCCEEDED")
        assert [e.get("type", "line") for e in server.events(log.id)] == ["line", "notice", "end"]


# Reading


def test_a_log_that_goes_on_is_an_address_and_one_that_ended_is_its_events(server):
    log = server.register()
    log.append("a", "b")
    going = server.get(f"{log.path}/logs")
    assert set(going) == {"execution_id", "status", "websocket_url", "stream_url", "incarnation"} and going["status"] == "RUNNING"
    log.append("c", end="FAILED")
    ended = server.get(f"{log.path}/logs")
    assert ended["execution_id"] == log.id and ended["status"] == "FAILED" and ended["exit_code"] == 1
    assert [e["offset"] for e in ended["events"]] == [1, 2, 3] and ended["last_offset"] == 4
    assert "next_after" not in ended
    after = server.get(f"{log.path}/logs?after=2")
    assert [e["offset"] for e in after["events"]] == [3]


def test_a_log_comes_in_pages(server):
    log = server.register()
    log.append(*[str(n) for n in range(10)], end="SUCCEEDED")
    after, found = 0, []
    while after is not None:
        page = server.get(f"{log.path}/logs?after={after}&limit=3")
        assert len(page["events"]) <= 3 and page["last_offset"] == 11
        found += [e["offset"] for e in page["events"]]
        after = page.get("next_after")
    assert found == list(range(1, 11))


def block(server, log, query):
    _, headers, body = server.request("GET", f"{log.path}/block?{query}")
    assert headers["Content-Type"] == "application/x-ndjson"
    events = [json.loads(line) for line in body.splitlines()]
    if events:
        assert headers["X-Last-Offset"] == str(events[-1]["offset"])
    return [event["offset"] for event in events]


def test_a_block_is_what_there_is_whether_more_follows_or_not(server):
    log = server.register()
    assert block(server, log, "after=0") == []
    log.append(*[str(n) for n in range(5)])
    assert block(server, log, "") == [1, 2, 3, 4, 5]
    assert block(server, log, "after=1&limit=2") == [2, 3]
    assert block(server, log, "after=5") == []
    assert refusal(server.get, f"{log.path}/block?after=6") == (400, "invalid_cursor")
    # What comes between two requests is in the second one.
    log.append("between", end="SUCCEEDED")
    assert block(server, log, "after=5") == [6, 7] and block(server, log, "after=6") == [7]
    assert block(server, log, "after=7&limit=1") == []


def test_a_block_never_changes_and_comes_in_ranges(server):
    log = server.register()
    log.append(*[str(n) for n in range(1000)])
    path = f"{log.path}/block?after=10&limit=500"
    _, headers, body = server.request("GET", path)
    log.append("more")
    same = server.request("GET", path)
    assert same[1]["ETag"] == headers["ETag"] and same[2] == body
    part = server.request("GET", path, headers={"Range": "bytes=100-199"})
    assert part[0] == 206 and part[2] == body[100:200]
    with pytest.raises(Refused) as refused:
        server.request("GET", path, headers={"If-None-Match": headers["ETag"]})
    assert refused.value.status == 304
    compressed = server.request("GET", path, headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(compressed[2]) == body


def test_a_time_gives_every_event_that_is_not_older(server):
    log = server.register()
    log.append_raw("".join(json.dumps({"timestamp": t, "message": str(t)}) + "\n" for t in [10, 20, 20, 30]))
    times = [(0, 1), (20, 2), (21, 4), (30, 4)]
    for time, first in times:
        assert block(server, log, f"last_seen_timestamp={time}&limit=1") == [first]
    assert block(server, log, "last_seen_timestamp=31") == []
    log.append(end="SUCCEEDED")
    for time, first in times:
        page = server.get(f"{log.path}/logs?last_seen_timestamp={time}")
        assert page["events"][0]["offset"] == first


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=", "after=5", "after=18446744073709551616", "last_seen_timestamp=-1",
              "last_seen_timestamp=x", "after=0&last_seen_timestamp=0", "limit=0", "limit=x", "nonsense=1"])
@pytest.mark.parametrize("is_ended", [False, True])
@pytest.mark.parametrize("path", ["logs", "block"])
def test_a_query_that_means_nothing_is_refused(server, query, is_ended, path):
    log = server.register()
    log.append("a", end="SUCCEEDED" if is_ended else None)
    status, code = refusal(server.get, f"{log.path}/{path}?{query}")
    assert status == 400 and code in ("invalid_cursor", "invalid_request")


def test_lines_and_text_are_downloaded_in_ranges_compressed_and_cached(server):
    log = server.register()
    texts = [f"line {n} é" for n in range(5000)]
    log.append(*texts, end="SUCCEEDED")
    path = f"{log.path}/logs"
    _, headers, lines = server.request("GET", path, headers={"Accept": "application/x-ndjson"})
    assert [json.loads(line)["offset"] for line in lines.splitlines()] == list(range(1, 5002))
    _, _, text = server.request("GET", path, headers={"Accept": "text/plain"})
    assert text.decode() == "".join(t + "\n" for t in texts)
    accept = {"Accept": "application/x-ndjson"}
    status, same_headers, body = server.request("HEAD", path, headers=accept)
    assert (status, body) == (200, b"") and same_headers["ETag"] == headers["ETag"]
    for spec, part in [("0-9", lines[:10]), ("100-", lines[100:]), ("-7", lines[-7:]), ("5-999999999", lines[5:])]:
        status, part_headers, body = server.request("GET", path, headers={**accept, "Range": "bytes=" + spec})
        assert (status, body) == (206, part)
        assert part_headers["Content-Range"].endswith(f"/{len(lines)}")
    assert refusal(server.request, "GET", path, headers={**accept, "Range": f"bytes={len(lines)}-"})[0] == 416
    with pytest.raises(Refused) as same:
        server.request("GET", path, headers={**accept, "If-None-Match": headers["ETag"]})
    assert same.value.status == 304
    status, _, body = server.request(
        "GET", path, headers={**accept, "Range": "bytes=0-9", "If-Range": '"another"'})
    assert (status, body) == (200, lines)
    _, zipped, body = server.request("GET", path, headers={**accept, "Accept-Encoding": "gzip"})
    assert zipped["Content-Encoding"] == "gzip" and gzip.decompress(body) == lines


# Executions


def test_executions_are_listed_in_pages_by_status(tmp_path):
    with serving(tmp_path) as server:
        logs = [server.register() for _ in range(5)]
        logs[0].append(end="SUCCEEDED")
        logs[3].append("a")
        first = server.get("/api/v1/executions?limit=3")
        assert [e["execution_id"] for e in first["executions"]] == [log.id for log in logs[:1:-1]]
        second = server.get(f"/api/v1/executions?limit=3&cursor={first['next_cursor']}")
        assert [e["execution_id"] for e in second["executions"]] == [logs[1].id, logs[0].id]
        assert "next_cursor" not in second
        found = server.get("/api/v1/executions?status=SUCCEEDED,RUNNING")["executions"]
        assert [e["execution_id"] for e in found] == [logs[3].id, logs[0].id]
        for query in ["limit=0", "limit=1001", "limit=x", "status=GONE", "cursor=unknown", "cursor=%00", "more=1"]:
            assert refusal(server.get, "/api/v1/executions?" + query)[0] == 400


def test_an_idempotency_key_starts_one_execution(server):
    headers = {"Idempotency-Key": "build-7"}
    one = server.post("/api/v1/run", {"command": ["true"]}, headers=headers)
    two = server.post("/api/v1/run", {"command": ["true"]}, headers=headers)
    assert one["execution_id"] == two["execution_id"]
    assert refusal(server.post, "/api/v1/run", {"command": ["false"]}, headers=headers) == (422, "idempotency_key_reused")
    assert refusal(server.post, "/api/v1/run", {"command": ["true"]}, headers={"Idempotency-Key": "x" * 256})[0] == 400
    assert refusal(server.post, "/api/v1/run", {"command": ["true"]}, headers={"Idempotency-Key": "a b"})[0] == 400


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", {}, {"command": []}, {"command": [""]}, {"command": ""}, {"command": ["a\x00"]},
     {"command": ["a"], "more": 1}, {"command": ["a"], "timeout_seconds": 0}, {"command": ["a"], "timeout_seconds": "5"},
     {"command": ["a"], "streams": "both"}, {"command": ["a"], "working_directory": "here"},
     {"command": ["a"], "env": {"a=b": "c"}}, {"command": ["a"], "env": {"": "c"}}, {"command": ["x" * 200_000]}])
def test_a_run_that_can_not_be_is_refused(server, body):
    headers = {"Content-Type": "application/json"}
    assert refusal(server.post, "/api/v1/run", body, headers=headers) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["", "/status", "/logs", "/block", "/events?token=x", "/control"])
@pytest.mark.parametrize("id", ["unknown", "%00", "..%2f..", "x" * 65, "a b".replace(" ", "%20")])
def test_an_execution_that_is_not_there_is_unknown(server, id, path):
    assert refusal(server.get, f"/api/v1/executions/{id}{path}")[0] in (401, 404)


def test_a_stop_is_idempotent_and_ends_a_log_without_a_producer(tmp_path):
    with serving(tmp_path) as server:
        log = server.register()
        assert server.delete(log.path)["status"] == "STOPPED"
        assert server.delete(log.path)["status"] == "STOPPED"
        last = server.events(log.id)[-1]
        assert last["status"] == "STOPPED" and last["reason"] == "producer_lost"


def test_a_stop_ends_a_log_whose_producer_has_gone(tmp_path):
    with serving(tmp_path, "--absent-producer", "1s") as server:
        log = server.register()
        log.append("a")
        assert server.delete(log.path)["status"] == "TERMINATING"
        execution = wait_for(lambda: (now := server.execution(log.id))["status"] == "STOPPED" and now)
        assert execution["reason"] == "producer_lost" and messages(server.events(log.id)) == ["a"]


def test_a_forced_stop_ends_a_log_at_once(server):
    log = server.register()
    log.append("a")
    assert server.delete(log.path)["status"] == "TERMINATING"
    forced = server.delete(log.path + "?force=true")
    assert (forced["status"], forced["reason"]) == ("STOPPED", "stop_requested")
    assert refusal(log.append, "b") == (409, "execution_ended")
    assert [e.get("code") for e in server.events(log.id)] == [None, "stop_forced", None]
    assert refusal(server.delete, log.path + "?force=1")[0] == 400
    assert refusal(server.delete, server.register().path + "?force=true", key=server.create_key("developer"))[0] == 403


def test_a_producer_that_goes_on_after_a_stop_is_ended(tmp_path):
    with serving(tmp_path, "--unheeded-stop", "1s") as server:
        log = server.register()
        log.append("a")
        server.delete(log.path)

        def goes_on():
            try:
                log.append("more")
            except Refused as refused:
                return refused.code

        assert wait_for(goes_on) == "execution_ended"
        assert server.execution(log.id)["reason"] == "stop_requested"


def test_a_producer_that_is_not_heard_of_is_lost_also_across_a_restart(tmp_path):
    with serving(tmp_path, "--lost-producer", "3s") as server:
        silent, live = server.register(), server.register()
        silent.append("a")
        server.restart()

        def lost():
            live.append("still here")
            return (now := server.execution(silent.id))["status"] == "FAILED" and now

        assert wait_for(lost)["reason"] == "producer_lost"
        assert server.execution(live.id)["status"] == "RUNNING"
        assert [e.get("code") for e in server.events(silent.id)] == [None, "producer_lost", None]
        assert refusal(silent.append, "late") == (409, "execution_ended")


def test_a_revoked_key_ends_the_logs_that_it_registered(server):
    made = server.post("/api/v1/keys", {"user": "mallory", "role": "developer"})
    log, other = server.register(key=made["key"]), server.register()
    log.append("a")
    other.append("b")
    server.delete("/api/v1/keys/" + made["id"])
    with pytest.raises(Refused) as refused:
        log.append("c")
    assert refused.value.code == "execution_ended" and "key_revoked" in refused.value.problem["detail"]
    execution = server.execution(log.id)
    assert (execution["status"], execution["reason"]) == ("STOPPED", "key_revoked")
    # Its command runs on: it wasn't asked to stop.
    assert refusal(server.get, log.path + "/control", key=log.token) == (409, "execution_ended")
    assert other.append("d") == 2


# Access


def test_asking_for_streams_writes_nothing(tmp_path):
    with serving(tmp_path) as server:
        log = server.register()
        url = log.stream_url()
        database = sqlite3.connect(f"file:{server.data}/everyline.sqlite?mode=ro", uri=True)
        rows = lambda: [database.execute("SELECT count(*), total_changes() FROM stream_token").fetchone(),
                        database.execute("PRAGMA data_version").fetchone()]
        before = rows()
        assert len({log.stream_url() for _ in range(20)}) >= 1
        assert rows() == before
        database.close()
        # And what was issued before a restart still opens.
        server.restart()
        log.append("a", end="SUCCEEDED")
        with stream(url) as viewer:
            assert "message" in json.loads(viewer.recv().split("\n")[0])


READ = ["/api/v1/executions", "{log}", "{log}/status", "{log}/logs", "{log}/block", "/api/v1/me"]


def test_roles_may_what_they_may(server):
    keys = {role: server.create_key(role) for role in ["viewer", "developer", "operator", "admin"]}
    order = list(keys)
    foreign = server.register()
    for rank, (role, key) in enumerate(keys.items()):
        for path in READ:
            assert server.request("GET", path.replace("{log}", foreign.path), key=key)[0] == 200
        for least, method, path, body in [
            (1, "POST", "/api/v1/run", {"command": ["true"]}), (1, "POST", "/api/v1/executions", {"command": ["x"]}),
            (2, "DELETE", foreign.path, None), (3, "GET", "/api/v1/keys", None),
            (3, "POST", "/api/v1/keys", {"user": "x", "role": "viewer"}), (3, "DELETE", "/api/v1/keys/unknown", None),
        ]:
            if rank < least:
                assert refusal(server.request, method, path, body, key=key) == (403, "forbidden"), (role, method, path)
            elif path != "/api/v1/keys/unknown":
                assert server.request(method, path, body, key=key)[0] < 300
    own = server.register(key=keys["developer"])
    assert refusal(server.delete, own.path, key=keys["viewer"])[0] == 403
    assert server.delete(own.path, key=keys["developer"])["status"] == "STOPPED"
    assert order == ["viewer", "developer", "operator", "admin"]


@pytest.mark.parametrize("key", ["", "elk_nonsense", "x" * 5000, "\u00e9"])
def test_a_wrong_key_opens_nothing(server, key):
    for path in ["/api/v1/executions", "/api/v1/keys", "/api/v1/executions/unknown/logs"]:
        with pytest.raises((Refused, UnicodeEncodeError)) as refused:
            server.get(path, key=key)
        if isinstance(refused.value, Refused):
            assert refused.value.status == 401 and refused.value.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_is_shown_once_and_revoked_for_good(server):
    made = server.post("/api/v1/keys", {"user": "ann", "role": "viewer"})
    assert server.get("/api/v1/me", key=made["key"])["user"] == "ann"
    assert server.get("/api/v1/me", headers={"X-API-Key": made["key"], "Authorization": ""}, key="")["user"] == "ann"
    listed = [k for k in server.get("/api/v1/keys")["keys"] if k["id"] == made["id"]]
    assert listed and "key" not in listed[0]
    server.delete("/api/v1/keys/" + made["id"])
    assert refusal(server.get, "/api/v1/me", key=made["key"]) == (401, "unauthorized")
    assert refusal(server.delete, "/api/v1/keys/unknown") == (404, "unknown_key")
    for body in [{"user": "", "role": "viewer"}, {"user": "a b", "role": "viewer"}, {"user": "a", "role": "root"}, {}]:
        assert refusal(server.post, "/api/v1/keys", body)[0] == 400


def test_the_last_administrators_key_is_not_revoked(tmp_path):
    with serving(tmp_path) as server:
        own, = [key["id"] for key in server.get("/api/v1/keys")["keys"]]
        server.post("/api/v1/keys", {"user": "ann", "role": "operator"})
        assert refusal(server.delete, f"/api/v1/keys/{own}") == (409, "last_administrator")
        other = server.post("/api/v1/keys", {"user": "bob", "role": "admin"})
        server.delete(f"/api/v1/keys/{own}")
        assert refusal(server.delete, f"/api/v1/keys/{other['id']}", key=other["key"]) == (409, "last_administrator")


def test_no_secret_is_in_the_servers_log_or_data(tmp_path):
    with serving(tmp_path, "--log-level", "trace") as server:
        key = server.create_key("developer")
        log = server.register(key=key)
        log.append("a")
        url = log.stream_url(key)
        token = url.split("token=")[1]
        server.get(f"{log.path}/logs", key=key)
        stored = b"".join(p.read_bytes() for p in server.data.iterdir() if p.name.startswith("everyline.sqlite"))
        for secret in [key, server.key, log.token, token]:
            assert secret not in server.log()
            assert secret.encode() not in stored


# The server itself


def test_it_says_how_it_is(server):
    assert server.request("GET", "/healthz", key="")[0] == 200
    assert server.request("GET", "/readyz", key="")[0] == 200
    text = server.request("GET", "/metrics", key="")[2].decode()
    assert "# TYPE everyline_events_appended_total counter" in text
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/nothing", 404), ("GET", "/api/v1/nothing", 404), ("PUT", "/api/v1/executions", 405),
    ("POST", "/healthz", 405)])
def test_what_is_not_there_is_a_problem_too(server, method, path, status):
    assert refusal(server.request, method, path)[0] == status


def talk(server, data, until=b""):
    host, port = server.address.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
            if until and until in received:
                break
        return received


def test_a_body_that_is_not_chunked_as_it_says_is_a_problem(server):
    answer = talk(server, f"POST /api/v1/run HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.key}\r\nTransfer-Encoding: "
                          "chunked\r\n\r\n2\r\n{}\r\nZZ\r\n".encode(), until=b'"invalid_request"')
    assert answer.startswith(b"HTTP/1.1 400") and b"chunk size" in answer


@pytest.mark.parametrize("data, status, code", [
    (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431, "head_too_large"),
    (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "head_too_large"),
    (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "invalid_request"),
    (b"\x00" * 100 + b"\r\n\r\n", 400, "invalid_request"),
    (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nrubbish\r\n\r\n", 400, "invalid_request")])
def test_what_is_not_http_is_answered_with_a_problem(server, data, status, code):
    head, _, body = talk(server, data).rpartition(b"\r\n\r\n")
    answer = head.rpartition(b"HTTP/1.1 ")[2].decode().lower()
    assert answer.startswith(str(status)) and "content-type: application/problem+json" in answer
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code) and f"x-request-id: {problem['request_id']}" in answer


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/me", "/api/v1/executions/x/events", "/healthz"])
def test_whatever_is_wrong_an_answer_to_head_has_no_body(server, path):
    get = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    head, rest = talk(server, f"HEAD {path} HTTP/1.1\r\nHost: a\r\n\r\n{get}".encode()).split(b"\r\n\r\n", 1)
    assert b"Content-Length" in head and rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_rubbish_on_the_line_ends_that_connection_only(server):
    for data in [b"\x00" * 100 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00" + b"x" * 600,
                 b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                 b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"]:
        try:
            answer = talk(server, data)
        except (ConnectionResetError, BrokenPipeError):
            answer = b""
        assert not answer or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.0 4")
    assert server.request("GET", "/healthz")[0] == 200


def test_a_request_that_does_not_come_is_not_waited_for(tmp_path):
    with serving(tmp_path, "--request-timeout", "200ms", "--idle-timeout", "200ms") as server:
        assert talk(server, b"") == b""
        assert talk(server, b"GET /healthz HTT").startswith(b"HTTP/1.1 408")
        # Between requests, too.
        assert b"200 OK" in talk(server, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
