"""A browser's tabs as a person has them: one is in front, and those behind it are hidden, and frozen at times.

(Playwright makes every page believe that it is in front, so this speaks to the browser without it.)"""

import contextlib
import itertools
import json
import re
import subprocess
import tempfile
import threading
import time

from viewer import CHROMIUM
from websockets.sync.client import connect


@contextlib.contextmanager
def tabs():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={profile}",
             "about:blank"], stderr=subprocess.PIPE, text=True)
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

    def open(self, address, script=""):
        return Tab(self, address, script)

    def ask(self, method, session=None, **parameters):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        self.socket.send(json.dumps({**message, "sessionId": session} if session else message))
        while (answer := json.loads(self.socket.recv(timeout=30))).get("id") != number:
            pass
        assert "result" in answer, answer
        return answer["result"]


class Tab:
    """A tab, in front of those that were opened before it."""

    def __init__(self, tabs, address, script):
        self.tabs = tabs
        self.target = tabs.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = tabs.ask("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=script)
        self.ask("Page.navigate", url=address)
        self.to_front()

    def ask(self, method, **parameters):
        return self.tabs.ask(method, self.session, **parameters)

    def to_front(self):
        self.tabs.ask("Target.activateTarget", targetId=self.target)

    def freeze(self):
        """The browser lets nothing run in it. (It does so only to a tab that is hidden.)"""
        self.ask("Page.setWebLifecycleState", state="frozen")

    def thaw(self):
        self.ask("Page.setWebLifecycleState", state="active")

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression, timeout=30):
        end = time.monotonic() + timeout
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, (expression, self.evaluate("document.body.innerText"))
        return value
