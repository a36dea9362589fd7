"""Least privilege: every call of every test went through the roles of the template (`authorization.py`), so here it is asked
whether one was refused, and whether a role may more than was ever needed."""

import json
import types
import urllib.error

import pytest

from authorization import Authorization
from policies import Ask, Policy
from template import RESOURCES, Stack, of_type

TABLE, QUEUE = "arn:aws:dynamodb:us-east-1:1:table/t", "arn:aws:sqs:us-east-1:1:q.fifo"
ON_T = (("ecs:cluster", "arn:aws:ecs:us-east-1:1:cluster/c"),)


def policy(*statements):
    return Policy.read([{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", **dict(zip(("Action", "Resource", "Condition"), s))} if isinstance(s, tuple) else s
        for s in statements]}])


@pytest.mark.parametrize("statements, action, resource, context, allowed", [
    ([], "dynamodb:GetItem", TABLE, (), False),
    ([("dynamodb:GetItem", TABLE)], "dynamodb:GetItem", TABLE, (), True),
    ([(["dynamodb:PutItem", "dynamodb:GetItem"], [QUEUE, TABLE])], "dynamodb:GetItem", TABLE, (), True),
    ([("DynamoDB:getitem", TABLE)], "dynamodb:GetItem", TABLE, (), True),
    ([("dynamodb:GetItem", TABLE)], "dynamodb:BatchGetItem", TABLE, (), False),
    ([("dynamodb:GetItem", TABLE)], "dynamodb:GetItem", TABLE + "2", (), False),
    ([("dynamodb:GetItem", TABLE)], "dynamodb:GetItem", TABLE + "/index/i", (), False),
    ([("dynamodb:GetItem", TABLE.upper())], "dynamodb:GetItem", TABLE, (), False),
    ([("dynamodb:*Item", TABLE)], "dynamodb:BatchGetItem", TABLE, (), True),
    ([("dynamodb:*", TABLE)], "sqs:SendMessage", TABLE, (), False),
    ([("dynamodb:Get?tem", "*")], "dynamodb:GetItem", TABLE, (), True),
    ([("dynamodb:GetItem", TABLE[:-1] + "*")], "dynamodb:GetItem", TABLE, (), True),
    # A dot is a dot, and a wildcard stays in its part of the ARN.
    ([("sqs:SendMessage", QUEUE)], "sqs:SendMessage", QUEUE.replace(".", "-"), (), False),
    ([("sqs:SendMessage", "arn:aws:sqs:*:q.fifo")], "sqs:SendMessage", QUEUE, (), False),
    ([("sqs:SendMessage", "arn:aws:sqs:*:*:q.fifo")], "sqs:SendMessage", QUEUE, (), True),
    # Who denies, wins.
    ([("sqs:*", "*"), {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": QUEUE}], "sqs:SendMessage", QUEUE, (), False),
    ([("sqs:*", "*"), {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": TABLE}], "sqs:SendMessage", QUEUE, (), True),
    # A condition on what isn't there does not hold.
    ([("ecs:RunTask", "*", {"ArnEquals": {"ecs:cluster": ON_T[0][1]}})], "ecs:RunTask", "arn:aws:ecs:us-east-1:1:x", ON_T, True),
    ([("ecs:RunTask", "*", {"ArnEquals": {"ecs:cluster": ON_T[0][1] + "2"}})], "ecs:RunTask", "arn:aws:ecs:us-east-1:1:x", ON_T, False),
    ([("ecs:RunTask", "*", {"ArnEquals": {"ecs:cluster": ON_T[0][1]}})], "ecs:RunTask", "arn:aws:ecs:us-east-1:1:x", (), False),
    ([("ecs:RunTask", "*", {"StringEquals": {"a": ["b", "c"]}})], "ecs:RunTask", "arn:aws:ecs:us-east-1:1:x", (("a", "c"),), True),
    ([("ecs:RunTask", "*", {"StringEquals": {"a": "c", "d": "e"}})], "ecs:RunTask", "arn:aws:ecs:us-east-1:1:x", (("a", "c"),), False),
])
def test_policies_are_read_as_iam_reads_them(statements, action, resource, context, allowed):
    assert policy(*statements).allows(Ask(action, resource, context)) is allowed


@pytest.mark.parametrize("statement", [
    {"Effect": "Allow", "NotAction": "a:b", "Resource": "*"}, {"Effect": "Allow", "Action": "a:b", "NotResource": "*"},
    {"Effect": "allow", "Action": "a:b", "Resource": "*"},
    {"Effect": "Allow", "Action": "a:b", "Resource": "*", "Condition": {"Bool": {"a": "true"}}},
])
def test_a_policy_that_the_check_does_not_understand_is_an_error(statement):
    with pytest.raises(AssertionError):
        policy(statement)


DEFINITION = "arn:aws:ecs:us-east-1:1:task-definition/everyline-command:1"
STACK = Stack({**{name: f"{name}-1" for name in RESOURCES}, "CommandTask": DEFINITION}, "us-east-1", "1")
FUNCTIONS = Authorization(STACK, lambda name: STACK.attribute([name, "Arn"]))


def call(role, target, service, body, region="us-east-1", path="/", method="POST"):
    """What a function of this role is answered: None is nothing, and the call goes on."""
    credential = f"AWS4-HMAC-SHA256 Credential={role}/20260101/{region}/{service}/aws4_request, SignedHeaders=a, Signature=b"
    headers = {"Authorization": credential, **({"X-Amz-Target": target} if target else {})}
    exchange = types.SimpleNamespace(method=method, path=path, headers=headers, body=json.dumps(body).encode())
    try:
        FUNCTIONS.rule(exchange).send(None)
    except StopIteration as answer:
        return answer.value and (answer.value.status, json.loads(answer.value.body)["__type"])


def connection(api, method="POST"):
    return dict(target=None, service="execute-api", body={}, path=f"/_aws/execute-api/{api}/live/@connections/abc%3D", method=method)


DYNAMODB, SQS, ECS = "DynamoDB_20120810.", "AmazonSQS.", "AmazonEC2ContainerServiceV20141113."
REFUSED, REFUSED_BY_SQS, REFUSED_BY_GATEWAY = (400, "AccessDeniedException"), (403, "AccessDenied"), (403, "ForbiddenException")


@pytest.mark.parametrize("role, call_, answer", [
    ("ApiRole", (DYNAMODB + "BatchGetItem", "dynamodb", {"RequestItems": {"Table-1": {}}}), None),
    ("ApiRole", (DYNAMODB + "BatchGetItem", "dynamodb", {"RequestItems": {"Table-1": {}, "Other": {}}}), REFUSED),
    ("IngestRole", (DYNAMODB + "GetItem", "dynamodb", {"TableName": "Table-1"}), None),
    ("IngestRole", (DYNAMODB + "PutItem", "dynamodb", {"TableName": "Table-1"}), REFUSED),
    ("IngestRole", (DYNAMODB + "GetItem", "dynamodb", {"TableName": "Other"}), REFUSED),
    ("ApiRole", (DYNAMODB + "Query", "dynamodb", {"TableName": "Table-1", "IndexName": "i"}), REFUSED),
    ("ApiRole", (DYNAMODB + "Scan", "dynamodb", {"TableName": "Table-1"}), REFUSED),
    # A transaction is what it consists of, and one part that isn't allowed is enough.
    ("ApiRole", (DYNAMODB + "TransactWriteItems", "dynamodb", {"TransactItems": [{"Put": {"TableName": "Table-1"}}]}), None),
    ("ApiRole", (DYNAMODB + "TransactWriteItems", "dynamodb", {"TransactItems": [
        {"Put": {"TableName": "Table-1"}}, {"Put": {"TableName": "Other"}}]}), REFUSED),
    ("IngestRole", (DYNAMODB + "TransactWriteItems", "dynamodb", {"TransactItems": [
        {"ConditionCheck": {"TableName": "Table-1"}}]}), REFUSED),
    ("ApiRole", (DYNAMODB + "TransactWriteItems", "dynamodb", {"TransactItems": [{"Get": {"TableName": "Table-1"}}]}), REFUSED),
    ("IngestRole", (SQS + "SendMessageBatch", "sqs", {"QueueUrl": "http://a/1/LogsEventsQueue-1"}), None),
    ("IngestRole", (SQS + "SendMessageBatch", "sqs", {"QueueUrl": "http://a/1/DeliveriesQueue-1"}), REFUSED_BY_SQS),
    ("DeliveryRole", (SQS + "ChangeMessageVisibility", "sqs", {"QueueUrl": "http://a/1/DeliveriesQueue-1"}), None),
    ("CompletionRole", (SQS + "ChangeMessageVisibility", "sqs", {"QueueUrl": "http://a/1/LogsEventsQueue-1"}), REFUSED_BY_SQS),
    ("ReconcilerRole", ("Logs_20140328.FilterLogEvents", "logs", {"logGroupName": "CommandsLogGroup-1"}), None),
    ("ReconcilerRole", ("Logs_20140328.FilterLogEvents", "logs", {"logGroupName": "CommandsLogGroup-12"}), REFUSED),
    ("ReconcilerRole", ("Logs_20140328.DeleteLogGroup", "logs", {"logGroupName": "CommandsLogGroup-1"}), REFUSED),
    ("ApiRole", (ECS + "RunTask", "ecs", {"cluster": "Cluster-1", "taskDefinition": DEFINITION}), None),
    ("ApiRole", (ECS + "RunTask", "ecs", {"cluster": "Other", "taskDefinition": DEFINITION}), REFUSED),
    ("ApiRole", (ECS + "RunTask", "ecs", {"cluster": "Cluster-1", "taskDefinition": DEFINITION + "0"}), None),
    ("ApiRole", (ECS + "RunTask", "ecs", {"cluster": "Cluster-1", "taskDefinition": DEFINITION.replace("command", "other")}), REFUSED),
    ("ApiRole", (ECS + "StopTask", "ecs", {"cluster": "Cluster-1", "task": "a"}), None),
    ("ApiRole", (ECS + "StopTask", "ecs", {"cluster": "Cluster-1", "task": "arn:aws:ecs:us-east-1:1:task/Other/a"}), REFUSED),
    ("ReconcilerRole", (ECS + "ListTasks", "ecs", {"cluster": "Cluster-1"}), None),
    ("ReconcilerRole", (ECS + "ListTasks", "ecs", {"cluster": "Other"}), REFUSED),
    ("ApiRole", (ECS + "ListTasks", "ecs", {"cluster": "Cluster-1"}), REFUSED),
    ("DeliveryRole", tuple(connection("StreamsApi-1").values()), None),
    ("DeliveryRole", tuple(connection("HttpApi-1").values()), REFUSED_BY_GATEWAY),
    ("IngestRole", tuple(connection("StreamsApi-1").values()), REFUSED_BY_GATEWAY),
    # Signed for another service, or for another region, or not at all.
    ("ApiRole", (DYNAMODB + "GetItem", "sqs", {"TableName": "Table-1"}), REFUSED),
    ("ApiRole", (DYNAMODB + "GetItem", "dynamodb", {"TableName": "Table-1"}, "eu-west-1"), REFUSED),
    ("", (DYNAMODB + "GetItem", "dynamodb", {"TableName": "Table-1"}), REFUSED),
])
def test_a_call_is_judged_by_what_it_does(role, call_, answer):
    target, service, body, *more = call_
    names = ("path", "method") if service == "execute-api" else ("region",)
    assert call(role, target, service, body, **dict(zip(names, more))) == answer


def test_a_function_is_refused_what_is_taken_from_its_role(cloud, execution):
    """As it was before `dynamodb:BatchGetItem` was added: the list of executions, which no emulator had minded."""
    with cloud.authorization.without("ApiRole", "dynamodb:BatchGetItem") as refused:
        with pytest.raises(urllib.error.HTTPError) as failure:
            cloud.get("/api/v1/executions")
        assert failure.value.code == 503 and refused[0][1].action == "dynamodb:BatchGetItem"
    assert any(e["execution_id"] == execution.id for e in cloud.get("/api/v1/executions")["executions"])


# What Lambda itself does in a function's name, and the emulator does without asking.
LAMBDAS_OWN = {
    "logs:CreateLogStream": "Lambda writes the function's own log", "logs:PutLogEvents": "Lambda writes the function's own log",
    "sqs:ReceiveMessage": "Lambda polls the queue", "sqs:DeleteMessage": "Lambda polls the queue",
    "sqs:GetQueueAttributes": "Lambda polls the queue",
}
EXCEPTIONS = {
    ("IngestRole", "sqs:SendMessage", "LostEventsQueue"): "Lambda puts what it gives up there",
    ("ApiRole", "sqs:SendMessage", "ReconcileQueue"): "it has a task looked at that is older than a minute, which none here is",
}


@pytest.mark.last
def test_no_function_did_what_its_role_does_not_allow(cloud):
    assert cloud.authorization.refused == []


@pytest.mark.last
def test_no_role_may_more_than_was_needed(cloud):
    """Each permission is taken away in turn, down to one action on one resource: some call of the tests must miss it."""
    authorization, missed, idle = cloud.authorization, 0, []
    names = {authorization.stack.attribute([n, "Arn"]): n for n, r in RESOURCES.items()
             if r["Type"] in Stack.ARNS and n in authorization.stack.ids}
    for role, policy_ in authorization.policies.items():
        for permission in policy_.permissions():
            _, action, resource = permission
            rest = policy_.without(permission)
            # Functions go on asking meanwhile.
            if any(not rest.allows(ask) for ask in tuple(authorization.asked[role])):
                missed += 1
            elif action not in LAMBDAS_OWN and (role, action, names.get(resource, resource)) not in EXCEPTIONS:
                idle.append((role, action, names.get(resource, resource)))
    print(f"{missed} permissions, each missed when it is taken away; {sum(map(len, authorization.asked.values()))} kinds of calls")
    idle = [" ".join(entry) for entry in idle if entry[0] != "CommandExecutionRole"]
    assert not idle, "needed by no test:\n" + "\n".join(idle)


def test_lambda_has_its_own_permissions_where_it_needs_them_and_nowhere_else():
    """Those that no test can see used: stated in full."""
    queues = {"SequencerRole": "LogsEventsQueue", "ReconcilerRole": "ReconcileQueue", "DeliveryRole": "DeliveriesQueue"}
    for role, properties in of_type("AWS::IAM::Role").items():
        if role.startswith("Command"):
            continue
        statements = [s for p in properties["Policies"] for s in p["PolicyDocument"]["Statement"]]
        own = [s for s in statements if set(s["Action"]) & set(LAMBDAS_OWN)]
        wanted = [(["logs:CreateLogStream", "logs:PutLogEvents"], role.replace("Role", "Log"))]
        if role in queues:
            wanted.append((["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"],
                           queues[role]))
        assert [(s["Action"], s["Resource"]["Fn::GetAtt"][0]) for s in own] == wanted
