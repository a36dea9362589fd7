"""Backups, what is restored of them, and data directories that were copied or moved."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading

import pytest
from websockets.exceptions import WebSocketException

from cli import CommandLine
from everyline import BINARY, Refused, messages, serving, stream, wait_for
from restoring import back_up, put_back
from test_runner import head_is, is_alive, open_gate, runner_of

DATABASE = "everyline.sqlite"


@pytest.fixture
def tool(own_server, tmp_path):
    return CommandLine(own_server, tmp_path)


def refusal(tool, *arguments):
    """What a command that is refused says."""
    done = tool.run(*arguments)
    assert done.returncode == 125 and done.stdout == b"", done
    return done.stderr.decode()


class Client(threading.Thread):
    """Does what it does beside the test, and keeps what went wrong for the test to see."""

    def __init__(self, log, lines):
        super().__init__(daemon=True)
        self.log, self.lines = log, lines
        self.fault = None

    def run(self):
        try:
            self.work()
        except BaseException as error:
            self.fault = error

    def finish(self):
        self.join(120)
        assert not self.is_alive(), "it doesn't end"
        if self.fault is not None:
            raise self.fault

    def again(self, server_is_away):
        """Waits a moment for the server, which comes back at the same address."""
        threading.Event().wait(0.05)


class Producer(Client):
    """Appends numbered lines, each once, with the offset it knows; after a restore it appends again what the log hasn't got."""

    def work(self):
        while self.log.head < self.lines:
            first = self.log.head + 1
            try:
                self.log.append(*[str(n) for n in range(first, min(first + 50, self.lines + 1))])
            except Refused as refused:
                if refused.code != "append_out_of_order":
                    raise
                self.log.head = refused.problem["head"]
            except (OSError, http.client.HTTPException) as away:
                self.again(away)
        self.log.append(end="SUCCEEDED")


class Viewer(Client):
    """Reads a log from its beginning, again after each disconnection, and compares each line that it gets with its offset."""

    seen = connections = 0

    def work(self):
        while not self.has_end():
            self.connections += 1

    def has_end(self):
        try:
            with stream(self.log.stream_url()) as viewer:
                offset = 0
                for message in viewer:
                    for line in message.split("\n"):
                        event = json.loads(line)
                        if "offset" not in event:
                            continue
                        offset += 1
                        assert event["offset"] == offset
                        if event.get("type") == "end":
                            return offset == self.lines + 1
                        assert event["message"] == str(offset)
                        self.seen = max(self.seen, offset)
        except (OSError, http.client.HTTPException, WebSocketException) as away:
            self.again(away)
        except KeyError:
            # The log has ended meanwhile, so it offers no stream: it is read at once.
            return messages(self.log.server.events(self.log.id)) == [str(n) for n in range(1, self.lines + 1)]
        return False


def test_a_server_that_is_killed_goes_on_from_a_backup_that_was_taken_under_load(own_server, tool, gate):
    server = own_server.start()
    command = f"for i in $(seq 1 3000); do echo line $i; done; cat {gate}; for i in $(seq 3001 4000); do echo line $i; done"
    run = server.run("sh", "-c", command)
    wait_for(head_is(server, run, 3000))
    producers = [Producer(server.register(), 6000) for _ in range(3)]
    viewers = [Viewer(producer.log, producer.lines) for producer in producers]
    for client in producers + viewers:
        client.start()
    wait_for(lambda: all(viewer.seen > 500 for viewer in viewers))
    kept = back_up(server, tool.directory / "kept")
    taken = [producer.log.head for producer in producers]
    wait_for(lambda: all(p.log.head > head for p, head in zip(producers, taken)))
    told = put_back(server, kept)
    assert "everything is in its place" in told and f"restored: {server.data}" in told
    open_gate(gate)
    for client in producers + viewers:
        client.finish()
    for producer in producers:
        assert messages(server.events(producer.log.id)) == [str(n) for n in range(1, producer.lines + 1)]
    assert all(viewer.connections > 1 for viewer in viewers)
    events = server.events(run)
    assert messages(events) == [f"line {n}" for n in range(1, 4001)]
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("SUCCEEDED", 0)
    assert "everything is in its place" in tool.out("doctor", "--data", server.data)


