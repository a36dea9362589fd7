"""Everyline's AWS form on an emulator: the template, the real binary in every function, and the least of a client."""

import base64
import gzip
import io
import json
import os
import pathlib
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.request
import zipfile

import boto3
import yaml
from aiohttp import web
from botocore.config import Config

import ecs_events
import template
from authorization import OPERATOR, Authorization
from faults import FaultProxy

ROOT = template.ROOT
LAMBDA = os.environ.get("EVERYLINE_LAMBDA", str(ROOT / ".build/debug/everyline-lambda"))
EVERYLINE_AWS = os.environ.get("EVERYLINE_AWS_BINARY", str(ROOT / ".build/debug/everyline-aws"))
REGION = "us-east-1"
FUNCTIONS = ["Api", "Ingest", "Sequencer", "Reconciler", "Delivery", "Connection", "Completion"]


class Cloud:
    """One deployed stack."""

    def __init__(self, endpoint, directory):
        self.endpoint, self.directory = endpoint, pathlib.Path(directory)
        self.proxy = FaultProxy(endpoint)
        session = boto3.Session(aws_access_key_id=OPERATOR, aws_secret_access_key="test", region_name=REGION)
        settings = Config(retries={"max_attempts": 1}, read_timeout=120)
        self.client = lambda service: session.client(service, endpoint_url=endpoint, config=settings)
        for service in ("cloudformation", "s3", "lambda", "sqs", "logs", "dynamodb", "ecs", "events"):
            setattr(self, {"lambda": "functions"}.get(service, service), self.client(service))
        self._deploy()

    # MARK: The stack

    def _deploy(self):
        # The emulator has no quotas.
        self.quotas = Quotas()
        self.proxy.rules.append(self.quotas.rule)
        self.package = self.directory / "lambda.zip"
        self.package.write_bytes(self._package())
        deployed = self.everyline_aws("deploy", "--package", self.package)
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        self.key = self.configuration()["api_key"]
        resources = self.cloudformation.describe_stack_resources(StackName="everyline")["StackResources"]
        self.ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in resources}
        self.table, self.log_group = self.ids["Table"], self.ids["CommandsLogGroup"]
        self.logs_queue, self.deliveries = self.ids["LogsEventsQueue"], self.ids["DeliveriesQueue"]
        self._authorize()
        self.proxy.api_prefix = f"/_aws/execute-api/{self.ids['HttpApi']}/$default"
        self.address = self.proxy.address
        self._adapt()
        # The emulator passes over the template's.
        self.dynamodb.update_time_to_live(
            TableName=self.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_s"})

    def update(self):
        """Deploys the functions anew, as a newer package."""
        self.package.write_bytes(self.package.read_bytes() + b"\0")
        updated = self.everyline_aws("deploy", "--package", self.package)
        assert updated.returncode == 0 and "UPDATE_COMPLETE" in updated.stdout, updated.stdout + updated.stderr
        self._adapt()

    def _adapt(self):
        gateway = f"/_aws/execute-api/{self.ids['StreamsApi']}/live"
        # The emulator's addresses in the place of AWS's; and short waits, so that a test of them is short.
        changes = {
            "AWS_ENDPOINT_URL": self.proxy.address, "EVERYLINE_LOG_LEVEL": "debug",
            "EVERYLINE_STREAMS_URL": self.endpoint.replace("http", "ws") + gateway,
            "EVERYLINE_CONNECTIONS_URL": self.proxy.address + gateway, "EVERYLINE_LEASE_SECONDS": "4",
            "EVERYLINE_REPAIR_SECONDS": "2", "EVERYLINE_PAUSE_SECONDS": "2",
            "EVERYLINE_POLL_SECONDS": "2", "EVERYLINE_ABSENCE_SECONDS": "6",
            "EVERYLINE_ORIGINS": self.proxy.address,
        }
        for name in FUNCTIONS:
            self.change(name, changes)
        for name in FUNCTIONS:
            self.functions.get_waiter("function_updated_v2").wait(
                FunctionName=self.ids[f"{name}Function"], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        for queue in (self.logs_queue, self.deliveries, self.ids["ReconcileQueue"]):
            self.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "6"})

    def everyline_aws(self, *arguments, home=None, answer="", environment=None):
        """What an administrator types, whose home is a directory of the tests."""
        home = pathlib.Path(home or self.directory)
        own = {"PATH": os.environ["PATH"], "HOME": str(home), "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": OPERATOR,
               "AWS_SECRET_ACCESS_KEY": "test"} if environment is None else environment
        return subprocess.run(
            [EVERYLINE_AWS, *map(str, arguments), "--endpoint-url", self.proxy.address], cwd=ROOT, env=own, input=answer,
            capture_output=True, text=True, timeout=600)

    def configuration(self, home=None):
        """What `everyline` finds in its configuration there."""
        return yaml.safe_load((pathlib.Path(home or self.directory) / ".config/everyline/config.yaml").read_text())

    def _authorize(self):
        """From here on a function may only what its role allows."""
        configuration = lambda name: self.functions.get_function_configuration(FunctionName=name)  # noqa: E731
        self.account = configuration(self.ids["ApiFunction"])["FunctionArn"].split(":")[4]
        self.authorization = Authorization(
            template.Stack(self.ids, REGION, self.account), role_of=lambda name: configuration(name)["Role"],
            roles_of=lambda name: [self.definition(name)[role] for role in ("executionRoleArn", "taskRoleArn")])
        self.proxy.rules.append(self.authorization.rule)

    def change(self, name, environment):
        function = self.ids[f"{name}Function"]
        known = self.functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        self.functions.update_function_configuration(
            FunctionName=function, Environment={"Variables": {**known, **environment}})

    def _package(self):
        """A package whose bootstrap is the binary where it was built, and says its process's id. Its access key says whose
        call it is."""
        script = f'#!/bin/sh\necho $$ >>"{self.directory}/$EVERYLINE_FUNCTION.pids"\n' \
            f'export AWS_ACCESS_KEY_ID=$AWS_LAMBDA_FUNCTION_NAME AWS_ENDPOINT_URL=${{AWS_ENDPOINT_URL:-{self.endpoint}}}\nexec "{LAMBDA}" 2>>"{self.directory}/$EVERYLINE_FUNCTION.log"\n'
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            entry = zipfile.ZipInfo("bootstrap")
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, script)
        return file.getvalue()

    def pids(self, function):
        file = self.directory / f"{function}.pids"
        found = [int(line) for line in file.read_text().split()] if file.exists() else []
        return [pid for pid in found if os.path.exists(f"/proc/{pid}")]

    def kill(self, function):
        """Ends a function's processes in the middle of what they do."""
        for pid in self.pids(function):
            os.kill(pid, signal.SIGKILL)

    def second_delivery(self):
        """Another function that delivers, so that the emulator, which lets one batch of a queue be under way for each, has
        two of them at once; as AWS has when a message's visibility is over."""
        known = self.functions.get_function(FunctionName=self.ids["DeliveryFunction"])["Configuration"]
        stack, = self.cloudformation.describe_stacks(StackName="everyline")["Stacks"]
        package = {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]}
        name = "everyline-delivery-2"
        try:
            self.functions.get_function(FunctionName=name)
        except self.functions.exceptions.ResourceNotFoundException:
            self.functions.create_function(
                FunctionName=name, Runtime=known["Runtime"], Handler="bootstrap", Role=known["Role"], Timeout=60,
                Code={"S3Bucket": package["CodeBucket"], "S3Key": package["CodeKey"]}, Environment=known["Environment"])
        return name

    def definition(self, name):
        return self.ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]

    def arn_of(self, resource):
        return self.authorization.stack.attribute([resource, "Arn"])

    def happens(self, kind, detail, resources=(), source="aws.ecs"):
        """Tells EventBridge of something, which tells whom the template's rule says."""
        entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "Resources": list(resources)}
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def arn(self, queue):
        return self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    def depth(self, queue):
        name = "ApproximateNumberOfMessages"
        return int(self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name])

    def redrive(self, queue, receives, visibility):
        dead = self.arn(self.ids["LogsEventsDeadQueue"])
        self.sqs.set_queue_attributes(QueueUrl=queue, Attributes={
            "VisibilityTimeout": str(visibility),
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": receives})})

    def log(self, function):
        file = self.directory / f"{function}.log"
        return file.read_text() if file.exists() else ""

    def close(self):
        self.proxy.close()

    def invoke(self, name, event):
        answer = self.functions.invoke(FunctionName=self.ids[f"{name}Function"], Payload=json.dumps(event).encode())
        body = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise AssertionError(f"{name} failed: {body}")
        return body

    # MARK: The API

    def make_key(self, role):
        return self.invoke("Api", {"create_key": {"user": "tester", "role": role}})["key"]

    def request(self, method, path, body=None, key=None, headers=(), raw=None):
        request = urllib.request.Request(
            self.address + path, method=method, data=json.dumps(body).encode() if body is not None else raw,
            headers={"Authorization": f"Bearer {key or self.key}", "Content-Type": "application/json", **dict(headers)})
        with urllib.request.urlopen(request, timeout=60) as response:
            data = response.read()
            if "json" in response.headers["Content-Type"] and "ndjson" not in response.headers["Content-Type"]:
                return json.loads(data or b"null")
            return data

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def execution(self):
        return Execution(self)

    def carry_out(self, task, killed=False, values=()):
        """Does what a task would do: runs its container's entry point, and puts its output into its stream; without the end, if the
        script was killed before it wrote it.

        - values: those of secrets, by where they are."""
        task = self.ecs.describe_tasks(cluster=self.ids["Cluster"], tasks=[task])["tasks"][0]
        definition = self.definition(task["taskDefinitionArn"])
        container = definition["containerDefinitions"][0]
        assert container["logConfiguration"]["options"]["mode"] == "blocking"
        override = task["overrides"]["containerOverrides"][0]
        command = override["command"]
        # ECS gives a container every secret that its definition declares.
        values = dict(values)
        given = {s["name"]: values[s["valueFrom"]] for s in container.get("secrets", [])}
        own = {e["name"]: e["value"] for e in override.get("environment", [])}
        ran = subprocess.run(
            container["entryPoint"] + command, capture_output=True, timeout=60, env={**os.environ, **given, **own})
        id = task["taskArn"].split("/")[-1]
        execution = Execution(self, id=command[0], task=id)
        messages = ran.stdout.decode().split("\n")[:-1]
        assert messages.pop().endswith(f"={ran.returncode}") or not killed
        execution.put(execution.stamped(*messages if killed else ran.stdout.decode().split("\n")[:-1]))
        return execution, ran


class Quotas:
    """What an account may use at once, which the emulator doesn't know: Fargate's processors, and the functions of a new account."""

    def __init__(self):
        self.processors, self.functions, self.refuses = 6.0, 10, False

    async def rule(self, exchange):
        if exchange.path == "/2016-08-19/account-settings":
            return web.json_response({"AccountLimit": {"ConcurrentExecutions": self.functions}})
        if not exchange.headers.get("X-Amz-Target", "").startswith("ServiceQuotasV20190624."):
            return None
        if self.refuses:
            return web.json_response({"__type": "AccessDeniedException", "message": "no"}, status=400)
        asked = json.loads(exchange.body)
        assert (asked["ServiceCode"], asked["QuotaCode"]) == ("fargate", "L-3032A538")
        # As long as it was never changed.
        if exchange.calls("GetServiceQuota"):
            return web.json_response({"__type": "NoSuchResourceException", "message": "never changed"}, status=400)
        return web.json_response({"Quota": {"Value": self.processors}})


class Execution:
    """An execution whose output a test puts into CloudWatch as a task would."""

    def __init__(self, cloud, id=None, task=None):
        self.cloud = cloud
        self.task = task or secrets.token_hex(16)
        self.id = id or cloud.request("POST", "/api/v1/executions", {"command": ["tested"]})["execution_id"]
        self.stream = f"run/command/{self.task}"
        self.path = f"/api/v1/executions/{self.id}"
        self.written, self.time = [], int(time.time() * 1000)
        cloud.logs.create_log_stream(logGroupName=cloud.log_group, logStreamName=self.stream)
        for partition, sort, more in [
            (f"S#{cloud.log_group}", self.stream, {"execution": self.id}),
            (f"E#{self.id}", "TASK", {"task_arn": self.task_arn, "log_group": cloud.log_group, "log_stream": self.stream}),
        ]:
            item = {"pk": partition, "sk": sort, **more}
            cloud.dynamodb.put_item(TableName=cloud.table, Item={k: {"S": v} for k, v in item.items()})

    @property
    def task_arn(self):
        return self.cloud.arn_of("Cluster").replace(":cluster/", ":task/") + f"/{self.task}"

    def write(self, *lines):
        """Puts lines into CloudWatch, each a millisecond after the one before."""
        self.put(self.events(*lines))

    def events(self, *lines):
        """Lines as the script numbers them."""
        first = len(self.written) + 1
        self.written += lines
        return self.stamped(*(f"\x1e{number} {line}" for number, line in enumerate(lines, first)))

    def stamped(self, *messages):
        events = []
        for message in messages:
            self.time += 1
            events.append({"timestamp": self.time, "message": message})
        return events

    def put(self, events):
        for start in range(0, len(events), 1000):
            self.cloud.logs.put_log_events(
                logGroupName=self.cloud.log_group, logStreamName=self.stream, logEvents=events[start:start + 1000])

    def finish(self, exit_code=0):
        """The script's last line."""
        self.put(self.stamped(f"\x1e{len(self.written) + 1}={exit_code}"))

    def stop(self, exit_code=0, **more):
        """Lets ECS say that the task has stopped."""
        cloud = self.cloud
        detail = ecs_events.stopped(
            self.task_arn, cloud.arn_of("Cluster"), cloud.ids["CommandTask"], self.id, exit_code, **more)
        cloud.happens("ECS Task State Change", detail, [self.task_arn])

    def end(self, exit_code=0):
        self.finish(exit_code)
        self.stop(exit_code)

    def location(self, query=""):
        return self.cloud.get(f"{self.path}/logs{query}")

    @property
    def status(self):
        return self.cloud.get(f"{self.path}/status")

    def stored(self):
        """The events as CloudWatch gives them, with their ids."""
        found, token = [], None
        while True:
            page = self.cloud.logs.filter_log_events(
                logGroupName=self.cloud.log_group, logStreamNames=[self.stream], **({"nextToken": token} if token else {}))
            found += page["events"]
            token = page.get("nextToken")
            if not token:
                return found

    def bring(self, events):
        """Brings a batch of CloudWatch's events to the function as a subscription does."""
        message = {
            "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": self.cloud.log_group, "logStream": self.stream,
            "subscriptionFilters": ["f"],
            "logEvents": [{"id": e["eventId"], "timestamp": e["timestamp"], "message": e["message"]} for e in events]}
        data = base64.b64encode(gzip.compress(json.dumps(message).encode())).decode()
        self.cloud.invoke("Ingest", {"awslogs": {"data": data}})


class subscription_off:
    """CloudWatch brings nothing by itself while this holds: the test does."""

    def __init__(self, cloud):
        self.cloud = cloud

    def __enter__(self):
        logs, group = self.cloud.logs, self.cloud.log_group
        self.filters = logs.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
        for found in self.filters:
            logs.delete_subscription_filter(logGroupName=group, filterName=found["filterName"])

    def __exit__(self, *_):
        for found in self.filters:
            self.cloud.logs.put_subscription_filter(
                logGroupName=self.cloud.log_group, filterName=found["filterName"], filterPattern="",
                destinationArn=found["destinationArn"])
