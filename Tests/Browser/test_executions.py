"""The list of executions, and what each role finds there."""

import os
import pathlib
import re

import pytest
from proxies import proxied
from viewer import PHONE, Viewer, launch, wait_for_row, wait_for_words


def test_a_command_is_started_followed_and_stopped(server, viewer):
    page = viewer.page(server.url + "/", key=server.key)
    page.click("#run")
    page.fill("#run-command", "sh -c 'echo \"hello $NAME\"; sleep 600'")
    page.fill("#run-environment", "NAME=world")
    page.click("#run-form button.main")
    page.wait_for_url("**/executions/*")
    wait_for_row(page, 1)
    assert page.inner_text(".row[data-first='1'] .text") == "hello world"
    page.click("#stop")
    page.click("#stop-form button.main")
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    assert "STOPPED" in page.inner_text(".row[data-kind=end] .text")
    page.wait_for_function("() => document.querySelector('#status').textContent.startsWith('Stopped')")
    assert not page.is_visible("#stop")


@pytest.fixture
def trusting_viewer(browser):
    """A viewer that takes certificates of the tests' own making, for the page's workers too."""
    trusting = launch(browser.browser_type, "--ignore-certificate-errors")
    viewer = Viewer(trusting)
    yield viewer
    trusting.close()
    assert viewer.errors == []


def test_all_of_it_works_below_a_path_behind_a_proxy(trusting_viewer, tmp_path):
    with proxied("nginx", tmp_path) as server:
        page = trusting_viewer.page(server.outside + "/", key=server.key)
        page.click("#run")
        page.fill("#run-command", f"sh -c 'echo one; cat {tmp_path}/gate; echo two'")
        os.mkfifo(tmp_path / "gate")
        page.click("#run-form button.main")
        page.wait_for_url(f"{server.outside}/executions/*")
        wait_for_row(page, 1)
        wait_for_words(page, "^Live$")
        (tmp_path / "gate").write_text("")
        page.wait_for_selector(".row[data-kind=end]:not([hidden])")
        assert [page.inner_text(f".row[data-first='{n}'] .text") for n in (1, 2)] == ["one", "two"]
        page.reload()
        wait_for_row(page, 2)
        page.click("#download")
        with page.expect_download() as download:
            page.click("#download-text")
        assert pathlib.Path(download.value.path()).read_text().startswith("one\ntwo\n[SUCCEEDED ")
        page.click("#back")
        page.wait_for_url(f"{server.outside}/")
        page.wait_for_selector("tbody tr:has-text('gate')")


def test_a_command_that_cannot_be_is_not_sent(server, viewer):
    page = viewer.page(server.url + "/", key=server.key, allow=re.compile("400"))
    page.click("#run")
    page.fill("#run-command", "echo 'open")
    page.click("#run-form button.main")
    assert page.inner_text("#run-trouble") == "A quote isn’t closed."
    page.fill("#run-command", "true")
    page.fill("#run-environment", "NAME")
    page.click("#run-form button.main")
    assert page.inner_text("#run-trouble") == "Each line of the environment is NAME=value."
    page.fill("#run-environment", "")
    page.fill("#run-directory", "nowhere")
    page.click("#run-form button.main")
    page.wait_for_function("() => document.querySelector('#run-trouble').textContent.includes('absolute')")


