"""Lambda's pollers of a FIFO queue, as many at a time as there are groups, where the emulator has one: each takes a batch by the
queue's own API, gives it to the real function, and deletes what the function has done. The queue blocks a group that is under way;
here it is asserted that it does, and that each group's messages come in their order."""

import collections
import json
import threading

import prices


class Pollers:
    def __init__(self, cloud, queue, function, concurrency):
        self.cloud, self.queue, self.function = cloud, queue, function
        self.arn, self.name = cloud.arn(queue), cloud.ids[f"{function}Function"]
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.under_way, self.reached = collections.Counter(), {}  # groups; the last sequence number of each that was done
        self.batches, self.messages, self.most, self.failure = 0, 0, 0, None
        self.billed = 0  # requests to take messages and to delete them, ten at once, without those that found nothing
        self._disable()
        # Clients for each: they don't wait for one another's connections.
        self.threads = [threading.Thread(target=self._run, args=(cloud.client("sqs"), cloud.client("lambda")), daemon=True)
                        for _ in range(concurrency)]
        for thread in self.threads:
            thread.start()

    def _disable(self):
        functions = self.cloud.functions
        for mapping in functions.list_event_source_mappings(FunctionName=self.name)["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)

    def _run(self, sqs, functions):
        try:
            while not self.stopped.is_set():
                found = sqs.receive_message(
                    QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1, AttributeNames=["All"],
                    VisibilityTimeout=60)  # The template's; a test's is shorter than a busy machine needs.
                if messages := found.get("Messages"):
                    self._carry_out(sqs, functions, messages)
        except Exception as failure:
            self.failure = failure

    def _carry_out(self, sqs, functions, messages):
        groups = self._begin(messages)
        answer = functions.invoke(FunctionName=self.name, Payload=json.dumps({"Records": [{
            "messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"], "attributes": m["Attributes"],
            "eventSource": "aws:sqs", "eventSourceARN": self.arn} for m in messages]}).encode())
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        failed = {entry["itemIdentifier"] for entry in body["batchItemFailures"]}
        self._end(groups, [m for m in messages if m["MessageId"] not in failed])
        for message in messages:
            if message["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def _begin(self, messages):
        groups = {m["Attributes"]["MessageGroupId"] for m in messages}
        # What the function gives back, or has for longer than its visibility, comes again although its batch may be under way.
        again = {m["Attributes"]["MessageGroupId"] for m in messages if m["Attributes"]["ApproximateReceiveCount"] != "1"}
        with self.lock:
            twice = {group for group in groups - again if self.under_way[group]}
            assert not twice, f"a group is under way twice: {twice}"
            self.under_way.update(groups)
            self.batches, self.messages = self.batches + 1, self.messages + len(messages)
            self.most = max(self.most, sum(count > 0 for count in self.under_way.values()))
            self.billed += prices.chunks(sum(len(m["Body"]) for m in messages), 64 << 10) + 1
        return groups

    def _end(self, groups, done):
        """Before the messages are deleted: only then may the group's next ones come."""
        with self.lock:
            self.under_way.subtract(groups)
            for message in done:
                group, number = message["Attributes"]["MessageGroupId"], int(message["Attributes"]["SequenceNumber"])
                again = message["Attributes"]["ApproximateReceiveCount"] != "1"
                assert again or number > self.reached.get(group, -1), "a group's messages overtook one another"
                self.reached[group] = max(number, self.reached.get(group, -1))

    def check(self):
        """Figures of pollers of which one has failed are none."""
        if self.failure:
            raise self.failure

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(90)
        self.check()
