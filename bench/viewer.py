#!/usr/bin/env python3
"""Measures the web viewer in a real browser, and prints a Markdown table. Needs the browser tests' packages:

    scripts/python
    .build/python/bin/python bench/viewer.py                 five million lines (some minutes, 2 GB of disk)
    .build/python/bin/python bench/viewer.py --lines 1000000

Frames are counted by the page's own requestAnimationFrame; the browser draws in software here, on the same cores as the
server and the producer, so a machine with a screen does better.
"""

import argparse
import subprocess
import sys
import time

import harness

sys.path.insert(0, str(harness.ROOT / "Tests" / "Browser"))

RATE = 20_000
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
FIRST_LINES = """() => { const answer = performance.getEntriesByType('navigation')[0].responseEnd;
  const look = () => document.querySelector('.row:not([hidden]):not([data-kind=unread])')
    ? (window.first = performance.now() - answer) : requestAnimationFrame(look);
  look(); }"""


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


def memory(page):
    from viewer import elements, heap

    return f"{heap(page) / 2**20:.0f} MiB of heap, {elements(page)} elements"


def following(viewer, server, table):
    """The page while lines come at a steady rate."""
    log = server.register()
    producer = subprocess.Popen(
        [harness.BUILD / "append", str(harness.port(server)), str(RATE * 40), "1000", str(RATE)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    producer.stdin.write(f"{log.id} {log.token}\n")
    producer.stdin.close()
    page = viewer.log(server, log.id)
    page.wait_for_timeout(3_000)
    page.evaluate(FRAMES)
    page.wait_for_timeout(1_000)
    frames(page)
    page.wait_for_timeout(10_000)
    table.add(f"following {RATE:,} lines/s: frames p50 / p95 / longest", frames(page))
    table.add("the same, memory", memory(page))
    page.mouse.move(500, 400)
    for _ in range(200):
        page.mouse.wheel(0, -400)
        page.wait_for_timeout(16)
    table.add(f"scrolling up while {RATE:,} lines/s come", frames(page))
    page.keyboard.press("f")
    page.keyboard.press("/")
    page.fill("#query", "777")
    frames(page)
    page.wait_for_timeout(6_000)
    table.add(f"searching while {RATE:,} lines/s come", frames(page))
    producer.wait()


def large(viewer, server, lines, table):
    """A log that has ended."""
    from viewer import found, seed, wait_for_row

    log = server.register()
    seed(log, lines, message_of=lambda n: f"line {n}: {n * 2654435761 % 4294967296:010d} the quick brown fox jumps")
    log.append(end="SUCCEEDED")
    context = viewer.context(key=server.key)
    context.add_init_script(f"({FIRST_LINES})()")
    for what in ("first lines after the page's response, first time", "the same, page known"):
        page = viewer.log(server, log.id, context=context)
        table.add(what, f"{page.evaluate('window.first'):.0f} ms")
    page.evaluate(FRAMES)
    page.mouse.move(500, 400)
    for _ in range(200):
        page.mouse.wheel(0, -1_500)
        page.wait_for_timeout(16)
    table.add(f"{lines:,} lines: scrolling by the wheel", frames(page))
    box = page.locator("#map").bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] - 4)
    page.mouse.down()
    for step in range(200):
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] * (1 - step / 200))
        page.wait_for_timeout(16)
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
    options = parser.parse_args()
    harness.build()
    from playwright.sync_api import sync_playwright
    from viewer import Viewer, launch

    table = Table()
    with harness.Workspace("viewer") as directory, harness.serving(directory) as server:
        with sync_playwright() as playwright:
            viewer = Viewer(launch(playwright))
            following(viewer, server, table)
            large(viewer, server, options.lines, table)
            viewer.close()
            viewer.browser.close()
    table.print()


main()
