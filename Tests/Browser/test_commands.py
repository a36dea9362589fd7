"""What a page can do is found by its name, and by the keys that people know; an end is told."""

import re

import pytest
from playwright.sync_api import expect
from viewer import found, rows, seed, visible, wait_for_row, wait_until_read


@pytest.fixture(scope="module")
def log(server):
    log = server.register(command=["sh", "-c", "a\nb"])
    seed(log, 2_000)
    log.append(end="FAILED")
    return log


def test_everything_is_found_in_the_palette(server, viewer, log):
    page = viewer.log(server, log.id)
    page.keyboard.press(":")
    page.wait_for_selector("#sheet-palette[open]")
    assert page.locator("#palette-list li:visible").count() > 15
    page.keyboard.type("beginn")
    assert page.locator("#palette-list li:visible").count() == 1
    page.keyboard.press("Enter")
    wait_for_row(page, 1)
    page.keyboard.press("Control+k")
    page.wait_for_selector("#sheet-palette[open]")
    page.keyboard.type("all text")
    page.click("#palette-list li:visible")
    page.wait_for_function("() => document.querySelector('#selected').innerText.startsWith('Text of lines 1–2001')")
    page.keyboard.press("Escape")
    page.keyboard.press("F1")
    page.wait_for_selector("#sheet-palette[open]")
    page.keyboard.type("wrap")
    page.keyboard.press("Escape")
    page.wait_for_selector("#sheet-palette", state="hidden")
    assert page.get_attribute("#wrap", "aria-pressed") == "false"
    # Each of them does something: its key is one that the page knows.
    page.keyboard.press("F1")
    page.wait_for_selector("#sheet-palette[open]")
    page.keyboard.type("details")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet-details[open]")


def choose(page, words):
    """Does what the palette has under these words."""
    page.keyboard.press("Control+k")
    page.wait_for_selector("#sheet-palette[open]")
    page.keyboard.type(words)
    expect(page.locator("#palette-list li:visible")).to_have_count(1)
    page.keyboard.press("Enter")


def test_what_has_no_key_of_its_own_is_done_by_the_palette_too(server, viewer, log):
    page = viewer.log(server, log.id)
    choose(page, "match case")
    expect(page.locator("#query")).to_be_focused()
    expect(page.locator("#matches-case")).to_have_attribute("aria-pressed", "true")
    page.keyboard.type("LINE 1")
    assert found(page) == "0"
    choose(page, "regular expression")
    page.fill("#query", "line 7?77:")
    assert found(page).endswith("2")
    page.keyboard.press("Enter")
    choose(page, "around each match")
    page.wait_for_selector(".row.around:not([hidden])")
    choose(page, "don’t match")
    expect(page.locator("#inverts")).to_have_attribute("aria-pressed", "true")
    choose(page, "end the search")
    expect(page.locator("#query")).to_have_value("")
    choose(page, "check every")
    page.wait_for_selector("#sheet-delivery[open]")
    page.wait_for_selector("#verify", state="hidden")
    assert "all of them, each in its place" in page.inner_text("#delivery-facts")
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        choose(page, "as text")
    assert download.value.suggested_filename == f"{log.id}.log"
    # What can do nothing now isn't offered: this log has ended.
    page.keyboard.press("Control+k")
    page.wait_for_selector("#sheet-palette[open]")
    page.keyboard.type("try now")
    expect(page.locator("#palette-list li:visible")).to_have_count(0)


def test_the_details_of_an_execution_are_said_in_full(server, viewer, log):
    page = viewer.log(server, log.id)
    page.keyboard.press("i")
    page.wait_for_selector("#sheet-details[open]")
    facts = page.inner_text("#details-facts")
    assert "sh -c $'a\\nb'" in facts and log.id in facts and re.search(r"Outcome\s+FAILED, exit code 1", facts)
    assert re.search(r"Log\s+2,001 events", facts)
    # What isn't known isn't said.
    assert not re.search("Host|User|Directory|CPU|memory", facts)


def test_what_a_command_took_and_who_stopped_it_are_said(server, viewer):
    id = server.run("perl", "-e", "$| = 1; my $n = 1.5e8; $_ = 'x' x $n; my $t = times; 1 while times - $t < 0.2; print qq(begun\\n); sleep 600")
    page = viewer.log(server, id)
    place = server.execution(id)
    key = server.create_key("operator", user="ann")
    # Once it has begun: before, its time is its start alone.
    page.wait_for_selector(".row[data-kind=line]:not([hidden])")
    server.delete(f"/api/v1/executions/{id}", key=key)
    expect(page.locator("#status")).to_have_attribute("data-status", "STOPPED")
    expect(page.locator("#facts span").first).to_have_text("by ann")
    page.keyboard.press("i")
    page.wait_for_selector("#sheet-details[open]")
    facts = page.inner_text("#details-facts")
    assert re.search(r"Outcome\s+STOPPED, exit code 143, stopped by ann", facts)
    for name, field in (("Host", "host"), ("User", "host_user"), ("Directory", "working_directory")):
        assert re.search(rf"{name}\s+{re.escape(place[field])}\n", facts)
    assert re.search(r"CPU time\s+[\d.]+ m?s", facts) and re.search(r"Peak memory\s+[1-9]\d\d MB, of its largest process", facts)


def test_keys_of_less_and_of_editors_move_through_a_log(server, viewer, log):
    page = viewer.log(server, log.id)
    page.keyboard.press("<")
    wait_for_row(page, 1)
    page.keyboard.press("Space")
    page.wait_for_function("() => +document.querySelector('.row:not([hidden])').dataset.first > 10")
    top = visible(page)[0]["first"]
    page.keyboard.press("u")
    page.wait_for_function("top => +document.querySelector('#where').textContent.split('–')[0] < top", arg=top)
    page.keyboard.press(">")
    wait_for_row(page, 2_001)
    page.keyboard.press("Control+f")
    page.keyboard.type("line 1000:")
    assert found(page).endswith("1")
    page.keyboard.press("Enter")
    page.locator("#log").focus()
    page.keyboard.press("F3")
    wait_for_row(page, 1_000)


def test_an_end_is_said_by_the_title_and_the_picture_and_a_notification_if_asked_for(server, viewer):
    context = viewer.context(key=server.key)
    context.grant_permissions(["notifications"])
    context.add_init_script("""window.notified = [];
      window.Notification = class { static permission = 'granted'; static requestPermission = async () => 'granted';
        constructor(title, options) { window.notified.push([title, options.body]); } };
      window.hide = () => Object.defineProperty(document, 'hidden', { get: () => true });""")
    pages = {}
    for asks in (False, True):
        log = server.register(command=["make", "all"])
        log.append("hello")
        page = viewer.log(server, log.id, context=context)
        assert page.title() == "make all — Everyline"
        if asks:
            page.keyboard.press("?")
            page.wait_for_selector("#sheet-help[open]")
            page.check("#notify-on")
            page.keyboard.press("Escape")
        icon = page.get_attribute("link[rel=icon]", "href")
        page.evaluate("hide()")
        log.append(end="FAILED")
        page.wait_for_function("() => document.title === '✕ make all — Everyline'")
        assert page.get_attribute("link[rel=icon]", "href") != icon
        pages[asks] = page
    pages[True].wait_for_function("() => window.notified.length === 1")
    assert pages[True].evaluate("window.notified") == [["✕ FAILED", "make all"]]
    assert pages[False].evaluate("window.notified") == []
