"""A server whose database was put back from a backup: what its producers and viewers have is more than it knows."""

import json
import os

import pytest
from websockets.exceptions import ConnectionClosed

from cli import CommandLine
from everyline import Refused, messages, stream, wait_for
from restoring import back_up, put_back

COUNTING = "\n".join(
    ["n=0", "count() { while [ $n -lt $1 ]; do n=$((n + 1)); echo line $n; done; }", "count 1000", "cat {0}", "count 2000",
     "cat {1}", "count 3000", "exit 3"])


@pytest.fixture
def gates(tmp_path):
    """Pipes at which commands wait until the test lets them go on: two for each of two commands."""
    paths = [tmp_path / f"gate-{n}" for n in range(4)]
    for path in paths:
        os.mkfifo(path)
    return paths


def open_gate(gate):
    with open(gate, "wb"):
        pass


def wait_for_head(server, id, offset):
    wait_for(lambda: server.execution(id)["last_offset"] >= offset, 120)


def lines(first, last):
    return [f"line {n}" for n in range(first, last + 1)]


def whole(server, id):
    """The log of a command that was restored at 1,000 is right, line by line."""
    wait_for(lambda: server.execution(id).get("ended_at"), 120)
    events = server.events(id)
    assert messages(events) == lines(1, 3000)
    assert [(e["offset"], e["code"]) for e in events if e.get("type") == "notice"] == [(1001, "restored")]
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("FAILED", 3)
    assert len(events) == 3002


def test_no_command_dies_of_a_restore_and_every_viewer_goes_back(own_server, tmp_path, gates):
    server = own_server.start()
    cli = CommandLine(server, tmp_path)
    run = server.run("sh", "-c", COUNTING.replace("{0}", str(gates[0])).replace("{1}", str(gates[1])))
    local = cli.start("exec", "--", "sh", "-c", COUNTING.replace("{0}", str(gates[2])).replace("{1}", str(gates[3])))
    viewer = cli.start("logs", "-f", run)
    try:
        own = wait_for(lambda: next((e["execution_id"] for e in server.get("/api/v1/executions")["executions"] if e["execution_id"] != run), None))
        for id in (run, own):
            wait_for_head(server, id, 1000)
        back_up(server, tmp_path / "backup")
        for gate in (gates[0], gates[2]):
            open_gate(gate)
        for id in (run, own):
            wait_for_head(server, id, 2000)
        wait_for(lambda: viewer.out.splitlines() == lines(1, 2000))
        # This one isn't in the backup.
        late_gate = tmp_path / "late"
        os.mkfifo(late_gate)
        late = server.run("sh", "-c", f"echo begun; cat {late_gate}; echo done; touch {tmp_path}/finished")
        wait_for_head(server, late, 1)
        location = server.get(f"/api/v1/executions/{run}/logs?after=0")
        old = location["incarnation"]

        put_back(server, tmp_path / "backup")
        new = server.get(f"/api/v1/executions/{run}/logs")["incarnation"]
        assert new != old

        # By its old address a viewer learns what is void, in both forms.
        with stream(location["websocket_url"] + "&after=2000") as raw:
            notice = json.loads(raw.recv())
            with pytest.raises(ConnectionClosed) as closed:
                raw.recv()
        assert notice["type"] == "notice" and notice["code"] == "other_incarnation"
        assert (notice["incarnation"], notice["base"]) == (new, 1000)
        assert closed.value.rcvd.code == 4409
        with stream(location["websocket_url"] + "&after=2000", subprotocol=None) as raw:
            word = json.loads(raw.recv())
        assert word == {"type": "disconnect", "reason": "other_incarnation", "incarnation": new, "base": 1000}
        with pytest.raises(Refused) as refused:
            server.get(location["stream_url"] + "&after=2000")
        assert (refused.value.status, refused.value.code) == (409, "other_incarnation")
        with pytest.raises(Refused) as refused:
            server.get(f"/api/v1/executions/{run}/logs?after=2000&incarnation={old}")
        assert refused.value.problem["incarnation"] == new and refused.value.problem["base"] == 1000
        again = server.get(f"/api/v1/executions/{run}/logs?after=1000&incarnation={new}")
        assert again["incarnation"] == new

        # The command is silent now; its lines come again all the same.
        for id in (run, own):
            wait_for_head(server, id, 2001)
        for gate in (gates[1], gates[3], late_gate):
            open_gate(gate)
        with stream(again["websocket_url"]) as raw:
            events = [json.loads(line) for message in raw for line in message.split("\n") if '"offset"' in line]
        assert [e["offset"] for e in events] == list(range(1001, 3003))

        assert local.wait(120) == 3, local.err
        assert viewer.wait(120) == 125, viewer.err
        for id in (run, own):
            whole(server, id)
        assert viewer.out.splitlines() == lines(1, 2000) + lines(1001, 3000)
        assert "restored from a backup: events 1001 to 2000, shown above, are void" in viewer.err

        # The one that isn't known ends by itself; what it wrote is kept, and the server says where.
        wait_for((tmp_path / "finished").exists)
        place = server.data / "runners" / late
        wait_for((place / "given-up").exists, 60)
        assert b'"message":"done"' in b"".join(p.read_bytes() for p in sorted((place / "spool").glob("0*")))
        wait_for(lambda: f"{late}" in server.log() and "isn't known here" in server.log(), 60)
    finally:
        viewer.end()
        local.end()


def test_a_client_that_names_no_incarnation_is_served_as_before(own_server, tmp_path):
    server = own_server.start()
    log = server.register()
    assert log.append("one", "two") == 2
    back_up(server, tmp_path / "backup")
    put_back(server, tmp_path / "backup")
    assert log.append("three", end="SUCCEEDED") == 4
    assert messages(server.events(log.id)) == ["one", "two", "three"]


def test_what_is_refused_by_its_incarnation_changes_nothing(own_server, tmp_path):
    server = own_server.start()
    log = server.register()
    log.append("one")
    known = server.get(f"{log.path}/logs")["incarnation"]
    back_up(server, tmp_path / "backup")
    put_back(server, tmp_path / "backup")
    new = server.get(f"{log.path}/logs")["incarnation"]
    assert new != known
    body = json.dumps({"timestamp": 1, "message": "two"}).encode()
    for incarnation, base in ((known, 1), ("stranger", 0)):
        for ask in (
            lambda: server.post(f"{log.path}/events?after=1&incarnation={incarnation}", body, key=log.token, headers={"Content-Type": "application/x-ndjson"}),
            lambda: server.request("PUT", f"{log.path}/pending?incarnation={incarnation}", {"after": 1, "message": "x"}, key=log.token),
            lambda: server.get(f"{log.path}?incarnation={incarnation}"),
            lambda: server.get(f"{log.path}/logs?after=1&incarnation={incarnation}"),
            lambda: server.request("GET", f"{log.path}/block?after=1&incarnation={incarnation}"),
        ):
            with pytest.raises(Refused) as refused:
                ask()
            assert (refused.value.status, refused.value.code) == (409, "other_incarnation")
            assert (refused.value.problem["base"], refused.value.problem["incarnation"]) == (base, new)
    assert server.execution(log.id)["last_offset"] == 1
    with pytest.raises(Refused) as refused:
        server.get(f"{log.path}/logs?incarnation=a/b")
    assert refused.value.code == "invalid_request"
    answer = server.post(f"{log.path}/events?after=1&incarnation={new}", body, key=log.token, headers={"Content-Type": "application/x-ndjson"})
    assert (answer["head"], answer["incarnation"]) == (2, new)