def test_a_viewer_goes_on_where_the_log_comes_back_from_a_backup(own_server, tool, gate):
    server = own_server.start()
    tool.environment.update(EVERYLINE_URL=server.url, EVERYLINE_API_KEY=server.key)
    run = server.run("sh", "-c", f"seq 1 2000; cat {gate}; seq 2001 3000; exit 3")
    wait_for(head_is(server, run, 2000))
    kept = back_up(server, tool.directory / "kept")
    viewer = tool.start("logs", "-f", "--exit-status", run)
    try:
        wait_for(lambda: len(viewer.out.splitlines()) == 2000)
        put_back(server, kept)
        open_gate(gate)
        assert viewer.wait() == 3
        assert messages(server.events(run)) == viewer.out.splitlines() == [str(n) for n in range(1, 3001)]
    finally:
        viewer.end()


def test_a_backup_is_one_private_file_that_another_machine_can_serve(own_server, tool, tmp_path):
    server = own_server.start()
    log = server.register()
    log.append("one", "two", end="SUCCEEDED")
    old = os.umask(0)
    try:
        kept = back_up(server, tool.directory / "kept")
    finally:
        os.umask(old)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.glob("kept*")] == ["kept"]
    with sqlite3.connect(f"file:{kept}?mode=ro&immutable=1", uri=True) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    tool.out("restore", kept, "--data", tmp_path / "elsewhere" / "data")
    with serving(tmp_path / "elsewhere") as other:
        other.key = server.key
        assert messages(other.events(log.id)) == ["one", "two"]


def test_a_backup_that_goes_into_a_directory_is_named_after_the_time(own_server, tool, tmp_path):
    own_server.start()
    place = tmp_path / "place"
    place.mkdir()
    told = tool.out("backup", place, "--data", own_server.data)
    (made,) = place.iterdir()
    assert made.match("everyline-????????T??????Z.backup") and told.startswith(f"backup: {made}\n")


def test_a_backup_replaces_only_a_backup_and_only_if_told_to(own_server, tool, tmp_path):
    server = own_server.start()
    log = server.register()
    kept = back_up(server, tool.directory / "kept")
    before = kept.read_bytes()
    log.append("later")
    assert "is there already" in refusal(tool, "backup", kept, "--data", server.data)
    assert kept.read_bytes() == before
    tool.out("backup", kept, "--data", server.data, "--overwrite")
    assert kept.read_bytes() != before
    for other in [b"a letter", b""]:
        (tmp_path / "other").write_bytes(other)
        assert "is no backup" in refusal(tool, "backup", tmp_path / "other", "--data", server.data, "--overwrite")
        assert (tmp_path / "other").read_bytes() == other
    for name in [DATABASE, "new"]:
        assert "data directory itself" in refusal(
            tool, "backup", server.data / name, "--data", server.data, "--overwrite")
    assert not list(tmp_path.glob("*.partial-*")) and not list(server.data.glob("*.partial-*"))
    log.append("and on")


def test_a_backup_that_can_not_be_written_says_why_and_leaves_nothing(own_server, tool, tmp_path):
    own_server.start()
    assert "No such file or directory" in refusal(tool, "backup", tmp_path / "no" / "where", "--data", own_server.data)
    assert "there is no database" in refusal(tool, "backup", tmp_path / "kept", "--data", tmp_path / "nothing")
    assert not (tmp_path / "kept").exists()


