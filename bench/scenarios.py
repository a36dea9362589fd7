"""What is measured. Each scenario alternates Everyline and the bound, so that a noisy neighbour disturbs both."""

import contextlib
import dataclasses
import json
import os
import resource
import socket
import sqlite3
import subprocess
import time

import peers
import pending
from harness import (
    EVENT_BYTES, Ideal, PeakMemory, View, Workspace, anonymous_memory, append, cpu_microseconds, cpu_seconds, median, millions, port,
    serving, stream_path, tool)


@dataclasses.dataclass
class Row:
    what: str
    everyline: str
    bound: str
    ratio: str
    goal: str
    reached: bool

    @property
    def verdict(self):
        return "reached" if self.reached else "**missed**"


def appends(repeat):
    """Acknowledged, durable appends in batches of 1,000, from one and from four producers."""
    rates = {1: [], 4: []}
    disk_rates = []
    with Workspace("append") as directory, serving(directory) as server:
        for _ in range(repeat):
            for producers in rates:
                logs = [server.register() for _ in range(producers)]
                rates[producers].append(append(server, logs, 1_000_000 // producers, 1000)["events_per_s"])
            disk_rates.append(tool("disk", directory / "disk", EVENT_BYTES * 1000, 2)["syncs_per_s"] * 1000)
    bound = median(disk_rates)
    return [
        Row(f"durable appends, batches of 1,000, {producers} producer{'s'[:producers > 1]}",
            f"{millions(median(found))} events/s", f"{millions(bound)} (fdatasync of the same bytes)",
            f"{median(found) / bound:.2f}", "≥ 0.5 M", median(found) >= 500_000)
        for producers, found in rates.items()
    ]


def single(repeat):
    """One durable append after the other: by the port, by the socket that runners use, and in Redis where it is installed."""
    events, sync, found = 3000, [], {"by the port": [], "by the runners' socket": [], "Redis": []}
    with Workspace("single") as directory, serving(directory) as server, contextlib.ExitStack() as stack:
        redis = peers.redis(directory / "redis")
        if redis:
            stack.enter_context(redis)
        for _ in range(repeat):
            sync.append(tool("disk", directory / "disk", EVENT_BYTES, 2)["p50_us"])
            for way, socket_path in (("by the port", None), ("by the runners' socket", server.data / "runner.sock")):
                log, before = server.register(), cpu_microseconds(server.process.pid)
                half = append(server, [log], events, 1, socket=socket_path)["p50_us"]
                found[way].append((half, (cpu_microseconds(server.process.pid) - before) / events))
            if redis:
                found["Redis"].append(redis.append(events))
    half, cpu = ({way: median(pair[i] for pair in pairs) for way, pairs in found.items() if pairs} for i in (0, 1))
    best, goal = (half.pop("Redis"), 1.5) if redis else (median(sync), 2)
    bound = f"{best:.0f} µs, {cpu['Redis']:.0f} µs of CPU (Redis, fsync always)" if redis else f"{best:.0f} µs (fdatasync)"
    return [
        Row(f"durable append of one event {way}, p50", f"{ours:.0f} µs, {cpu[way]:.0f} µs of CPU", bound,
            f"{ours / best:.2f}", f"≤ {goal} ×", ours <= goal * best)
        for way, ours in half.items()
    ]


def replay(repeat):
    """A log of a million events to one viewer, while it goes on, and once it has ended and is packed."""
    events = 1_000_000
    with Workspace("replay") as directory, serving(directory) as server, Ideal(events, 1000) as ideal:
        log = server.register()
        append(server, [log], events, 1000)
        path = stream_path(server, log.id)
        rows = [replayed("replay of 1 M events to one viewer", server, path, ideal, events, repeat, 0.5, 4e6)]
        log.append(after=events, end="SUCCEEDED")
        data = sqlite3.connect(f"file:{server.data}/everyline.sqlite?mode=ro", uri=True)
        with contextlib.closing(data):
            while data.execute("SELECT count(*) FROM execution WHERE merged IS NOT NULL").fetchone()[0]:
                time.sleep(0.1)  # It is packed in the background, and what is waited for is that it has been.
            packed, text = data.execute(
                "SELECT sum(length(events)), (SELECT sum(log_bytes) FROM execution) FROM block").fetchone()
        rows.append(replayed("the same, ended and packed", server, path, ideal, events + 1, repeat, 0.35))
    rows.append(Row(
        "what its blocks take of its events' bytes", f"{packed / 1e6:.0f} MB", f"{text / 1e6:.0f} MB as they go out",
        f"{packed / text:.3f}", "≤ 1/6", packed <= text / 6))
    return rows


def replayed(what, server, path, ideal, events, repeat, goal, least=0.0):
    ours, bound, cpu = [], [], []
    for _ in range(repeat):
        before = cpu_seconds(server.process.pid)
        found = View(port(server), path, 1, events).finish()
        cpu.append((cpu_seconds(server.process.pid) - before) / events * 1e6)
        ours.append(events / found["from_first_s"])
        bound.append(ideal.events / View(ideal.port, "/?after=0", 1, ideal.events).finish()["from_first_s"])
    rate, best = median(ours), median(bound)
    return Row(
        what, f"{millions(rate)} events/s ({median(cpu):.2f} µs of CPU each)", f"{millions(best)}", f"{rate / best:.2f}",
        f"≥ {millions(least)} and ≥ {goal} ×" if least else f"≥ {goal} ×", rate >= least and rate >= best * goal)


def latency(repeat):
    """From when an event was due at its producer to its arrival at a viewer, with its commit to the disk between."""
    rows = []
    for rate in (1000, 10_000):
        ours, bound = [], []
        events = rate * 10
        with Workspace("latency") as directory, serving(directory) as server:
            for _ in range(repeat):
                log = server.register()
                view = View(port(server), stream_path(server, log.id), 1, events).opened()
                append(server, [log], events, 1000, rate)
                ours.append(view.finish())
                with Ideal(0, 1000, events, rate, directory / "ideal") as ideal:
                    view = View(ideal.port, "/?after=0", 1, events).opened()
                    ideal.go()
                    bound.append(view.finish())
        p50, p99, best50, best99 = (
            median(found[key] for found in side) for side in (ours, bound) for key in ("p50_us", "p99_us"))
        rows.append(Row(
            f"live latency at {rate:,} events/s, p50 / p99", f"{p50:.0f} / {p99:.0f} µs",
            f"{best50:.0f} / {best99:.0f} µs (fdatasync, then send)", f"{p50 / best50:.2f} / {p99 / best99:.2f}",
            "p50 ≤ 2 ×", p50 <= 2 * best50))
    return rows


def fanout(repeat):
    """One execution's live output to a thousand viewers."""
    viewers, events = 1000, 20_000
    ours, bound, cpu = [], [], []
    with Workspace("fanout") as directory, serving(directory) as server:
        for _ in range(repeat):
            log = server.register()
            view = View(port(server), stream_path(server, log.id), viewers, events).opened()
            before = cpu_seconds(server.process.pid)
            append(server, [log], events, 100)
            ours.append(events * viewers / view.finish()["from_first_s"])
            cpu.append((cpu_seconds(server.process.pid) - before) / events / viewers * 1e6)
            with Ideal(0, 100, events, 0) as ideal:
                view = View(ideal.port, "/?after=0", viewers, events).opened()
                ideal.go()
                bound.append(events * viewers / view.finish()["from_first_s"])
    rate, best = median(ours), median(bound)
    return [Row(
        "one execution to 1,000 live viewers", f"{millions(rate)} delivered events/s ({median(cpu):.2f} µs of CPU each)",
        millions(best), f"{rate / best:.2f}", "≥ 1.5 M", rate >= 1.5e6)]


def idle(repeat):
    """The server's memory for each viewer that waits."""
    viewers = 5000
    sizes = []
    for _ in range(repeat):
        with Workspace("idle") as directory, serving(directory) as server:
            log = server.register()
            log.append("something")
            View(port(server), stream_path(server, log.id), 10, 1).finish()
            before = anonymous_memory(server.process.pid)
            view = View(port(server), stream_path(server, log.id), viewers, 0).opened()
            sizes.append((anonymous_memory(server.process.pid) - before) / viewers / 1024)
            view.finish()
    return [Row(
        "memory of an idle viewer, at 5,000", f"{median(sizes):.1f} KiB", "", "", "≤ 8 KiB", median(sizes) <= 8)]


def handshakes(repeat):
    """A new viewer's first line beside a thousand handshakes that hang: right behind their connections, and later."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    behind, later, alone = [], [], []
    for _ in range(repeat):
        with Workspace("handshakes") as directory, serving(directory) as server, contextlib.ExitStack() as hanging:
            log = server.register()
            log.append("something")
            path = stream_path(server, log.id)
            alone += [first_line(server, path) for _ in range(20)]
            for _ in range(1000):
                line = hanging.enter_context(socket.create_connection(("127.0.0.1", port(server))))
                line.sendall(b"GET /api/v1/executions/x/stream HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nX-")
            behind.append(first_line(server, path))
            later += [first_line(server, path) for _ in range(20)]
    return [Row(
        "a new viewer's first line, 1,000 handshakes hang: right behind them / later",
        f"{max(behind):.0f} / {median(later):.1f} ms", f"{median(alone):.1f} ms (none hangs)",
        f"{median(later) / median(alone):.2f}", "< 100 ms", max(behind) < 100)]


def first_line(server, path):
    """From connecting to the first event, in milliseconds."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port(server))) as viewer:
        viewer.sendall(request.encode())
        received = b""
        while b'"offset":1' not in received:
            piece = viewer.recv(65536)
            assert piece, received
            received += piece
    return (time.monotonic() - start) * 1000


def stalled(repeat):
    """What 800 viewers notice of 200 others that have stopped reading, and what those cost the server."""
    ours, bound, sizes = [], [], []
    for turn in range(repeat):
        pair = [(800, 0, bound), (1000, 200, ours)]
        for viewers, stalling, latencies in reversed(pair) if turn % 2 else pair:
            with Workspace("stalled") as directory, serving(directory) as server:
                with PeakMemory(server.process.pid) as memory:
                    found = canary(
                        server, "--viewers", viewers, "--stalled", stalling, "--cuts", 0, "--lines", 6000, "--rate", 500,
                        "--batch", 50, "--line-bytes", 400)
                latencies.append(found["latency"]["p99_us"])
                if stalling:
                    sizes.append(memory.peak)
    ratio = median(with_them / without for with_them, without in zip(ours, bound))
    return [Row(
        "live latency of 800 viewers, p99, 200 others stall",
        f"{median(ours) / 1000:.0f} ms; the server's memory at the most {max(sizes) / 2**20:.0f} MiB",
        f"{median(bound) / 1000:.0f} ms (without them)", f"{ratio:.2f}", "≤ 1.1 ×", ratio <= 1.1)]


def canary(server, *options):
    """Runs `everyline canary`, which must find nothing wrong, and gives what it measured."""
    environment = {**os.environ, "EVERYLINE_URL": server.url, "EVERYLINE_API_KEY": server.key}
    command = [os.environ["EVERYLINE_BINARY"], "canary", "--output", "json", *map(str, options)]
    return json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout)


def runner(repeat):
    """Two million lines of a command, from its start until a viewer has the last one."""
    lines = 2_000_000
    text = "[worker-03] compile module Foundation.Net step elapsed=12.345s status=ok and some more of the same kind"
    script = f"yes '{text}' | head -n {lines}"
    ours, bound = [], []
    with Workspace("runner") as directory, serving(directory) as server:
        for _ in range(repeat):
            start = time.monotonic()
            id = server.run("sh", "-c", script)
            View(port(server), stream_path(server, id), 1, lines + 1).finish()
            ours.append(lines / (time.monotonic() - start))
            start = time.monotonic()
            subprocess.run(["sh", "-c", f"({script}) | cat > {directory}/plain; sync {directory}/plain"], check=True)
            bound.append(lines / (time.monotonic() - start))
    rate, best = median(ours), median(bound)
    return [Row(
        "2 M lines of a command, end to end", f"{millions(rate)} lines/s", f"{millions(best)} (cat to a file, sync)",
        f"{rate / best:.2f}", "≥ 0.5 M", rate >= 500_000)]


def large(_):
    """A log of 10 GB, read as a stream and as a download. Once: it takes minutes."""
    events = 10_000_000_000 // EVENT_BYTES
    with Workspace("large") as directory, serving(directory, "--log-limit", "16GiB") as server:
        log = server.register()
        append(server, [log], events, 5000)
        path = stream_path(server, log.id)
        # Only a log that has ended can be downloaded; its end is one event more.
        log.append(after=events, end="SUCCEEDED")
        size = server.execution(log.id)["log_bytes"]
        with PeakMemory(server.process.pid) as streamed:
            start = time.monotonic()
            View(port(server), path, 1, events + 1).finish()
            stream_rate = size / (time.monotonic() - start)
        with PeakMemory(server.process.pid) as downloaded:
            start = time.monotonic()
            command = [
                "curl", "--silent", "--fail", "--output", "/dev/null", "--write-out", "%{size_download}",
                "--header", "@-", f"{server.url}/api/v1/executions/{log.id}/logs"]
            headers = f"Authorization: Bearer {server.key}\nAccept: application/x-ndjson\n"
            got = subprocess.run(command, input=headers, capture_output=True, text=True, check=True).stdout
            download_rate = int(got) / (time.monotonic() - start)
        assert int(got) == size
    growth = max(streamed.peak, downloaded.peak) - streamed.before
    return [Row(
        f"a log of {size / 1e9:.1f} GB, streamed / downloaded",
        f"{stream_rate / 1e6:.0f} / {download_rate / 1e6:.0f} MB/s; memory grew by {growth / 2**20:.0f} MiB, to "
        f"{max(streamed.peak, downloaded.peak) / 2**20:.0f} MiB at the most", "", "", "constant memory",
        growth < 64 << 20)]


def unfinished(repeat):
    """A progress bar that many follow, and the way of a byte that no newline has followed."""
    cpu, rate = pending.progress(repeat)
    found = pending.delay(repeat)
    half, most = found[len(found) // 2], found[len(found) * 95 // 100]
    return [
        Row(f"{pending.VIEWERS:,} viewers of a progress bar at 20 updates a second", f"{rate:.1f} messages/s each; {cpu * 100:.0f} % of a core", "",
            "", "≤ 10 messages/s each", rate <= 10.05),
        Row(f"from a byte without a newline to the screen of `logs -f`, p50 / p95 of {len(found)}", f"{half:.0f} / {most:.0f} ms", "", "",
            "p95 ≤ 150 ms", most <= 150)]


ALL = {
    "append": appends, "single": single, "replay": replay, "latency": latency, "fanout": fanout, "idle": idle, "handshakes": handshakes,
    "stalled": stalled, "runner": runner, "large": large, "unfinished": unfinished,
}
