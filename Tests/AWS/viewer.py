"""A viewer that speaks the stream's protocol over a connection of its own, and trusts no server."""

import json
import socket
import threading
import time

from follower import Follower
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class Viewer(Follower):
    """One connection that resumes, pings, and collects events."""

    ping_after = 3

    def __init__(self, execution, after=0, url=None, form="everyline.v1"):
        super().__init__(execution.id, after, form)
        self.execution = execution
        self.url = url or execution.location(f"?after={after}" if after else "")["websocket_url"]
        self.failure = None
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
                    self.take(message)
                    self.changed.notify_all()
        except ConnectionClosed:
            pass
        except AssertionError as error:
            self.failure = error
        with self.changed:
            self.changed.notify_all()

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
