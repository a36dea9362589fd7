"""The template holds together with what it deploys."""

import json
import re
import subprocess
import sys

from template import PATH, RESOURCES, ROOT, TEMPLATE, of_type


def test_has_nothing_that_cfn_lint_minds():
    ran = subprocess.run([sys.executable, "-c", "from cfnlint.runner import main; main()", str(PATH)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_runs_the_script_that_is_tested():
    entry = RESOURCES["CommandTask"]["Properties"]["ContainerDefinitions"][0]["EntryPoint"]
    assert entry == ["sh", "-c", (ROOT / "deploy/aws/runner.sh").read_text(), "everyline"]


def test_leaves_no_message_without_a_place_to_go():
    for name in ("LogsEventsQueue", "DeliveriesQueue", "ReconcileQueue"):
        properties = RESOURCES[name]["Properties"]
        assert properties.get("ContentBasedDeduplication", False) is False
        assert "RedrivePolicy" in properties
    for name in ("SequencerSource", "DeliverySource", "ReconcilerSource"):
        assert RESOURCES[name]["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_gives_no_role_more_than_names():
    """No action on everything, and no wildcard in an action."""
    for name, resource in RESOURCES.items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for policy in resource["Properties"].get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert all("*" not in action for action in statement["Action"]), name
                assert statement["Resource"] != "*", name


def test_hides_a_message_longer_than_its_function_may_take():
    for queue, function in (
            ("LogsEventsQueue", "SequencerFunction"), ("DeliveriesQueue", "DeliveryFunction"),
            ("ReconcileQueue", "ReconcilerFunction")):
        hidden = RESOURCES[queue]["Properties"]["VisibilityTimeout"]
        assert hidden > RESOURCES[function]["Properties"]["Timeout"]


def test_lets_lines_and_viewers_go_on_a_minute_after_their_function_has_crashed():
    """Until then a message in flight holds up its group: an execution's lines, or a viewer's notifications."""
    for queue in ("LogsEventsQueue", "DeliveriesQueue"):
        assert RESOURCES[queue]["Properties"]["VisibilityTimeout"] <= 60


def test_hides_a_message_as_long_as_in_the_simulation():
    """Which crashes functions at each of their steps, by a clock of its own."""
    source = (ROOT / "Sources/EverylineSimulation/Ledger/SimulatedQueue.swift").read_text()
    simulated = {name: int(value.replace("_", "")) for name, value in re.findall(r"case \.(\w+): (\d+_\d+)", source)}
    assert simulated == {
        name: RESOURCES[queue]["Properties"]["VisibilityTimeout"] * 1000 for name, queue in
        {"logs": "LogsEventsQueue", "notifications": "DeliveriesQueue", "reconciling": "ReconcileQueue"}.items()}


def test_makes_a_connection_or_refuses_it_before_its_viewer_counts_as_gone():
    """That the gateway doesn't know a connection means "not yet" for so long. A notification comes back every second meanwhile."""
    source = (ROOT / "Sources/Everyline/Delivery/ViewerConnection.swift").read_text()
    settling = int(re.search(r"settlingTime = Duration.seconds\((\d+)\)", source).group(1))
    assert RESOURCES["ConnectionFunction"]["Properties"]["Timeout"] + 2 <= settling
    assert RESOURCES["DeliveriesQueue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"] > settling


def test_keeps_room_for_new_lines_and_viewers_in_a_new_account():
    """Which may run ten functions at once. A FIFO mapping takes as many as there are groups."""
    mappings = of_type("AWS::Lambda::EventSourceMapping")
    names = [p["ScalingConfig"]["MaximumConcurrency"]["Ref"] for p in mappings.values()]
    assert sum(TEMPLATE["Parameters"][name]["Default"] for name in names) <= 7


def test_can_be_deployed_in_a_new_account_and_again_after_a_failure():
    assert "CapacityProviders" not in json.dumps(RESOURCES)
    kept = {name: r["DeletionPolicy"] for name, r in RESOURCES.items() if "DeletionPolicy" in r}
    assert kept == {"Table": "RetainExceptOnCreate", "CommandsLogGroup": "RetainExceptOnCreate"}
    # The WebSocket API's access log needs a role in the account's settings.
    assert TEMPLATE["Parameters"]["AccessLogs"]["Default"] == "http"


def test_costs_nothing_while_idle_but_what_is_asked_for():
    alarms = {name: r.get("Condition") for name, r in RESOURCES.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(alarms.values()) == {"HasAlarms", "HasAllAlarms"}
    # The first ten are free.
    assert list(alarms.values()).count("HasAlarms") <= 10
    table = RESOURCES["Table"]["Properties"]
    assert table["SSESpecification"]["Fn::If"][::2] == ["HasKMSKey", {"Ref": "AWS::NoValue"}]
    assert TEMPLATE["Parameters"]["TableKey"]["Default"] == "owned"


def test_throttles_both_stages_and_logs_no_token():
    stages = of_type("AWS::ApiGatewayV2::Stage")
    assert len(stages) == 2
    for stage in stages.values():
        assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
        logged = set(re.findall(r"\$context\.([a-zA-Z.]+)", stage["AccessLogSettings"]["Fn::If"][1]["Format"]))
        assert logged <= {"requestTime", "identity.sourceIp", "routeKey", "status", "requestId", "responseLatency", "connectionId"}


def _to(function):
    """How a caller names a function."""
    return [{"Ref": function}, {"Fn::GetAtt": [function, "Arn"]}]


def test_lets_each_caller_of_a_function_in_and_no_other():
    """A function may be invoked by what the template makes call it, each by its own address, so that no other account's log group,
    rule or API can be put in its place."""
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${%s}/*"
    wanted = {
        ("IngestFunction", "logs.amazonaws.com"): {"Fn::GetAtt": ["CommandsLogGroup", "Arn"]},
        ("CompletionFunction", "events.amazonaws.com"): {"Fn::GetAtt": ["StoppedTasksRule", "Arn"]},
        ("ApiFunction", "apigateway.amazonaws.com"): {"Fn::Sub": api % "HttpApi"},
        ("ConnectionFunction", "apigateway.amazonaws.com"): {"Fn::Sub": api % "StreamsApi"},
    }
    permissions = of_type("AWS::Lambda::Permission")
    assert all(p["Action"] == "lambda:InvokeFunction" for p in permissions.values())
    assert {(p["FunctionName"]["Ref"], p["Principal"]): p["SourceArn"] for p in permissions.values()} == wanted
    assert len(permissions) == len(wanted)
    # These are whom the template lets call.
    assert RESOURCES["Subscription"]["Properties"]["DestinationArn"] in _to("IngestFunction")
    assert RESOURCES["Subscription"]["Properties"]["LogGroupName"] == {"Ref": "CommandsLogGroup"}
    assert [t["Arn"] for t in RESOURCES["StoppedTasksRule"]["Properties"]["Targets"]] == [_to("CompletionFunction")[1]]
    assert "ApiFunction" in json.dumps(RESOURCES["HttpIntegration"]["Properties"]["IntegrationUri"])
    assert "ConnectionFunction" in json.dumps(RESOURCES["StreamsIntegration"]["Properties"]["IntegrationUri"])
    # An ARN of a log group is the account's; a subscription's permission says so twice, as its guide advises.
    assert RESOURCES["SubscriptionPermission"]["Properties"]["SourceAccount"] == {"Ref": "AWS::AccountId"}


def test_lets_only_the_rule_put_into_a_queue_from_outside():
    policies = of_type("AWS::SQS::QueuePolicy")
    assert list(policies) == ["LostEventsQueuePolicy"]
    assert policies["LostEventsQueuePolicy"]["Queues"] == [{"Ref": "LostEventsQueue"}]
    statement, = policies["LostEventsQueuePolicy"]["PolicyDocument"]["Statement"]
    assert statement == {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": {"Fn::GetAtt": ["LostEventsQueue", "Arn"]},
        "Condition": {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["StoppedTasksRule", "Arn"]}}}}


def test_lets_each_role_be_taken_by_its_service_only():
    services = {"CommandExecutionRole": "ecs-tasks.amazonaws.com", "CommandRole": "ecs-tasks.amazonaws.com"}
    for name, properties in of_type("AWS::IAM::Role").items():
        assert properties["AssumeRolePolicyDocument"]["Statement"] == [{
            "Effect": "Allow", "Principal": {"Service": services.get(name, "lambda.amazonaws.com")}, "Action": "sts:AssumeRole"}]


def test_lets_a_command_do_nothing_and_its_driver_only_write_its_output():
    roles = of_type("AWS::IAM::Role")
    assert set(roles["CommandRole"]) == {"AssumeRolePolicyDocument"}
    statements = [s for p in roles["CommandExecutionRole"]["Policies"] for s in p["PolicyDocument"]["Statement"]]
    assert statements == [{
        "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"Fn::GetAtt": ["CommandsLogGroup", "Arn"]}}]
    assert roles["CommandExecutionRole"]["ManagedPolicyArns"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"}]