def test_a_backup_that_is_interrupted_leaves_nothing(own_server, tool, tmp_path):
    server = own_server.start()
    log = server.register()
    for _ in range(12):
        log.append(*["x" * 200_000] * 20)
    backup = tool.start("backup", tmp_path / "kept", "--data", server.data)
    try:
        wait_for(lambda: list(tmp_path.glob("kept*")) or backup.process.poll() is not None)
        backup.process.terminate()
        assert (backup.wait(), (tmp_path / "kept").exists()) in [(128 + signal.SIGTERM, False), (0, True)]
    finally:
        backup.end()
    assert not list(tmp_path.glob("*.partial-*"))


def test_a_damaged_database_is_backed_up_and_restored_only_with_a_word_about_it(own_server, tool, tmp_path):
    server = own_server.start()
    server.register().append("one", "two")
    server.stop()
    with sqlite3.connect(server.data / DATABASE) as db:
        db.execute("UPDATE block SET crc = crc + 1")
    done = tool.run("backup", tmp_path / "kept", "--data", server.data)
    assert done.returncode == 1 and b"isn't what was written" in done.stdout
    said = refusal(tool, "restore", tmp_path / "kept", "--data", tmp_path / "new")
    assert "is damaged" in said and not (tmp_path / "new" / DATABASE).exists()
    done = tool.run("restore", tmp_path / "kept", "--data", tmp_path / "new", "--accept-faults")
    assert done.returncode == 1 and (tmp_path / "new" / DATABASE).exists()


def test_a_restore_is_refused_where_it_could_do_harm(own_server, tool, tmp_path):
    server = own_server.start()
    server.register().append("one")
    kept = back_up(server, tool.directory / "kept")
    assert "another server works with the data" in refusal(tool, "restore", kept, "--data", server.data)
    server.stop()
    before = (server.data / DATABASE).read_bytes()
    assert f"holds {DATABASE}" in refusal(tool, "restore", kept, "--data", server.data)
    assert (server.data / DATABASE).read_bytes() == before
    (server.data / DATABASE).unlink()
    (server.data / (DATABASE + "-wal")).write_bytes(b"left")
    assert f"holds {DATABASE}-wal" in refusal(tool, "restore", kept, "--data", server.data)
    new = tmp_path / "new"
    new.mkdir()
    (new / "letters").write_text("mine")
    assert "holds letters" in refusal(tool, "restore", kept, "--data", new)
    assert [p.name for p in new.iterdir()] == ["letters"]


def test_what_is_no_backup_or_of_a_newer_format_is_not_restored(own_server, tool, tmp_path):
    server = own_server.start()
    kept = back_up(server, tool.directory / "kept")
    server.stop()
    new = tmp_path / "new"
    for content in [b"", b"a letter", b"SQLite format 3\0" + bytes(5000)]:
        (tmp_path / "other").write_bytes(content)
        assert "is no file that" in refusal(tool, "restore", tmp_path / "other", "--data", new)
    os.mkfifo(tmp_path / "pipe")
    for path in [tmp_path / "pipe", tmp_path, server.data / DATABASE]:
        assert "is no file that" in refusal(tool, "restore", path, "--data", new)
    assert "No such file" in refusal(tool, "restore", tmp_path / "nothing", "--data", new)
    with sqlite3.connect(kept) as db:
        db.execute("INSERT INTO grdb_migrations VALUES ('99: of tomorrow')")
        db.execute("UPDATE backup SET version = '99.1'")
    assert "newer Everyline (99.1)" in refusal(tool, "restore", kept, "--data", new)
    assert not list(new.glob(DATABASE + "*"))


