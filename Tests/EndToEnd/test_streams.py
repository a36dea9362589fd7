"""Following a log: by WebSocket in both forms, and by server-sent events."""

import contextlib
import json
import threading
import urllib.error
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from everyline import SUBPROTOCOL, Refused, messages, serving, stream, wait_for


def read_all(viewer):
    """All messages until the server closes, and the code it closes with."""
    received = []
    try:
        while True:
            received.append(viewer.recv(timeout=30))
    except ConnectionClosed as closed:
        return received, closed.rcvd.code


def lines(received):
    return [json.loads(line) for message in received for line in message.split("\n")]


def events(received):
    return [line for line in lines(received) if "offset" in line]


def test_backlog_live_and_end_are_one_stream(server):
    log = server.register()
    log.append("one", "two")
    with stream(log.stream_url()) as viewer:
        assert viewer.subprotocol == SUBPROTOCOL
        first = viewer.recv(timeout=30)
        assert [e["message"] for e in events([first])] == ["one", "two"]
        log.append("three")
        log.append("four", end="SUCCEEDED")
        received, code = read_all(viewer)
    assert code == 1000
    found = events(received)
    assert [e["offset"] for e in found] == [3, 4, 5]
    assert found[-1]["type"] == "end" and found[-1]["status"] == "SUCCEEDED" and found[-1]["exit_code"] == 0


def test_a_stream_resumes_after_any_offset(server):
    log = server.register()
    log.append(*[f"line {n}" for n in range(20)])
    url = log.stream_url()
    log.append(end="FAILED")
    for after in range(22):
        with stream(f"{url}&after={after}") as viewer:
            received, code = read_all(viewer)
        assert code == 1000
        assert [e["offset"] for e in events(received)] == list(range(after + 1, 22))


def test_a_stream_resumes_at_a_time_with_the_whole_millisecond(server):
    log = server.register()
    times = [10, 20, 20, 20, 30]
    log.append_raw("".join(json.dumps({"timestamp": t, "message": str(t)}) + "\n" for t in times))
    url = log.stream_url()
    log.append(end="SUCCEEDED")
    for time, first in [(0, 1), (10, 1), (11, 2), (20, 2), (21, 5), (30, 5), (31, 6)]:
        with stream(f"{url}&last_seen_timestamp={time}") as viewer:
            assert events(read_all(viewer)[0])[0]["offset"] == first


def test_without_a_subprotocol_each_message_is_a_line_and_the_end_a_disconnect(server):
    log = server.register()
    log.append("one", "two")
    with stream(log.stream_url(), subprotocol=None) as viewer:
        log.append("three", end="SUCCEEDED")
        received, code = read_all(viewer)
    assert code == 1000
    assert [json.loads(m).get("message") for m in received[:-1]] == ["one", "two", "three"]
    assert json.loads(received[-1]) == {"type": "disconnect", "reason": "execution_completed"}


@pytest.mark.parametrize("compression", ["deflate", None])
def test_any_text_comes_back_as_it_was(server, compression):
    texts = ["", " ", "\x1b[31mred\x1b[0m", "10%\r100%", "ü 漢字 🙂", "\x00\x01\x7f", 'a"b\\c', "x" * 262_144]
    log = server.register()
    with stream(log.stream_url(), compression=compression) as viewer:
        log.append(*texts, end="SUCCEEDED")
        received, _ = read_all(viewer)
    assert messages(events(received)) == texts


def test_many_viewers_get_every_line_once_while_it_is_written(server):
    log = server.register()
    url = log.stream_url()
    results = {}

    def follow(number):
        # Each joins at another moment, with what it is told to be the place.
        with stream(f"{url}&after={min(number, log.head)}") as viewer:
            results[number] = (viewer, events(read_all(viewer)[0]))

    threads = []
    for number in range(20):
        log.append(*[f"{number}:{n}" for n in range(50)])
        threads.append(threading.Thread(target=follow, args=(number,)))
        threads[-1].start()
    log.append(end="SUCCEEDED")
    for thread in threads:
        thread.join()
    assert len(results) == 20
    for number, (_, found) in results.items():
        assert [e["offset"] for e in found] == list(range(number + 1, 1002))


