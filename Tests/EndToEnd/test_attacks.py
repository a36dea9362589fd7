"""What an attacker would try, one case a line. None may succeed, and the server must be as well after each as before."""

import base64
import contextlib
import os
import pathlib
import socket
import struct
import time
import urllib.error
import urllib.request
import zlib

import pytest

from attacks import BAD_KEYS, BAD_TOKENS, BODIES, CURSORS, MESSAGES, ORIGINS, PATHS, ROUTES, wrong_keys, wrong_tokens
from everyline import Refused, serving, stream, wait_for

UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n"
SECRETS = []


class World:
    """A server with two users, an execution of each, and every kind of secret that is no good."""

    def __init__(self, server):
        self.server = server
        self.alice, self.bob = server.create_key("developer", "alice"), server.create_key("developer", "bob")
        self.viewer = server.create_key("viewer", "eve")
        self.log, self.other = server.register(self.alice), server.register(self.bob)
        self.log.append("one", "two")
        self.other.append("other")
        self.token = self.log.stream_url(self.alice).split("token=")[1]
        self.other_token = self.other.stream_url(self.bob).split("token=")[1]
        made = server.post("/api/v1/keys", {"user": "mallory", "role": "admin"})
        revoked = made["key"]
        self.revoked_token = server.stream_url(self.log.id, revoked).split("token=")[1]
        key = next(k for k in server.get("/api/v1/keys")["keys"] if k["user"] == "mallory")
        server.delete(f"/api/v1/keys/{key['id']}")
        self.keys = wrong_keys(server.key, revoked, self.token, self.log.token)
        self.tokens = wrong_tokens(self.token, self.other_token, self.revoked_token, self.alice, self.log.token)
        SECRETS.extend([self.alice, self.bob, self.viewer, revoked, server.key, self.token, self.other_token,
                        self.revoked_token, self.log.token, self.other.token])

    def talk(self, *parts, wait=10):
        """Sends bytes as they are and gives all that comes back until the server hangs up or falls silent."""
        received = b""
        with contextlib.suppress(ConnectionError, TimeoutError), self.connect(wait) as line:
            for part in parts:
                line.sendall(part.encode() if isinstance(part, str) else part)
            while chunk := line.recv(65536):
                received += chunk
                if b"\r\n\r\n" in received and b"Connection: close" not in b"".join(
                        p.encode() if isinstance(p, str) else p for p in parts):
                    break
        return received

    def connect(self, wait=10):
        host, port = self.server.address.split(":")
        return socket.create_connection((host, int(port)), timeout=wait)

    def upgrade(self, target, headers="", key="dGhlIHNhbXBsZSBub25jZQ=="):
        return self.talk(f"GET {target} HTTP/1.1\r\nHost: {self.server.address}\r\n{UPGRADE.format(key)}{headers}\r\n")

    @contextlib.contextmanager
    def websocket(self, headers=""):
        """A viewer's connection whose frames are made by hand."""
        with self.connect() as line:
            path = f"{self.log.path}/stream?token={self.token}&after=2"
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: {self.server.address}\r\n"
                         f"{UPGRADE.format('dGhlIHNhbXBsZSBub25jZQ==')}{headers}\r\n".encode())
            head = b""
            while b"\r\n\r\n" not in head:
                head += line.recv(1)
            assert head.startswith(b"HTTP/1.1 101"), head
            yield line

    def check(self):
        """It serves as before: the log is what it was, and a viewer gets it."""
        assert self.server.request("GET", "/healthz", timeout=10)[0] == 200
        with stream(self.server.stream_url(self.log.id, self.alice) + "&after=0") as viewer:
            received = viewer.recv(10)
        assert received.count('"message":"one"') == 1 and received.count('"message":"two"') == 1
        assert "\n".join(received.split("\n")[2:]) == ""


@pytest.fixture(scope="module")
def world(server):
    world = World(server)
    yield world
    world.check()


@pytest.mark.parametrize("kind", BAD_KEYS)
@pytest.mark.parametrize("method, path, body", ROUTES)
def test_no_wrong_key_opens_a_route(world, method, path, body, kind):
    with pytest.raises(Refused) as refused:
        world.server.request(method, path.format(id=world.log.id), body, key=world.keys[kind])
    assert refused.value.status == 401


