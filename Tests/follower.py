"""A follower of a stream, apart from its connection: it keeps what is its own and next, and fails on a hole."""

import json


class Hole(AssertionError):
    """An event is missing: another one came in its place."""


class Follower:
    """Takes the messages of a stream that speaks `everyline.v1`; with `form=None`, of one without the subprotocol."""

    def __init__(self, execution, after=0, form="everyline.v1", speaks_first=True):
        self.id, self.after, self.form, self.speaks_first = execution, after, form, speaks_first
        self.events, self.repeated, self.strangers, self.end = [], 0, 0, None
        self.generation, self.resumed = 1, False
        # Whether the server goes on with what came before, and what a restore has left of that.
        self.confirmed, self.restored_after = False, None

    @property
    def last(self):
        return self.events[-1]["offset"] if self.events else self.after

    @property
    def messages(self):
        return [e["message"] for e in self.events if e.get("type", "line") == "line"]

    def take(self, message):
        lines = [json.loads(line) for line in message.split("\n") if line]
        if self.form and self.speaks_first:
            head = lines[0]
            is_block = head.get("type") == "block"
            if is_block and (head["gen"], head["execution"]) != (self.generation, self.id) or "offset" in head:
                self.strangers += 1
                return
            if is_block:
                lines = lines[1:]
        for line in lines:
            if "offset" in line:
                self._accept(line)
            elif line.get("type") == "disconnect":
                self.end = line
            else:
                assert line.get("type") in ("resumed", "heartbeat", "pending", "notice"), line
                if "gen" in line and line["gen"] != self.generation:
                    return
                self.resumed |= line.get("type") == "resumed"
                if line.get("code") == "other_incarnation":
                    self.restored_after = line["base"]
                    return
        self.confirmed = True

    def _accept(self, event):
        if event["offset"] <= self.last:
            self.repeated += 1
            return
        if event["offset"] != self.last + 1:
            raise Hole(f"a hole: {event['offset']} after {self.last}")
        self.events.append(event)
        self.confirmed = True
        if event.get("type") == "end":
            self.end = event