def test_server_sent_events_carry_offsets_and_resume_by_last_event_id(server):
    log = server.register()
    log.append(*[f"line {n}" for n in range(10)])
    url = server.get(f"{log.path}/logs")["stream_url"]
    log.append(end="SUCCEEDED")

    def read(headers):
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            return answer.read().decode()

    for last in [None, 0, 4, 10]:
        text = read({} if last is None else {"Last-Event-ID": str(last)})
        ids = [int(line[4:]) for line in text.split("\n") if line.startswith("id: ")]
        data = [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]
        assert ids == list(range((last or 0) + 1, 12))
        assert [d["offset"] for d in data if "offset" in d] == ids


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", "after=1.5", "after=", "after=99999999999999999999", "after=3", "after=1&after=1",
              "last_seen_timestamp=-5", "last_seen_timestamp=soon", "after=1&last_seen_timestamp=1"])
def test_a_cursor_that_is_none_is_refused(server, query):
    log = server.register()
    log.append("one")
    with pytest.raises(InvalidStatus) as refused, stream(log.stream_url() + "&" + query):
        pass
    assert refused.value.response.status_code == 400
    assert json.loads(refused.value.response.body)["code"] in ("invalid_cursor", "invalid_request")


def test_a_token_opens_its_own_execution_only(server):
    one, two = server.register(), server.register()
    url = one.stream_url().replace(one.id, two.id)
    for url, status in [(url, 401), (one.stream_url()[:-3], 401), (one.stream_url().split("?")[0], 401),
                        (one.stream_url().replace(one.id, "unknown"), 401)]:
        with pytest.raises(InvalidStatus) as refused, stream(url):
            pass
        assert refused.value.response.status_code == status


def test_a_token_falls_with_its_key_and_with_time(tmp_path):
    with serving(tmp_path, "--token-lifetime", "1ms") as server:
        url = server.register().stream_url()
        with pytest.raises(InvalidStatus) as refused, stream(url):
            pass
        assert refused.value.response.status_code == 401


def test_a_revoked_key_takes_its_streams_urls_with_it(server):
    made = server.post("/api/v1/keys", {"user": "ann", "role": "viewer"})
    log = server.register()
    url = log.stream_url(made["key"])
    with stream(url):
        pass
    server.delete("/api/v1/keys/" + made["id"])
    with pytest.raises(InvalidStatus) as refused, stream(url):
        pass
    assert refused.value.response.status_code == 401


def test_a_page_of_another_origin_opens_no_stream(tmp_path):
    with serving(tmp_path, "--allow-origin", "https://ok.example") as server:
        url = server.register().stream_url()
        for origin in ["https://ok.example", server.url]:
            with stream(url, origin=origin):
                pass
        with pytest.raises(InvalidStatus) as refused, stream(url, origin="https://evil.example"):
            pass
        assert refused.value.response.status_code == 403


def test_viewers_are_told_that_the_server_goes_and_resume_after_it_is_back(own_server):
    server = own_server.start()
    log = server.register()
    log.append("one")
    url = log.stream_url()
    with stream(url) as viewer:
        viewer.recv(timeout=30)
        assert server.stop() == 0
        assert read_all(viewer)[1] == 1001
    server.start()
    log.append("two", end="SUCCEEDED")
    with stream(url + "&after=1") as viewer:
        assert [e["offset"] for e in events(read_all(viewer)[0])] == [2, 3]


def test_a_stream_that_nothing_follows_yet_says_so_at_once(server):
    log = server.register()
    log.append("one")
    beat = {"type": "heartbeat", "head": 1, "incarnation": server.get(f"{log.path}/logs")["incarnation"]}
    with stream(log.stream_url() + "&after=1") as viewer:
        assert json.loads(viewer.recv(timeout=5)) == beat
        log.append("two")
        assert json.loads(viewer.recv(timeout=30))["message"] == "two"
    with stream(log.stream_url() + "&after=1") as viewer:
        assert json.loads(viewer.recv(timeout=30))["message"] == "two"