@pytest.mark.parametrize("kind", BAD_TOKENS)
@pytest.mark.parametrize("way", ["websocket", "events", "stream over http"])
def test_no_wrong_token_opens_a_stream(world, way, kind):
    query = f"?token={world.tokens[kind]}&after=0"
    if way == "websocket":
        answer = world.upgrade(f"{world.log.path}/stream{query}")
        assert answer.startswith(b"HTTP/1.1 401"), answer[:200]
    else:
        with pytest.raises(Refused) as refused:
            world.server.request("GET", world.log.path + ("/events" if way == "events" else "/stream") + query, key="")
        assert refused.value.status == 401


@pytest.mark.parametrize("way", ["websocket", "events"])
def test_an_expired_token_opens_nothing(tmp_path, way):
    with serving(tmp_path, "--token-lifetime", "1ms") as server:
        log = server.register()
        token = log.stream_url().split("token=")[1]
        # The server's clock is this machine's: the token's millisecond passes.
        issued = time.time()
        wait_for(lambda: time.time() > issued + 0.002)
        if way == "websocket":
            with pytest.raises(Exception, match="401"):
                stream(f"ws://{server.address}{log.path}/stream?token={token}")
        else:
            with pytest.raises(Refused) as refused:
                server.request("GET", f"{log.path}/events?token={token}", key="")
            assert refused.value.status == 401


@pytest.mark.parametrize("kind", ["other", "alice", "bob", "viewer", "token", "none", "admin"])
def test_only_its_producer_appends(world, kind):
    secret = {"other": world.other.token, "alice": world.alice, "bob": world.bob, "viewer": world.viewer,
              "token": world.token, "none": "", "admin": world.server.key}[kind]
    with pytest.raises(Refused) as refused:
        world.server.request("POST", f"{world.log.path}/events?after=2", b'{"timestamp":1,"message":"forged"}\n', key=secret,
                             headers={"Content-Type": "application/x-ndjson"})
    assert refused.value.status == 401


@pytest.mark.parametrize("who", ["bob", "viewer"])
def test_no_user_stops_anothers_execution(world, who):
    with pytest.raises(Refused) as refused:
        world.server.delete(world.log.path, key=getattr(world, who))
    assert refused.value.status == 403


@pytest.mark.parametrize("path", PATHS)
def test_no_path_leads_out(world, path):
    answer = world.talk(f"GET {path.format(id=world.log.id)} HTTP/1.1\r\nHost: {world.server.address}\r\n"
                        f"Authorization: Bearer {world.alice}\r\nConnection: close\r\n\r\n")
    head = answer.split(b"\r\n\r\n")[0].lower()
    assert b"root:" not in answer and b"x-injected" not in head and b"set-cookie" not in head
    assert not answer or answer.split(b" ")[1][:1] == b"4", answer[:300]


@pytest.mark.parametrize("head", [
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /api/v1/keys HTTP/1.1\r\n\r\n",
    "POST /api/v1/run HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc",
    "POST /api/v1/run HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nabc",
    "POST /api/v1/run HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
    "POST /api/v1/run HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc",
    "POST /api/v1/run HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\nabc",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: b\x00c\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n",
    "GET /heal\x00thz HTTP/1.1\r\nHost: a\r\n\r\n", "GET /healthz HTTP/1.1\r\nX-A: " + "b" * 200_000 + "\r\n\r\n",
    "GET /healthz HTTP/1.1\r\n" + "".join(f"X-{n}: b\r\n" for n in range(20_000)) + "\r\n",
    "GET /" + "a" * 200_000 + " HTTP/1.1\r\nHost: a\r\n\r\n", "G" * 100_000, "\r\n" * 50_000 + "GET",
])
def test_no_request_is_smuggled_or_too_large(world, head):
    answer = world.talk(head.encode("latin-1"), wait=3)
    # A refusal or a closed connection; what is behind it is never answered as a request of its own.
    assert not answer or answer.split(b" ")[1][:1] == b"4" or head.startswith("GET / ") or "\x00c" in head, answer[:300]
    # (A refused head may be followed by the decoder's 400 for its body.)
    assert answer.replace(b"HTTP/1.1 400", b"").count(b"HTTP/1.1 ") <= 1 and b'"keys"' not in answer


