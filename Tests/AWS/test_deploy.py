"""`everyline-aws deploy` and `destroy`. The stack of all other tests was deployed so as well (`cloud.py`)."""

import os
import stat
import threading

import pytest
from aiohttp import web
from botocore.exceptions import WaiterError

import template
from viewer import Viewer

FUNCTION = "/2015-03-31/functions/"


class Site:
    """An administrator with a home, and a package to deploy."""

    def __init__(self, cloud, home, stack):
        self.cloud, self.home, self.stack = cloud, home, stack
        self.package = home / "lambda.zip"
        self.package.write_bytes((cloud.directory / "lambda.zip").read_bytes())

    def deploy(self, *more, **options):
        return self.cloud.everyline_aws(
            "deploy", "--stack", self.stack, "--package", self.package, *more, home=self.home, **options)

    def destroy(self, *more, **options):
        return self.cloud.everyline_aws("destroy", "--stack", self.stack, *more, home=self.home, **options)

    @property
    def existing(self):
        """The stack; None if there is none."""
        stacks = self.cloud.cloudformation.describe_stacks()["Stacks"]
        return next((s for s in stacks if s["StackName"] == self.stack), None)

    @property
    def parameters(self):
        return {p["ParameterKey"]: p["ParameterValue"] for p in self.existing["Parameters"]}

    @property
    def packages(self):
        bucket = f"everyline-{self.cloud.account}-us-east-1"
        found = self.cloud.s3.list_objects_v2(Bucket=bucket, Prefix=f"{self.stack}/").get("Contents", [])
        return [entry["Key"] for entry in found]

    def template(self, change):
        """The template, changed."""
        path = self.home / "template.yaml"
        text = template.PATH.read_text()
        changed = change(text)
        assert changed != text
        path.write_text(changed)
        return path


@pytest.fixture
def site(cloud, tmp_path, request):
    site = Site(cloud, tmp_path, f"test-{abs(hash(request.node.name)) % 10**8}")
    yield site
    if site.existing:
        site.destroy("--yes")


def breaks(text):
    """A resource that can't be made: a layer of the function isn't there."""
    head, tail = text.split("  CompletionFunction:\n", 1)
    layer = "      Layers: [!Sub 'arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:layer:none:1']\n"
    return head + "  CompletionFunction:\n" + tail.replace("    Properties:\n", "    Properties:\n" + layer, 1)


def test_one_command_deploys_and_a_client_has_all_that_it_needs(site):
    ran = site.deploy("--user", "ada", "-p", "LogRetentionDays=7")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    said = ran.stdout
    assert f"account {site.cloud.account}, as arn:" in said and "in us-east-1" in said
    assert "quota: 10 functions at once, of which this takes up to 10" in said
    assert "quota: 6 vCPU of Fargate at once, which are 24 commands of 0.25" in said
    assert f"stack {site.stack}: CREATE_COMPLETE" in said and "CREATE_COMPLETE  Table (AWS::DynamoDB::Table)" in said
    outputs = {o["OutputKey"]: o["OutputValue"] for o in site.existing["Outputs"]}
    configuration = site.cloud.configuration(site.home)
    assert configuration["url"] == outputs["Address"]
    # The key is nowhere but in a file that its owner alone may read.
    key, path = configuration["api_key"], site.home / ".config/everyline/config.yaml"
    assert key not in said + ran.stderr and stat.S_IMODE(path.stat().st_mode) == 0o600
    function = site.cloud.functions.get_function(FunctionName=f"{site.stack}-api")["Configuration"]
    assert function["Environment"]["Variables"]["EVERYLINE_SUBNETS"] == site.parameters["Subnets"]
    assert site.parameters["LogRetentionDays"] == "7"


def test_commands_run_in_the_default_network_unless_another_is_named(site):
    ec2 = site.cloud.client("ec2")
    default, = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [default["VpcId"]]}])["Subnets"]
    assert site.deploy().returncode == 0
    assert set(site.parameters["Subnets"].split(",")) == {s["SubnetId"] for s in subnets if s["DefaultForAz"]}
    group, = ec2.describe_security_groups(GroupIds=[site.parameters["SecurityGroups"]])["SecurityGroups"]
    assert group["GroupName"] == "default" and group["VpcId"] == default["VpcId"]
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    own = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    assert site.deploy("--subnets", own).returncode == 0
    assert site.parameters["Subnets"] == own
    group, = ec2.describe_security_groups(GroupIds=[site.parameters["SecurityGroups"]])["SecurityGroups"]
    assert group["VpcId"] == vpc
    mixed = site.deploy("--subnets", f"{own},{subnets[0]['SubnetId']}")
    assert mixed.returncode == 1 and "several VPCs" in mixed.stderr