def test_silence_is_broken_by_heartbeats_with_the_head(tmp_path):
    with serving(tmp_path, "--heartbeat", "50ms") as server:
        log = server.register()
        log.append("one")
        with stream(log.stream_url() + "&after=1") as viewer:
            incarnation = server.get(f"{log.path}/logs")["incarnation"]
            heartbeat = {"type": "heartbeat", "head": 1, "incarnation": incarnation}
            assert json.loads(viewer.recv(timeout=30)) == heartbeat


def test_a_viewer_that_does_not_read_is_closed_can_resume_and_delays_no_other(tmp_path):
    with serving(tmp_path, "--stall-timeout", "300ms") as server:
        log = server.register()
        url = log.stream_url()
        with stream(url, max_queue=1, compression=None) as stalled:
            count = 0
            with stream(url, compression=None) as other:
                for _ in range(60):
                    log.append("x" * 200_000)
                    while count < log.head:
                        count += len(events([other.recv(timeout=30)]))
            wait_for(lambda: "everyline_streams_stalled_total 1" in server.request("GET", "/metrics")[2].decode())
            received = []
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    received.append(stalled.recv(timeout=30))
        assert closed.value.rcvd is None or closed.value.rcvd.code == 1013
        seen = [e["offset"] for e in events(received)]
        assert seen == list(range(1, len(seen) + 1)) and len(seen) < 60
        log.append(end="SUCCEEDED")
        with stream(f"{url}&after={len(seen)}") as viewer:
            assert [e["offset"] for e in events(read_all(viewer)[0])] == list(range(len(seen) + 1, 62))


@pytest.mark.parametrize("option, status", [("--max-viewers-per-key", 429), ("--max-viewers", 503)])
@pytest.mark.parametrize("kinds", ["ws ws", "sse sse", "ws sse"])
def test_viewers_are_counted_together_however_they_connect(tmp_path, option, status, kinds):
    with serving(tmp_path, option, "2") as server, contextlib.ExitStack() as held:
        log = server.register()
        log.append("one")
        urls = server.get(f"{log.path}/logs")

        def open_one(kind):
            if kind == "ws":
                return stream(urls["websocket_url"])
            return urllib.request.urlopen(urls["stream_url"], timeout=30)

        for kind in kinds.split():
            held.enter_context(open_one(kind))
        for kind in ["ws", "sse"]:
            with pytest.raises((InvalidStatus, urllib.error.HTTPError)) as refused, open_one(kind):
                pass
            error = refused.value
            assert (error.code if kind == "sse" else error.response.status_code) == status
        held.close()

        def opens_again():
            log.append("more")
            with contextlib.suppress(InvalidStatus, urllib.error.HTTPError), open_one("ws"):
                return True

        wait_for(opens_again)


def test_what_upgrades_to_nothing_gets_an_answer(server):
    log = server.register()
    with pytest.raises(InvalidStatus) as refused, stream(server.url.replace("http", "ws") + "/api/v1/executions"):
        pass
    assert refused.value.response.status_code in (401, 404)
    with pytest.raises(Refused) as plain:
        server.request("GET", log.stream_url().replace("ws://", "http://"))
    assert plain.value.status == 426


def test_a_key_that_is_revoked_ends_the_streams_that_were_opened_with_it(server):
    made = server.post("/api/v1/keys", {"user": "ada", "role": "viewer"})
    log = server.register()
    log.append("before")
    location = server.get(f"{log.path}/logs", key=made["key"])
    with stream(location["websocket_url"]) as viewer, urllib.request.urlopen(location["stream_url"], timeout=20) as page:
        assert "before" in viewer.recv(timeout=20)
        seen = b""
        while b"before" not in seen:
            seen += page.readline()
        server.delete(f"/api/v1/keys/{made['id']}")
        log.append("after")
        received, code = read_all(viewer)
        assert (messages(events(received)), code) == ([], 1008)
        assert b"after" not in page.read()