@pytest.mark.parametrize("cursor", CURSORS)
@pytest.mark.parametrize("way", ["logs", "block", "websocket", "events"])
def test_no_cursor_but_an_offset_is_taken(world, way, cursor):
    if way in ("logs", "block"):
        target, key = f"{world.log.path}/{way}?{cursor}", world.alice
    else:
        target, key = f"{world.log.path}/{'stream' if way == 'websocket' else 'events'}?token={world.token}&{cursor}", ""
    if way == "websocket":
        answer = world.upgrade(target)
        assert answer.startswith(b"HTTP/1.1 4"), answer[:200]
    else:
        with pytest.raises(Refused) as refused:
            world.server.request("GET", target, key=key)
        assert refused.value.status in (400, 414, 431)


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_page_of_another_origin_opens_a_stream(world, origin):
    answer = world.upgrade(f"{world.log.path}/stream?token={world.token}",
                           f"Origin: {origin.format(host=world.server.address)}\r\n")
    assert answer.startswith(b"HTTP/1.1 403"), answer[:200]
    events = world.talk(f"GET {world.log.path}/events?token={world.token} HTTP/1.1\r\nHost: {world.server.address}\r\n"
                        f"Origin: {origin.format(host=world.server.address)}\r\n\r\n")
    assert events.startswith(b"HTTP/1.1 403") and b"retry:" not in events, events[:200]


def frame(opcode, payload=b"", fin=True, mask=True, rsv=0, announce=None):
    size = len(payload) if announce is None else announce
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    key = b"\x00\x00\x00\x00" if mask else b""
    return head + key + payload


def deflated(data):
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


FRAMES = {
    "1 GiB announced": ([frame(2, b"x" * 100, announce=1 << 30)], 1009),
    "2^63 announced": ([frame(2, b"", announce=1 << 63)], 1002),
    "1 GiB in a fragment": ([frame(2, b"a", fin=False), frame(0, b"x", announce=1 << 30)], 1009),
    "a flood of fragments": ([frame(1, b"a", fin=False)] + [frame(0, b"", fin=False)] * 40_000, 1009),
    "fragments without an end": ([frame(1, b"a" * 1000, fin=False)] + [frame(0, b"a" * 1000, fin=False)] * 100, 1009),
    "a message in a message": ([frame(1, b"a", fin=False), frame(1, b"b")], 1002),
    "a continuation of nothing": ([frame(0, b"a")], 1002),
    "not masked": ([frame(1, b"a", mask=False)], 1002),
    "a reserved bit": ([frame(1, b"a", rsv=1)], 1002),
    "a reserved opcode": ([frame(5, b"a")], 1002),
    "a large ping": ([frame(9, b"a" * 126)], 1002),
    "a ping in parts": ([frame(9, b"a", fin=False)], 1002),
    "no UTF-8": ([frame(1, b"\xff\xfe")], 1007),
    "a close of one byte": ([frame(8, b"a")], 1002),
    "a close with a code that is none": ([frame(8, struct.pack("!H", 1005))], 1002),
    "a length that is longer than it need be": ([struct.pack("!BBQ", 0x81, 0xFF, 1) + b"\0\0\0\0a"], 1002),
}
BOMBS = {
    "a bomb of 1 GiB in all": ([frame(1, deflated(b"a" * (32 << 20)) * 32, rsv=4)], 1009),
    "a bomb": ([frame(1, deflated(b"a" * (16 << 20)), rsv=4)], 1009),
    "a bomb in parts": ([frame(1, deflated(b"a" * (16 << 20))[:1000], fin=False, rsv=4),
                         frame(0, deflated(b"a" * (16 << 20))[1000:])], 1009),
    "no deflate": ([frame(1, b"\xff" * 100, rsv=4)], 1007),
}


@pytest.mark.parametrize("kind", list(FRAMES))
def test_no_frame_does_harm(world, kind):
    check_frames(world, *FRAMES[kind])


@pytest.mark.parametrize("kind", list(BOMBS))
def test_no_compressed_frame_does_harm(world, kind):
    check_frames(world, *BOMBS[kind], headers="Sec-WebSocket-Extensions: permessage-deflate\r\n")


def check_frames(world, frames, code, headers=""):
    before = world.server.memory()
    with world.websocket(headers) as line:
        received = b""
        # It may hang up on a flood before all of it is out.
        with contextlib.suppress(ConnectionError):
            line.sendall(b"".join(frames))
        with contextlib.suppress(ConnectionError):
            while chunk := line.recv(65536):
                received += chunk
    assert b"\x88" in received or not received
    if received:
        closing = received[received.rindex(b"\x88"):]
        assert struct.unpack("!H", closing[2:4])[0] in (code, 1002, 1007), closing
    assert world.server.memory() - before < 64 << 20


