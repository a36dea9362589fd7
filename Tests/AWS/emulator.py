"""Runs MiniStack with what it gets wrong put right. A subscription brings an event under the id that the store gives it, and
ids rise with the events' order, as they do at AWS; batches come in order, which AWS doesn't promise, so that the tests which
want them otherwise can see to it themselves. A WebSocket's handshake is answered with the subprotocol that the answer to
`$connect` names. A parameter that is a number stays one. It lets the tests be ECS, whose events EventBridge takes from ECS alone."""

import contextvars
import functools
import itertools
import runpy
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor

from ministack.services import apigateway
from ministack.services import cloudwatch_logs as logs
from ministack.services import eventbridge
from ministack.services import lambda_svc

numbers = itertools.count(time.time_ns())
local = threading.local()
append, fan_out = logs._append_log_events, logs._fanout_to_subscription_filters


def new_id():
    given = getattr(local, "given", None)
    return given.pop(0) if given else str(next(numbers)).zfill(56)


def append_and_remember(stream, stored):
    local.stored = [event["eventId"] for event in stored]
    return append(stream, stored)


def fan_out_under_the_same_ids(group, stream, events):
    local.given = list(local.stored)
    try:
        return fan_out(group, stream, events)
    finally:
        local.given = None


def answering_with_the_subprotocol(handle_websocket, invoke):
    async def handle(scope, receive, send, *arguments, **options):
        agreed = {}

        async def send_with_it(message):
            if message["type"] == "websocket.accept" and scope.get("subprotocols") and agreed.get("headers"):
                message = {**message, "subprotocol": agreed["headers"].get("Sec-WebSocket-Protocol")}
            await send(message)

        token = current.set(agreed)
        try:
            return await handle_websocket(scope, receive, send_with_it, *arguments, **options)
        finally:
            current.reset(token)

    async def remembering(*arguments, **options):
        answer = await invoke(*arguments, **options)
        agreed = current.get()
        if agreed is not None and "headers" not in agreed:
            agreed["headers"] = (answer or {}).get("headers") or {}
        return answer

    return handle, remembering


class InOrder:
    """A thread that begins when the one before it has ended."""

    batches = ThreadPoolExecutor(1)

    def __init__(self, target, args=(), **_):
        self.target, self.args = target, args

    def start(self):
        self.batches.submit(self.target, *self.args)


def with_a_number(limit):
    def limited(esm, *arguments):
        scaling = {key: int(value) for key, value in (esm.get("ScalingConfig") or {}).items()}
        return limit({**esm, "ScalingConfig": scaling}, *arguments)

    return limited


current = contextvars.ContextVar("current", default=None)
apigateway.handle_websocket, apigateway._invoke_ws_lambda = answering_with_the_subprotocol(
    apigateway.handle_websocket, apigateway._invoke_ws_lambda)
logs.threading = types.SimpleNamespace(**{**vars(threading), "Thread": InOrder})
eventbridge._put_events = functools.partial(eventbridge._put_events, allow_aws_source=True)
lambda_svc._sqs_esm_concurrency = with_a_number(lambda_svc._sqs_esm_concurrency)
logs.new_uuid = new_id
logs._append_log_events = append_and_remember
logs._fanout_to_subscription_filters = fan_out_under_the_same_ids
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
