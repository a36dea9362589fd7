"""A page that nobody watches. Playwright has the browser tell it of every request and of every message on a WebSocket, and
takes each through two more processes: at a thousand messages a second that costs a third of a core, and it delays what a
page loads. This one is made and driven beside Playwright, with what a measurement needs and no more."""

import itertools
import json
import time


class UnwatchedPage:
    def __init__(self, browser, script, width=1280, height=800):
        """A page in a context of its own; the script runs before each document's own."""
        self.session = browser.new_browser_cdp_session()
        self.session.on("Target.receivedMessageFromTarget", self._received)
        self.numbers, self.answers = itertools.count(1), {}
        self.context = self.session.send("Target.createBrowserContext")["browserContextId"]
        target = {"url": "about:blank", "browserContextId": self.context, "width": width, "height": height}
        self.target = self.session.send("Target.createTarget", target)["targetId"]
        # Not flat: a session of Playwright's speaks to one target.
        attached = self.session.send("Target.attachToTarget", {"targetId": self.target, "flatten": False})
        self.id = attached["sessionId"]
        self._send("Page.enable")
        self._send("Page.addScriptToEvaluateOnNewDocument", source=script)

    def open(self, address):
        self._send("Page.navigate", url=address)

    def evaluate(self, expression):
        if expression.startswith("() =>"):
            expression = f"({expression})()"
        answer = self._send("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=30):
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, expression
            time.sleep(0.1)
        return value

    def wheel(self, x, y, by):
        """Turns the wheel, and doesn't wait until the page has moved."""
        self._post("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def swipe(self, x, places, pause):
        """Moves a finger down or up over these places, and doesn't wait until the page has moved."""
        point = lambda y: [{"x": x, "y": y}]
        self._post("Input.dispatchTouchEvent", type="touchStart", touchPoints=point(places[0]))
        for y in places[1:]:
            self._post("Input.dispatchTouchEvent", type="touchMove", touchPoints=point(y))
            time.sleep(pause)
        self._post("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def close(self):
        self.session.send("Target.disposeBrowserContext", {"browserContextId": self.context})
        self.session.detach()

    def _send(self, method, **parameters):
        number = self._post(method, **parameters)
        while number not in self.answers:
            # Events come while something is asked. (Without the pause, asking would take what is measured.)
            time.sleep(0.01)
            self.session.send("Browser.getVersion")
        answer = self.answers.pop(number)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _post(self, method, **parameters):
        number = next(self.numbers)
        message = json.dumps({"id": number, "method": method, "params": parameters})
        self.session.send("Target.sendMessageToTarget", {"sessionId": self.id, "message": message})
        return number

    def _received(self, event):
        message = json.loads(event["message"])
        if "id" in message:
            self.answers[message["id"]] = message
