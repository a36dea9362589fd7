"""A role's policies, as strictly as IAM reads them: what no statement allows is denied, and what this doesn't understand is an
error."""

import dataclasses
import functools
import re


@dataclasses.dataclass(frozen=True)
class Ask:
    """What a caller wants to do, with the condition keys that the service gives for it."""

    action: str
    resource: str
    context: tuple = ()


@dataclasses.dataclass(frozen=True)
class Statement:
    effect: str
    actions: tuple
    resources: tuple
    conditions: tuple = ()  # of (operator, key, values)

    @classmethod
    def read(cls, source):
        assert set(source) <= {"Sid", "Effect", "Action", "Resource", "Condition"}, f"not understood: {source}"
        assert source["Effect"] in ("Allow", "Deny"), source
        conditions = [(operator, key, _tuple(values)) for operator, keys in source.get("Condition", {}).items()
                      for key, values in keys.items()]
        assert all(operator in OPERATORS for operator, _, _ in conditions), f"not understood: {source}"
        return cls(source["Effect"], _tuple(source["Action"]), _tuple(source["Resource"]), tuple(conditions))

    def matches(self, ask):
        return (any(_like(action.lower(), ask.action.lower()) for action in self.actions)
                and any(_arn_like(resource, ask.resource) for resource in self.resources)
                and all(self._holds(condition, dict(ask.context)) for condition in self.conditions))

    @staticmethod
    def _holds(condition, context):
        operator, key, values = condition
        return key in context and any(OPERATORS[operator](value, context[key]) for value in values)


class Policy:
    """All statements of a role."""

    def __init__(self, statements):
        self.statements = tuple(statements)

    @classmethod
    def read(cls, documents):
        statements = []
        for document in documents:
            assert document["Version"] == "2012-10-17"
            statements += [Statement.read(source) for source in document["Statement"]]
        return cls(statements)

    def allows(self, ask):
        effects = {statement.effect for statement in self.statements if statement.matches(ask)}
        return effects == {"Allow"}

    def permissions(self):
        """Everything that is allowed, in its smallest parts: a statement, one action of it, one resource."""
        return [(statement, action, resource) for statement in self.statements if statement.effect == "Allow"
                for action in statement.actions for resource in statement.resources]

    def without(self, permission):
        """The same policy, but for one action on one resource."""
        cut, action, resource = permission
        statements = []
        for statement in self.statements:
            if statement is not cut:
                statements.append(statement)
                continue
            # What is left of it: the other actions on all of its resources, and this one on the others.
            for actions, resources in (([a for a in cut.actions if a != action], cut.resources),
                                       ([action], [r for r in cut.resources if r != resource])):
                if actions and resources:
                    statements.append(dataclasses.replace(cut, actions=tuple(actions), resources=tuple(resources)))
        return Policy(statements)

    def without_action(self, action):
        return Policy(dataclasses.replace(s, actions=tuple(a for a in s.actions if a != action)) for s in self.statements)


def _tuple(value):
    return tuple(value) if isinstance(value, list) else (value,)


@functools.cache
def _pattern(text):
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c) or re.escape(c) for c in text), re.DOTALL)


def _like(pattern, value):
    return _pattern(pattern).fullmatch(value) is not None


def _arn_like(pattern, value):
    """Wildcards don't reach from one of an ARN's first five parts into the next."""
    if pattern == "*":
        return True
    one, other = pattern.split(":", 5), value.split(":", 5)
    return len(one) == len(other) == 6 and all(_like(p, v) for p, v in zip(one, other))


OPERATORS = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": _like,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
}
