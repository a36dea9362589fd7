#!/usr/bin/env python3
"""The arithmetic of docs/aws-scale.md: writes its tables anew, so that they can't say anything else.

    bench/aws/scale.py            writes them into the page
    bench/aws/scale.py --check    fails if the page says something else
"""

import argparse
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import prices  # noqa: E402

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/aws-scale.md"
MONTH = 30 * 24 * 60  # minutes
TEMPLATE = PAGE.parents[1] / "deploy/aws/template.yaml"

# Where something stands. A name is a page of AWS's own documentation; of what others say of AWS, it says so.
SQS_QUOTAS = "SQS Developer Guide, *Amazon SQS message quotas*"
WEBSOCKET_QUOTAS = "API Gateway Developer Guide, *Quotas for configuring and running a WebSocket API*"
GATEWAY_QUOTAS = "API Gateway Developer Guide, *Amazon API Gateway quotas*"
DYNAMODB_QUOTAS = "DynamoDB Developer Guide, *Quotas in Amazon DynamoDB*"
HOT_PARTITION = "AWS re:Post Knowledge Center, *on-demand table throttling*"
LAMBDA_QUOTAS = "Lambda Developer Guide, *Lambda quotas*"
SQS_SCALING = "Lambda Developer Guide, *Configuring scaling behavior for SQS event source mappings*"
THROTTLED_LOGS = "AWS re:Post Knowledge Center, *throttling in CloudWatch Logs*"
OTHERS = "price guides of others that name AWS's page (2025, 2026)"
UNVERIFIED = "not verified"


class Load:
    """What there is to do at so many times today's load."""

    def __init__(self, times):
        self.executions = 100 * times
        self.starts = self.executions / 600  # each lasts ten minutes
        self.lines = 10 * self.executions
        self.bytes = 100 * self.lines
        self.batches = self.executions / 5  # the log driver writes every 5 s
        self.viewers = self.executions
        self.frames = self.batches  # a batch for each viewer

        # An append is a transaction of a small block and of the head: of four writes. A pass takes the lock, and moves the
        # cursor: the last move gives the lock back.
        self.writes = 4 * self.batches + 2 * self.frames
        self.shared_writes = 3 * self.starts  # the lists of all executions, and of the active ones
        self.ingests = 0.015 * self.batches  # at a time
        self.sequencers = 0.1 * self.batches
        self.deliveries = 0.05 * self.frames
        self.scans = 2 * self.starts / 50  # of the logs that end one in fifty has lost a batch, and is scanned twice


LARGE = Load(1000)


class Group:
    """One loud execution: what its message group sustains."""

    step = 10 * 160 / 1024  # MiB: ten messages of 160 KiB
    transactions = 1  # of at most 2 MiB
    seconds = transactions * 0.015 + 0.05
    pace = step * 1.048576 / seconds  # MB/s
    block = 1024  # KiB of lines as they are stored: 156 bytes for a line of 100. They shrink to a fifteenth
    line = 156
    block_writes = 2 * prices.chunks(block / 15 * 1024, 1024) + 2
    partition = 1000 / block_writes * block * 1.024 / 1000  # MB/s


def number(value, digits=2):
    """With so many digits that count."""
    if value >= 10 ** digits or value == int(value):
        return f"{value:,.0f}" if value < 1e15 else str(value)
    return f"{value:.{digits}g}"


def table(head, rows):
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def load():
    rows = [("executions at a time", "executions", ""), ("starts (and ends), if one lasts ten minutes", "starts", " /s"),
            ("lines of 100 bytes", "lines", " /s"), ("batches that the log driver writes (each task every 5 s)", "batches", " /s"),
            ("viewers", "viewers", ""), ("frames to viewers (each follows an average log: a batch every 5 s)", "frames", " /s")]
    return table(["", "now (1×)", "1,000×"],
                 [[text, number(getattr(Load(1), name)) + unit, number(getattr(LARGE, name)) + unit] for text, name, unit in rows])


def quotas():
    """What there is, what is needed of it, and how often it is needed."""
    rows = [
        ("PutLogEvents, requests a second, account", LARGE.batches, 5000, "yes", UNVERIFIED),
        ("FilterLogEvents, requests a second, account", LARGE.scans, 5, "no", THROTTLED_LOGS),
        ("Lambda, invocations at a time, account: Ingest", LARGE.ingests, 1000, "yes", LAMBDA_QUOTAS),
        ("… Sequencer, if each batch of lines comes alone", LARGE.sequencers, 1000, "yes", LAMBDA_QUOTAS),
        ("… of those, for one queue", LARGE.sequencers, 1250, "on request", SQS_SCALING),
        ("… Delivery", LARGE.deliveries, 1000, "yes", LAMBDA_QUOTAS),
        ("SQS FIFO, high throughput, messages sent a second, queue", LARGE.batches, 70000, "on request", SQS_QUOTAS),
        ("SQS FIFO, messages in flight, queue", LARGE.sequencers, 120000, "no", UNVERIFIED),
        ("DynamoDB on demand, writes a second, table", LARGE.writes, 40000, "yes", DYNAMODB_QUOTAS),
        ("… in the partition that all starts share", LARGE.shared_writes, 1000, "no", HOT_PARTITION),
        ("API Gateway, requests a second, account (posts count)", LARGE.frames, 10000, "yes", GATEWAY_QUOTAS),
        ("API Gateway, new connections a second, account: all viewers again within 200 s", LARGE.viewers / 200, 500, "yes",
         WEBSOCKET_QUOTAS),
    ]
    return table(["what there is", "needed at 1,000×", "there by default", "share", "can be raised", "found in"],
                 [[text, number(need), number(there), f"{need / there:.0%}" if need <= there else f"**{need / there:.1f}×**", raised, source]
                  for text, need, there, raised, source in rows])


