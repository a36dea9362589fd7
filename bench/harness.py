"""What the benchmarks share: the release build, the load programs, servers, and what the system says of a process."""

import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / ".build" / "bench"
EVENT_BYTES = 200

sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))


def build():
    """Builds the server, unless EVERYLINE_BINARY names one, and the load programs."""
    if "EVERYLINE_BINARY" in os.environ:
        return build_tools()
    subprocess.run(["swift", "build", "-c", "release", "--product", "everyline"], cwd=ROOT, check=True)
    binaries = subprocess.run(
        ["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, check=True, capture_output=True, text=True)
    os.environ["EVERYLINE_BINARY"] = binaries.stdout.strip() + "/everyline"
    build_tools()


def build_tools():
    """Builds the load programs."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for source in (ROOT / "bench" / "tools").glob("*.c"):
        subprocess.run(
            ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", BUILD / source.stem, source], check=True)


def conditions():
    """The machine, for the record."""
    cpu = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = next(int(line.split()[1]) >> 20 for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    return (
        f"{os.cpu_count()} cores of {cpu}, {memory} GiB, Linux {platform.release()}, load {os.getloadavg()[0]:.1f}; "
        f"commit {commit}; {time.strftime('%Y-%m-%d')}")


class Workspace:
    """A directory on the disk that is measured; gone afterwards."""

    def __init__(self, name):
        self.path = BUILD / "data" / name

    def __enter__(self):
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def serving(directory, *options):
    from everyline import serving as serve

    return serve(directory, *options)


def port(server):
    return int(server.url.rsplit(":", 1)[1])


def tool(name, *arguments, input=""):
    """Runs a load program to its end, and gives what it measured."""
    done = subprocess.run(
        [BUILD / name, *map(str, arguments)], input=input, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def append(server, logs, events, batch, rate=0):
    """Appends to each log; each goes on where it is. (The program begins at 0.)"""
    return tool("append", port(server), events, batch, rate, input="".join(f"{log.id} {log.token}\n" for log in logs))


class View:
    """Viewers that read in the background."""

    def __init__(self, port, path, viewers, last):
        self.process = subprocess.Popen(
            [BUILD / "view", str(port), str(viewers), str(last)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True)
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()

    def opened(self):
        assert self.process.stdout.readline() == "open\n", "the viewers could not connect"
        return self

    def finish(self):
        self.process.stdin.close()
        text = self.process.stdout.read().splitlines()[-1]
        assert self.process.wait() == 0
        return json.loads(text)


def stream_path(server, id, after=0):
    return "/" + server.stream_url(id).split("/", 3)[3] + f"&after={after}"


class Ideal:
    """The upper bound's server."""

    def __init__(self, backlog, frame, live=0, rate=0, file=None):
        self.events = backlog
        self.process = subprocess.Popen(
            [BUILD / "ideal", *map(str, [backlog, frame, live, rate]), *([file] if file else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self):
        return self

    def go(self):
        self.process.stdin.write("x")
        self.process.stdin.flush()

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def anonymous_memory(pid):
    """In bytes: what the process has allocated, without the files that it has mapped."""
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise LookupError("RssAnon")


class PeakMemory:
    """The most that a process has allocated while something goes on."""

    def __init__(self, pid):
        self.pid, self.peak, self.stop = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.stop.is_set():
            self.peak = max(self.peak, anonymous_memory(self.pid))
            self.stop.wait(0.05)

    def __enter__(self):
        self.before = anonymous_memory(self.pid)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def median(values):
    return statistics.median(values)


def millions(number):
    return f"{number / 1e6:.2f} M"