def test_a_second_run_updates_and_keeps_what_it_is_not_told(site):
    assert site.deploy("-p", "LogRetentionDays=7").returncode == 0
    key, packages = site.cloud.configuration(site.home), site.packages
    again = site.deploy()
    assert again.returncode == 0 and "it is as it should be" in again.stdout, again.stdout + again.stderr
    assert site.packages == packages and site.cloud.configuration(site.home) == key
    # Another package, another size: the rest stays, and the package of before goes.
    site.package.write_bytes(site.package.read_bytes() + b"\0")
    changed = site.deploy("-p", "Memory=1024")
    assert changed.returncode == 0 and "UPDATE_COMPLETE" in changed.stdout, changed.stdout + changed.stderr
    assert (site.parameters["Memory"], site.parameters["LogRetentionDays"]) == ("1024", "7")
    assert len(site.packages) == 1 and site.packages != packages and site.parameters["CodeKey"] == site.packages[0]
    assert site.cloud.configuration(site.home) == key


@pytest.mark.parametrize("force", [False, True])
def test_an_update_waits_for_the_commands_of_an_older_script_unless_it_is_forced(site, force):
    assert site.deploy().returncode == 0
    cloud, table = site.cloud, next(o["OutputValue"] for o in site.existing["Outputs"] if o["OutputKey"] == "TableName")
    # As the runner script's records were that did not number its lines: without a format.
    item, row = records_of(cloud, cloud.execution().id)
    assert item.pop("format") == {"N": "2"}
    for record in ({**item, "producer": {"S": "runner"}}, row):
        cloud.dynamodb.put_item(TableName=table, Item=record)
    looks = []

    async def rule(exchange):
        if exchange.calls("Query", '"ACTIVE"') and exchange.calls("Query", table):
            looks.append(exchange)
            if len(looks) == 2:  # It ends while the update waits.
                cloud.dynamodb.delete_item(TableName=table, Key={key: row[key] for key in ("pk", "sk")})

    site.package.write_bytes(site.package.read_bytes() + b"\0")
    cloud.proxy.rules.append(rule)
    try:
        ran = site.deploy(*(["--force"] if force else []))
    finally:
        cloud.proxy.rules.remove(rule)
    assert ran.returncode == 0 and "UPDATE_COMPLETE" in ran.stdout, ran.stdout + ran.stderr
    assert ("waits for 1 commands of an older runner script" in ran.stdout) is not force, ran.stdout
    assert len(looks) == (0 if force else 2)


def records_of(cloud, execution):
    """The record of an execution, and its row among those that have not ended."""
    item = cloud.dynamodb.get_item(
        TableName=cloud.table, Key={"pk": {"S": f"E#{execution}"}, "sk": {"S": "META"}}, ConsistentRead=True)["Item"]
    rows = cloud.dynamodb.query(
        TableName=cloud.table, KeyConditionExpression="pk = :active", ConsistentRead=True,
        ExpressionAttributeValues={":active": {"S": "ACTIVE"}})["Items"]
    row, = (row for row in rows if row["execution_id"]["S"] == execution)
    return item, row


def test_an_update_disturbs_no_command_that_runs(cloud):
    """Lines come before it, while functions of both versions run, and behind it; and the last ones, whose batch no function of the
    version before has seen."""
    execution = cloud.execution()
    execution.write(*(f"before {n}" for n in range(50)))
    updating = threading.Thread(target=cloud.update)
    updating.start()
    count = 0
    while updating.is_alive():
        execution.write(f"meanwhile {count}")
        count += 1
        updating.join(0.2)
    execution.write(*(f"after {n}" for n in range(50)))
    execution.end()
    viewer = Viewer(execution).wait_for_end(120)
    assert viewer.messages == execution.written and count > 3
    assert viewer.end["verified"] is True and viewer.end["status"] == "SUCCEEDED"


