"""Stands between the functions and the emulator, which takes requests of almost any size, and refuses what AWS refuses for its size
or form; and it gives answers in the pages in which AWS gives them. Each limit says where it was read."""

import base64
import collections
import json
import re

from aiohttp import web

KiB, MiB = 1 << 10, 1 << 20

# SQS Developer Guide, "Amazon SQS message quotas". A message may have 1 MiB since 2025; the triggers of older queues take 256 KiB.
SQS_MESSAGE = SQS_BATCH = 256 * KiB
SQS_ENTRIES, SQS_ENTRY_ID, SQS_GROUP, SQS_DELAY = 10, re.compile(r"[A-Za-z0-9_-]{1,80}"), 128, 900
SQS_TEXT = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
SQS_NAME = re.compile(r"""[A-Za-z0-9!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}""")
# DynamoDB Developer Guide, "Quotas in Amazon DynamoDB" and "Constraints"; API reference, TransactWriteItems, BatchGetItem, Query.
ITEM, TRANSACTION, TRANSACTED, BATCH_GET, PAGE, EXPRESSION = 400 * KiB, 4 * MiB, 100, 100, MiB, 4 * KiB
PARTITION_KEY, SORT_KEY, CLIENT_TOKEN = 2048, 1024, 36
# API Gateway Developer Guide, "Quotas for configuring and running a WebSocket API".
POST = 128 * KiB
# API Gateway Developer Guide, "Quotas for HTTP APIs": a payload, and the request's line with its headers.
HTTP_PAYLOAD, HTTP_HEAD = 10_000_000, 10_240
# Lambda Developer Guide, "Lambda quotas": an invocation's payload and its answer.
INVOCATION = 6 * MiB
# ECS API reference, RunTask: the characters of the overrides' JSON; `startedBy`, `clientToken`.
OVERRIDES, STARTED_BY, RUN_TOKEN = 8192, re.compile(r"[A-Za-z0-9_/.-]{1,128}"), 64
# CloudWatch Logs API reference, FilterLogEvents: a page, which may be empty though more follows.
EVENTS, EVENTS_SIZE = 10_000, 1_000_000


class Refusal(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


def require(holds, code, message, status=400):
    if not holds:
        raise Refusal(status, code, message)


def size(value):
    """DynamoDB Developer Guide, "DynamoDB item sizes and formats"."""
    (kind, content), = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "B":
        return len(base64.b64decode(content))
    if kind == "N":
        return len(content.lstrip("-").strip("0")) // 2 + 2
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size(part) for name, part in content.items())
    if kind == "L":
        return 3 + sum(1 + size(part) for part in content)
    return sum(size({kind[0]: part}) for part in content)


def item_size(item):
    return sum(len(name.encode()) + size(value) for name, value in item.items())


