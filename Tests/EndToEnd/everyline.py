"""A server under test, started as a user starts it, and the least of a client for it: the standard library and a
WebSocket package that knows nothing of Everyline."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("EVERYLINE_BINARY", str(ROOT / ".build/debug/everyline"))
SUBPROTOCOL = "everyline.v1"


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.problem = json.loads(body) if "problem+json" in (headers.get("Content-Type") or "") else None
        super().__init__(f"{status}: {body[:300]!r}")

    @property
    def code(self):
        return self.problem and self.problem["code"]


class Server:
    """One data directory and the process that serves it. It can be stopped, killed and started again at one address."""

    def __init__(self, directory, *options, environment=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.options = list(options)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("EVERYLINE_")},
            "XDG_CONFIG_HOME": str(self.directory / "config"),
            "XDG_DATA_HOME": str(self.directory / "share"),
            **(environment or {}),
        }
        self.address = "127.0.0.1:0"
        self.process = None

    def start(self, log=None):
        """Starts it, with its own log in a file or in `log`."""
        log = log or open(self.directory / "server.log", "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.data), "--listen", self.address, "--admin-key-file", str(self.key_file)]
            + self.options,
            stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env=self.environment)
        log.close()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the server did not start:\n" + self.log()[-2000:])
        self.url = json.loads(line)["listening"]
        self.address = self.url.split("://")[1]
        self.key = self.key_file.read_text().strip()
        return self

    @property
    def data(self):
        return self.directory / "data"

    @property
    def key_file(self):
        return self.directory / "admin.key"

    def memory(self):
        """The bytes of memory that the process has in use."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def threads(self):
        """How many threads the server has."""
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def log(self):
        return (self.directory / "server.log").read_text()

    def stop(self):
        """Ends it in order, and gives its exit status."""
        return self.end(signal.SIGTERM)

    def kill(self):
        return self.end(signal.SIGKILL)

    def end(self, number):
        if self.process is None:
            return None
        self.process.send_signal(number)
        status = self.process.wait(30)
        self.process.stdout.close()
        self.process = None
        return status

    def restart(self):
        self.kill()
        return self.start()

    # What a client does.

    def request(self, method, path, body=None, key=None, headers=None, timeout=30):
        """The answer's status, headers and body; raises `Refused` for anything but a success."""
        url = path if "://" in path else self.url + path
        headers = {"Authorization": "Bearer " + (self.key if key is None else key), **(headers or {})}
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, method=method, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, error.headers, error.read()) from None

    def get(self, path, **more):
        return json.loads(self.request("GET", path, **more)[2])

    def post(self, path, body, **more):
        return json.loads(self.request("POST", path, body, **more)[2])

    def delete(self, path, **more):
        body = self.request("DELETE", path, **more)[2]
        return json.loads(body) if body else None

    def create_key(self, role, user=None):
        return self.post("/api/v1/keys", {"user": user or role, "role": role})["key"]

    def register(self, key=None, command=("a", "producer"), **more):
        answer = self.post("/api/v1/executions", {"command": list(command), **more}, key=key)
        return Log(self, answer["execution_id"], answer["append_token"])

    def run(self, *command, key=None, **more):
        return self.post("/api/v1/run", {"command": list(command), **more}, key=key)["execution_id"]

    def newest(self):
        """The id of the execution that was started last."""
        return self.get("/api/v1/executions?limit=1")["executions"][0]["execution_id"]

    def execution(self, id):
        return self.get(f"/api/v1/executions/{id}")

    def stream_url(self, id, key=None):
        return self.get(f"/api/v1/executions/{id}/logs", key=key)["websocket_url"]

    def events(self, id, after=0, key=None):
        """Everything that follows, over a WebSocket, to the end; checks the offsets."""
        # A log that has ended has no stream to offer.
        url = self.get(f"/api/v1/executions/{id}/logs", key=key).get("websocket_url")
        if url is None:
            headers = {"Accept": "application/x-ndjson"}
            body = self.request("GET", f"/api/v1/executions/{id}/logs?after={after}", headers=headers)[2]
            events = [json.loads(line) for line in body.splitlines()]
        else:
            events = []
            with stream(url + f"&after={after}") as viewer:
                for message in viewer:
                    lines = [json.loads(line) for line in message.split("\n")]
                    events += [line for line in lines if "offset" in line]
        assert [e["offset"] for e in events] == list(range(after + 1, after + 1 + len(events)))
        assert events and events[-1].get("type") == "end"
        return events


class Log:
    """An execution whose producer is the test."""

    def __init__(self, server, id, token):
        self.server, self.id, self.token, self.head = server, id, token, 0

    @property
    def path(self):
        return f"/api/v1/executions/{self.id}"

    def append(self, *messages, after=None, end=None, **fields):
        """Appends lines, and the end if there is a status for it; gives the head then."""
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": m, **fields} for m in messages]
        if end is not None:
            events.append({"timestamp": now, "type": "end", "status": end, "exit_code": 0 if end == "SUCCEEDED" else 1})
        return self.append_raw("".join(json.dumps(e) + "\n" for e in events), after=after)

    def append_raw(self, body, after=None, type="application/x-ndjson", token=None):
        body = body.encode() if isinstance(body, str) else body
        after = self.head if after is None else after
        answer = self.server.post(
            f"{self.path}/events?after={after}", body, key=token or self.token, headers={"Content-Type": type})
        self.head = answer["head"]
        return self.head

    def stream_url(self, key=None):
        return self.server.stream_url(self.id, key)


def stream(url, subprotocol=SUBPROTOCOL, **more):
    """Opens a viewer's stream."""
    # Who only starts servers needs no WebSocket package.
    from websockets.sync.client import connect

    more.setdefault("max_size", None)
    return connect(url, subprotocols=[subprotocol] if subprotocol else None, open_timeout=20, **more)


def messages(events):
    return [e["message"] for e in events if "message" in e and e.get("type", "line") == "line"]


@contextlib.contextmanager
def serving(directory, *options, **more):
    server = Server(directory, *options, **more)
    try:
        yield server.start()
    finally:
        server.stop()


def wait_for(what, seconds=30):
    """Asks again until there is an answer; a wait that is bounded, not a sleep that hopes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := what():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not come about in time")


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def number_in(path):
    """The number that a command writes into a file, with its newline."""
    return int(wait_for(lambda: path.exists() and path.read_text().endswith("\n") and path.read_text()))
