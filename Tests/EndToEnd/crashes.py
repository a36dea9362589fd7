"""Kills servers, runners and clients at random moments under load, and then holds every log against what was acknowledged and
seen: no acknowledged line lost, no offset used twice, nothing torn.

    crashes.py --rounds 5000 [--seed N]      EVERYLINE_BINARY names the binary
"""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

from everyline import BINARY, Refused, Server, messages, wait_for

# Its output says by itself whether a line is missing. It ends when it is told to.
COMMAND = "i=0; while [ ! -e '{stop}' ]; do i=$((i+1)); echo line $i; [ $((i % 20)) = 0 ] && sleep 0.05; done; exit 5"
COMMANDS = 3
PRODUCERS = 2
CLIENTS = 2


class Producer(threading.Thread):
    """Appends numbered lines through every crash, and knows what was acknowledged."""

    def __init__(self, server):
        super().__init__()
        self.server, self.stopping = server, threading.Event()
        self.log = server.register()
        self.acknowledged = 0

    def run(self):
        while not self.stopping.is_set():
            lines = range(self.acknowledged + 1, self.acknowledged + 21)
            body = "".join(json.dumps({"timestamp": 1, "message": f"line {n}"}) + "\n" for n in lines)
            try:
                self.acknowledged = self.log.append_raw(body, after=self.acknowledged)
            except (OSError, Refused):
                # The server is gone, or coming. This append's repetition will say how it went.
                pass
            self.stopping.wait(0.01)

    def finish(self):
        self.stopping.set()
        self.join()
        self.log.head = self.acknowledged
        wait_for(self.end)
        return self.log.id, self.acknowledged

    def end(self):
        try:
            return self.log.append(end="SUCCEEDED", after=self.server.execution(self.log.id)["last_offset"])
        except Refused as refused:
            return refused.code == "ended"


class Client:
    """`everyline logs --follow` in a process of its own: what it printed must be the log's beginning."""

    def __init__(self, server, id, directory, number):
        self.id, self.path = id, directory / f"client-{number}"
        environment = {**os.environ, "EVERYLINE_URL": server.url, "EVERYLINE_API_KEY": server.key}
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                [BINARY, "logs", "--follow", "--output", "json", id], stdout=out, stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL, env=environment)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def seen(self):
        """What it had printed whole."""
        return [json.loads(line) for line in self.path.read_bytes().split(b"\n")[:-1] if b'"offset"' in line]


class Crashes:
    def __init__(self, directory, seed):
        self.directory, self.random = pathlib.Path(directory), random.Random(seed)
        self.stop = self.directory / "stop"
        self.server = Server(self.directory / "server").start()
        self.producers = [Producer(self.server) for _ in range(PRODUCERS)]
        self.commands, self.ids = [], []
        self.clients, self.past_clients = [], []
        self.counts = {"server": 0, "runner": 0, "client": 0}
        self.acknowledged = self.seen = 0

    def run(self, rounds):
        for producer in self.producers:
            producer.start()
        try:
            for _ in range(rounds):
                self.fill_up()
                # The moment of a crash is by chance: that is the test.
                time.sleep(self.random.random() * 0.15)
                self.crash()
        finally:
            self.stop.touch()
            ended = [producer.finish() for producer in self.producers]
        self.check(ended)
        return self.counts

    def fill_up(self):
        while len(self.commands) < COMMANDS:
            self.commands.append(self.server.run("sh", "-c", COMMAND.format(stop=self.stop)))
            self.ids.append(self.commands[-1])
        while len(self.clients) < CLIENTS:
            number = len(self.clients) + len(self.past_clients)
            id = self.random.choice(self.commands + [producer.log.id for producer in self.producers])
            self.clients.append(Client(self.server, id, self.directory, number))

    def crash(self):
        what = self.random.choices(list(self.counts), [5, 2, 3])[0]
        if what == "server":
            self.server.restart()
        elif what == "client":
            client = self.clients.pop(self.random.randrange(CLIENTS))
            client.kill()
            self.past_clients.append(client)
        else:
            id = self.commands.pop(self.random.randrange(COMMANDS))
            os.kill(wait_for(lambda: self.runner(id)), signal.SIGKILL)
        self.counts[what] += 1

    def runner(self, id):
        """The process that runs the command."""
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"runner" in words[:3] and id.encode() in b"\0".join(words):
                return int(path.parent.name)
        return None

    def check(self, ended):
        for client in self.clients:
            wait_for(lambda: client.process.poll() is not None, 60)
        logs = {}
        for id in self.ids:
            logs[id] = self.whole(id)
            assert logs[id][-1]["status"] == "FAILED"
        for id, acknowledged in ended:
            logs[id] = self.whole(id)
            self.acknowledged += acknowledged
            assert len(messages(logs[id])) >= acknowledged, f"{id}: acknowledged lines are lost"
        for client in self.clients + self.past_clients:
            seen = client.seen()
            self.seen += len(seen)
            assert seen == logs[client.id][:len(seen)], f"a client saw something else: {client.path}"

    def whole(self, id):
        """The log to its end: dense, with each line whole and once."""
        wait_for(lambda: self.server.execution(id)["status"] in ("FAILED", "SUCCEEDED"), 60)
        body = self.server.request(
            "GET", f"/api/v1/executions/{id}/logs", headers={"Accept": "application/x-ndjson"})[2]
        events = [json.loads(line) for line in body.splitlines()]
        assert [e["offset"] for e in events] == list(range(1, len(events) + 1))
        lines = messages(events)
        assert lines == [f"line {n}" for n in range(1, len(lines) + 1)], id
        assert events[-1]["type"] == "end"
        return events

    def close(self):
        self.stop.touch()
        for client in self.clients:
            client.kill()
        self.server.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = arguments.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        crashes = Crashes(directory, options.seed)
        try:
            counts = crashes.run(options.rounds)
        finally:
            crashes.close()
    print(f"{options.rounds} crashes ({counts}), nothing lost, nothing twice, nothing torn: "
          f"{crashes.acknowledged} lines acknowledged, {crashes.seen} seen; seed {options.seed}")


if __name__ == "__main__":
    main()
