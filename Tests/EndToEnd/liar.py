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

    `lie` gets the lines of each message and gives those that are sent instead. `instead` gets a request's method, path and body,
    and gives None, or the status, type and body that are answered in the server's place.
    """

    def __init__(self, server, lie=lambda lines: [line for _, line in lines], instead=lambda method, path, body: None):
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
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as self.session:
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
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self.stream(request, url)
        body = await request.read()
        if foreign := self.instead(request.method, request.path, body):
            status, kind, text = foreign
            more = {"Location": "/login"} if 300 <= status < 400 else {}
            return web.Response(status=status, body=text, headers={"Content-Type": kind, **more} if kind else more)
        # The host stays, so that the streams' addresses lead here.
        headers = {k: v for k, v in request.headers.items() if k in ("Host", "Authorization", "Content-Type", "Accept")}
        async with self.session.request(request.method, url, data=body, headers=headers) as answer:
            kept = {k: v for k, v in answer.headers.items() if k in ("Content-Type", "Last-Offset", "ETag")}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

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
