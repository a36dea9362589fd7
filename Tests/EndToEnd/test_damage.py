"""A disk that has changed what was written: one log suffers, its readers are told so, and everything else goes on."""

import json
import sqlite3

import pytest
from websockets.exceptions import ConnectionClosed

from cli import CommandLine
from everyline import Refused, stream


def damaged(own_server, sql, *, end=None):
    """A server with two logs, of which the first was damaged while it was down."""
    server = own_server.start()
    victim, other = server.register(), server.register()
    victim.append("one", "two")
    victim.append("three", end=end)
    other.append("fine")
    server.stop()
    database = sqlite3.connect(server.data / "everyline.sqlite")
    with database:
        database.execute(sql, (victim.id,))
    database.close()
    return server.start(), victim, other


BLOCK = "UPDATE block SET {} WHERE first = (SELECT max(first) FROM block b WHERE b.execution = block.execution) AND execution = " \
    "(SELECT number FROM execution WHERE id = ?)"


@pytest.mark.parametrize("sql", [
    BLOCK.format("first = 0"), BLOCK.format("last = 9223372036854775807"), BLOCK.format("events = randomblob(500)"),
    BLOCK.format("events = substr(events, 1, length(events) - 1)"),
    "UPDATE execution SET head = -1 WHERE id = ?", "UPDATE execution SET log_bytes = 9223372036854775807 WHERE id = ?",
    "UPDATE execution SET status = 'X' WHERE id = ?",
])
@pytest.mark.parametrize("end", [None, "SUCCEEDED"])
def test_a_damaged_log_is_an_error_of_its_own(own_server, tmp_path, sql, end):
    server, victim, other = damaged(own_server, sql, end=end)
    cli = CommandLine(server, tmp_path)
    headers = {"Accept": "application/x-ndjson"}
    with pytest.raises(Refused) as refused:
        server.request("GET", f"{victim.path}/block?after=2", headers=headers)
    assert (refused.value.status, refused.value.code) == (500, "data_damaged")
    # Who follows it is told what it is, and doesn't come back for ever.
    done = cli.run("logs", "-f", victim.id)
    assert done.returncode == 125 and "data_damaged" in done.stderr.decode()
    # The others are listed, read and appended to.
    assert other.id in [e["execution_id"] for e in server.get("/api/v1/executions")["executions"]]
    other.append("still", end="SUCCEEDED")
    assert cli.out("logs", "-f", other.id) == "fine\nstill\n"
    found = cli.run("doctor", "--data", server.data)
    assert found.returncode == 1
    assert f"fault: {victim.id}: " in found.stdout.decode() and other.id not in found.stdout.decode()


def test_a_stream_of_a_damaged_log_is_closed_with_a_code_that_says_do_not_come_back(own_server):
    server, victim, _ = damaged(own_server, BLOCK.format("events = x'00'"))
    with stream(victim.stream_url() + "&after=0") as viewer:
        with pytest.raises(ConnectionClosed) as closed:
            for _ in range(3):
                viewer.recv(timeout=20)
    assert closed.value.rcvd.code == 4500
    url = server.get(f"{victim.path}/logs")["stream_url"]
    with pytest.raises(Refused) as refused:
        server.request("GET", url + "&after=2")
    assert refused.value.code == "data_damaged"


def test_the_doctor_finds_a_message_that_has_changed(own_server, tmp_path):
    server = own_server.start()
    log = server.register()
    log.append("it is true")
    server.stop()
    database = sqlite3.connect(server.data / "everyline.sqlite")
    with database:
        database.execute("UPDATE block SET events = CAST(replace(CAST(events AS TEXT), 'true', 'sold') AS BLOB)")
    database.close()
    found = CommandLine(server, tmp_path).run("doctor", "--data", server.data)
    assert found.returncode == 1 and "isn't what was written" in found.stdout.decode()