def group():
    return table(["one loud execution", ""], [
        ["a step: ten messages of 160 KiB", f"{Group.step:.1f} MiB in {Group.transactions} transaction"],
        ["its time, at 15 ms a transaction and 50 ms around them", f"{Group.seconds * 1000:.0f} ms"],
        ["so the group's pace, one step at a time", f"{Group.pace:.0f} MB/s"],
        [f"writes for {Group.block} KiB of stored lines that shrink to a fifteenth, in a transaction, with the head", str(Group.block_writes)],
        ["so at 1,000 writes a second and partition",
         f"**{Group.partition:.1f} MB/s, {round(Group.partition * 1e6 / Group.line, -3):,.0f} lines of 100 bytes a second**"]])


def price_list():
    rows = [
        ("SQS FIFO, a million requests (64 KiB each)", prices.SQS_FIFO_REQUEST * 1e6, OTHERS),
        ("Lambda, a million invocations", prices.LAMBDA_REQUEST * 1e6, UNVERIFIED),
        ("Lambda, a million GB and seconds (x86)", prices.LAMBDA_GB_SECOND * 1e6, UNVERIFIED),
        ("DynamoDB on demand, a million writes of 1 KiB (two in a transaction)", prices.DYNAMODB_WRITE * 1e6, OTHERS),
        ("DynamoDB on demand, a million consistent reads of 4 KiB", prices.DYNAMODB_READ * 1e6, OTHERS),
        ("DynamoDB, a GB and month", prices.DYNAMODB_GB_MONTH, UNVERIFIED),
        ("API Gateway WebSocket, a million messages of 32 KiB", prices.WEBSOCKET_MESSAGE * 1e6, OTHERS),
        ("API Gateway WebSocket, a million minutes of connection", prices.WEBSOCKET_MINUTE * 1e6, OTHERS),
        ("CloudWatch Logs, a GB taken in", prices.CLOUDWATCH_GB, OTHERS),
        ("CloudWatch Logs, a GB and month stored, compressed", prices.CLOUDWATCH_GB_MONTH, OTHERS),
        ("CloudWatch, an alarm and month", prices.ALARM_MONTH, UNVERIFIED),
    ]
    return table(["us-east-1", "USD", "found in"], [[text, f"{price:.4g}", source] for text, price, source in rows])


def sparse():
    """What one line costs that comes alone, with one viewer; what a viewer costs who only waits; what there is to pay without both."""
    append, frame = 4 * prices.DYNAMODB_WRITE + 3 * prices.DYNAMODB_READ, 2 * prices.DYNAMODB_WRITE + 2 * prices.DYNAMODB_READ
    calls = 6 * prices.SQS_FIFO_REQUEST + prices.WEBSOCKET_MESSAGE + 3 * prices.invocation()
    line = append + frame + calls
    pings = MONTH * 2
    waiting = MONTH * prices.WEBSOCKET_MINUTE + pings * (
        2 * prices.WEBSOCKET_MESSAGE + prices.invocation() + 3 * prices.DYNAMODB_READ)
    # By default; with none of them, or within the ten that are free, they cost nothing.
    alarms = TEMPLATE.read_text().count("Type: AWS::CloudWatch::Alarm\n    Condition: HasAlarms\n")
    # Each mapping of a queue polls it, by five long polls of 20 s.
    text = TEMPLATE.read_text()
    queues = text.count("Type: AWS::Lambda::EventSourceMapping\n")
    standard = queues - len(re.findall(r"EventSourceArn: !GetAtt (?:LogsEvents|Deliveries)Queue\.Arn\n", text))
    polls, asking = 5 * MONTH * 3, MONTH * 2
    idle = polls * ((queues - standard) * prices.SQS_FIFO_REQUEST + standard * prices.SQS_REQUEST)
    ask = asking * (prices.HTTP_REQUEST + prices.invocation(0.01) + 2 * prices.DYNAMODB_READ)
    return table(["", "USD"], [
        ["a line that comes alone, with one viewer: an append, a pass, six requests to queues, a message, three invocations", f"{line:.6f}"],
        ["a log that writes one every five seconds for a month", f"{line * MONTH * 12:.2f}"],
        ["a viewer who waits for a month: connected, a ping and its answer every 30 s", f"{waiting:.2f}"],
        [f"nothing at all, for a month: {alarms} alarms", f"{alarms * prices.ALARM_MONTH:.2f}"],
        [f"… and Lambda's pollers: {queues} queues, five long polls of 20 s at a time each, {queues * polls / 1e6:.1f} million "
         "requests, of which a million is free", f"{idle:.2f}"],
        [f"an `exec` or `pipe` that runs for a month: it asks every 30 s whether to stop, {asking:,.0f} requests", f"{ask:.2f}"]])


TABLES = {"load": load, "quotas": quotas, "group": group, "prices": price_list, "sparse": sparse}


def written(text):
    for name, make in TABLES.items():
        mark = re.compile(rf"(<!-- bench/aws/scale.py: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert len(mark.findall(text)) == 1, name
        text = mark.sub(lambda found: found[1] + make() + "\n" + found[2], text)
    return text


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    text = PAGE.read_text()
    if parser.parse_args().check:
        sys.exit(0 if written(text) == text else "docs/aws-scale.md says something else: run bench/aws/scale.py")
    PAGE.write_text(written(text))


if __name__ == "__main__":
    main()
