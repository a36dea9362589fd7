"""A viewer that speaks the stream's protocol and trusts nobody: it keeps what is its own and next, and fails on a hole."""

import json
import socket
import threading
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Viewer:
    """One connection that resumes, pings, and collects events."""

    ping_after = 3

    def __init__(self, execution, after=0, url=None, form="everyline.v1"):
        self.execution, self.after, self.form = execution, after, form
        self.url = url or execution.location(f"?after={after}" if after else "")["websocket_url"]
        self.events, self.repeated, self.strangers, self.end = [], 0, 0, None
        self.generation, self.resumed, self.failure = 1, False, None
        self.changed = threading.Condition()
        self.socket = connect(self.url, subprotocols=[form] if form else None, open_timeout=30, max_size=1 << 20)
        self.stalled = threading.Event()
        self.stalled.set()
        if form:
            self.say(action="resume", gen=self.generation, after=after)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def say(self, **message):
        self.socket.send(json.dumps(message))

    @property
    def last(self):
        return self.events[-1]["offset"] if self.events else self.after

    @property
    def messages(self):
        return [e["message"] for e in self.events if e.get("type", "line") == "line"]

    def _run(self):
        try:
            while self.end is None:
                self.stalled.wait()
                try:
                    message = self.socket.recv(timeout=self.ping_after)
                except TimeoutError:
                    if self.form and self.resumed:
                        self.say(action="ping", have=self.last)
                    elif self.form:
                        self.say(action="resume", gen=self.generation, after=self.last)
                    continue
                with self.changed:
                    self._take(message)
                    self.changed.notify_all()
        except ConnectionClosed:
            pass
        except AssertionError as error:
            self.failure = error
        with self.changed:
            self.changed.notify_all()

    def _take(self, message):
        lines = [json.loads(line) for line in message.split("\n")]
        head = lines[0]
        if self.form and head.get("type") == "block":
            if head["gen"] != self.generation or head["execution"] != self.execution.id:
                self.strangers += 1
                return
            lines = lines[1:]
        for line in lines:
            if "offset" in line:
                self._accept(line)
            elif line.get("type") == "disconnect":
                self.end = line
            else:
                assert line.get("type") in ("resumed", "heartbeat"), line
                self.resumed |= line.get("type") == "resumed"

    def _accept(self, event):
        if event["offset"] <= self.last:
            self.repeated += 1
            return
        assert event["offset"] == self.last + 1, f"a hole: {event['offset']} after {self.last}"
        self.events.append(event)
        if event.get("type") == "end":
            self.end = event

    def wait(self, predicate, seconds=40):
        deadline = time.monotonic() + seconds
        with self.changed:
            while not predicate():
                if self.failure:
                    raise self.failure
                left = deadline - time.monotonic()
                if left <= 0 or not self.thread.is_alive() and not predicate():
                    raise AssertionError(
                        f"waited in vain: {len(self.events)} events up to {self.last}, end {self.end}")
                self.changed.wait(min(left, 0.5))
        return self

    def wait_for(self, count, seconds=40):
        return self.wait(lambda: len(self.events) >= count, seconds)

    def wait_for_end(self, seconds=60):
        return self.wait(lambda: self.end is not None, seconds)

    def drop(self):
        """Goes without a word, and says what it has."""
        self.socket.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        return self.last

    def close(self):
        self.socket.close()
        self.thread.join(10)
