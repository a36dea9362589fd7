"""Profiles: in what commands run besides the stack's own image, and with which secrets."""

import json
import urllib.error

import pytest

TOKEN, KEY = "arn:aws:ssm:us-east-1:{}:parameter/token", "arn:aws:secretsmanager:us-east-1:{}:secret:key-AbCdEf:part::"
VALUES = ["the token's value", "the key's value"]


@pytest.fixture
def profiles(cloud):
    """The command, and afterwards nothing of it."""
    def run(*arguments):
        return cloud.everyline_aws("profiles", *arguments)

    yield run
    for line in run("list").stdout.splitlines():
        run("remove", line.split()[0])


@pytest.fixture
def role(cloud):
    """A role that the API may pass."""
    iam = cloud.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    made = iam.create_role(RoleName="builder", Path="/everyline/everyline/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    yield made["Arn"]
    iam.delete_role(RoleName="builder")


def run(cloud, **request):
    body = {"command": ["sh", "-c", "echo token=$TOKEN key=$KEY secrets=$EVERYLINE_SECRETS"], **request}
    id = cloud.request("POST", "/api/v1/run", body)["execution_id"]
    task, = cloud.ecs.list_tasks(cluster=cloud.ids["Cluster"], startedBy=id)["taskArns"]
    return cloud.ecs.describe_tasks(cluster=cloud.ids["Cluster"], tasks=[task])["tasks"][0]


def ids(cloud):
    return [execution["execution_id"] for execution in cloud.get("/api/v1/executions")["executions"]]


def refusal(cloud, **request):
    with pytest.raises(urllib.error.HTTPError) as refused:
        cloud.request("POST", "/api/v1/run", {"command": ["true"], **request})
    return refused.value.code, json.loads(refused.value.read())


def test_a_command_runs_in_its_profile(cloud, profiles, role):
    secrets = [TOKEN.format(cloud.account), KEY.format(cloud.account)]
    made = profiles("add", "tools", "--image", "registry/tools:1", "--role", role, "--cpu", "512", "--memory", "1024",
                    "--secret", f"TOKEN={secrets[0]}", "--secret", f"KEY={secrets[1]}")
    assert made.returncode == 0, made.stderr
    assert profiles("list").stdout == (
        f"tools  registry/tools:1  role {role}  cpu 512  memory 1024  secrets KEY, TOKEN\n")
    task = run(cloud, profile="tools", cpu=1024, memory=2048, secrets=["TOKEN"])
    override = task["overrides"]
    assert (override["cpu"], override["memory"]) == ("1024", "2048")
    definition = cloud.definition(task["taskDefinitionArn"])
    assert (definition["cpu"], definition["memory"], definition["taskRoleArn"]) == ("512", "1024", role)
    container, = definition["containerDefinitions"]
    stacks, = cloud.definition(cloud.ids["CommandTask"])["containerDefinitions"]
    assert container["image"] == "registry/tools:1" and container["logConfiguration"] == stacks["logConfiguration"]
    assert {s["name"]: s["valueFrom"] for s in container["secrets"]} == dict(zip(["TOKEN", "KEY"], secrets))
    # The command has the secret that it named, and no other.
    _, ran = cloud.carry_out(task["taskArn"], values=zip(secrets, VALUES))
    assert f"1 token={VALUES[0]} key= secrets=\n" in ran.stdout.decode(), ran
    # A value is in nothing that is kept or said.
    kept = json.dumps([task, definition, cloud.dynamodb.scan(TableName=cloud.table)["Items"]], default=str)
    assert not any(value in kept + made.stdout + cloud.log("api") for value in VALUES)


def test_a_profile_may_read_its_own_secrets_and_nothing_else(cloud, profiles):
    secrets = [TOKEN.format(cloud.account), KEY.format(cloud.account)]
    profiles("add", "tools", "--image", "i", "--secret", f"TOKEN={secrets[0]}", "--secret", f"KEY={secrets[1]}")
    iam = cloud.client("iam")
    role = iam.get_role(RoleName="everyline-profile-tools")["Role"]
    assert role["Path"] == "/everyline/everyline/"
    policy = iam.get_role_policy(RoleName="everyline-profile-tools", PolicyName="own")["PolicyDocument"]
    allowed = {action: s["Resource"] for s in policy["Statement"] for action in s["Action"] if not action.startswith("ecr:")}
    group = f"arn:aws:logs:us-east-1:*:log-group:{cloud.log_group}:*"
    assert allowed == {
        "logs:CreateLogStream": [group], "logs:PutLogEvents": [group], "ssm:GetParameters": [secrets[0]],
        "secretsmanager:GetSecretValue": [secrets[1].removesuffix(":part::")]}


def test_a_profile_is_changed_and_removed(cloud, profiles):
    assert profiles("add", "tools", "--image", "one", "--secret", f"TOKEN={TOKEN.format(cloud.account)}").returncode == 0
    first = run(cloud, profile="tools")["taskDefinitionArn"]
    assert profiles("add", "tools", "--image", "two").returncode == 0
    second = run(cloud, profile="tools")["taskDefinitionArn"]
    assert first != second and cloud.definition(second)["containerDefinitions"][0]["image"] == "two"
    assert cloud.definition(first)["status"] == "INACTIVE"
    # Without secrets it needs no role of its own.
    roles = {r["RoleName"] for r in cloud.client("iam").list_roles()["Roles"]}
    assert "everyline-profile-tools" not in roles
    assert profiles("remove", "tools").returncode == 0
    assert cloud.definition(second)["status"] == "INACTIVE" and profiles("list").stdout == ""
    gone = profiles("remove", "tools")
    assert gone.returncode == 1 and "no profile tools" in gone.stderr
    assert refusal(cloud, profile="tools")[0] == 400


@pytest.mark.parametrize("request_, says", [
    ({"profile": "none"}, "no profile none"),
    ({"profile": "tools", "secrets": ["OTHER"]}, "declares no secret OTHER"),
    ({"secrets": ["TOKEN"]}, "needs a profile"),
    ({"profile": "tools", "env": {"TOKEN": "x"}}, "TOKEN is the profile's own"),
    ({"profile": "tools", "env": {"EVERYLINE_SECRETS": "TOKEN"}}, "EVERYLINE_SECRETS is the profile's own"),
    ({"profile": "a b"}, "profile must be"),
    ({"cpu": 0}, "cpu must be"),
    ({"secrets": ["A=B"]}, "secrets must be"),
])
def test_what_a_profile_does_not_declare_is_refused_before_anything_is_made(cloud, profiles, request_, says):
    profiles("add", "tools", "--image", "i", "--secret", f"TOKEN={TOKEN.format(cloud.account)}")
    before = ids(cloud)
    code, problem = refusal(cloud, **request_)
    assert code == 400 and problem["code"] == "invalid_request" and says in problem["detail"], problem
    assert ids(cloud) == before


@pytest.mark.parametrize("arguments, says", [
    (["--role", "arn:aws:iam::000000000000:role/admin"], "doesn't lie under /everyline/everyline/"),
    (["--role", "arn:aws:iam::000000000000:role/everyline/other/x"], "doesn't lie under"),
    (["--role", "arn:aws:iam::000000000000:role/everyline/everyline/none"], "There is no role"),
    (["--secret", "TOKEN=hunter2"], "must be NAME=ARN"),
    (["--secret", "A-B=arn:aws:ssm:us-east-1:1:parameter/t"], "must be NAME=ARN"),
])
def test_what_the_api_could_not_use_is_refused(cloud, profiles, arguments, says):
    ran = profiles("add", "tools", "--image", "i", *arguments)
    assert ran.returncode != 0 and says in ran.stderr and "hunter2" not in ran.stdout + ran.stderr, ran.stderr
    assert profiles("list").stdout == ""