@pytest.mark.parametrize("body, type", BODIES + [(b"a" * ((8 << 20) + 1), "application/x-ndjson")])
def test_no_body_forges_an_event(world, body, type):
    with pytest.raises(Refused) as refused:
        world.log.append_raw(body, after=2, type=type)
    assert refused.value.status in (400, 413, 415)
    # The fixture's last look at the log shows that nothing of it was kept.


@pytest.mark.parametrize("message", MESSAGES)
def test_no_output_breaks_out_of_its_event(world, message):
    log = world.server.register(world.alice)
    log.append(message, end="SUCCEEDED")
    events = world.server.events(log.id, key=world.alice)
    assert [e.get("message") for e in events[:-1]] == [message]
    assert world.server.request("GET", f"{log.path}/logs", key=world.alice)[1]["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("bytes_sent", [b"", b"GET /api", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: ",
                                        b"POST /api/v1/run HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"])
def test_no_slow_request_is_waited_for(tmp_path, bytes_sent):
    with serving(tmp_path, "--request-timeout", "300ms", "--idle-timeout", "300ms") as server:
        host, port = server.address.split(":")
        began = time.monotonic()
        with socket.create_connection((host, int(port)), timeout=20) as line:
            line.sendall(bytes_sent)
            with contextlib.suppress(ConnectionError):
                # A byte now and then doesn't buy more time.
                while time.monotonic() - began < 15:
                    line.settimeout(0.1)
                    with contextlib.suppress(TimeoutError):
                        if not line.recv(65536):
                            break
                    line.sendall(b"a")
        assert time.monotonic() - began < 15


def test_a_viewer_is_served_while_a_thousand_handshakes_hang(world):
    """How soon is measured by `bench/run handshakes`."""
    with contextlib.ExitStack() as hanging:
        for n in range(1000):
            line = hanging.enter_context(world.connect(30))
            line.sendall(b"GET /api/v1/executions/x/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nX-" + b"a" * (n % 50))
        with stream(f"ws://{world.server.address}{world.log.path}/stream?token={world.token}&after=0") as viewer:
            assert '"one"' in viewer.recv(10)


def test_no_secret_is_written_or_shown(world):
    """After all of the above: not in the server's log, nor in any process's arguments."""
    log = world.server.log()
    arguments = b""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        # A process may end while we look.
        with contextlib.suppress(OSError):
            arguments += path.read_bytes()
    for secret in SECRETS:
        assert secret not in log
        assert secret.encode() not in arguments
        assert base64.b64encode(secret.encode()).decode() not in log
    assert not os.path.exists("/proof-of-an-attack")


def test_event_streams_count_as_viewers_of_their_key(tmp_path):
    with serving(tmp_path, "--max-viewers-per-key", "2") as server:
        log = server.register()
        log.append("one")
        urls = [server.get(f"{log.path}/logs")["stream_url"] for _ in range(3)]
        with contextlib.ExitStack() as open_streams:
            for url in urls[:2]:
                answer = open_streams.enter_context(urllib.request.urlopen(url, timeout=30))
                while b"one" not in answer.readline():
                    pass
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(urls[2], timeout=30)
            assert refused.value.code == 429
        # A place is given back as soon as the server finds the stream gone, which writing to it shows.
        def opens():
            log.append("more")
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(urls[2], timeout=30):
                return True
        wait_for(opens)


def test_a_text_of_empty_lines_is_refused_before_it_fills_the_memory(world):
    with pytest.raises(Refused) as refused:
        world.other.append_raw(b"\n" * (8 << 20), type="text/plain", token=world.other.token)
    assert (refused.value.status, refused.value.code) == (413, "body_too_large")


def test_every_answer_says_that_it_is_what_it_says(world):
    for path in ["/healthz", "/api/v1/executions", f"/api/v1/executions/{world.log.id}"]:
        assert world.server.request("GET", path)[1]["X-Content-Type-Options"] == "nosniff"
    with pytest.raises(Refused) as refused:
        world.server.request("GET", "/api/v1/nothing")
    assert refused.value.headers["X-Content-Type-Options"] == "nosniff"
