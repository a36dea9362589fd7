"""Stands between the functions and the emulator, which checks no policies, and answers what AWS would where a function's role
doesn't allow a call. Which action a call is, and on which resource, is as AWS's service authorization reference says it."""

import contextlib
import json
import re

from aiohttp import web

from policies import Ask, Policy
from template import RESOURCES, of_type

CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request,")
SERVICES = {"DynamoDB_20120810": "dynamodb", "AmazonSQS": "sqs", "Logs_20140328": "logs",
            "AmazonEC2ContainerServiceV20141113": "ecs"}
# The status and the code with which each service refuses.
REFUSALS = {"sqs": (403, "AccessDenied"), "execute-api": (403, "ForbiddenException")}
# The access key of the administrator who examines the stack (`everyline-aws doctor`).
OPERATOR = "test"
TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
CONNECTION = re.compile(r"/_aws/execute-api/([^/]+)/([^/]+)/@connections/(.+)")


class Authorization:
    """Knows each caller by the name of its function, which the tests make its access key, and keeps what was asked for."""

    def __init__(self, stack, role_of, roles_of=None):
        """- role_of: gives the ARN of the role under which the function of a name runs.
        - roles_of: gives the ARNs of the roles that are passed to a task of a profile's definition."""
        self.stack, self._role_of, self._roles_of, self._names = stack, role_of, roles_of, {}
        roles = of_type("AWS::IAM::Role")
        self.arns = {stack.attribute([role, "Arn"]): role for role in roles}
        self.policies = {
            role: Policy.read(stack.resolve(p["PolicyDocument"]) for p in properties.get("Policies", []))
            for role, properties in roles.items()}
        self.asked = {role: set() for role in roles}
        self.refused = []

    async def rule(self, exchange):
        service = self._service(exchange)
        if service is None:
            return None
        found = CREDENTIAL.match(exchange.headers.get("Authorization", ""))
        if not found or (found[2], found[3]) != (self.stack.region, service):
            return self._refuse(service, "a caller without a signature for this service", exchange.path)
        if found[1] == OPERATOR:
            return None
        role = self.role(found[1])
        try:
            asks = self._asks(service, exchange)
        except LookupError as error:
            return self._refuse(service, role, f"what isn't understood here: {error}")
        for ask in asks:
            if not self.policies[role].allows(ask):
                return self._refuse(service, role, ask)
            self.asked[role].add(ask)
        return None

    def role(self, function):
        if function not in self._names:
            self._names[function] = self.arns[self._role_of(function)]
        return self._names[function]

    @contextlib.contextmanager
    def without(self, role, action):
        """Takes an action from a role, and gives what was refused meanwhile."""
        policy, refused = self.policies[role], self.refused
        self.policies[role], self.refused = policy.without_action(action), []
        try:
            yield self.refused
        finally:
            self.policies[role], self.refused = policy, refused

    def _refuse(self, service, who, what):
        self.refused.append((who, what))
        status, code = REFUSALS.get(service, (400, "AccessDeniedException"))
        return web.json_response(
            {"__type": code, "message": f"{who} is not authorized to perform {what}"}, status=status,
            headers={"x-amzn-ErrorType": code})

    # MARK: Which action is it, on what?

    @staticmethod
    def _service(exchange):
        if "X-Amz-Target" in exchange.headers:
            return SERVICES[exchange.headers["X-Amz-Target"].split(".")[0]]
        if "/@connections/" in exchange.path:
            return "execute-api"
        return None

    def _asks(self, service, exchange):
        if service == "execute-api":
            api, stage, connection = self._known(CONNECTION.fullmatch(exchange.path), exchange.path).groups()
            resource = f"{api}/{stage}/{exchange.method}/@connections/{connection}"
            return [Ask("execute-api:ManageConnections", self._arn("execute-api", resource))]
        operation, body = exchange.headers["X-Amz-Target"].split(".")[1], json.loads(exchange.body)
        return {"dynamodb": self._dynamodb, "sqs": self._sqs, "logs": self._logs, "ecs": self._ecs}[service](operation, body)

    @staticmethod
    def _known(found, what):
        if not found:
            raise LookupError(what)
        return found

    def _arn(self, service, resource):
        return f"arn:aws:{service}:{self.stack.region}:{self.stack.account}:{resource}"

    def _dynamodb(self, operation, body):
        def ask(operation, table, index=None):
            return Ask(f"dynamodb:{operation}", self._arn("dynamodb", f"table/{table}" + (f"/index/{index}" if index else "")))

        if operation == "TransactWriteItems":
            return [ask(TRANSACTED[kind], part["TableName"]) for item in body["TransactItems"] for kind, part in item.items()]
        if operation == "BatchGetItem":
            return [ask(operation, table) for table in body["RequestItems"]]
        self._known(operation in ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query"), operation)
        return [ask(operation, body["TableName"], body.get("IndexName"))]

    def _sqs(self, operation, body):
        # What a batch needs is the permission of its parts.
        action = operation.removesuffix("Batch")
        self._known(action in ("SendMessage", "ChangeMessageVisibility"), operation)
        return [Ask(f"sqs:{action}", self._arn("sqs", body["QueueUrl"].split("/")[-1]))]

    def _logs(self, operation, body):
        self._known(operation == "FilterLogEvents", operation)
        return [Ask("logs:FilterLogEvents", self._arn("logs", f"log-group:{body['logGroupName']}:log-stream:"))]

    def _ecs(self, operation, body):
        cluster = body["cluster"]
        cluster = cluster if cluster.startswith("arn:") else self._arn("ecs", f"cluster/{cluster}")
        context = (("ecs:cluster", cluster),)
        if operation == "RunTask":
            definition = body["taskDefinition"]
            family, own = definition.rpartition(":")[0], self.stack.reference("CommandTask").rpartition(":")[0]
            if family == own:
                properties = RESOURCES["CommandTask"]["Properties"]
                roles = [self.stack.resolve(properties[name]) for name in ("ExecutionRoleArn", "TaskRoleArn")]
            else:
                self._known(family.startswith(own.removesuffix("command") + "profile-") and self._roles_of, definition)
                roles = self._roles_of(definition)
            service = (("iam:PassedToService", "ecs-tasks.amazonaws.com"),)
            return [Ask("ecs:RunTask", definition, context)] + [Ask("iam:PassRole", role, service) for role in roles]
        name = cluster.split("/")[-1]
        if operation == "ListTasks":
            return [Ask("ecs:ListTasks", self._arn("ecs", f"container-instance/{name}/*"), context)]
        self._known(operation in ("StopTask", "DescribeTasks"), operation)
        tasks = [body["task"]] if operation == "StopTask" else body["tasks"]
        return [Ask(f"ecs:{operation}", task if task.startswith("arn:") else self._arn("ecs", f"task/{name}/{task}"), context)
                for task in tasks]
