#!/usr/bin/env python3
"""Measures the web viewer in a real browser, and prints a Markdown table. Needs the browser tests' packages:

    scripts/python
    .build/python/bin/python bench/viewer.py                 five million lines (some minutes, 2 GB of disk)
    .build/python/bin/python bench/viewer.py --lines 1000000
    .build/python/bin/python bench/viewer.py --only screen         output that moves the cursor: frames, laying out, jumps
    .build/python/bin/python bench/viewer.py --binary PATH         a release binary that is there, instead of building one

Frames are counted by the page's own requestAnimationFrame; the browser draws in software here, on the same cores as the
server and the producer, so a machine with a screen does better. What that alone costs shows a bare page (`bare.html`) that
changes forty rows of text in each frame, beside the same producer.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time

import harness

sys.path.insert(0, str(harness.ROOT / "Tests" / "Browser"))

RATE = 20_000
OPENINGS = 15
FRAMES = """() => {
  window.frames_ = [];
  let last = performance.now();
  const next = () => {
    const now = performance.now();
    window.frames_.push(now - last);
    last = now;
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next); }"""
KEY = "sessionStorage.setItem('everyline.key', {});"
LINE = "document.querySelector('.row:not([hidden]):not([data-kind=unread])')"
FIRST_LINES = """() => {
  const answered = () => performance.getEntriesByType('navigation')[0].responseEnd;
  const look = () => %s ? (window.first = performance.now() - answered()) : requestAnimationFrame(look);
  look(); }""" % LINE


class Table:
    def __init__(self):
        self.rows = []

    def add(self, what, value):
        print(f"  {what}: {value}", file=sys.stderr)
        self.rows.append((what, value))

    def print(self):
        print("| what | value |\n| --- | --- |")
        for what, value in self.rows:
            print(f"| {what} | {value} |")
        print(f"\n{harness.conditions()}")


def frames(page):
    """The frames since this was last asked: p50, p95 and the longest."""
    times = sorted(page.evaluate("() => window.frames_.splice(0)")[1:])
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))]
    return f"{at(0.5):.1f} / {at(0.95):.1f} / {times[-1]:.0f} ms ({len(times)} frames)"


def forget(page):
    page.evaluate("() => window.frames_.splice(0).length")


def memory(page):
    from viewer import elements, heap

    return f"{heap(page) / 2**20:.0f} MiB of heap, {elements(page)} elements"


class Producer:
    """Appends lines at a steady rate for as long as it is needed."""

    def __init__(self, server, log):
        self.process = subprocess.Popen(
            [harness.BUILD / "append", str(harness.port(server)), str(RATE * 120), "1000", str(RATE)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.process.stdin.write(f"{log.id} {log.token}\n")
        self.process.stdin.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def steadily(page, seconds):
    page.evaluate(FRAMES)
    time.sleep(1)
    forget(page)
    time.sleep(seconds)
    return frames(page)


def bare(browser, server, table):
    """What the browser needs on this machine for a page that does nothing but change forty rows."""
    with Producer(server, server.register()):
        page = browser.open((harness.ROOT / "bench" / "bare.html").as_uri())
        time.sleep(2)
        table.add("a bare page that changes 40 rows in each frame: p50 / p95 / longest", steadily(page, 10))
        page.close()


def following(browser, server, table):
    """The page while lines come at a steady rate."""
    log = server.register()
    with Producer(server, log):
        page = browser.open(f"{server.url}/executions/{log.id}", KEY.format(json.dumps(server.key)))
        page.wait_for(f"() => {LINE} !== null")
        time.sleep(3)
        table.add(f"following {RATE:,} lines/s: frames p50 / p95 / longest", steadily(page, 10))
        behind = "() => document.querySelector('#rate').textContent"
        table.add("the same, memory and rate", f"{memory(page)}; {page.evaluate(behind)}")
        follow = "() => document.querySelector('#follow').click()"
        for _ in range(200):
            page.wheel(500, 400, -400)
            time.sleep(0.016)
        table.add(f"scrolling up while {RATE:,} lines/s come", frames(page))
        page.evaluate(follow)
        time.sleep(1)
        forget(page)
        for _ in range(5):
            page.swipe(500, range(150, 600, 10), 0.016)
        table.add("the same with a finger", frames(page))
        page.evaluate(follow)
        page.evaluate("""() => { const query = document.querySelector('#query'); query.value = '777';
          query.dispatchEvent(new Event('input')); }""")
        forget(page)
        time.sleep(6)
        table.add(f"searching while {RATE:,} lines/s come", frames(page))
        page.close()


def moved(n):
    """What a build writes that goes up over its last frame: twenty frames of ten rows, which then stay."""
    build, tick = divmod(n - 1, 200)
    up = "\x1b[10A" if tick >= 10 and tick % 10 == 0 else ""
    return f"{up}\x1b[2Kbuild {build} row {tick % 10} frame {tick // 10}"


class MovingProducer(threading.Thread):
    """Appends lines that move the cursor, at a steady rate."""

    def __init__(self, log):
        super().__init__(daemon=True)
        self.log = log
        self.is_over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()

    def run(self):
        portion, due = RATE // 20, time.monotonic()
        # The same builds again: that what is written costs less than what is measured.
        body = "".join(f'{{"timestamp":{int(time.time() * 1000)},"message":{json.dumps(moved(n))}}}\n'
                       for n in range(1, portion + 1))
        while not self.is_over.is_set():
            self.log.append_raw(body)
            due += portion / RATE
            time.sleep(max(0, due - time.monotonic()))


def on_screen(browser, viewer, server, lines, table):
    """A log whose output moves the cursor up: it has a screen."""
    from viewer import seed, wait_for_row

    has_screen = "() => performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/screen-rows.js'))"
    is_read = "() => !/Cursor movements/.test(document.querySelector('#rate').textContent)"
    log = server.register()
    with MovingProducer(log):
        page = browser.open(f"{server.url}/executions/{log.id}", KEY.format(json.dumps(server.key)))
        page.wait_for(has_screen)
        time.sleep(3)
        table.add(f"following {RATE:,} lines/s that move the cursor, with a screen: frames p50 / p95 / longest",
                  steadily(page, 10))
        page.close()
    log = server.register()
    seed(log, lines, message_of=moved)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    start = time.monotonic()
    page.wait_for_function(has_screen)
    # The page says once a second how far it is.
    time.sleep(1.2)
    page.wait_for_function(is_read, timeout=600_000)
    table.add(f"{lines:,} lines that move the cursor, until all are laid out, at the most", f"{time.monotonic() - start:.1f} s")
    times = []
    for share in (2, 3, 5, 7):
        offset = lines // share
        page.keyboard.press("g")
        page.wait_for_selector("#sheet-goto[open]")
        start = time.monotonic()
        page.fill("#place", str(offset))
        page.keyboard.press("Enter")
        wait_for_row(page, offset)
        times.append((time.monotonic() - start) * 1000)
    table.add("a jump into the middle of it, until what a terminal showed is there",
              f"{statistics.median(times):.0f} ms (median of {len(times)})")
    table.add("memory after that", memory(page))


def opening(browser, server, log, what, table):
    """From the page's response until its first lines can be seen."""
    new, first, known = [], [], []
    script = KEY.format(json.dumps(server.key)) + f"({FIRST_LINES})()"
    for _ in range(OPENINGS):
        page = browser.open("about:blank", script, is_apart=True)
        for times in (new, first, known):
            if times is first:
                page.forget_files()
            page.go(f"{server.url}/executions/{log.id}")
            # An earlier question would delay what is measured.
            time.sleep(1)
            times.append(page.wait_for("() => window.first"))
            page.go("about:blank")
        page.close()
    middle = [f"{statistics.median(times):.0f}" for times in (first, known, new)]
    table.add(
        f"first lines of {what} after the page's response: first visit / page known / first visit of a new profile",
        f"{' / '.join(middle)} ms (medians of {OPENINGS})")