def test_ctrl_enter_starts_a_command_of_several_lines(server, viewer):
    page = viewer.page(server.url + "/", key=server.key)
    page.click("#run")
    page.check("#run-shell")
    page.focus("#run-command")
    page.keyboard.type("echo one")
    page.keyboard.press("Enter")
    page.keyboard.type("echo two")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/executions/*")
    wait_for_row(page, 3)
    assert [page.inner_text(f".row[data-first='{n}'] .text") for n in (1, 2)] == ["one", "two"]


def test_who_comes_back_from_a_log_finds_the_list_as_it_was(server, viewer):
    log = server.register()
    log.append(end="FAILED")
    page = viewer.page(server.url + "/", key=server.key)
    page.click("#statuses >> text=Failed")
    page.fill("#filter", log.id)
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 1")
    page.click("#list a.command")
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 1")
    assert page.input_value("#filter") == log.id
    assert page.inner_text("#statuses [aria-pressed=true]") == "Failed"
    page.goto(server.url + "/?status=NOTHING&filter=")
    page.wait_for_selector("#list tr")
    assert page.inner_text("#statuses [aria-pressed=true]") == "All"


@pytest.mark.parametrize("way", ["browser", "arrow", "key"])
def test_who_comes_back_finds_as_many_rows_and_the_place_among_them(own_server, viewer, way):
    server = own_server.start()
    for n in range(260):
        server.post("/api/v1/executions", {"command": ["job", str(n)]})
    page = viewer.page(server.url + "/", key=server.key)
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 50")
    for shown in (100, 150, 200, 250):
        page.click("#more")
        page.wait_for_function("shown => document.querySelectorAll('#list tr').length === shown", arg=shown)
    page.evaluate("scrollTo(0, 6000)")
    page.locator("#list a.command >> text='job 120'").click()
    page.wait_for_url("**/executions/*")
    page.wait_for_selector("#words:has-text('Live')")
    if way == "browser":
        page.go_back()
    elif way == "arrow":
        page.click("#back")
    else:
        page.keyboard.press("x")
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 250 && scrollY > 5000")
    assert page.url == server.url + "/"
    assert abs(page.evaluate("scrollY") - 6_000) < 400
    assert page.locator("#list a.command >> text='job 120'").is_visible()


def test_what_only_a_shell_understands_is_said_before_it_runs(server, viewer):
    page = viewer.page(server.url + "/", key=server.key)
    page.click("#run")
    page.fill("#run-command", "for i in 1 2; do echo round $i; done")
    page.click("#run-form button.main")
    page.wait_for_function("() => document.querySelector('#run-trouble').textContent.includes('“;”')")
    assert page.url == server.url + "/"
    page.check("#run-shell")
    assert page.inner_text("#run-trouble") == ""
    page.click("#run-form button.main")
    page.wait_for_url("**/executions/*")
    wait_for_row(page, 3)
    assert [page.inner_text(f".row[data-first='{n}'] .text") for n in (1, 2)] == ["round 1", "round 2"]
    # Who means it so may.
    page.goto(server.url + "/")
    page.click("#run")
    page.fill("#run-command", "echo a;b")
    page.click("#run-form button.main")
    page.wait_for_function("() => document.querySelector('#run-trouble').textContent !== ''")
    page.click("#run-form button.main")
    page.wait_for_url("**/executions/*")
    wait_for_row(page, 2)
    assert page.inner_text(".row[data-first='1'] .text") == "a;b"


def test_executions_are_found_and_kept_fresh(own_server, viewer):
    server = own_server.start()
    for n in range(70):
        server.register().append(end="FAILED" if n % 10 == 0 else "SUCCEEDED")
    log = server.register()
    page = viewer.page(server.url + "/", key=server.key)
    page.wait_for_selector("#list tr")
    assert page.locator("#list tr").count() == 50
    page.click("#more")
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 71")
    page.click("text=Failed")
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 7")
    page.click("text=Running")
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 1")
    log.append("x")
    page.wait_for_function("() => document.querySelector('#list .events').textContent === '1'")
    page.click("#statuses >> text=All")
    page.fill("#filter", log.id)
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 1")
    page.fill("#filter", "nothing like this")
    page.wait_for_function("() => document.querySelector('#empty').textContent === 'Nothing matches.'")
    page.wait_for_selector("#empty:not([hidden])")
    assert page.inner_text("#empty") == "Nothing matches."


def test_a_list_that_was_read_far_back_keeps_what_it_shows_and_finds_what_it_does_not(own_server, viewer):
    server = own_server.start()
    first = server.run("echo", "the-oldest")
    for n in range(260):
        server.post("/api/v1/executions", {"command": ["job", str(n)]})
    page = viewer.page(server.url + "/", key=server.key)
    page.wait_for_selector("#list tr")
    page.fill("#filter", "the-oldest")
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 1")
    assert page.get_attribute("#list a", "href") == f"executions/{first}"
    page.fill("#filter", "")
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 50")
    for shown in (100, 150, 200, 250):
        page.click("#more")
        page.wait_for_function("shown => document.querySelectorAll('#list tr').length === shown", arg=shown)
    for n in range(260, 270):
        server.post("/api/v1/executions", {"command": ["job", str(n)]})
    page.wait_for_selector("#list tr:first-child >> text=job 269")
    found = page.eval_on_selector_all("#list a", "links => links.map((link) => link.textContent)")
    assert found == [f"job {n}" for n in range(269, 19, -1)]


def test_a_phone_shows_each_thing_beside_the_others(server, viewer):
    server.run("sleep", "600")
    page = viewer.page(server.url + "/", key=server.key, **PHONE)
    page.wait_for_selector("#list button:visible")
    stop = page.locator("#list button:visible").first.bounding_box()
    took = page.locator("#list tr:has(button:visible) .took").first.bounding_box()
    assert took["x"] + took["width"] <= stop["x"]


def test_roles_see_what_they_may_do(server, viewer):
    mine = server.create_key("developer", "ann")
    id = server.run("sleep", "600", key=mine)
    expected = {
        "viewer": (False, False), "developer": (True, False), "operator": (True, True), "admin": (True, True)}
    for role, (runs, stops) in expected.items():
        key = server.create_key(role, f"the-{role}")
        page = viewer.page(server.url + "/", key=key)
        row = page.locator(f"#list tr:has(a[href='executions/{id}'])")
        row.wait_for()
        assert page.is_visible("#run") == runs
        assert row.locator("button").is_visible() == stops
        assert page.inner_text("#account span") == f"the-{role} · {role}"
    page = viewer.page(server.url + "/", key=mine)
    row = page.locator(f"#list tr:has(a[href='executions/{id}'])")
    row.locator("button").click()
    page.click("#stop-form button.main")
    page.wait_for_selector(f"#list tr:has(a[href='executions/{id}']) .status[data-status=STOPPED]")


def test_the_list_is_walked_by_keys(server, viewer):
    server.register()
    page = viewer.page(server.url + "/", key=server.key)
    page.wait_for_selector("#list tr")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "filter"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    href = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    page.wait_for_url("**" + href)
    page.go_back()
    page.wait_for_selector("#list tr")
    page.keyboard.press("?")
    page.wait_for_selector("#sheet-help[open]")
