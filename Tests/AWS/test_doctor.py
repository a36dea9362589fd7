"""What is deployed is what the doctor expects."""

import os
import subprocess

EVERYLINE_AWS = os.environ.get("EVERYLINE_AWS_BINARY", ".build/debug/everyline-aws")


def test_the_doctor_finds_nothing_wrong_with_the_template(cloud):
    environment = {
        **os.environ, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test"}
    ran = subprocess.run(
        [EVERYLINE_AWS, "doctor", "--stack", "everyline", "--endpoint-url", cloud.endpoint],
        capture_output=True, text=True, env=environment, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
