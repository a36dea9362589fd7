"""A reader: a browser's page of the viewer, and what can be seen and done on it."""

import contextlib
import json
import os
import re
import signal
import time

CHROMIUM = os.environ.get("EVERYLINE_CHROMIUM", "/usr/bin/chromium")
# So that a page can say what it takes.
OPTIONS = ["--enable-precise-memory-info", "--js-flags=--expose-gc"]
DESK = {"width": 1280, "height": 800}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}

# What an outage makes a browser say by itself.
OUTAGE = re.compile("WebSocket connection to|Failed to load resource|net::ERR_")

ROWS = """() => [...document.querySelectorAll('.row:not([hidden])')].map((row) => ({
  first: +row.dataset.first, last: +row.dataset.last, from: +row.dataset.from, to: +row.dataset.to, kind: row.dataset.kind,
  text: row.querySelector('.text').textContent, top: row.getBoundingClientRect().top,
  height: row.getBoundingClientRect().height, classes: row.className}))"""


def launch(chromium, *options):
    return chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *OPTIONS, *options])


class Viewer:
    def __init__(self, browser):
        self.browser = browser
        self.contexts = []
        self.errors = []

    def context(self, key=None, theme="light", origin=None, **options):
        options.setdefault("viewport", DESK)
        context = self.browser.new_context(**options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        # What a page waits for comes late on a machine that does much else.
        context.set_default_timeout(90_000)
        name = "'everyline.theme'"
        settings = f"localStorage.getItem({name}) ?? localStorage.setItem({name}, {json.dumps(theme)});"
        if key:
            settings += f"sessionStorage.setItem('everyline.key', {json.dumps(key)});"
        context.add_init_script(settings)
        self.contexts.append(context)
        return context

    def page(self, address, context=None, allow=None, **options):
        page = (context or self.context(**options)).new_page()

        def complain(text):
            if not (allow and allow.search(text)):
                self.errors.append(text)

        page.on("console", lambda message: message.type in ("error", "warning") and complain(message.text))
        page.on("pageerror", lambda error: complain(str(error)))
        page.goto(address)
        return page

    def log(self, server, id, fragment="", base=None, **options):
        """The page of a log, once it shows a line of it."""
        options.setdefault("key", server.key)
        page = self.page(f"{base or server.url}/executions/{id}{fragment}", **options)
        page.wait_for_selector(".row:not([hidden]):not([data-kind=unread])")
        return page

    def close(self):
        for context in self.contexts:
            context.close()


@contextlib.contextmanager
def asleep(page):
    """Meanwhile the pages' processes stand still, as they do on a machine that sleeps."""
    session = page.context.browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [process["id"] for process in processes if process["type"] == "renderer"]
    for renderer in renderers:
        os.kill(renderer, signal.SIGSTOP)
    try:
        yield
    finally:
        for renderer in renderers:
            os.kill(renderer, signal.SIGCONT)
        session.detach()


def rows(page):
    return page.evaluate(ROWS)


def texts(page):
    return [row["text"] for row in rows(page)]


def visible(page):
    """The rows of which anything is in view, from the top."""
    box = page.locator("#scroller").bounding_box()
    found = [r for r in rows(page) if r["top"] + r["height"] > box["y"] and r["top"] < box["y"] + box["height"]]
    return sorted(found, key=lambda row: row["top"])


def check_rows(page):
    """That the rows stand in order, without a hole or an overlap, each exactly where the one before it ends."""
    found = rows(page)
    for before, row in zip(found, found[1:]):
        assert row["from"] == before["to"] + 1, (before, row)
        assert abs(row["top"] - before["top"] - before["height"]) < 0.6, (before, row)
    return found


def words(page):
    return page.inner_text("#words")


def wait_for_words(page, pattern, timeout=30_000):
    page.wait_for_function(
        "pattern => new RegExp(pattern).test(document.querySelector('#words').textContent)", arg=pattern,
        timeout=timeout)


def wait_for_row(page, offset, timeout=30_000):
    """Until the row that shows the event is there, and read."""
    page.wait_for_function(
        """offset => [...document.querySelectorAll('.row:not([hidden])')].some((row) =>
             +row.dataset.first <= offset && offset <= +row.dataset.last && row.dataset.kind !== 'unread')""",
        arg=offset, timeout=timeout)


def wait_until_read(page, timeout=30_000):
    page.wait_for_function(
        "() => document.querySelector('.row:not([hidden])') && "
        "!document.querySelector('.row[data-kind=unread]:not([hidden])')", timeout=timeout)


def wait_until(page, condition, timeout=120):
    """Until something holds here; what the page does meanwhile is taken in."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        next_frame(page)


def next_frame(page):
    page.evaluate("() => new Promise(requestAnimationFrame)")


def wait_until_still(page):
    """Until the rows stand where they stood, for five frames."""
    page.evaluate("""() => new Promise((resolve) => {
      const place = () => document.querySelector('#where').textContent + document.querySelector('#rows').style.transform;
      let before = place(), frames = 0;
      const look = () => {
        frames = place() === before ? frames + 1 : 0;
        before = place();
        frames === 5 ? resolve() : requestAnimationFrame(look);
      };
      requestAnimationFrame(look); })""")


def search(page, text, timeout=60_000):
    """Types a search, and gives what was found once all is searched."""
    page.keyboard.press("/")
    page.fill("#query", text)
    return found(page, timeout)


def found(page, timeout=60_000):
    page.wait_for_function(
        "() => { const { ariaBusy, textContent } = document.querySelector('#found'); return ariaBusy === 'false' && textContent; }",
        timeout=timeout)
    return page.inner_text("#found")


def elements(page):
    return page.evaluate("document.querySelectorAll('*').length")


def heap(page):
    """The page's JavaScript heap after a collection, in bytes."""
    page.evaluate("globalThis.gc?.()")
    return page.evaluate("performance.memory.usedJSHeapSize")


def message(n):
    """What `seed` writes as a line, unless it is told otherwise."""
    return f"line {n}: the quick brown fox jumps over the lazy dog"


def seed(log, count, time_of=None, message_of=None, portion=40_000):
    """Appends lines, each of which says which one it is; gives the time of the first."""
    start = int(time.time() * 1000) - count
    time_of = time_of or (lambda n: start + n)
    message_of = message_of or message
    for first in range(1, count + 1, portion):
        numbers = range(first, min(first + portion, count + 1))
        log.append_raw("".join(
            f'{{"timestamp":{time_of(n)},"message":{json.dumps(message_of(n))}}}\n' for n in numbers))
    return time_of(1)
