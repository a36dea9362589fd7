"""Clients of the logs endpoint as they were before `everyline.v1`: what a command line and a page of theirs send, and what they read
of each answer, field by field. What they would pass over or trip on fails here."""

import json
import urllib.request

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect


class ExistingClient:
    def __init__(self, address, key):
        self.address, self.key = address.rstrip("/"), key

    def ask(self, method, path, body=None, key=True):
        """Each request says that it is JSON, whether it has a body or not."""
        headers = {"Content-Type": "application/json", **({"X-API-Key": self.key} if key else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/api/v1{path}", method=method, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def run(self, command, **more):
        """A command is the words that were typed, joined by spaces."""
        started = self.ask("POST", "/run", {"command": command, **more})
        for name in ("execution_id", "log_url", "status", "websocket_url"):
            assert isinstance(started[name], str) and started[name], started
        return started

    def health(self):
        health = self.ask("GET", "/health", key=False)
        assert health["status"] == "ok" and isinstance(health["version"], str) and isinstance(health["provider"], str)
        return health

    def status(self, id):
        status = self.ask("GET", f"/executions/{id}/status")
        assert status["execution_id"] == id and isinstance(status["status"], str)
        return status

    def kill(self, id):
        assert self.ask("DELETE", f"/executions/{id}")["execution_id"] == id

    def logs(self, id):
        """Where an execution runs, the address of its stream; else its events."""
        answer = self.ask("GET", f"/executions/{id}/logs")
        if answer["status"] in ("SUCCEEDED", "FAILED", "STOPPED"):
            assert "websocket_url" not in answer
            return [self.event(event) for event in answer["events"]]
        assert answer.get("events") is None
        return answer["websocket_url"]

    def follow(self, url):
        """Reads a stream until it says that the execution is over. The page shows no message without an `event_id`."""
        events = []
        with connect(url, open_timeout=30, max_size=None) as stream:
            try:
                while True:
                    message = json.loads(stream.recv(timeout=60))
                    if message.get("type") == "disconnect":
                        assert message["reason"] == "execution_completed"
                        return events
                    events.append(self.event(message))
            except ConnectionClosed as closed:
                raise AssertionError(f"the stream ended without a word: {closed}") from None

    @staticmethod
    def event(event):
        assert isinstance(event["event_id"], str) and event["event_id"], event
        assert isinstance(event["timestamp"], int) and isinstance(event["message"], str), event
        return event["event_id"], event["timestamp"], event["message"]
