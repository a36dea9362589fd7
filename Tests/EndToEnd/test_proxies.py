"""The server behind the proxies that people have, each configured as docs/proxies.md says: below a path, over TLS."""

import json
import re
import urllib.parse
import urllib.request

import pytest

from cli import CommandLine
from everyline import messages, stream
from proxies import NAMES, proxied


@pytest.fixture(scope="module", params=NAMES)
def server(request, tmp_path_factory):
    """Silent for no longer than a second, behind a proxy that waits three."""
    with proxied(request.param, tmp_path_factory.mktemp(request.param), "--heartbeat", "1s", timeout="3s") as server:
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=server.trust))
        urllib.request.install_opener(opener)
        yield server
        urllib.request.install_opener(urllib.request.build_opener())


def test_commands_run_and_are_recorded_through_it(server, tmp_path):
    cli = CommandLine(server, tmp_path)
    trust = ["--ca-file", server.directory / "chain.pem"]
    lines = "".join(f"{n}\n" for n in range(1, 2001))
    assert cli.out("run", *trust, "--", "seq", "2000") == lines
    assert cli.out("exec", *trust, "--", "seq", "2000") == lines
    assert cli.out("logs", *trust, "--last") == lines
    assert cli.run("canary", *trust, "--lines", "500", "--viewers", "3").returncode == 0


def test_a_stream_lives_through_silence_and_gets_a_line_at_once(server):
    log = server.register()
    url = log.stream_url()
    assert url.startswith(server.outside.replace("https:", "wss:"))
    with stream(url, ssl=server.trust) as viewer:
        beats = 0
        while beats < 5:
            beats += json.loads(viewer.recv(timeout=30))["type"] == "heartbeat"
        for number in range(1, 20):
            log.append(f"line {number}")
            # The next is sent only after this one has come.
            while (event := json.loads(viewer.recv(timeout=30))).get("type") == "heartbeat":
                pass
            assert event["message"] == f"line {number}"
        log.append(end="SUCCEEDED")
        assert "end" in list(viewer)[-1]


def test_server_sent_events_live_through_silence_and_come_at_once(server):
    log = server.register()
    url = server.get(f"{log.path}/logs")["stream_url"]
    with urllib.request.urlopen(url, timeout=30) as events:
        beats = 0
        while beats < 5:
            beats += events.readline().startswith(b":")
        for number in range(1, 20):
            log.append(f"line {number}")
            while not (line := events.readline()).startswith(b"data:"):
                assert line, "the stream has ended"
            assert json.loads(line[5:])["message"] == f"line {number}"


def test_a_body_as_large_as_the_server_takes_passes(server):
    log = server.register()
    line = json.dumps({"timestamp": 1, "message": "x" * 200_000}) + "\n"
    log.append_raw(line * ((8 << 20) // len(line)))
    log.append(end="SUCCEEDED")
    assert messages(server.events(log.id)) == ["x" * 200_000] * ((8 << 20) // len(line))


def test_the_pages_find_what_they_load_below_the_path(server):
    with urllib.request.urlopen(server.outside, timeout=30) as page:
        assert page.url == server.outside + "/"
        policy = page.headers["Content-Security-Policy"]
    assert f"wss://localhost:{server.port} " in policy.replace(";", " ;")
    id = server.register().id
    for page in ("/", f"/executions/{id}"):
        with urllib.request.urlopen(server.outside + page, timeout=30) as answer:
            text = answer.read().decode()
            found = re.findall(r'(?:src|href)="([^"#]+)"', text)
        for path in found:
            if path.startswith("data:"):
                continue
            address = urllib.parse.urljoin(server.outside + page, path)
            assert address.startswith(server.outside + "/"), address
            with urllib.request.urlopen(address, timeout=30) as file:
                assert file.status == 200
