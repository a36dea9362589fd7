"""Makes the pictures in docs/images, from a server of its own. Needs Pillow beside the tests' packages.

    EVERYLINE_BINARY=.build/debug/everyline .build/python/bin/python Tests/Browser/pictures.py
"""

import io
import json
import pathlib
import random
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "EndToEnd"))

from everyline import ROOT, serving  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402
from viewer import PHONE, Viewer, found, launch, wait_for_row, wait_for_words  # noqa: E402

IMAGES = ROOT / "docs" / "images"
DESK = {"viewport": {"width": 1200, "height": 720}, "device_scale_factor": 2}


def build_log(server, lines=4_000):
    """What a build writes: colours, a progress bar, warnings on stderr, a link, a pause, and the tests at its end."""
    chance = random.Random(3)
    c = lambda code, text: f"\x1b[{code}m{text}\x1b[0m"
    execution = server.post("/api/v1/executions", {"command": ["make", "release", "-j8", "VERSION=2.4.0"]})
    clock = [int(time.time() * 1000) - 190_000]
    events = []

    def line(message, stream="stdout", after=None):
        clock[0] += chance.randrange(2, 70) if after is None else after
        events.append({"timestamp": clock[0], "stream": stream, "message": message})

    names = ["codec", "ledger", "parser", "router", "scheduler", "session", "spool", "tailer", "wire"]
    line(f"{c('1', 'make')} release  {c('2', 'VERSION=2.4.0, 8 jobs')}")
    line("fetching 214 packages   3%\rfetching 214 packages  51%\rfetching 214 packages " + c("32", "done"))
    for n in range(1, lines - 30):
        name = chance.choice(names)
        line(f"{c('36', f'[{n:>4}/{lines - 31}]')} {c('2', 'cc')} src/{name}/{chance.choice(names)}_{n % 97}.c "
             f"{c('90', f'{chance.randrange(3, 240)} ms')}")
        if n % 41 == 0:
            line(f"src/{name}/{name}_{n % 97}.c:{n % 400}:{n % 60}: {c('1;33', 'warning:')} "
                 f"comparison of integers of different signs: {c('1', 'int')} and {c('1', 'size_t')}", "stderr")
    line(f"{c('1', 'link')} everyline-2.4.0  {c('90', '18.2 MB')}")
    line(f"{c('1', 'test')} 9 suites on 8 workers", after=12_400)
    for name in names:
        passed = chance.randrange(20, 180)
        if name == "session":
            line(f"  {c('31', '✕')} {name:<10} {passed} passed, {c('1;31', '1 failed')}  {c('90', '4.1 s')}")
            line(f"{c('31', 'FAIL')} session: resumes after an expired token", "stderr")
            line(f"     expected {c('32', '200 OK')}, got {c('31', '401 Unauthorized')}", "stderr")
            link = f"\x1b]8;;https://example.com/session_test.c\x07{c('4', 'show')}\x1b]8;;\x07"
            line(f"     at tests/session_test.c:212  {link}", "stderr")
        else:
            line(f"  {c('32', '✓')} {name:<10} {passed} passed  {c('90', f'{chance.random() * 3:.1f} s')}")
    line(f"{c('1', 'retry')} session, 1 of 2", after=6_300)
    line(f"  {c('32', '✓')} session    141 passed  {c('90', '4.0 s')}")
    bar = c("38;2;255;140;0", "█" * 17) + c("90", "░" * 7)
    line(f"{c('1', 'pack')} everyline-2.4.0.tar.zst  {bar} 71 %")
    path = f"/api/v1/executions/{execution['execution_id']}/events?after=0"
    body = "".join(json.dumps(event) + "\n" for event in events)
    server.post(path, body.encode(), key=execution["append_token"], headers={"Content-Type": "application/x-ndjson"})
    return execution["execution_id"], len(events)


def executions(server):
    """Begins what the list shows; gives how to end one after the other, so that they take different times."""
    commands = [
        (["make", "release", "-j8", "VERSION=2.3.1"], "SUCCEEDED", 5_210),
        (["./deploy", "--to", "staging"], "FAILED", 318),
        (["pytest", "-q", "tests/session"], "SUCCEEDED", 1_204),
        (["backup", "--all", "/srv"], "STOPPED", 88_412),
        (["python3", "train.py", "--epochs", "40"], "SUCCEEDED", 61_377),
        (["sh", "-c", "terraform plan | tee plan.txt"], "SUCCEEDED", 942)]
    keys = {name: server.create_key("developer", name) for name in ("ann", "bela", "chidi")}
    begun = []
    for n, (command, status, lines) in enumerate(reversed(commands)):
        answer = server.post("/api/v1/executions", {"command": command}, key=list(keys.values())[n % 3])
        now = int(time.time() * 1000)
        path = f"/api/v1/executions/{answer['execution_id']}/events?after="
        headers = {"Content-Type": "application/x-ndjson"}
        body = "".join(f'{{"timestamp":{now},"message":"{k}"}}\n' for k in range(lines))
        server.post(path + "0", body.encode(), key=answer["append_token"], headers=headers)
        begun.append((path + str(lines), answer["append_token"], headers, status))

    def end_one():
        path, token, headers, status = begun.pop()
        end = {"timestamp": int(time.time() * 1000), "type": "end", "status": status,
               "exit_code": {"SUCCEEDED": 0, "FAILED": 2, "STOPPED": 143}[status]}
        server.post(path, (json.dumps(end) + "\n").encode(), key=token, headers=headers)

    return end_one


def wait_for_clock(page):
    """Until the page says that the execution has taken longer: what is ended then has taken another time."""
    facts = page.inner_text("#facts")
    page.wait_for_function("facts => document.querySelector('#facts').innerText !== facts", arg=facts)


def save(page, name, colours=128):
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture = picture.quantize(colours, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    picture.save(IMAGES / f"viewer-{name}.png", optimize=True)


def main():
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, serving(directory) as server, sync_playwright() as playwright:
        end_one = executions(server)
        id, head = build_log(server)
        viewer = Viewer(launch(playwright.chromium))
        page = viewer.log(server, id, theme="dark", **DESK)
        wait_for_words(page, "^Live$")
        for _ in range(2):
            wait_for_clock(page)
            end_one()
        save(page, "dark")
        page = viewer.log(server, id, f"#L{head - 8}-L{head - 6}", theme="light", **DESK)
        page.keyboard.press("t")
        page.keyboard.press("/")
        page.fill("#query", "session")
        found(page)
        wait_for_row(page, head - 8)
        for _ in range(2):
            wait_for_clock(page)
            end_one()
        save(page, "light")
        page = viewer.log(server, id, theme="dark", **PHONE)
        wait_for_words(page, "^Live$")
        for _ in range(2):
            wait_for_clock(page)
            end_one()
        save(page, "phone")
        page = viewer.page(server.url + "/", key=server.key, theme="light", **DESK)
        page.wait_for_selector("#list tr")
        page.wait_for_function("() => document.querySelectorAll('#list .took:empty').length < document.querySelectorAll('#list tr').length")
        save(page, "list")
        viewer.close()
        viewer.browser.close()


main()
