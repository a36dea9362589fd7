"""What the archives hold, and what is said of it."""

import hashlib
import json
import os
import re
import subprocess
import tarfile
import zipfile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from conftest import one
from everyline import ROOT


def run(*words, **more):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=900, **more)


def test_the_package_has_no_errors_by_lintian(deb):
    said = run("lintian", "--allow-root", "--fail-on=error,warning", "--tag-display-limit=0", deb)
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_binary_needs_nothing_of_swift_and_little_of_the_system(root):
    binary = root / "usr/bin/everyline"
    needed = set(re.findall(r"NEEDED.*\[(.+)\]", run("readelf", "-d", binary).stdout))
    assert needed <= {
        "libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libsqlite3.so.0", "libz.so.1", "libzstd.so.1",
        "ld-linux-x86-64.so.2"}
    # Ubuntu 22.04, Debian 12 and what is newer have these.
    for symbols, newest in (("GLIBC", (2, 35)), ("GLIBCXX", (3, 4, 30))):
        versions = re.findall(rf"\b{symbols}_([0-9.]+)", run("readelf", "--version-info", "--wide", binary).stdout)
        assert max(tuple(map(int, version.split("."))) for version in versions) <= newest


def test_installed_it_is_no_larger_than_said_and_neither_is_what_comes_over_the_network(root, deb):
    installed = sum(p.stat().st_size for p in root.rglob("*") if p.is_file())
    assert installed <= 60_000_000
    assert deb.stat().st_size <= 25_000_000 and one("everyline-[0-9]*.tar.gz").stat().st_size <= 25_000_000


def test_each_command_has_a_manual_page(root):
    help = json.loads(run(root / "usr/bin/everyline", "--experimental-dump-help").stdout)["command"]
    commands = [c["commandName"] for c in help["subcommands"] if c.get("shouldDisplay", True) and c["commandName"] != "help"]
    pages = sorted((root / "usr/share/man/man1").iterdir())
    assert [p.name for p in pages] == sorted(["everyline.1", *(f"everyline-{c}.1" for c in commands)])
    for page in pages:
        shown = run("man", "--warnings", "--local-file", page, env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
        assert shown.stderr == "" and "SYNOPSIS" in shown.stdout
    assert "--retention-age" in run("man", "--local-file", root / "usr/share/man/man1/everyline-serve.1").stdout


def test_completions_complete(root, tmp_path):
    script = root / "usr/share/bash-completion/completions/everyline"
    said = run("bash", "-c", f"""
        source {script} || exit 1
        COMP_WORDS=(everyline can) COMP_CWORD=1 COMP_LINE='everyline can' COMP_POINT=13
        "$(complete -p everyline | sed 's/.*-F \\([^ ]*\\) .*/\\1/')" everyline can everyline
        echo "${{COMPREPLY[@]}}" """, env={**os.environ, "PATH": f"{root}/usr/bin:{os.environ['PATH']}"})
    assert said.stdout.split() == ["canary"], said.stderr
    assert (root / "usr/share/zsh/vendor-completions/_everyline").read_text().startswith("#compdef everyline")
    assert "complete -c" in (root / "usr/share/fish/vendor_completions.d/everyline.fish").read_text()


def test_the_archive_holds_the_installed_files_and_its_binary_runs(root, tmp_path):
    archive = one("everyline-[0-9]*.tar.gz")
    with tarfile.open(archive) as files:
        names = {n.split("/", 1)[1] for n in files.getnames() if "/" in n}
        assert {m.uid for m in files.getmembers()} == {0}
        files.extractall(tmp_path, filter="data")
    assert names == {str(p.relative_to(root / "usr")) for p in (root / "usr").rglob("*")}
    binary = next(tmp_path.glob("*/bin/everyline"))
    assert run(binary, "--version").stdout.strip() in archive.name


def test_the_archive_for_aws_has_what_deploys_it_in_bounds(package, tmp_path):
    archive = one("everyline-aws-*.tar.gz")
    assert archive.stat().st_size <= 25_000_000
    with tarfile.open(archive) as files:
        assert sum(m.size for m in files.getmembers()) <= 60_000_000
        files.extractall(tmp_path, filter="data")
    binary = next(tmp_path.glob("*/bin/everyline-aws"))
    assert run(binary, "--version").stdout.strip() in archive.name
    needed = set(re.findall(r"NEEDED.*\[(.+)\]", run("readelf", "-d", binary).stdout))
    assert needed <= {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1", "ld-linux-x86-64.so.2"}
    (template,) = tmp_path.glob("*/share/everyline-aws/template.yaml")
    assert template.read_bytes() == (ROOT / "deploy/aws/template.yaml").read_bytes()
    with zipfile.ZipFile(one("everyline-lambda-*.zip")) as function:
        assert function.namelist() == ["bootstrap"]


def test_what_is_packed_is_what_the_checksums_say(package):
    lines = (package / "SHA256SUMS").read_text().splitlines()
    sums = {name: sum for sum, name in (line.split("  ") for line in lines)}
    for name, sum in sums.items():
        assert hashlib.sha256((package / name).read_bytes()).hexdigest() == sum
    assert {name.split(".")[-1] for name in sums} == {"deb", "gz", "json", "tar", "zip"}


def test_packing_again_gives_the_same_files(package):
    before = {p: p.read_bytes() for p in (one("everyline-[0-9]*.tar.gz"), one("everyline_*.deb"))}
    done = run(ROOT / "scripts/package", "tar", "deb")
    assert done.returncode == 0, done.stderr
    for path, content in before.items():
        assert path.read_bytes() == content, path.name


def test_the_bill_of_materials_is_valid_and_names_what_is_linked(package, root):
    text = one("everyline-[0-9]*.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    components = {c["name"]: c for c in json.loads(text)["components"]}
    assert {"swift-nio", "GRDB.swift", "hummingbird", "Swift", "ICU", "libsqlite3-0"} <= set(components)
    # These belong to other products.
    assert "swift-subprocess" not in components
    pins = {p["identity"]: p["state"]["version"] for p in json.loads((ROOT / "Package.resolved").read_text())["pins"]}
    for name, component in components.items():
        if component.get("purl", "").startswith("pkg:swift/"):
            assert component["version"] == pins[name.lower()]
    notices = (root / "usr/share/doc/everyline/NOTICES").read_text()
    for words in ("Gwendal Roué", "The SwiftNIO Project", "UNICODE LICENSE V3", "Apache License"):
        assert words in notices