def test_an_older_version_s_backup_is_brought_up_to_date(own_server, tool, tmp_path):
    server = own_server.start()
    log = server.register()
    log.append("one", end="SUCCEEDED")
    kept = back_up(server, tool.directory / "kept")
    with contextlib.closing(sqlite3.connect(kept, isolation_level=None)) as db:
        for column in ("stopped_by", "host", "host_user", "directory", "terminal_columns", "terminal_rows"):
            db.execute(f"ALTER TABLE execution DROP COLUMN {column}")
        db.execute("DELETE FROM grdb_migrations WHERE identifier >= '4:'")
    assert "everything is in its place" in tool.out("restore", kept, "--data", tmp_path / "other" / "data")
    with serving(tmp_path / "other") as other:
        other.key = server.key
        assert messages(other.events(log.id)) == ["one"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_root_restores_belongs_to_whom_the_directory_belongs(own_server, tool, tmp_path):
    kept = back_up(own_server.start(), tool.directory / "kept")
    new = tmp_path / "new"
    new.mkdir()
    os.chown(new, 1234, 1235)
    tool.out("restore", kept, "--data", new)
    assert {(p.name, p.stat().st_uid, p.stat().st_gid) for p in new.iterdir()} == {(DATABASE, 1234, 1235), ("lock", 1234, 1235)}


def test_a_restore_that_was_broken_off_can_be_done_again(own_server, tool, tmp_path):
    server = own_server.start()
    kept = back_up(server, tool.directory / "kept")
    new = tmp_path / "new"
    new.mkdir()
    (new / (DATABASE + ".restoring")).write_bytes(b"half of it")
    tool.out("restore", kept, "--data", new)
    assert {p.name for p in new.iterdir()} == {DATABASE, "lock"}


# Copies and moves.


def test_a_copy_of_the_data_directory_touches_no_command_of_the_original(own_server, tmp_path, gate):
    server = own_server.start()
    run = server.run("sh", "-c", f"echo begun; cat {gate}; echo done")
    wait_for(head_is(server, run, 1))
    subprocess.run(["cp", "-a", server.data, tmp_path / "copy"], check=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "copy").rename(tmp_path / "other" / "data")
    with serving(tmp_path / "other") as other:
        other.key = server.key
        ended = other.events(run)
        assert [e.get("code") for e in ended[-2:]] == ["runner_lost", None] and "copy of the data directory" in ended[-2]["message"]
        assert server.execution(run)["status"] == "RUNNING"
        open_gate(gate)
        events = server.events(run)
        assert messages(events) == ["begun", "done"] and events[-1]["status"] == "SUCCEEDED"


def test_a_copy_touches_no_command_whose_own_server_is_away(own_server, tmp_path, gate):
    server = own_server.start()
    run = server.run("sh", "-c", f"echo begun; cat {gate}; echo done")
    wait_for(head_is(server, run, 1))
    server.kill()
    (tmp_path / "other").mkdir()
    subprocess.run(["cp", "-a", server.data, tmp_path / "other" / "data"], check=True)
    with serving(tmp_path / "other") as other:
        other.key = server.key
        assert other.events(run)[-1]["reason"] == "runner_lost"
    assert is_alive(runner_of(server, run))
    server.start()
    open_gate(gate)
    assert messages(server.events(run)) == ["begun", "done"]


def test_the_runners_of_a_data_directory_that_was_moved_find_the_server_again(own_server, tmp_path, gate):
    server = own_server.start()
    run = server.run("sh", "-c", f"seq 1000; cat {gate}; seq 1001 2000; exit 3")
    wait_for(head_is(server, run, 1000))
    server.stop()
    (tmp_path / "moved").mkdir()
    server.data.rename(tmp_path / "moved" / "data")
    open_gate(gate)
    with serving(tmp_path / "moved") as moved:
        moved.key = server.key
        events = moved.events(run)
        assert messages(events) == [str(n) for n in range(1, 2001)] and events[-1]["exit_code"] == 3
        wait_for(lambda: not (moved.data / "runners" / run).exists())


def test_runners_that_spool_elsewhere_find_a_server_whose_data_was_moved(tmp_path, gate):
    spool = tmp_path / "spool"
    with serving(tmp_path / "first", "--spool", spool) as server:
        run = server.run("sh", "-c", f"echo begun; cat {gate}; echo done")
        wait_for(head_is(server, run, 1))
        # Two servers with one directory of runners would take each other's.
        done = subprocess.run(
            [BINARY, "serve", "--data", tmp_path / "third", "--spool", spool, "--listen", "127.0.0.1:0"],
            capture_output=True, timeout=60, env=server.environment)
        assert done.returncode == 125 and b"another server works with the data in " in done.stderr
    (tmp_path / "second").mkdir()
    server.data.rename(tmp_path / "second" / "data")
    open_gate(gate)
    with serving(tmp_path / "second", "--spool", spool) as moved:
        moved.key = server.key
        assert messages(moved.events(run)) == ["begun", "done"]


def test_a_runner_whose_lock_was_deleted_is_still_at_work(own_server, gate):
    server = own_server.start()
    run = server.run("sh", "-c", f"echo begun; cat {gate}; echo done")
    wait_for(head_is(server, run, 1))
    wait_for(lambda: b'"runner":{' in (server.data / "runners" / run / "command.json").read_bytes())
    server.kill()
    (server.data / "runners" / run / "lock").unlink()
    server.start()
    open_gate(gate)
    events = server.events(run)
    assert messages(events) == ["begun", "done"] and events[-1]["status"] == "SUCCEEDED"


def test_the_doctor_sees_a_database_that_is_older_than_its_runners(own_server, tool):
    server = own_server.start()
    log = server.register()
    log.append("one", "two")
    runners = server.data / "runners"
    for id, base in [(log.id, 3), (log.id, 4), ("01hv3k5x7q2m4n6p8r0s1t3v5w", 1)]:
        spool = runners / id / "spool"
        shutil.rmtree(spool.parent, ignore_errors=True)
        spool.mkdir(parents=True)
        (spool / f"{base:019}").touch()
        done = tool.run("doctor", "--data", server.data)
        if (id, base) == (log.id, 3):
            assert done.returncode == 0
        else:
            assert done.returncode == 1 and b"older than its runners" in done.stdout
        shutil.rmtree(spool.parent)


def test_the_doctor_says_that_the_write_ahead_log_is_missing_which_holds_all_there_is(own_server, tool):
    server = own_server.start()
    server.register().append("one")
    server.kill()
    for end in ("-wal", "-shm"):
        (server.data / (DATABASE + end)).unlink()
    done = tool.run("doctor", "--data", server.data)
    assert done.returncode == 125 and f"{DATABASE} is empty: it was copied without".encode() in done.stderr


# Space.


def test_a_database_that_can_not_give_space_back_can_after_it_was_compacted(own_server, tool):
    server = own_server.start()
    log = server.register()
    log.append("one", "two", end="SUCCEEDED")
    assert "another server works with the data" in refusal(tool, "compact", "--data", server.data)
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / DATABASE, isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
        db.execute("CREATE TABLE large AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30) "
                   "SELECT zeroblob(1000000) FROM n")
        db.execute("DROP TABLE large")
    before = (server.data / DATABASE).stat().st_size
    assert "everyline compact does" in tool.out("doctor", "--data", server.data)
    assert "MiB before, 0 MiB now" in tool.out("compact", "--data", server.data)
    assert before > 30_000_000 and (server.data / DATABASE).stat().st_size < 1_000_000
    told = tool.out("doctor", "--data", server.data)
    assert "compact" not in told and "everything is in its place" in told
    with contextlib.closing(sqlite3.connect(server.data / DATABASE)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    server.start()
    assert messages(server.events(log.id)) == ["one", "two"]


def test_what_is_not_there_is_not_compacted(tool, tmp_path):
    assert "there is no database" in refusal(tool, "compact", "--data", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("what", ["directory", "file system"])
def test_a_directory_that_can_not_be_written_is_said_in_words(tmp_path, what):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    data = tmp_path / "data"
    with serving(tmp_path):
        pass
    script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$2" serve --data "$3" --listen 127.0.0.1:0'
    place = data if what == "directory" else tmp_path
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", place, BINARY, data], capture_output=True, timeout=60,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert done.returncode == 125
    (line,) = done.stderr.decode().splitlines()
    assert f"the data in {data} can't be used" in line and "Read-only file system" in line
