"""A proxy between the functions and the emulator, which loses, holds and refuses what a test says, and holds every request to AWS's
limits. It also gives the HTTP API an address of its own, as a real one has it."""

import asyncio
import contextlib
import json
import threading

from aiohttp import ClientSession, web
from yarl import URL

from limits import Limits


class Exchange:
    """One request on its way."""

    def __init__(self, request, body):
        self.request, self.method, self.path, self.headers, self.body = request, request.method, request.raw_path, request.headers, body

    def calls(self, operation, text=""):
        """Whether it is this operation of a JSON protocol, with this in its body."""
        target = self.headers.get("X-Amz-Target", "")
        return target.split(".")[-1] == operation and text.encode() in self.body

    def posts(self, connection=""):
        """Whether it sends a message to a viewer."""
        return self.method == "POST" and f"/@connections/{connection}" in self.path


class Held:
    """Requests that wait."""

    def __init__(self, loop):
        self.loop, self.arrived, self.open = loop, threading.Event(), asyncio.Event()

    def release(self):
        self.loop.call_soon_threadsafe(self.open.set)


class Lost:
    """Requests whose answers get lost."""

    def __init__(self):
        self.bodies, self.goes_on = [], True


class FaultProxy:
    def __init__(self, upstream):
        self.upstream, self.rules, self.api_prefix, self.limits = upstream, [], None, Limits()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.address = asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)

    @contextlib.contextmanager
    def losing(self, match, times=None):
        """Says that it was done, and doesn't do it."""
        count = [0]

        async def rule(exchange):
            if not match(exchange) or (times is not None and count[0] >= times):
                return None
            count[0] += 1
            return web.json_response({"Successful": [], "Failed": []})

        with self._rule(rule):
            yield count

    @contextlib.contextmanager
    def refusing(self, match, status=500, code="InternalServerError", times=None):
        count = [0]

        async def rule(exchange):
            if not match(exchange) or (times is not None and count[0] >= times):
                return None
            count[0] += 1
            return web.json_response({"__type": code, "message": "as the test wants it"}, status=status)

        with self._rule(rule):
            yield count

    @contextlib.contextmanager
    def unanswered(self, match):
        """Carries requests out, and loses the answers until it is told not to; keeps the requests' bodies."""
        lost = Lost()

        async def rule(exchange):
            if not match(exchange):
                return None
            lost.bodies.append(exchange.body)
            if not lost.goes_on:
                return None
            await self._forward(exchange.request, exchange.body, exchange.path)
            return web.Response(status=504)

        with self._rule(rule):
            yield lost

    @contextlib.contextmanager
    def holding(self, match, times=1):
        """Lets so many requests wait until they are released; then they are carried out."""
        held, count = Held(self.loop), [0]

        async def rule(exchange):
            if match(exchange) and count[0] < times:
                count[0] += 1
                held.arrived.set()
                await held.open.wait()
            return None

        with self._rule(rule):
            try:
                yield held
            finally:
                held.release()

    @contextlib.contextmanager
    def _rule(self, rule):
        self.rules.append(rule)
        try:
            yield
        finally:
            self.rules.remove(rule)

    def close(self):
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _start(self):
        self.session = ClientSession(auto_decompress=False, skip_auto_headers=["Accept", "Accept-Encoding", "User-Agent"])
        application = web.Application(client_max_size=64 << 20)
        application.router.add_route("*", "/{path:.*}", self._handle)
        self.runner = web.AppRunner(application, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"

    async def _stop(self):
        await self.runner.cleanup()
        await self.session.close()

    async def _handle(self, request):
        exchange = Exchange(request, await request.read())
        path = exchange.path
        is_page = exchange.method == "GET" and path == "/"
        is_api = bool(self.api_prefix) and (
            is_page or path.startswith(("/api/", "/healthz", "/readyz", "/executions/", "/assets/")))
        refusal = self.limits.check(exchange, is_api)
        if refusal is not None:
            return refusal
        for rule in list(self.rules):
            answer = await rule(exchange)
            if answer is not None:
                return answer
        cut = self.limits.pages(exchange)
        if cut:
            return await self._cut(request, exchange, cut)
        status, headers, body = await self._forward(request, exchange.body, self.api_prefix + path if is_api else path)
        return is_api and self.limits.api_answer(body, headers) or web.Response(status=status, body=body, headers=headers)

    async def _cut(self, request, exchange, cut):
        """Lets an answer come in pages."""
        kept = {}

        async def forward(body):
            status, kept["headers"], answer = await self._forward(request, body, exchange.path)
            return status, json.loads(answer)

        status, answer = await cut(exchange, forward)
        body = json.dumps(answer).encode()
        # The emulator's checksum is of its own answer.
        headers = {k: v for k, v in kept.get("headers", {}).items() if k.lower() != "x-amz-crc32"}
        return web.Response(status=status, body=body, headers=headers or {"Content-Type": "application/x-amz-json-1.1"})

    async def _forward(self, request, body, path):
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("transfer-encoding", "content-length")}
        async with self.session.request(
            request.method, URL(self.upstream + path, encoded=True), data=body, headers=headers, allow_redirects=False,
        ) as response:
            answer = await response.read()
            kept = {k: v for k, v in response.headers.items()
                    if k.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server")}
            return response.status, kept, answer
