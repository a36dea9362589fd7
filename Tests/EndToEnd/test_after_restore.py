"""What becomes known only after a restore: commands that have ended meanwhile, and output that the backup knows nothing of."""

import json
import os
import sqlite3

import pytest

from cli import CommandLine
from everyline import messages, wait_for
from restoring import back_up, put_back
from test_cli import announced
from test_runner import head_is, open_gate

DATABASE = "everyline.sqlite"


@pytest.fixture
def tool(own_server, tmp_path):
    return CommandLine(own_server.start(), tmp_path)


def ended(server, id):
    return wait_for(lambda: server.execution(id).get("ended_at"), 60)


def test_a_command_that_has_ended_before_the_backup_is_put_back_ends_with_a_word_about_it(own_server, tool, tmp_path, gate):
    second = tmp_path / "second-gate"
    os.mkfifo(second)
    run = own_server.run("sh", "-c", f"echo one; cat {gate}; echo two")
    local = tool.start("exec", "--", "sh", "-c", f"echo one; cat {second}; echo two")
    try:
        own = announced(local)
        for id in (run, own):
            wait_for(head_is(own_server, id, 1))
        kept = back_up(own_server, tool.directory / "kept")
        for path in (gate, second):
            open_gate(path)
        for id in (run, own):
            ended(own_server, id)
        assert local.wait() == 0
    finally:
        local.end()
    own_server.options += ["--absent-producer", "1s"]
    put_back(own_server, kept)
    for id, reason in ((run, "runner_lost"), (own, "producer_lost")):
        ended(own_server, id)
        events = own_server.events(id)
        assert [e.get("code") for e in events] == [None, "restored", None]
        assert "what came after event 1 is missing here" in events[1]["message"]
        assert (events[2]["status"], events[2]["reason"]) == ("FAILED", reason)


def test_what_exec_holds_of_an_execution_that_the_backup_does_not_know_is_named_and_delivered_as_a_new_log(own_server, tool, gate):
    kept = back_up(own_server, tool.directory / "kept")
    local = tool.start("exec", "--", "sh", "-c", f"echo one; cat {gate}; echo two; exit 3")
    try:
        id = announced(local)
        wait_for(head_is(own_server, id, 1))
        put_back(own_server, kept)
        open_gate(gate)
        assert local.wait(120) == 3
        assert f"`everyline recover --as-new {id}`" in local.err
    finally:
        local.end()
    for _ in range(2):
        named = tool.run("recover")
        assert (named.returncode, named.stdout) == (0, b"")
        assert f"output of {id} is in " in named.stderr.decode() and f"--as-new {id}" in named.stderr.decode()
    new = tool.out("recover", "--as-new", id).strip()
    events = own_server.events(new)
    assert [e.get("code") for e in events] == ["recovered", None, None, None] and id in events[0]["message"]
    assert messages(events) == ["one", "two"] and events[-1]["exit_code"] == 3
    assert own_server.execution(new)["command"][:2] == ["sh", "-c"]
    assert tool.run("recover").stderr == b""
    gone = tool.run("recover", "--as-new", id)
    assert gone.returncode == 125 and b"nothing is kept of" in gone.stderr


def test_the_doctor_names_what_a_runner_holds_of_an_execution_that_the_backup_does_not_know(own_server, tool, tmp_path):
    kept = back_up(own_server, tool.directory / "kept")
    # One for each: opening a pipe for writing lets all go on that wait to read it.
    gates = [tmp_path / f"gate{number}" for number in range(2)]
    for gate in gates:
        os.mkfifo(gate)
    ids = [own_server.run("sh", "-c", f"echo one; cat {gate}; echo two") for gate in gates]
    for id in ids:
        wait_for(head_is(own_server, id, 1))
    put_back(own_server, kept)
    runners = own_server.data / "runners"
    for gate in gates:
        open_gate(gate)
    wait_for(lambda: all((runners / id / "given-up").exists() for id in ids), 60)
    # Their runners have ended, too, once nothing holds their directories.
    told = wait_for(lambda: (out := tool.run("doctor", "--data", own_server.data).stdout.decode()).count("kept: ") == 2 and out, 60)
    assert all(f"kept: output of {id} is in {runners / id}: " in told for id in ids)
    new = tool.out("recover", "--runners", runners, "--as-new", ids[0]).strip()
    events = own_server.events(new)
    assert messages(events) == ["one", "two"] and events[-1]["status"] == "SUCCEEDED"
    tool.out("recover", "--runners", runners, "--delete", ids[1])
    assert not any((runners / id).exists() for id in ids)
    assert "kept: " not in tool.out("doctor", "--data", own_server.data)


def test_what_a_runner_writes_after_its_log_was_ended_without_it_is_kept_and_delivered_as_a_new_log(own_server, tool, gate):
    id = own_server.run("sh", "-c", f"echo one; cat {gate}; echo two")
    wait_for(head_is(own_server, id, 1))
    runners = own_server.data / "runners"
    token = json.loads((runners / id / "job.json").read_text())["append_token"]
    ending = {"timestamp": 1, "type": "end", "status": "FAILED", "reason": "producer_lost"}
    own_server.post(f"/api/v1/executions/{id}/events?after=1", ending, key=token, headers={"Content-Type": "application/x-ndjson"})
    open_gate(gate)
    wait_for(lambda: (runners / id / "given-up").exists(), 60)
    assert messages(own_server.events(id)) == ["one"]
    new = wait_for(lambda: (done := tool.run("recover", "--runners", runners, "--as-new", id)).returncode == 0 and done.stdout.decode().strip(), 60)
    assert messages(own_server.events(new)) == ["one", "two"]
    assert not (runners / id).exists()