def test_a_first_run_that_fails_leaves_nothing_and_says_what_failed(site):
    ran = site.deploy("--template", site.template(breaks), "--bucket", f"{site.stack}-own")
    assert ran.returncode == 1
    assert "CompletionFunction (AWS::Lambda::Function)" in ran.stderr and "nothing of it is left" in ran.stderr, ran.stderr
    assert "cancelled" not in ran.stderr
    assert site.existing is None and not (site.home / ".config").exists()
    assert f"{site.stack}-own" not in {b["Name"] for b in site.cloud.s3.list_buckets()["Buckets"]}
    tables = site.cloud.dynamodb.list_tables()["TableNames"]
    assert not [t for t in tables if t.startswith(site.stack)]
    groups = site.cloud.logs.describe_log_groups(logGroupNamePrefix=site.stack)["logGroups"]
    assert groups == [] and not site.cloud.logs.describe_log_groups(
        logGroupNamePrefix=f"/aws/lambda/{site.stack}")["logGroups"]
    # And the next one is a first one again.
    assert site.deploy("--bucket", f"{site.stack}-own").returncode == 0


def test_an_update_that_fails_leaves_what_was_there_and_says_what_failed(site):
    assert site.deploy().returncode == 0
    packages = site.packages
    ran = site.deploy("--template", site.template(breaks))
    assert ran.returncode == 1 and "CompletionFunction" in ran.stderr and "UPDATE_ROLLBACK_COMPLETE" in ran.stderr, ran.stderr
    assert site.packages == packages and site.existing["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert site.deploy("-p", "Memory=1024").returncode == 0


def test_what_an_older_tool_has_left_of_a_failed_creation_is_cleared_away(site):
    text = site.template(breaks).read_text()
    site.cloud.cloudformation.create_stack(
        StackName=site.stack, TemplateBody=text, Capabilities=["CAPABILITY_IAM"], Parameters=[
            {"ParameterKey": k, "ParameterValue": v}
            for k, v in {"CodeBucket": "none", "Subnets": "subnet-1", "SecurityGroups": "sg-1"}.items()])
    with pytest.raises(WaiterError):
        site.cloud.cloudformation.get_waiter("stack_create_complete").wait(
            StackName=site.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    assert site.existing["StackStatus"] == "ROLLBACK_COMPLETE"
    ran = site.deploy()
    assert ran.returncode == 0 and "an earlier run left behind (ROLLBACK_COMPLETE)" in ran.stdout, ran.stdout + ran.stderr


@pytest.mark.parametrize("quotas, parameters, says", [
    ({"functions": 9}, [], "may run 9 functions at once, and this deployment wants 10"),
    ({"functions": 10}, ["-p", "DeliveryConcurrency=4"], "wants 11"),
    ({"processors": 0.0}, [], "may use 0 vCPU of Fargate at once, and one command wants 0.25"),
    ({"processors": 1.0}, ["-p", "Cpu=2048"], "one command wants 2"),
])
def test_a_quota_that_is_too_small_is_said_before_anything_is_made(site, quotas, parameters, says):
    before = dict(vars(site.cloud.quotas))
    vars(site.cloud.quotas).update(quotas)
    try:
        ran = site.deploy(*parameters)
    finally:
        vars(site.cloud.quotas).update(before)
    assert ran.returncode == 1 and says in ran.stderr, ran.stdout + ran.stderr
    assert site.existing is None and site.packages == []


def test_a_quota_that_may_not_be_read_is_said_and_no_hindrance(site):
    site.cloud.quotas.refuses = True
    try:
        ran = site.deploy()
    finally:
        site.cloud.quotas.refuses = False
    assert ran.returncode == 0 and "it isn't known how much of Fargate" in ran.stdout, ran.stdout + ran.stderr


def test_wrong_input_is_said_in_words(site):
    wrong = site.deploy("-p", "Memroy=1")
    assert wrong.returncode == 1 and "no parameter Memroy" in wrong.stderr and "MemoryX" not in wrong.stderr
    missing = site.deploy("--template", site.home / "none.yaml")
    assert missing.returncode == 1 and "isn't there" in missing.stderr
    keyless = site.deploy(environment={"PATH": os.environ["PATH"], "HOME": str(site.home), "AWS_REGION": "us-east-1",
                                      "AWS_EC2_METADATA_DISABLED": "true"})
    assert keyless.returncode == 1 and "no AWS credentials were found" in keyless.stderr, keyless.stderr
    assert site.existing is None


def test_nothing_is_put_into_a_bucket_of_another_account(site):
    asked = []

    async def rule(exchange):
        if exchange.method == "HEAD" and exchange.path == "/somebodys":
            asked.append(exchange.headers.get("X-Amz-Expected-Bucket-Owner"))
            return web.Response(status=403)
        return None

    site.cloud.proxy.rules.append(rule)
    try:
        ran = site.deploy("--bucket", "somebodys")
    finally:
        site.cloud.proxy.rules.remove(rule)
    assert ran.returncode == 1 and "belongs to another account" in ran.stderr
    assert asked == [site.cloud.account] and site.existing is None


def test_the_configuration_of_another_server_stays(site):
    path = site.home / ".config/everyline/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("url: http://127.0.0.1:7070\napi_key: elk_other\n")
    path.chmod(0o600)
    ran = site.deploy()
    assert ran.returncode == 0, ran.stderr
    assert site.cloud.configuration(site.home) == {"url": "http://127.0.0.1:7070", "api_key": "elk_other"}
    key = path.with_name(f"{site.stack}.key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and key.read_text().strip() not in ran.stdout
    assert f"--api-key-file {key}" in ran.stdout


def test_destroying_asks_and_keeps_the_logs(site):
    assert site.deploy("--bucket", f"{site.stack}-own").returncode == 0
    ids = {o["OutputKey"]: o["OutputValue"] for o in site.existing["Outputs"]}
    refused = site.destroy(answer="yes\n")
    assert refused.returncode == 1 and "Nothing was deleted" in refused.stderr and site.existing
    done = site.destroy(answer=f"{site.stack}\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.existing is None
    for kept in (ids["TableName"], ids["CommandsLogGroupName"]):
        assert kept in done.stdout
    assert ids["TableName"] in site.cloud.dynamodb.list_tables()["TableNames"]
    assert site.cloud.logs.describe_log_groups(logGroupNamePrefix=ids["CommandsLogGroupName"])["logGroups"]
    again = site.destroy("--yes")
    assert again.returncode == 1 and "There is no stack" in again.stderr


def test_destroying_takes_its_own_packages_and_an_empty_bucket(site):
    assert site.deploy().returncode == 0
    assert site.packages
    done = site.destroy("--yes")
    assert done.returncode == 0 and "kept, as there is more in it" in done.stdout, done.stdout + done.stderr
    assert site.packages == []


def test_the_default_profiles_commands_have_the_role_that_is_given(site):
    role = f"arn:aws:iam::{site.cloud.account}:role/terraform"
    assert site.deploy("-p", f"TaskRole={role}").returncode == 0
    assert site.cloud.definition(f"{site.stack}-command")["taskRoleArn"] == role
    resources = site.cloud.cloudformation.describe_stack_resources(StackName=site.stack)["StackResources"]
    api = next(r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "ApiRole")
    policy = site.cloud.client("iam").get_role_policy(RoleName=api, PolicyName="own")["PolicyDocument"]
    passed, = (s["Resource"] for s in policy["Statement"] if s["Action"] in ("iam:PassRole", ["iam:PassRole"]))
    assert role in passed and len(passed) == 3 and passed[2].endswith(f":role/everyline/{site.stack}/*")


def test_an_update_gives_profiles_the_new_script_and_destroying_takes_them_away(site):
    iam, secret = site.cloud.client("iam"), f"arn:aws:ssm:us-east-1:{site.cloud.account}:parameter/t"
    assert site.deploy().returncode == 0
    made = site.cloud.everyline_aws(
        "profiles", "add", "tools", "--stack", site.stack, "--image", "i", "--secret", f"TOKEN={secret}")
    assert made.returncode == 0, made.stderr
    before = site.cloud.definition(f"{site.stack}-profile-tools")
    same = site.deploy()
    assert same.returncode == 0 and "registered anew" not in same.stdout
    assert site.cloud.definition(f"{site.stack}-profile-tools")["revision"] == before["revision"]
    changed = site.template(lambda text: text.replace("# deploy/aws/runner.sh\n            - |\n", (
        "# deploy/aws/runner.sh\n            - |\n              # a newer script\n"), 1))
    ran = site.deploy("--template", changed)
    assert ran.returncode == 0 and "profile tools: registered anew" in ran.stdout, ran.stdout + ran.stderr
    after = site.cloud.definition(f"{site.stack}-profile-tools")
    script = after["containerDefinitions"][0]["entryPoint"][2]
    assert after["revision"] > before["revision"] and "# a newer script" in script and script.count("EVERYLINE_SECRETS") == 2
    assert iam.get_role(RoleName=f"{site.stack}-profile-tools")
    assert site.destroy("--yes").returncode == 0
    assert not [r for r in iam.list_roles()["Roles"] if r["RoleName"].startswith(site.stack)]
    assert site.cloud.definition(after["taskDefinitionArn"])["status"] == "INACTIVE"
