"""The manifests of deploy/, held against the schemas of what reads them. No cluster and no engine is here to try them on."""

import subprocess
import sys

import pytest
import yaml
from kubernetes_validate import validate

from conftest import one
from container import Image
from everyline import ROOT

KUBERNETES = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/everyline.yaml").read_text()))
COMPOSE = ROOT / "deploy/compose/compose.yaml"


@pytest.mark.parametrize("manifest", KUBERNETES, ids=lambda m: m["kind"])
@pytest.mark.parametrize("version", ["1.29", "1.33"])
def test_kubernetes_takes_the_manifests(manifest, version):
    validate(manifest, version, strict=True)


def test_compose_takes_its_file():
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def containers():
    for manifest in KUBERNETES:
        for container in manifest["spec"].get("template", {}).get("spec", {}).get("containers", []):
            yield container["image"], container["args"]
    for service in yaml.safe_load(COMPOSE.read_text())["services"].values():
        yield service["image"], service["command"]


@pytest.mark.parametrize("image, words", list(containers()))
def test_each_container_is_an_image_of_ours_with_words_that_it_takes(image, words, tmp_path):
    name, version = image.split(":")
    unpacked = Image(one(f"{name}.oci.tar"), tmp_path)
    assert unpacked.settings["Labels"]["org.opencontainers.image.version"] == version
    # Wrong usage is 64, a command that isn't known too; help is what comes of the words that are right.
    command, *options = words[:words.index("--")] if "--" in words else words
    assert unpacked.run(command, *options, "--help").returncode == 0