class Limits:
    def __init__(self):
        # What functions asked for in vain. (A client may ask the API for what it likes.)
        self.refused = []
        # The largest of each kind that has passed.
        self.most = collections.Counter()

    def check(self, exchange, is_api):
        """The answer to a request that AWS refuses; `None` for one that it takes."""
        try:
            if is_api:
                self._api(exchange)
            elif "/@connections/" in exchange.path:
                if exchange.method == "POST":
                    self._note("a post to a connection", len(exchange.body), POST, "PayloadTooLargeException", 413)
            elif "X-Amz-Target" in exchange.headers:
                operation = exchange.headers["X-Amz-Target"].split(".")[-1]
                check = getattr(self, "_" + operation.lower(), None)
                if check:
                    check(json.loads(exchange.body))
        except Refusal as refusal:
            if not is_api:
                self.refused.append((exchange.headers.get("X-Amz-Target") or exchange.path, str(refusal)))
            if is_api:
                return web.json_response({"message": str(refusal)}, status=refusal.status)
            return web.json_response(
                {"__type": refusal.code, "message": str(refusal)}, status=refusal.status,
                headers={"x-amzn-ErrorType": refusal.code})
        return None

    def _note(self, what, size, limit, code="ValidationException", status=400):
        require(size <= limit, code, f"{what} of {size}, where AWS takes {limit}", status)
        self.most[what] = max(self.most[what], size)

    # MARK: The HTTP API

    def _api(self, exchange):
        head = len(exchange.path) + 12 + sum(len(k) + len(v) + 4 for k, v in exchange.headers.items())
        self._note("a request's head", head, HTTP_HEAD, status=431)
        self._note("a request's body", len(exchange.body), HTTP_PAYLOAD, status=413)
        try:
            event = len(json.dumps(exchange.body.decode()))
        except UnicodeDecodeError:
            event = len(exchange.body) * 4 // 3
        self._note("an event for the API's function", event + 2 * head, INVOCATION, status=413)

    def api_answer(self, body, headers):
        """Whether the function's answer fits: its body is JSON in JSON, or base64."""
        try:
            answer = len(json.dumps(body.decode(), ensure_ascii=False).encode())
        except UnicodeDecodeError:
            answer = len(body) * 4 // 3
        try:
            self._note("the API's answer", answer + sum(len(k) + len(v) + 8 for k, v in headers.items()), INVOCATION)
        except Refusal as refusal:
            self.refused.append(("the API's answer", str(refusal)))
            return web.json_response({"message": "Internal Server Error"}, status=500)
        return None

    # MARK: SQS

    def _sendmessage(self, body):
        self._message(body, body["QueueUrl"])

    def _sendmessagebatch(self, body):
        entries = body["Entries"]
        self._note("entries of a batch", len(entries), SQS_ENTRIES, "TooManyEntriesInBatchRequest")
        require(entries, "EmptyBatchRequest", "an empty batch")
        require(len({e["Id"] for e in entries}) == len(entries), "BatchEntryIdsNotDistinct", "an id twice")
        require(all(SQS_ENTRY_ID.fullmatch(e["Id"]) for e in entries), "InvalidBatchEntryId", "an entry's id")
        for entry in entries:
            self._message(entry, body["QueueUrl"])
        total = sum(len(e["MessageBody"].encode()) for e in entries)
        self._note("a batch of messages", total, SQS_BATCH, "BatchRequestTooLong")

    def _message(self, message, queue):
        text, is_fifo = message["MessageBody"], queue.endswith(".fifo")
        self._note("a message", len(text.encode("utf-8", "surrogatepass")), SQS_MESSAGE, "InvalidParameterValue")
        require(SQS_TEXT.fullmatch(text), "InvalidMessageContents", "a character that a message can't have")
        for name in ("MessageGroupId", "MessageDeduplicationId"):
            if is_fifo or name in message:
                require(SQS_NAME.fullmatch(message.get(name, "")), "InvalidParameterValue", f"{name}: {message.get(name)!r}")
        if "DelaySeconds" in message:
            require(not is_fifo, "InvalidParameterValue", "a delay of one message of a FIFO queue")
            require(0 <= message["DelaySeconds"] <= SQS_DELAY, "InvalidParameterValue", f"a delay of {message['DelaySeconds']}")

    def _changemessagevisibility(self, body):
        require(0 <= body["VisibilityTimeout"] <= 43_200, "InvalidParameterValue", "a visibility's timeout")

    # MARK: DynamoDB

    def _putitem(self, body):
        self._put(body)

    def _put(self, body):
        self._key({"pk": body["Item"]["pk"], "sk": body["Item"]["sk"]})
        self._note("an item", item_size(body["Item"]), ITEM)
        self._expressions(body)
        return item_size(body["Item"])

    def _updateitem(self, body):
        self._update(body)

    def _update(self, body):
        self._key(body["Key"])
        self._expressions(body)
        # What the item holds besides isn't known here.
        total = item_size(body["Key"]) + sum(size(v) for v in body.get("ExpressionAttributeValues", {}).values())
        self._note("an update", total, ITEM)
        return total

    def _deleteitem(self, body):
        self._delete(body)

    _getitem = _deleteitem

    def _delete(self, body):
        self._key(body["Key"])
        self._expressions(body)
        return item_size(body["Key"])

    def _query(self, body):
        self._expressions(body)

    def _batchgetitem(self, body):
        for request in body["RequestItems"].values():
            keys = [json.dumps(key, sort_keys=True) for key in request["Keys"]]
            self._note("keys of a reading", len(keys), BATCH_GET)
            require(keys and len(set(keys)) == len(keys), "ValidationException", "a key twice, or none")

    def _transactwriteitems(self, body):
        parts = [(kind, part) for item in body["TransactItems"] for kind, part in item.items()]
        self._note("parts of a transaction", len(parts), TRANSACTED)
        require(parts, "ValidationException", "an empty transaction")
        if "ClientRequestToken" in body:
            require(1 <= len(body["ClientRequestToken"]) <= CLIENT_TOKEN, "ValidationException", "a transaction's token")
        keys = [json.dumps({n: (part.get("Item") or part.get("Key"))[n] for n in ("pk", "sk")}, sort_keys=True) for _, part in parts]
        require(len(set(keys)) == len(keys), "ValidationException", "a transaction with two parts on one item")
        check = {"Put": self._put, "Update": self._update, "Delete": self._delete, "ConditionCheck": self._delete}
        self._note("a transaction", sum(check[kind](part) for kind, part in parts), TRANSACTION)

    @staticmethod
    def _key(key):
        for name, limit in (("pk", PARTITION_KEY), ("sk", SORT_KEY)):
            length = len(key[name]["S"].encode())
            require(1 <= length <= limit, "ValidationException", f"a key's {name} of {length} bytes: {key}")

    def _expressions(self, body):
        for name, text in body.items():
            if name.endswith("Expression"):
                self._note("an expression", len(text.encode()), EXPRESSION)

    # MARK: ECS

    def _runtask(self, body):
        # Characters, of which a service in Java counts one of the higher planes as two.
        text = json.dumps(body["overrides"], separators=(",", ":"), ensure_ascii=False)
        self._note("a task's overrides", len(text.encode("utf-16-le")) // 2, OVERRIDES, "InvalidParameterException")
        require(STARTED_BY.fullmatch(body.get("startedBy", "-")), "InvalidParameterException", "startedBy")
        require(len(body.get("clientToken", "")) <= RUN_TOKEN, "InvalidParameterException", "clientToken")
        require(1 <= body.get("count", 1) <= 10, "InvalidParameterException", "count")

    def _describetasks(self, body):
        self._note("tasks of a question", len(body["tasks"]), 100, "InvalidParameterException")

    # MARK: Pages

    def pages(self, exchange):
        """The way in which an operation's answer is cut into pages; `None` for one that isn't."""
        operation = exchange.headers.get("X-Amz-Target", "").split(".")[-1]
        return {"FilterLogEvents": self._filter, "Query": self._queried}.get(operation)

    async def _queried(self, exchange, forward):
        """A query reads 1 MB; the key of its last item is where the next begins."""
        status, answer = await forward(exchange.body)
        items, read = answer.get("Items", []), 0
        for count, item in enumerate(items):
            read += item_size(item)
            if read > PAGE and count > 0 and "IndexName" not in json.loads(exchange.body):
                last = items[count - 1]
                return status, {**answer, "Items": items[:count], "Count": count, "ScannedCount": count,
                                "LastEvaluatedKey": {"pk": last["pk"], "sk": last["sk"]}}
        return status, answer

    async def _filter(self, exchange, forward):
        """The emulator gives the first 10,000 events and no token. The first page of all is empty here."""
        body = json.loads(exchange.body)
        token, limit = body.pop("nextToken", None), body.get("limit", EVENTS)
        if not 1 <= limit <= EVENTS:
            return 400, {"__type": "InvalidParameterException", "message": "limit"}
        if token is None:
            status, answer = await forward(json.dumps(body).encode())
            return status, answer if status != 200 else {"events": [], "searchedLogStreams": [], "nextToken": self._token(body, 0, 0)}
        asked, time, given = json.loads(base64.b64decode(token))
        if asked != self._asked(body):
            return 400, {"__type": "InvalidParameterException", "message": "The specified nextToken is invalid."}
        status, answer = await forward(json.dumps({**body, "startTime": max(time, body.get("startTime", 0)), "limit": EVENTS}).encode())
        if status != 200:
            return status, answer
        found, page, total = answer["events"], [], 0
        if found and found[0]["timestamp"] > time:
            given = 0
        for event in found[given:]:
            total += len(event["message"].encode()) + 26
            if len(page) == limit or total > EVENTS_SIZE and page:
                break
            page.append(event)
        if given + len(page) == len(found) < EVENTS:
            return status, {"events": page, "searchedLogStreams": []}
        last = page[-1]["timestamp"]
        same = sum(1 for event in found[:given + len(page)] if event["timestamp"] == last)
        return status, {"events": page, "searchedLogStreams": [], "nextToken": self._token(body, last, same)}

    @staticmethod
    def _asked(body):
        return [body["logGroupName"], body.get("logStreamNames"), body.get("startTime"), body.get("endTime")]

    def _token(self, body, time, given):
        return base64.b64encode(json.dumps([self._asked(body), time, given]).encode()).decode()
