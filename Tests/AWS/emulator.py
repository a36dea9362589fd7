"""Runs MiniStack with what it gets wrong about CloudWatch put right: a subscription brings an event under the id that the
store gives it, and ids rise with the events' order, as they do at AWS."""

import itertools
import runpy
import threading
import time

from ministack.services import cloudwatch_logs as logs

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


logs.new_uuid = new_id
logs._append_log_events = append_and_remember
logs._fanout_to_subscription_filters = fan_out_under_the_same_ids
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
