"""What is written in each partition of the table, in DynamoDB's units: a model of the thousand a second that a partition takes
(DynamoDB Developer Guide, "Best practices for designing and using partition keys effectively")."""

import collections
import contextlib
import json

from authorization import CREDENTIAL
from limits import KiB, item_size, size

WRITES_A_SECOND = 1000


class Budget:
    """Counts units by partition, sort key and function."""

    def __init__(self, cloud):
        self.units, self.names = collections.Counter(), {cloud.ids[f"{n}Function"]: n for n in ("Sequencer", "Delivery", "Connection", "Api")}

    async def rule(self, exchange):
        operation = exchange.headers.get("X-Amz-Target", "").split(".")[-1]
        found = CREDENTIAL.match(exchange.headers.get("Authorization", ""))
        if operation in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"):
            body = json.loads(exchange.body)
            parts = [part for item in body["TransactItems"] for part in item.values()] if "TransactItems" in body else [body]
            for part in parts:
                item = part.get("Item") or {**part["Key"]}
                written = item_size(item) + sum(size(v) for v in part.get("ExpressionAttributeValues", {}).values())
                # A transaction writes everything twice.
                units = max(1, -(-written // KiB)) * (2 if "TransactItems" in body else 1)
                self.units[(item["pk"]["S"], item["sk"]["S"], self.names.get(found[1], found[1]))] += units
        return None

    def of(self, partition, functions=None):
        return sum(n for (pk, _, function), n in self.units.items() if pk == partition and (not functions or function in functions))

    def keys(self, partition, functions):
        return {sk for pk, sk, function in self.units if pk == partition and function in functions}


@contextlib.contextmanager
def budget(cloud):
    counted = Budget(cloud)
    cloud.proxy.rules.append(counted.rule)
    try:
        yield counted
    finally:
        cloud.proxy.rules.remove(counted.rule)
