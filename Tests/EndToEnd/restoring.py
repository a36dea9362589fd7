"""A database that goes back in time, as it does when a backup is put back."""

import contextlib
import pathlib
import sqlite3


def back_up(server, path):
    with contextlib.closing(sqlite3.connect(server.data / "everyline.sqlite")) as source:
        with contextlib.closing(sqlite3.connect(path)) as backup:
            source.backup(backup)


def put_back(server, path, name):
    """Puts a backup in the place of a stopped server's database, and marks it as a restore does."""
    for suffix in ("", "-wal", "-shm"):
        (server.data / ("everyline.sqlite" + suffix)).unlink(missing_ok=True)
    database = server.data / "everyline.sqlite"
    database.write_bytes(pathlib.Path(path).read_bytes())
    with contextlib.closing(sqlite3.connect(database)) as data, data:
        data.execute("INSERT INTO incarnation (name, created_ms) VALUES (?, 0)", [name])
        data.execute(
            "INSERT INTO base SELECT number, (SELECT max(number) FROM incarnation), head FROM execution WHERE ended_ms IS NULL")
