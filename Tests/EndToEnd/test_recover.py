"""Where `exec` and `pipe` keep what isn't delivered, and whom `recover` believes: this user's own files, and nothing that another user may
have put in their place."""

import json
import os
import shutil
import subprocess

import pytest

from everyline import BINARY, messages


class LeftBehind:
    """What an `exec` leaves that was killed before it could deliver a line."""

    def __init__(self, server, state):
        self.log = server.register()
        self.place = state / "everyline/spool"
        self.directory = self.place / self.log.id
        self.spool = self.directory / "spool"
        self.segment = self.spool / "1".zfill(19)
        self.origin, self.lock = self.directory / "origin.json", self.directory / "lock"
        for path in [state / "everyline", self.place, self.directory, self.spool]:
            path.mkdir(mode=0o700)
        self.segment.write_text('{"timestamp":1,"message":"left behind"}\n')
        self.origin.write_text(json.dumps({"url": server.url, "append_token": self.log.token}))
        self.lock.touch()


@pytest.fixture
def left(server, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    return LeftBehind(server, state)


def recover(cli, left):
    return cli.run("recover", XDG_STATE_HOME=str(left.place.parents[1]))


def refused(cli, server, left, words):
    """That `recover` says why it leaves it alone, and does."""
    done = recover(cli, left)
    assert done.returncode == 125 and done.stdout == b"" and words in done.stderr.decode(), done.stderr
    assert server.execution(left.log.id)["last_offset"] == 0


def test_what_is_the_users_own_is_delivered(cli, server, left):
    done = recover(cli, left)
    assert (done.returncode, done.stdout.decode()) == (0, left.log.id + "\n"), done.stderr
    assert messages(server.events(left.log.id)) == ["left behind"]
    assert not left.directory.exists()


@pytest.mark.parametrize("damage, lost", [(b'"message":"line 3"', [3]), (b"\n", [3, 4])])
def test_lines_beside_a_damaged_one_are_delivered_in_their_places(cli, server, left, damage, lost):
    """Also those of later files, where a newline is damaged."""
    line = b'{"timestamp":1,"message":"line %d"}\n'
    first = b"".join(line % n for n in range(1, 11))
    at = first.index(damage, first.index(b"line 3") - 12)
    left.segment.write_bytes(first[:at] + b"#" * len(damage) + first[at + len(damage):])
    (left.spool / "11".zfill(19)).write_bytes(b"".join(line % n for n in range(11, 21)))
    assert recover(cli, left).returncode == 0
    events = server.events(left.log.id)[:20]
    assert messages(events) == [f"line {n}" for n in range(1, 21) if n not in lost]
    assert [e["offset"] for e in events if e.get("code") == "lines_lost"] == lost


@pytest.mark.parametrize("name", ["place", "directory", "spool", "segment", "origin", "lock"])
def test_no_link_is_followed(cli, server, left, tmp_path, name):
    path = getattr(left, name)
    target = tmp_path / "elsewhere"
    shutil.move(path, target)
    path.symlink_to(target)
    before = target.read_bytes() if target.is_file() else sorted(p.name for p in target.rglob("*"))
    refused(cli, server, left, "Too many levels" if target.is_file() else "Not a directory")
    assert before == (target.read_bytes() if target.is_file() else sorted(p.name for p in target.rglob("*")))


@pytest.mark.parametrize("name", ["place", "directory", "spool"])
def test_what_other_users_can_write_to_is_not_believed(cli, server, left, name):
    getattr(left, name).chmod(0o777)
    refused(cli, server, left, "can be written to by other users")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")
@pytest.mark.parametrize("name", ["place", "directory", "spool"])
def test_what_belongs_to_another_user_is_not_believed(cli, server, left, name):
    os.chown(getattr(left, name), 65534, 65534)
    refused(cli, server, left, "belongs to another user")


@pytest.mark.parametrize("command", [["exec", "--", "touch"], ["pipe", "--name"]])
def test_nothing_begins_where_another_user_could_read_along(cli, server, left, tmp_path, command):
    left.place.chmod(0o777)
    made = tmp_path / "made"
    newest = server.get("/api/v1/executions?limit=1")["executions"][0]["execution_id"]
    done = cli.run(*command, made, XDG_STATE_HOME=str(left.place.parents[1]))
    assert done.returncode == 125 and not made.exists()
    assert "can be written to by other users" in done.stderr.decode() and "XDG_STATE_HOME" in done.stderr.decode()
    assert server.get("/api/v1/executions?limit=1")["executions"][0]["execution_id"] == newest


def test_a_lock_is_respected(cli, server, left):
    """Who holds it is at work."""
    holder = subprocess.Popen(["flock", left.lock, "sh", "-c", "echo held; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    done = recover(cli, left)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    holder.communicate()
    assert recover(cli, left).returncode == 0


def test_a_log_with_other_events_gets_none_of_them(cli, server, left):
    left.log.append("another producer's")
    done = recover(cli, left)
    assert done.returncode == 125 and "the server refuses it" in done.stderr.decode(), done.stderr
    assert left.segment.exists() and (left.directory / "refused.json").exists()
    assert server.execution(left.log.id)["last_offset"] == 1
    assert recover(cli, left).returncode == 0, "it is not tried again"


@pytest.mark.parametrize("command", [["exec", "--", "touch"], ["pipe", "--name"]])
def test_a_log_ends_whose_output_has_no_place_here(server, tmp_path, command):
    """The disk has room for the directories that all spools lie in, and for nothing else."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    state, made = tmp_path / "state", tmp_path / "made"
    state.mkdir()
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(state), "EVERYLINE_URL": server.url,
        "EVERYLINE_API_KEY": server.key}
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o nr_inodes=4,mode=700 none {state} && exec \"$0\" \"$@\"", BINARY, *command, made],
        env=environment, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 125 and not made.exists() and "no place for the spool" in done.stderr.decode(), done.stderr
    id = done.stderr.decode().split("\n")[0].split()[-1]
    events = server.events(id)
    assert [e.get("code") for e in events] == ["not_started", None] and events[-1]["reason"] == "not_started"


@pytest.mark.parametrize("is_away", [False, True])
def test_a_command_whose_output_has_no_place_runs_all_the_same_if_that_is_asked_for(own_server, tmp_path, is_away):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    server, state = own_server.start(), tmp_path / "state"
    state.mkdir()
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_STATE_HOME": str(state), "EVERYLINE_URL": server.url,
        "EVERYLINE_API_KEY": server.key}
    if is_away:
        server.stop()
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o nr_inodes=4,mode=700 none {state} && exec \"$0\" \"$@\"", BINARY,
         "exec", "--best-effort", "--timeout", "1m", "--", "sh", "-c", "seq 20000; read line; echo $line; exit 4"],
        env=environment, capture_output=True, timeout=60, input=b"typed\n")
    assert done.returncode == 4 and done.stdout.decode() == "".join(f"{n}\n" for n in range(1, 20001)) + "typed\n"
    said = done.stderr.decode()
    assert "no place for the spool" in said and "nothing of it is recorded" in said and "can't be reached" not in said
    assert said.endswith("Nothing of the output was recorded: there was no place for it.\n")
    if not is_away:
        assert server.get("/api/v1/executions")["executions"] == []


# Without HOME


def registered(server, tmp_path, passwd, *arguments, **more):
    """A command without HOME, on a machine whose database of users holds what `passwd` says."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    users = tmp_path / "passwd"
    users.write_text(passwd)
    environment = {"PATH": os.environ["PATH"], "EVERYLINE_URL": server.url, "EVERYLINE_API_KEY": server.key}
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"mount --bind {users} /etc/passwd && exec \"$0\" \"$@\"", BINARY, *arguments],
        env=environment, capture_output=True, timeout=60, **more)


def test_without_home_the_users_registered_home_is_used(server, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    entry = f"root:x:0:0:root:{home}:/bin/sh\n"
    done = registered(server, tmp_path, entry, "exec", "--", "echo", "a", stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (0, b"a\n"), done.stderr
    done = registered(server, tmp_path, entry, "pipe", input=b"b\n")
    assert (done.returncode, done.stdout) == (0, b"b\n"), done.stderr
    place = home / ".local/state/everyline/spool"
    assert list(place.iterdir()) == []
    for path in [home / ".local", home / ".local/state", home / ".local/state/everyline", place]:
        assert path.stat().st_mode & 0o777 == 0o700
    assert registered(server, tmp_path, entry, "logs", "--last").stdout == b"b\n"


@pytest.mark.parametrize("command", [["exec", "--", "echo", "a"], ["pipe"], ["recover"]])
def test_a_user_without_any_home_is_told_what_to_set(server, tmp_path, command):
    done = registered(server, tmp_path, "root:x:0:0:root::/bin/sh\n", *command, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (125, b"") and "set XDG_STATE_HOME" in done.stderr.decode()


@pytest.mark.parametrize("name", ["origin.json", "lock"])
def test_what_is_no_file_is_not_waited_for(cli, server, left, name):
    """A pipe that was put in a file's place holds up nothing else."""
    odd = left.directory.parent / "01kac0000000000000000000b"
    odd.mkdir(mode=0o700)
    for file in ["origin.json", "lock"]:
        os.mkfifo(odd / file, 0o600) if file == name else (odd / file).write_text("{}")
    done = recover(cli, left)
    assert done.returncode == 125 and odd.name.encode() in done.stderr, done.stderr
    assert messages(server.events(left.log.id)) == ["left behind"]
