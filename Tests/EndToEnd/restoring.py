"""A database that goes back in time, as it does when a backup is put back."""

import contextlib
import pathlib
import sqlite3


def keep_only_runners(data):
    """What is left when a disk has lost the database: the commands go on."""
    for path in data.glob("everyline.sqlite*"):
        path.unlink()


def back_up(server, path):
    with contextlib.closing(sqlite3.connect(server.data / "everyline.sqlite")) as source:
        with contextlib.closing(sqlite3.connect(path)) as backup:
            source.backup(backup)


def put_back(server, path, name):
    """Puts a backup in the place of a stopped server's database, and marks it as a restore does."""
    keep_only_runners(server.data)
    database = server.data / "everyline.sqlite"
    database.write_bytes(pathlib.Path(path).read_bytes())
    with contextlib.closing(sqlite3.connect(database)) as data, data:
        data.execute("INSERT INTO incarnation (name, created_ms) VALUES (?, 0)", [name])
        data.execute(
            "INSERT INTO base SELECT number, (SELECT max(number) FROM incarnation), head FROM execution WHERE ended_ms IS NULL")
