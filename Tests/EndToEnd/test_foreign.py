"""The stream as WebSocket clients see it that share nothing with Everyline, nor with each other."""

import asyncio
import json

import aiohttp
import pytest
import websockets.asyncio.client

from everyline import SUBPROTOCOL


async def with_aiohttp(url, subprotocol, compression):
    async with aiohttp.ClientSession() as session:
        protocols = [subprotocol] if subprotocol else []
        async with session.ws_connect(url, protocols=protocols, compress=15 if compression else 0, heartbeat=1) as viewer:
            messages = [message.data async for message in viewer]
            return viewer.protocol, messages, viewer.close_code


async def with_websockets(url, subprotocol, compression):
    protocols = [subprotocol] if subprotocol else None
    async with websockets.asyncio.client.connect(
            url, subprotocols=protocols, compression="deflate" if compression else None, ping_interval=0.2) as viewer:
        messages = [message async for message in viewer]
        return viewer.subprotocol, messages, viewer.close_code


@pytest.mark.parametrize("compression", [True, False])
@pytest.mark.parametrize("subprotocol", [SUBPROTOCOL, None])
@pytest.mark.parametrize("client", [with_aiohttp, with_websockets])
def test_a_foreign_client_follows_to_the_end(server, client, subprotocol, compression):
    log = server.register()
    expected = [f"line {n} " + "\u00e4\U0001f600" * (n % 50) for n in range(300)]
    log.append(*expected[:100])

    async def follow():
        viewer = asyncio.create_task(client(log.stream_url(), subprotocol, compression))
        for n in range(100, 300, 20):
            await asyncio.to_thread(log.append, *expected[n:n + 20])
        await asyncio.to_thread(log.append, end="SUCCEEDED")
        return await asyncio.wait_for(viewer, 60)

    chosen, received, code = asyncio.run(follow())
    events = [json.loads(line) for message in received for line in message.split("\n")]
    assert chosen == subprotocol
    assert [e["message"] for e in events if "message" in e] == expected
    assert (events[-1]["type"], code) == ("end" if subprotocol else "disconnect", 1000)
