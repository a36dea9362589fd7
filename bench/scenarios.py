"""What is measured. Each scenario alternates Everyline and the bound, so that a noisy neighbour disturbs both."""

import dataclasses
import subprocess
import time

from harness import (
    EVENT_BYTES, Ideal, PeakMemory, View, Workspace, anonymous_memory, append, cpu_seconds, median, millions, port,
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
    """Acknowledged, durable appends: batches of 1,000 from one and from four producers, and one event at a time."""
    rates = {1: [], 4: []}
    disk_rates, single, sync = [], [], []
    with Workspace("append") as directory, serving(directory) as server:
        for _ in range(repeat):
            for producers in rates:
                logs = [server.register() for _ in range(producers)]
                rates[producers].append(append(server, logs, 1_000_000 // producers, 1000)["events_per_s"])
            disk_rates.append(tool("disk", directory / "disk", EVENT_BYTES * 1000, 2)["syncs_per_s"] * 1000)
            single.append(append(server, [server.register()], 3000, 1)["p50_us"])
            sync.append(tool("disk", directory / "disk", EVENT_BYTES, 2)["p50_us"])
    bound = median(disk_rates)
    rows = [
        Row(f"durable appends, batches of 1,000, {producers} producer{'s'[:producers > 1]}",
            f"{millions(median(found))} events/s", f"{millions(bound)} (fdatasync of the same bytes)",
            f"{median(found) / bound:.2f}", "≥ 0.5 M", median(found) >= 500_000)
        for producers, found in rates.items()
    ]
    ours, best = median(single), median(sync)
    rows.append(Row(
        "durable append of one event, p50", f"{ours:.0f} µs", f"{best:.0f} µs (fdatasync of 200 bytes)",
        f"{ours / best:.2f}", "≤ 2 ×", ours <= 2 * best))
    return rows


def replay(repeat):
    """A log of a million events to one viewer."""
    ours, bound, cpu = [], [], []
    events = 1_000_000
    with Workspace("replay") as directory, serving(directory) as server, Ideal(events, 1000) as ideal:
        log = server.register()
        append(server, [log], events, 1000)
        for _ in range(repeat):
            before = cpu_seconds(server.process.pid)
            found = View(port(server), stream_path(server, log.id), 1, events).finish()
            cpu.append((cpu_seconds(server.process.pid) - before) / events * 1e6)
            ours.append(events / found["from_first_s"])
            bound.append(events / View(ideal.port, "/?after=0", 1, events).finish()["from_first_s"])
    rate, best = median(ours), median(bound)
    return [Row(
        "replay of 1 M events to one viewer", f"{millions(rate)} events/s ({median(cpu):.2f} µs of CPU each)",
        f"{millions(best)}", f"{rate / best:.2f}", "≥ 4 M and ≥ 0.5 ×", rate >= 4e6 and rate >= best / 2)]


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
        "memory of an idle viewer, at 5,000", f"{median(sizes):.1f} KiB", "", "", "≤ 12 KiB", median(sizes) <= 12)]


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


ALL = {
    "append": appends, "replay": replay, "latency": latency, "fanout": fanout, "idle": idle, "runner": runner,
    "large": large,
}
