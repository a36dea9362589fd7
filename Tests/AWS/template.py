"""The template, with its short functions (`!Ref`, `!GetAtt`, …) in their long form, and what they mean in a deployed stack."""

import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = ROOT / "deploy/aws/template.yaml"


class _Loader(yaml.SafeLoader):
    pass


def _function(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    else:
        value = (loader.construct_sequence if isinstance(node, yaml.SequenceNode) else loader.construct_mapping)(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _function)
TEMPLATE = yaml.load(PATH.read_text(), _Loader)
RESOURCES = TEMPLATE["Resources"]


def of_type(type):
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == type}


class Stack:
    """Resolves the template's functions to what they are in one stack. What it doesn't know is an error, not a guess."""

    # What `!GetAtt NAME.Arn` gives, as CloudFormation's reference says it for the type.
    ARNS = {
        "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{id}",
        "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
        "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{id}:*",
        "AWS::IAM::Role": "arn:aws:iam::{account}:role/{id}",
        "AWS::ECS::Cluster": "arn:aws:ecs:{region}:{account}:cluster/{id}",
        "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{id}",
        "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{id}",
    }

    def __init__(self, ids, region, account):
        self.ids, self.region, self.account = ids, region, account
        self.pseudo = {"AWS::Partition": "aws", "AWS::StackName": "everyline", "AWS::Region": region, "AWS::AccountId": account}

    def resolve(self, value):
        if isinstance(value, list):
            return [self.resolve(part) for part in value]
        if not isinstance(value, dict):
            return value
        if list(value) == ["Fn::If"]:
            condition, then, otherwise = value["Fn::If"]
            return self.resolve(then if self.holds(TEMPLATE["Conditions"][condition]) else otherwise)
        if len(value) == 1 and (name := next(iter(value))) in ("Ref", "Fn::GetAtt", "Fn::Sub"):
            return {"Ref": self.reference, "Fn::GetAtt": self.attribute, "Fn::Sub": self.substituted}[name](value[name])
        assert not any(name.startswith("Fn::") for name in value), value
        return {name: self.resolve(part) for name, part in value.items()}

    def holds(self, condition):
        """Whether a condition does, with the parameters' defaults."""
        (name, value), = condition.items()
        if name == "Fn::Not":
            return not self.holds(value[0])
        assert name == "Fn::Equals", condition
        one, other = (TEMPLATE["Parameters"][part["Ref"]]["Default"] if isinstance(part, dict) else part for part in value)
        return one == other

    def reference(self, name):
        return self.pseudo[name] if name in self.pseudo else self.ids[name]

    def attribute(self, path):
        name, attribute = path
        assert attribute == "Arn", path
        id = self.ids[name]
        return self.ARNS[RESOURCES[name]["Type"]].format(
            region=self.region, account=self.account, id=id, name=id.split("/")[-1])

    def substituted(self, text):
        return re.sub(r"\$\{([^}]+)}", lambda found: self._named(found[1]), text)

    def _named(self, name):
        return self.attribute(name.split(".", 1)) if "." in name else self.reference(name)
