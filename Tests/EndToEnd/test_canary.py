"""The canary: it finds nothing wrong with a server that keeps its promise, whatever happens to connections, and finds each lie."""

import json
import subprocess

import pytest

from cli import CommandLine
from everyline import serving, wait_for
from liar import Liar

RIGHT = "0 missing, 0 duplicate, 0 reordered, 0 corrupted"


def test_a_server_that_keeps_its_promise_passes(cli):
    out = cli.out("canary", "--lines", 4000, "--rate", 2000, "--viewers", 20, "--cuts", 40)
    assert out.startswith("4000 lines, 20 viewers, ") and RIGHT in out and "latency p50" in out


def test_connections_are_cut_and_no_line_is_lost_by_it(cli):
    found = json.loads(cli.out(
        "canary", "--lines", 8000, "--rate", 4000, "--viewers", 12, "--cuts", 36, "--seed", 7, "--output", "json"))
    # On a slow machine a message may bring a viewer past two places of its plan.
    assert 18 <= found["cuts"] <= 36 and found["reconnections"] >= 18
    assert (found["missing"], found["duplicate"], found["reordered"], found["corrupted"]) == (0, 0, 0, 0)
    assert found["lines"] == 8000 and found["seed"] == 7 and found["failures"] == []


def test_viewers_that_stalled_catch_up(cli):
    out = cli.out("canary", "--lines", 8000, "--rate", 0, "--line-bytes", 1000, "--viewers", 8, "--stalled", 4)
    assert RIGHT in out


def test_a_server_that_is_killed_meanwhile_passes(own_server, tmp_path):
    canary = CommandLine(own_server.start(), tmp_path).start("canary", "--duration", "6s", "--rate", 1000)
    for share in (1, 2):
        wait_for(lambda: newest(own_server)["last_offset"] >= share * 2000)
        own_server.restart()
    assert canary.wait() == 0, canary.err
    assert canary.out.startswith("6000 lines, 10 viewers, ") and RIGHT in canary.out
    canary.end()


def test_over_tls_each_viewer_still_goes_through_its_proxy(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    with serving(tmp_path, "--tls-certificate", str(certificate), "--tls-key", str(key)) as server:
        server.url = server.url.replace("127.0.0.1", "localhost")
        found = json.loads(CommandLine(server, tmp_path).out(
            "canary", "--lines", 4000, "--rate", 4000, "--ca-file", certificate, "--output", "json"))
    assert found["missing"] == 0 and found["reconnections"] >= 10


def test_an_interrupt_gives_the_verdict_on_what_was_written(server, cli):
    canary = cli.start("canary", "--lines", 10_000_000, "--rate", 1000)
    wait_for(lambda: "execution " in canary.err)
    id = canary.err.split("execution ")[1].split(",")[0]
    wait_for(lambda: server.execution(id)["last_offset"] > 500)
    canary.interrupt()
    assert canary.wait() == 0
    assert RIGHT in canary.out and canary.out.endswith("; stopped early\n")
    assert server.execution(id)["status"] == "STOPPED"
    assert int(canary.out.split()[0]) == server.execution(id)["last_offset"] - 1
    canary.end()


def test_a_server_that_is_not_there_is_no_verdict(tmp_path):
    refused = CommandLine(None, tmp_path).run("canary")
    assert refused.returncode == 125 and refused.stdout == b""


@pytest.mark.parametrize("options", [
    ["--viewers", "0"], ["--lines", "0"], ["--viewers", "3", "--stalled", "3"], ["--line-bytes", "10"],
    ["--rate", "0", "--duration", "1s"], ["--rate", "18446744073709551615", "--duration", "365d"],
    ["--batch", "18446744073709551615"], ["--cuts", "-1"]])
def test_options_that_make_no_sense_are_refused(tmp_path, options):
    assert CommandLine(None, tmp_path).run("canary", *options).returncode == 64


class Once:
    """A lie about one event, told so many times."""

    def __init__(self, offset, change, times=1):
        self.offset, self.change, self.left = offset, change, times

    def __call__(self, events):
        lines = [line for _, line in events]
        at = next((n for n, (event, _) in enumerate(events) if event.get("offset") == self.offset), None)
        if at is None or self.left == 0:
            return lines
        self.left -= 1
        return self.change(lines, at)


def dropped(lines, at):
    return lines[:at] + lines[at + 1:]


def doubled(lines, at):
    return lines[:at + 1] + lines[at:]


def swapped(lines, at):
    return lines[:at] + [lines[at + 1], lines[at]] + lines[at + 2:]


def changed(lines, at):
    return lines[:at] + [lines[at].replace("300 ", "301 ", 1)] + lines[at + 1:]


def ended(lines, at):
    return lines[:at] + ['{"offset":300,"timestamp":1,"type":"end","status":"SUCCEEDED","exit_code":0}']


def silent(lines, at):
    return lines[:at]


@pytest.mark.parametrize("lie, verdict", [
    (Once(300, dropped), "1 missing, 0 duplicate, 0 reordered, 0 corrupted"),
    (Once(300, doubled), "0 missing, 1 duplicate, 0 reordered, 0 corrupted"),
    (Once(300, swapped), "0 missing, 0 duplicate, 1 reordered, 0 corrupted"),
    (Once(300, changed), "0 missing, 0 duplicate, 0 reordered, 1 corrupted"),
    (Once(300, ended), "300 missing, 0 duplicate, 0 reordered, 1 corrupted"),
    (Once(300, dropped, times=-1), "301 missing, 0 duplicate, 0 reordered, 0 corrupted"),
    (Once(300, silent, times=-1), "301 missing, 0 duplicate, 0 reordered, 0 corrupted"),
], ids=["dropped once", "doubled", "swapped", "changed", "ended early", "never sent", "silent"])
def test_a_lie_is_found_and_named(server, tmp_path, lie, verdict):
    with Liar(server, lie) as liar:
        found = CommandLine(liar, tmp_path).run(
            "canary", "--lines", 600, "--rate", 0, "--viewers", 1, "--cuts", 0, "--patience", "3s")
    assert found.returncode == 1, found.stderr
    assert verdict in found.stdout.decode()
    assert (b"a viewer gave up" in found.stderr) == (lie.left < 0)


def newest(server):
    """The canary's own execution, once it is registered."""
    found = server.get("/api/v1/executions?limit=1")["executions"]
    return found[0] if found else {"last_offset": 0}
