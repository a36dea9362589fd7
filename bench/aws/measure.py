"""The path of lines under load: many quiet executions and one loud one, every log held against what was written. Queues, functions
and records are real or the emulator's; the pollers between queues and functions are `pollers.py`."""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / part) for part in ("Tests", "Tests/AWS", "bench/aws")]

import prices  # noqa: E402
import start  # noqa: E402
from cloud import LAMBDA, Cloud  # noqa: E402
from pollers import Pollers  # noqa: E402
from viewer import Viewer  # noqa: E402

LINE = "[{:>7}] compile src/module/file-{}.c ok, in the form in which a build writes a hundred bytes a line"


class Meter:
    """Counts the functions' calls and what they would cost."""

    def __init__(self, cloud):
        self.calls, self.cost, self.lock, self.on = collections.Counter(), collections.Counter(), threading.Lock(), False
        cloud.proxy.rules.append(self._rule)
        self.forward, cloud.proxy._forward = cloud.proxy._forward, self._forward

    async def _forward(self, request, *rest):
        """A read costs by what it gives."""
        status, headers, body = answer = await self.forward(request, *rest)
        if self.on and request.headers.get("X-Amz-Target", "").split(".")[-1] in ("GetItem", "Query", "BatchGetItem"):
            with self.lock:
                self.cost["DynamoDB"] += prices.chunks(len(body) * 3 // 4, 4 << 10) * prices.DYNAMODB_READ
        return answer

    async def _rule(self, exchange):
        if self.on:
            with self.lock:
                self._count(exchange)

    def _count(self, exchange):
        operation, size = exchange.headers.get("X-Amz-Target", "").split(".")[-1], len(exchange.body)
        if not operation and "/@connections/" not in exchange.path:
            return  # a client's request to the API
        if "/@connections/" in exchange.path:
            operation = "PostToConnection" if exchange.method == "POST" else exchange.method + " connection"
            if exchange.method == "POST":
                self.cost["API Gateway"] += prices.chunks(size, 32 << 10) * prices.WEBSOCKET_MESSAGE
        elif operation.startswith(("SendMessage", "ChangeMessage")):
            self.cost["SQS"] += prices.chunks(size, 64 << 10) * prices.SQS_FIFO_REQUEST
        elif operation == "TransactWriteItems":
            for item in json.loads(exchange.body)["TransactItems"]:
                self.cost["DynamoDB"] += 2 * prices.chunks(self._stored(item), 1 << 10) * prices.DYNAMODB_WRITE
        elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
            self.cost["DynamoDB"] += prices.chunks(size, 1 << 10) * prices.DYNAMODB_WRITE
        self.calls[operation] += 1

    @staticmethod
    def _stored(item):
        """Base64 is of the wire only."""
        return len(json.dumps(item)) * 3 // 4


def write(execution, lines, batch):
    for first in range(0, lines, batch):
        execution.write(*(LINE.format(n, n) for n in range(first, min(first + batch, lines))))
    execution.finish()
    execution.finished = time.monotonic()
    execution.stop()


def check(execution):
    """Whether the log holds every line once; and how many came later than their time."""
    events, after = [], 0
    while True:
        page = execution.location(f"?after={after}&limit=10000")
        events += page["events"]
        if "next_after" not in page:
            break
        after = page["next_after"]
    assert [e["offset"] for e in events] == list(range(1, len(execution.written) + 1)), execution.id
    messages = [e["message"] for e in events]
    assert sorted(messages) == sorted(execution.written), f"{execution.id} lacks lines"
    late = sum(1 for one, two in zip(events, events[1:]) if two["timestamp"] < one["timestamp"])
    return len(events), sum(len(m.encode()) for m in messages), late


def wait(executions, seconds=600):
    """When each ended after its last line was written."""
    waiting, times, deadline = {e.id: e for e in executions}, {}, time.monotonic() + seconds
    while waiting:
        assert time.monotonic() < deadline, f"{len(waiting)} never ended"
        for status in ("SUCCEEDED",):
            cursor = ""
            while True:
                page = executions[0].cloud.get(f"/api/v1/executions?status={status}&limit=1000{cursor}")
                for view in page["executions"]:
                    execution = waiting.pop(view["execution_id"], None)
                    if execution:
                        times[execution.id] = time.monotonic() - execution.finished
                if not page.get("next_cursor"):
                    break
                cursor = f"&cursor={page['next_cursor']}"
        time.sleep(0.2)
    return times


def phase(cloud, quiet, loud_lines, batch):
    executions = [cloud.execution() for _ in range(quiet)]
    loud = cloud.execution() if loud_lines else None
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        began = time.monotonic()
        jobs = [pool.submit(write, loud, loud_lines, batch)] if loud else []
        jobs += [pool.submit(write, e, 50, 25) for e in executions]
        times = wait_after(jobs, executions + ([loud] if loud else []))
        took = time.monotonic() - began
    results = [check(e) for e in executions + ([loud] if loud else [])]
    quiet_times = sorted(times[e.id] for e in executions)
    return {
        "took": took, "lines": sum(r[0] for r in results), "bytes": sum(r[1] for r in results),
        "late": sum(r[2] for r in results), "p50": statistics.median(quiet_times) if quiet_times else None,
        "p95": quiet_times[int(len(quiet_times) * 0.95)] if quiet_times else None}


def ends(cloud, runs):
    """Seconds from the script's last line in CloudWatch to the `end` at a viewer, sorted; ECS never says that the task has stopped."""
    times = []
    for _ in range(runs):
        execution = cloud.execution()
        viewer = Viewer(execution)
        execution.write("one", "two")
        viewer.wait_for(2)
        began = time.monotonic()
        execution.finish()
        viewer.wait_for_end()
        times.append(time.monotonic() - began)
    return sorted(times)


def wait_after(jobs, executions):
    for job in jobs:
        job.result()
    return wait(executions)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quiet", type=int, default=200)
    parser.add_argument("--loud", type=int, default=50_000)
    parser.add_argument("--ends", type=int, default=30, help="how often a command's end is waited for")
    parser.add_argument("--pollers", type=int, default=8, help="batches of a queue at a time")
    options = parser.parse_args()
    print("## Start\n\n" + start.table(LAMBDA) + "\n", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        cloud = Cloud(os.environ["EVERYLINE_AWS_ENDPOINT"], directory)
        meter = Meter(cloud)
        pollers = [Pollers(cloud, cloud.logs_queue, "Sequencer", options.pollers),
                   Pollers(cloud, cloud.deliveries, "Delivery", options.pollers)]
        alone = phase(cloud, options.quiet, 0, 1000)
        loud = phase(cloud, 0, options.loud, 1000)
        both = phase(cloud, options.quiet, options.loud, 1000)
        print("## Load\n")
        print("| | executions | lines | took | quiet ones' end after their last line, p50 | p95 | lines behind later ones |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for name, result, count in (("quiet ones alone", alone, options.quiet), ("the loud one alone", loud, 1),
                                    ("all of them", both, options.quiet + 1)):
            print(f"| {name} | {count} | {result['lines']} | {result['took']:.1f} s | {seconds(result['p50'])} | "
                  f"{seconds(result['p95'])} | {result['late']} |")
        print("\nEvery line was there once, every offset without a hole, in all of them; each group's messages came in order, one "
              f"batch of a group at a time. The loud one alone: {loud['lines'] / loud['took']:,.0f} lines/s from the first written to "
              f"its end. At most {pollers[0].most} groups under way at a time, {pollers[0].messages / pollers[0].batches:.1f} "
              "messages a batch.\n")
        if options.ends:
            times = ends(cloud, options.ends)
            print(f"From the script's last line to the `end` at a viewer, {len(times)} times: p50 {statistics.median(times) * 1000:.0f} ms, "
                  f"p90 {times[int(len(times) * 0.9)] * 1000:.0f} ms.\n")
        meter.on, billed = True, sum(each.billed for each in pollers)
        viewer_of = cloud.execution()
        viewer = Viewer(viewer_of)
        write(viewer_of, options.loud, 1000)
        wait([viewer_of])
        viewer.wait_for_end(120)
        meter.on, billed = False, sum(each.billed for each in pollers) - billed
        for each in pollers:
            each.check()
        meter.calls["ReceiveMessage, DeleteMessageBatch (Lambda's)"] = billed
        meter.cost["SQS"] += billed * prices.SQS_FIFO_REQUEST
        lines, size, _ = check(viewer_of)
        report(meter, lines, size)
        for each in pollers:
            each.stop()
        cloud.close()


def seconds(value):
    return "" if value is None else f"{value:.1f} s"


def report(meter, lines, size):
    million, gigabyte = 1e6 / lines, 1e9 / size
    print(f"## Calls and price of one log of {lines} lines ({size / lines:.0f} bytes each) with one viewer\n")
    print("| call | number | per million lines |\n| --- | --- | --- |")
    for operation, count in meter.calls.most_common():
        print(f"| {operation} | {count} | {count * million:.0f} |")
    total = sum(meter.cost.values())
    print("\n| | USD per million lines | USD per GB of output |\n| --- | --- | --- |")
    for service, cost in meter.cost.most_common():
        print(f"| {service} | {cost * million:.4f} | {cost * gigabyte:.4f} |")
    print(f"| Everyline's calls (without Lambda's time) | {total * million:.4f} | {total * gigabyte:.4f} |")
    overhead = (size + 26 * lines) / 1e9 * prices.CLOUDWATCH_GB
    print(f"| CloudWatch's own ingestion | {overhead * million:.4f} | {overhead * gigabyte:.4f} |")


if __name__ == "__main__":
    main()
