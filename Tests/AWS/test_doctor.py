"""`everyline-aws doctor` looks at the stack that the template made."""

import pytest

pytestmark = pytest.mark.first


def examine(cloud):
    ran = cloud.everyline_aws("doctor")
    findings = ran.stdout.splitlines()
    assert len(findings) > 30, ran.stdout + ran.stderr
    return ran.returncode, [finding for finding in findings if not finding.startswith("ok ")]


def test_the_doctor_finds_nothing_wrong_with_the_template(cloud):
    assert examine(cloud) == (0, [])


def test_the_doctor_finds_what_was_changed(cloud):
    cloud.logs.delete_retention_policy(logGroupName=cloud.log_group)
    code, wrong = examine(cloud)
    cloud.logs.put_retention_policy(logGroupName=cloud.log_group, retentionInDays=30)
    assert code == 1 and len(wrong) == 1 and "for ever" in wrong[0], wrong
