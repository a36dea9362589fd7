import json
import random
import shutil
import threading

import pytest

import power
from everyline import Refused, Server, messages

CUTS = 24
PRODUCERS = 3


class Record:
    """What was acknowledged, each with the journal's length at that moment: whatever made it durable is before that."""

    def __init__(self, journal):
        self.journal, self.lock, self.acknowledged = journal, threading.Lock(), []

    def add(self, id, head):
        with self.lock:
            self.acknowledged.append((self.journal.stat().st_size, id, head))

    def before(self, place):
        heads = {}
        for at, id, head in self.acknowledged:
            if at <= place:
                heads[id] = max(head, heads.get(id, 0))
        return heads


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A server under load whose every write and sync is written down."""
    directory = tmp_path_factory.mktemp("power")
    journal = directory / "journal"
    server = Server(directory / "server")
    server.environment |= {
        "LD_PRELOAD": str(power.build(directory)), "POWERLOSS_JOURNAL": str(journal),
        "POWERLOSS_DIRECTORY": str(server.data.resolve())}
    server.start()
    record = Record(journal)

    def produce(number):
        choice = random.Random(number)
        for _ in range(3):
            log = server.register()
            record.add(log.id, 0)
            for _ in range(60):
                lines = range(log.head + 1, log.head + 1 + choice.choice([1, 5, 300]))
                log.append_raw("".join(json.dumps({"timestamp": 1, "message": f"line {n}"}) + "\n" for n in lines))
                record.add(log.id, log.head)

    threads = [threading.Thread(target=produce, args=[number]) for number in range(PRODUCERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.kill()
    return server, journal, record


def restored(recording, disk, place, directory, choice, share):
    """A server on what the disk may hold if the power went at that place of the journal."""
    original, _, _ = recording
    # Its producers went with the power: the server needn't wait for any.
    server = Server(directory, "--absent-producer", "1ms")
    disk.forward(place)
    disk.write(server.data, choice, share)
    shutil.copy(original.key_file, server.key_file)
    return server


def test_an_acknowledged_line_survives_the_loss_of_power(recording, tmp_path):
    _, journal, record = recording
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    choice = random.Random(seed)
    begin, end = record.acknowledged[0][0], journal.stat().st_size
    disk = power.Disk(journal, recording[0].data.resolve())
    for number, place in enumerate(sorted(choice.randrange(begin, end) for _ in range(CUTS))):
        directory = tmp_path / str(number)
        server = restored(recording, disk, place, directory, choice, choice.choice([0, 0.5, 0.9, 1]))
        server.start()
        try:
            for id, head in record.before(place).items():
                check(server, id, head)
        finally:
            server.stop()
        shutil.rmtree(directory)


def check(server, id, head):
    """Every acknowledged line is there, whole and in its place, and the log goes on behind."""
    # Without its end the log is a stream; a stop ends it, as it has no producer any more.
    server.delete(f"/api/v1/executions/{id}")
    events = server.events(id)
    lines = messages(events)
    assert len(lines) >= head, f"{id}: {head} lines were acknowledged, {len(lines)} are there"
    assert lines == [f"line {n}" for n in range(1, len(lines) + 1)]


def test_without_syncing_lines_would_be_lost(recording, tmp_path):
    """The check can fail: on a disk that ignores every sync, it does."""
    _, journal, record = recording
    disk = power.Disk(journal, recording[0].data.resolve(), obeys=False)
    place = journal.stat().st_size
    server = restored(recording, disk, place, tmp_path, random.Random(1), 0)
    with pytest.raises((AssertionError, Refused)):
        server.start()
        for id, head in record.before(place).items():
            check(server, id, head)
    server.kill()
