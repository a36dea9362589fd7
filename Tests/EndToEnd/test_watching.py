"""What watches a server: its metrics, the alerts and the dashboard that are made of them, and its readiness."""

import json
import os
import re
import subprocess

import pytest
from everyline import ROOT, Refused, wait_for
from test_runner import on_small_disk

RULES = ROOT / "deploy/prometheus"


@pytest.fixture
def page(server):
    server.events(server.run("sh", "-c", "echo one; exit 3"))
    # The figures that cost a scan are up to ten seconds old.
    counted = 'everyline_executions{status="FAILED"'
    wait_for(lambda: counted in server.request("GET", "/metrics", key="")[2].decode(), 60)
    return server.request("GET", "/metrics", key="")[2].decode()


def names(page):
    return set(re.findall(r"^# TYPE (\S+)", page, re.M))


def promtool(*arguments, **options):
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, timeout=60, **options)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_promtool_finds_nothing_wrong_with_the_metrics(page):
    promtool("check", "metrics", input=page.encode())


def test_the_figures_are_there(page):
    def value(name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", page, re.M)[1])

    assert value("everyline_append_seconds_count") >= 1 and value("everyline_append_seconds_sum") > 0
    assert value('everyline_append_seconds_bucket{le="+Inf"}') == value("everyline_append_seconds_count")
    assert value("everyline_database_bytes") > 1 << 20 and value("everyline_disk_free_bytes") > 0
    assert value("process_open_fds") > 3 and value("process_cpu_seconds_total") > 0


def test_the_page_of_operations_names_each_metric(page):
    text = (ROOT / "docs/operations.md").read_text()
    assert set(re.findall(r"`((?:everyline|process)_[a-z_]+)`", text)) == names(page)


def test_the_alert_rules_fire_when_they_should():
    promtool("check", "rules", RULES / "everyline.rules.yml")
    promtool("test", "rules", RULES / "alerts.test.yml")


def test_rules_and_dashboard_ask_for_metrics_that_there_are(page):
    dashboard = json.loads((ROOT / "deploy/grafana/everyline.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked.append((RULES / "everyline.rules.yml").read_text())
    found = {name for text in asked for name in re.findall(r"\b(?:everyline|process)_[a-z_]+", text)}
    assert len(found) > 10
    assert {name.removesuffix("_bucket") for name in found} <= names(page)


def test_a_server_with_a_full_disk_is_not_ready(tmp_path):
    server, inside = on_small_disk(tmp_path, "256m")
    try:
        assert server.request("GET", "/readyz", key="")[0] == 200
        filler = inside / "filler"
        space = os.statvfs(inside)
        filler.write_bytes(b"x" * (space.f_bavail * space.f_frsize - (1 << 20)))
        with pytest.raises(Refused) as refused:
            server.request("GET", "/readyz", key="")
        assert (refused.value.status, refused.value.problem["detail"]) == (503, "The disk is full.")
        filler.unlink()
        assert server.request("GET", "/readyz", key="")[0] == 200
    finally:
        server.stop()