def large(browser, viewer, server, lines, table):
    """A log that has ended."""
    from viewer import found, seed, wait_for_row

    log = server.register()
    seed(log, lines, message_of=lambda n: f"line {n}: {n * 2654435761 % 4294967296:010d} the quick brown fox jumps")
    log.append(end="SUCCEEDED")
    opening(browser, server, log, f"{lines:,} lines", table)
    tab = browser.open(f"{server.url}/executions/{log.id}", KEY.format(json.dumps(server.key)))
    tab.wait_for(f"() => {LINE} !== null")
    tab.evaluate(FRAMES)
    for _ in range(200):
        tab.wheel(500, 400, -1_500)
        time.sleep(0.016)
    table.add(f"{lines:,} lines: scrolling by the wheel", frames(tab))
    tab.close()
    page = viewer.log(server, log.id)
    page.evaluate(FRAMES)
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] - 4)
    page.mouse.down()
    for step in range(200):
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] * (1 - step / 200))
        time.sleep(0.016)
    page.mouse.up()
    table.add(f"{lines:,} lines: dragging through the whole log", frames(page))
    page.keyboard.press("g")
    start = time.monotonic()
    page.fill("#place", str(lines // 3))
    page.keyboard.press("Enter")
    wait_for_row(page, lines // 3)
    table.add("a jump to a line, until it is there", f"{(time.monotonic() - start) * 1000:.0f} ms")
    frames(page)
    page.keyboard.press("/")
    start = time.monotonic()
    page.fill("#query", "000123")
    text = found(page, timeout=600_000)
    seconds = time.monotonic() - start
    table.add(f"a search over all {lines:,} lines", f"{seconds:.1f} s ({lines / seconds / 1e6:.2f} M/s), found {text}")
    table.add("the same, frames", frames(page))
    table.add("memory after all that", memory(page))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--only", choices=["bare", "following", "opening", "screen", "large"])
    parser.add_argument("--binary")
    options = parser.parse_args()
    if options.binary:
        os.environ["EVERYLINE_BINARY"] = options.binary
        harness.build_tools()
    else:
        harness.build()
    wants = lambda part: options.only in (None, part)
    from playwright.sync_api import sync_playwright
    from tabs import tabs
    from viewer import Viewer, launch, seed

    table = Table()
    with harness.Workspace("viewer") as directory, harness.serving(directory) as server, tabs() as browser:
        if wants("bare"):
            bare(browser, server, table)
        if wants("following"):
            following(browser, server, table)
        if wants("opening"):
            running = server.register()
            seed(running, 20_000)
            opening(browser, server, running, "a running log", table)
        with sync_playwright() as playwright:
            viewer = Viewer(launch(playwright.chromium))
            if wants("screen"):
                on_screen(browser, viewer, server, max(20_000, options.lines // 5), table)
            if wants("large"):
                large(browser, viewer, server, options.lines, table)
            viewer.close()
            viewer.browser.close()
    table.print()


main()
