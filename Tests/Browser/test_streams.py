"""What comes on a stream that is not as it should be, and on one that is spoken to in another way."""

import json
import re

import pytest

from viewer import check_rows, message, seed, wait_for_row, wait_for_words


def time_of(n):
    return 1_700_000_000_000 + n


def line(n):
    """The event's line as a server sends it: the same on a stream as in a block, which the page may ask for as well."""
    return json.dumps({"offset": n, "timestamp": time_of(n), "message": message(n)}, separators=(",", ":"))


@pytest.fixture
def lying(server, viewer):
    """A log of 40 lines, and a context in which its stream leaves 21 to 30 out, however often it is asked."""
    log = server.register()
    seed(log, 40, time_of)
    context = viewer.context(key=server.key)

    def stream(socket):
        after = int(re.search(r"after=(\d+)", socket.url)[1])
        socket.send("\n".join(line(n) for n in range(1, 41) if n > after and not 21 <= n <= 30))

    context.route_web_socket(re.compile("/stream"), stream)
    return log, context


def test_what_a_server_leaves_out_is_said_where_it_is(server, viewer, lying):
    log, context = lying

    def block(route):
        after = int(re.search(r"after=(\d+)", route.request.url)[1])
        lines = [line(n) + "\n" for n in range(after + 1, 41) if not 21 <= n <= 30]
        route.fulfill(body="".join(lines), content_type="application/x-ndjson")

    context.route(re.compile(r"/block\?"), block)
    page = viewer.log(server, log.id, context=context)
    wait_for_words(page, "^10 events missing$")
    wait_for_row(page, 40)
    missing = [row for row in check_rows(page) if row["kind"] == "missing"]
    assert [(row["first"], row["last"]) for row in missing] == [(21, 30)]
    assert "10 events missing here" in missing[0]["text"]
    assert page.get_attribute("#delivery", "data-tone") == "bad"


def test_what_a_stream_leaves_out_is_not_missing_if_it_comes_otherwise(server, viewer, lying):
    log, context = lying
    page = viewer.log(server, log.id, context=context)
    page.wait_for_function("() => document.querySelectorAll('.row[data-kind=line]:not([hidden])').length >= 30")
    wait_for_row(page, 40)
    wait_for_row(page, 25)
    wait_for_words(page, "^(Live|Resumed after 20, nothing missing)$")
    assert [row["first"] for row in check_rows(page)] == [*range(check_rows(page)[0]["first"], 41)]


def test_a_stream_that_repeats_shows_each_line_once(server, viewer):
    log = server.register()
    seed(log, 40, time_of)
    context = viewer.context(key=server.key, viewport={"width": 1280, "height": 1000})

    def stream(socket):
        socket.send("\n".join(line(n) for n in range(1, 21)))
        socket.send("\n".join(line(n) for n in range(11, 31)))
        socket.send("\n".join(line(n) for n in range(5, 9)))
        socket.send("\n".join(line(n) for n in range(31, 41)))

    context.route_web_socket(re.compile("/stream"), stream)
    # All of them have room on the screen, so it doesn't matter where the view stands.
    page = viewer.log(server, log.id, context=context)
    page.wait_for_function("() => document.querySelectorAll('.row[data-kind=line]:not([hidden])').length >= 40")
    assert [row["text"] for row in check_rows(page)] == [message(n) for n in range(1, 41)]


def test_a_gateway_is_spoken_to_in_its_way(server, viewer):
    log = server.register()
    seed(log, 40, time_of)
    context = viewer.context(key=server.key)
    said = []

    def stream(socket):
        def hear(text):
            said.append(json.loads(text))
            if said[-1]["action"] != "resume":
                return
            generation = said[-1]["gen"]
            lines = [line(n) for n in range(1, 41)]

            def block(*lines, gen=generation, execution=log.id):
                header = json.dumps({"type": "block", "gen": gen, "start": 1, "execution": execution}, separators=(",", ":"))
                socket.send("\n".join([header, *lines]))

            socket.send(f'{{"type":"resumed","gen":{generation},"head":40}}')
            # What was meant for an earlier opening, and for the viewer that had the connection's id before.
            block(lines[0].replace("line 1", "old"), gen=generation - 1)
            block(lines[0].replace("line 1", "another log"), execution="another")
            block(*lines)

        socket.on_message(hear)

    def location(route):
        answer = route.fetch()
        body = answer.json()
        body["websocket_url"] += "&opening=resume"
        route.fulfill(response=answer, json=body)

    context.route_web_socket(re.compile("/stream"), stream)
    context.route(re.compile("/logs"), location)
    page = viewer.log(server, log.id, context=context)
    wait_for_row(page, 40)
    assert said[0] == {"action": "resume", "gen": 1, "after": 0}
    assert [row["text"] for row in check_rows(page)][-40:] == [message(n) for n in range(1, 41)]
