"""A database that goes back in time, as it does when a backup is put back."""

import subprocess

from everyline import BINARY


def keep_only_runners(data):
    """What is left when a disk has lost the database: the commands go on."""
    for path in data.glob("everyline.sqlite*"):
        path.unlink()


def back_up(server, path):
    subprocess.run([BINARY, "backup", "--data", server.data, path], check=True, capture_output=True, timeout=60)
    return path


def put_back(server, path):
    """Kills a server, loses its database, and starts it again with a backup of it; gives what `restore` prints."""
    server.kill()
    keep_only_runners(server.data)
    words = [BINARY, "restore", "--data", server.data, path]
    told = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    server.start()
    return told