def test_what_is_written_after_a_stop_that_ended_the_log_is_deleted(own_server, tool, gate):
    id = own_server.run("sh", "-c", f"trap '' TERM; echo one; cat {gate}; echo two")
    wait_for(head_is(own_server, id, 1))
    tool.out("stop", "--force", id)
    ended(own_server, id)
    open_gate(gate)
    wait_for(lambda: not (own_server.data / "runners" / id).exists(), 60)
    assert messages(own_server.events(id)) == ["one"]


def test_a_log_that_was_printed_and_taken_back_is_not_called_whole(own_server, tool, gate):
    run = own_server.run("sh", "-c", f"echo one; cat {gate}; echo two")
    wait_for(head_is(own_server, run, 1))
    kept = back_up(own_server, tool.directory / "kept")
    log = own_server.register()
    viewer = tool.start("logs", "-f", run)
    try:
        open_gate(gate)
        wait_for(lambda: viewer.out == "one\ntwo\n")
        assert viewer.wait() == 0
    finally:
        viewer.end()
    # One that is still open when the server goes back in time.
    log.append("a")
    second = back_up(own_server, tool.directory / "second")
    log.append("b", "c")
    viewer = tool.start("logs", "-f", log.id)
    try:
        wait_for(lambda: viewer.out == "a\nb\nc\n")
        put_back(own_server, second)
        wait_for(lambda: "events 2 to 3, shown above, are void" in viewer.err, 60)
        log.head = 1
        log.append("B", end="SUCCEEDED")
        assert viewer.wait(60) == 125
        assert viewer.out == "a\nb\nc\nB\n" and "what was printed is not the log" in viewer.err
        # The stream opens before the server says that it was restored; behind that nothing is called whole.
        assert "nothing is missing" not in viewer.err.partition("are void")[2]
    finally:
        viewer.end()
    assert tool.out("logs", log.id) == "a\nB\n"
    assert kept.exists()


def test_a_database_that_came_back_with_its_disk_is_another_incarnation_once_that_was_said(own_server, tool, gate):
    server = own_server
    run = server.run("sh", "-c", f"echo one; cat {gate}; echo two; cat {gate}; echo three")
    wait_for(head_is(server, run, 1))
    server.stop()
    snapshot = (server.data / DATABASE).read_bytes()
    server.start()
    open_gate(gate)
    wait_for(head_is(server, run, 2))
    refused = tool.run("restore", "--in-place", "--data", server.data)
    assert refused.returncode == 125 and b"another server works with the data" in refused.stderr
    assert tool.run("restore", "--data", server.data).returncode == 64
    server.stop()
    # As a snapshot of the disk does it: the file keeps its number.
    number = (server.data / DATABASE).stat().st_ino
    (server.data / DATABASE).write_bytes(snapshot)
    assert (server.data / DATABASE).stat().st_ino == number
    assert "restored in its place" in tool.out("restore", "--in-place", "--data", server.data)
    with sqlite3.connect(server.data / DATABASE) as db:
        assert db.execute("SELECT count(*) FROM incarnation").fetchone() == (2,)
    assert "restored or copied once" in tool.out("doctor", "--data", server.data)
    server.start()
    open_gate(gate)
    ended(server, run)
    events = server.events(run)
    assert messages(events) == ["one", "two", "three"]
    assert [e.get("code") for e in events] == [None, "restored", None, None, None]


def test_a_restore_that_is_refused_leaves_the_directory_as_it_was(own_server, tool, tmp_path):
    kept = back_up(own_server, tool.directory / "kept")
    other = tmp_path / "other"
    other.mkdir()
    (other / (DATABASE + "-wal")).write_bytes(b"left")
    assert tool.run("restore", kept, "--data", other).returncode == 125
    assert [p.name for p in other.iterdir()] == [DATABASE + "-wal"]
    damaged = tmp_path / "damaged"
    damaged.write_bytes(kept.read_bytes())
    with sqlite3.connect(damaged) as db:
        db.execute("INSERT INTO grdb_migrations VALUES ('99: of tomorrow')")
    assert tool.run("restore", damaged, "--data", tmp_path / "new").returncode == 125
    assert not (tmp_path / "new").exists()


def test_a_backup_goes_where_a_link_leads(own_server, tool, tmp_path):
    kept = back_up(own_server, tool.directory / "kept")
    before = kept.stat().st_ino
    (tmp_path / "newest").symlink_to("kept")
    assert tool.run("backup", tmp_path / "newest", "--data", own_server.data).returncode == 125
    tool.out("backup", "--overwrite", tmp_path / "newest", "--data", own_server.data)
    assert (tmp_path / "newest").is_symlink() and not kept.is_symlink() and kept.stat().st_ino != before
    assert sorted(p.name for p in tmp_path.glob("*kept*")) == ["kept"]
