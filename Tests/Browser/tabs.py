"""A browser's tabs as a person has them: one is in front, those behind it are hidden, and frozen at times, unseen.

Playwright makes every page believe that it is in front; and it has the browser tell it of every request and of every message on a
WebSocket, which at a thousand messages a second costs a third of a core and delays what is measured. So this speaks to the browser
without it."""

import contextlib
import itertools
import json
import re
import subprocess
import tempfile
import threading
import time

from viewer import CHROMIUM, OPTIONS
from websockets.sync.client import connect


@contextlib.contextmanager
def tabs():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={profile}",
             "--window-size=1280,800", *OPTIONS, "about:blank"], stderr=subprocess.PIPE, text=True)
        try:
            address = next(filter(None, (re.search(r"ws://\S+", line) for line in browser.stderr)))[0]
            # What it goes on to say is read, so that it is never kept waiting.
            threading.Thread(target=lambda: list(browser.stderr), daemon=True).start()
            with connect(address, max_size=None) as socket:
                yield Tabs(socket)
        finally:
            browser.terminate()
            browser.wait()


class Tabs:
    def __init__(self, socket):
        self.socket = socket
        self.numbers = itertools.count(1)

    def open(self, address, script="", is_apart=False):
        """A tab in front; the script runs before each document's own. One that is apart shares nothing with the others."""
        place = {"browserContextId": self.ask("Target.createBrowserContext")["browserContextId"]} if is_apart else {}
        return Tab(self, address, script, place)

    def post(self, method, session=None, **parameters):
        """Asks, and doesn't wait for the answer."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        self.socket.send(json.dumps({**message, "sessionId": session} if session else message))
        return number

    def ask(self, method, session=None, **parameters):
        number = self.post(method, session, **parameters)
        while (answer := json.loads(self.socket.recv(timeout=30))).get("id") != number:
            pass
        assert "result" in answer, answer
        return answer["result"]


class Tab:
    """A tab, in front of those that were opened before it."""

    def __init__(self, tabs, address, script, place):
        self.tabs = tabs
        self.target = tabs.ask("Target.createTarget", url="about:blank", **place)["targetId"]
        self.session = tabs.ask("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
        self.go(address)
        self.to_front()

    def go(self, address):
        self.ask("Page.navigate", url=address)

    def close(self):
        self.tabs.ask("Target.closeTarget", targetId=self.target)

    def ask(self, method, **parameters):
        return self.tabs.ask(method, self.session, **parameters)

    def forget_files(self):
        """Nothing that was loaded is kept any more."""
        for act in ("enable", "clearBrowserCache", "disable"):
            self.ask(f"Network.{act}")

    def post(self, method, **parameters):
        self.tabs.post(method, self.session, **parameters)

    def to_front(self):
        self.tabs.ask("Target.activateTarget", targetId=self.target)

    def freeze(self):
        """The browser lets nothing run in it. (It does so only to a tab that is hidden.)"""
        self.ask("Page.setWebLifecycleState", state="frozen")

    def thaw(self):
        self.ask("Page.setWebLifecycleState", state="active")

    def wheel(self, x, y, by):
        """Turns the wheel, and doesn't wait until the page has moved."""
        self.post("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def swipe(self, x, places, pause):
        """Moves a finger over these places, and doesn't wait until the page has moved."""
        point = lambda y: [{"x": x, "y": y}]
        self.post("Input.dispatchTouchEvent", type="touchStart", touchPoints=point(places[0]))
        for y in places[1:]:
            self.post("Input.dispatchTouchEvent", type="touchMove", touchPoints=point(y))
            time.sleep(pause)
        self.post("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def evaluate(self, expression):
        if expression.startswith("() =>"):
            expression = f"({expression})()"
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression, timeout=30):
        end = time.monotonic() + timeout
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, (expression, self.evaluate("document.body.innerText"))
            # Asking without a pause takes the time that the page needs.
            time.sleep(0.05)
        return value
