"""The template holds together with what it deploys."""

import pathlib
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "deploy/aws/template.yaml"


class Loader(yaml.SafeLoader):
    pass


Loader.add_multi_constructor("!", lambda loader, tag, node: {tag: node.value})
RESOURCES = yaml.load(TEMPLATE.read_text(), Loader)["Resources"]


def test_has_nothing_that_cfn_lint_minds():
    ran = subprocess.run([sys.executable, "-c", "from cfnlint.runner import main; main()", str(TEMPLATE)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_runs_the_script_that_is_tested():
    entry = RESOURCES["CommandTask"]["Properties"]["ContainerDefinitions"][0]["EntryPoint"]
    assert entry == ["sh", "-c", (ROOT / "deploy/aws/runner.sh").read_text(), "everyline"]


def test_leaves_no_message_without_a_place_to_go():
    for name in ("LogsEventsQueue", "DeliveriesQueue"):
        properties = RESOURCES[name]["Properties"]
        assert properties["ContentBasedDeduplication"] is False
        assert "RedrivePolicy" in properties
    for name in ("SequencerSource", "DeliverySource"):
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
    for queue, function in (("LogsEventsQueue", "SequencerFunction"), ("DeliveriesQueue", "DeliveryFunction")):
        hidden = RESOURCES[queue]["Properties"]["VisibilityTimeout"]
        assert hidden >= 6 * RESOURCES[function]["Properties"]["Timeout"]
