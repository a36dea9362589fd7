"""A server that lies: it stands before a real one, and changes what viewers get, or answers in its place."""

import asyncio
import contextlib
import json
import threading

import aiohttp
from aiohttp import web

from everyline import SUBPROTOCOL


class Liar:
    """Serves on loopback while it is entered.

    `lie` gets the lines of each message and of each download, and gives those that are sent instead. `instead` gets a request's method, path and body,
    and gives None, or the status, type and body that are answered in the server's place. Of the ways to follow a log only those
    in `ways` get through: "WebSocket", "events" (answers that go on); "upgrade" is a WebSocket that is agreed to and passes nothing on.
    While `holds` is true of a request's method and path, its answer is held back; where `loses` is, the answer is lost, and 502 comes instead.
    """

    def __init__(self, server, lie=lambda lines: [line for _, line in lines], instead=lambda method, path, body: None, ways=("WebSocket", "events"), holds=lambda method, path: False, loses=lambda method, path: False):
        self.holds, self.loses = holds, loses
        self.ways, self.served = ways, []
        self.server, self.lie, self.instead = server, lie, instead
        self.key = server.key
        self.ready, self.loop = threading.Event(), asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.serve(),))

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(30)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()
        self.loop.close()

    async def serve(self):
        self.stopping = asyncio.Event()
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self.answer)
        # A stream wants a connection of its own.
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(
            connector=connector, auto_decompress=False, skip_auto_headers=["Accept-Encoding"]
        ) as self.session:
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = "http://127.0.0.1:%d" % runner.addresses[0][1]
            self.ready.set()
            await self.stopping.wait()
            await runner.cleanup()
            # A request that waits for its answer, as a long poll does.
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def answer(self, request):
        url = self.server.url + request.path_qs
        self.served.append(request.path)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            if "WebSocket" in self.ways:
                return await self.stream(request, url)
            if "upgrade" in self.ways:
                return await self.swallow(request)
        body = await request.read()
        if foreign := self.instead(request.method, request.path, body):
            status, kind, text = foreign
            more = {"Location": "/login"} if 300 <= status < 400 else {}
            return web.Response(status=status, body=text, headers={"Content-Type": kind, **more} if kind else more)
        # The host stays, so that the streams' addresses lead here.
        headers = {k: v for k, v in request.headers.items() if k in ("Host", "Authorization", "Content-Type", "Accept", "Idempotency-Key")}
        async with self.session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {k: v for k, v in answer.headers.items() if k in ("Content-Type", "Last-Offset", "ETag")}
            if "events" in self.ways and kept.get("Content-Type") == "text/event-stream":
                return await self.pass_on(request, answer, kept)
            body = await answer.read()
            if self.loses(request.method, request.path):
                return web.Response(status=502)
            while self.holds(request.method, request.path):
                await asyncio.sleep(0.05)
            if kept.get("Content-Type") == "application/x-ndjson":
                lines = self.lie([(json.loads(line), line) for line in body.decode().splitlines()])
                body = "".join(line + "\n" for line in lines).encode()
            return web.Response(status=answer.status, body=body, headers=kept)

    async def pass_on(self, request, answer, headers):
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError, aiohttp.ClientConnectionError):
            async for part in answer.content.iter_any():
                await response.write(part)
        return response

    async def swallow(self, request):
        viewer = web.WebSocketResponse(protocols=[SUBPROTOCOL], compress=False)
        await viewer.prepare(request)
        async for _ in viewer:
            pass
        return viewer

    async def stream(self, request, url):
        viewer = web.WebSocketResponse(protocols=[SUBPROTOCOL], compress=False)
        await viewer.prepare(request)
        async with self.session.ws_connect(url, protocols=[SUBPROTOCOL], max_msg_size=0) as log:
            async for message in log:
                lines = self.lie([(json.loads(line), line) for line in message.data.split("\n")])
                with contextlib.suppress(ConnectionError, aiohttp.ClientConnectionError):
                    if lines:
                        await viewer.send_str("\n".join(lines))
                if viewer.closed:
                    break
            await viewer.close(code=log.close_code or 1000)
        return viewer
