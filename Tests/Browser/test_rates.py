"""The strip of rates: how many lines came when, silence, a click to a time, a drag to what lies between two."""

import re

import pytest
from everyline import wait_for
from playwright.sync_api import expect
from viewer import message, seed, visible, wait_for_row, wait_until_read

START = 1_760_000_000_000


def time_of(n):
    """Lines 1 to 10,000 come in a hundred seconds; nothing for a hundred; then 100 lines a second for another hundred."""
    return START + (n * 10 if n <= 10_000 else 100_000 + n * 10)


@pytest.fixture(scope="module")
def log(server):
    log = server.register()
    seed(log, 20_000, time_of=time_of)
    log.append_raw('{"timestamp":%d,"type":"end","status":"SUCCEEDED"}\n' % time_of(20_001))
    return log


def open_strip(page):
    page.keyboard.press("p")
    page.wait_for_selector(".rates canvas")
    expect(page.locator(".rates canvas")).to_have_attribute("aria-valuemax", re.compile(r"^[1-9]\d+$"))
    return page.locator(".rates canvas").bounding_box()


def at(box, share):
    return box["x"] + box["width"] / 2, box["y"] + box["height"] * share


def wait_for_said(page, box, share, pattern):
    """Until the strip says this of what is under the pointer there."""
    def is_said():
        page.mouse.move(box["x"] - 200, box["y"] + 5)
        page.mouse.move(*at(box, share))
        return re.search(pattern, page.get_attribute(".rates canvas", "title") or "")
    wait_for(is_said)


def wait_for_first(page, low, high):
    page.wait_for_function(
        "([low, high]) => { const at = +document.querySelector('#where').textContent.split('–')[0].replace(/,/g, '');"
        "return at >= low && at <= high; }", arg=[low, high])


def test_rates_and_silence_are_told_and_a_click_goes_to_a_time(server, viewer, log):
    page = viewer.log(server, log.id)
    box = open_strip(page)
    # Three hundred seconds in parts of 4.096 s each.
    for share, pattern in ((0.1, r"4\.1 s: (409|410) events"), (0.5, r"4\.1 s: silence"), (0.9, r"4\.1 s: (409|410) events")):
        wait_for_said(page, box, share, pattern)
    page.mouse.click(*at(box, 0.1))
    wait_for_first(page, 2_500, 3_700)
    # In silence it goes to what comes behind it.
    page.mouse.click(*at(box, 0.5))
    wait_for_first(page, 10_001, 10_001)
    wait_for_row(page, 10_001)
    wait_until_read(page)
    assert visible(page)[0]["text"] == message(10_001)


def test_a_drag_shows_only_that_time_and_the_button_all_of_it(server, viewer, log):
    page = viewer.log(server, log.id)
    box = open_strip(page)
    page.mouse.move(*at(box, 0.1))
    page.mouse.down()
    page.mouse.move(*at(box, 0.15))
    page.mouse.move(*at(box, 0.2))
    page.mouse.up()
    wait_for_first(page, 2_500, 3_700)
    whole = page.locator(".rates button")
    expect(whole).to_be_visible()
    wait_for_said(page, box, 0.5, r"256 ms: 2[56] events")
    whole.click()
    expect(whole).to_be_hidden()
    # By keys too.
    canvas = page.locator(".rates canvas")
    expect(canvas).to_be_focused()
    page.keyboard.press("PageDown")
    wait_for_first(page, 3_900, 4_300)
    expect(canvas).to_have_attribute("aria-valuenow", "11")


def test_the_strip_stays_open_and_grows_with_the_log(server, viewer):
    log = server.register()
    log.append("first")
    context = viewer.context(key=server.key)
    page = viewer.log(server, log.id, context=context)
    page.keyboard.press("p")
    page.wait_for_selector(".rates canvas")
    again = viewer.log(server, log.id, context=context)
    again.wait_for_selector(".rates canvas")
    before = int(again.get_attribute(".rates canvas", "aria-valuemax"))
    log.append("second", end="SUCCEEDED")
    again.wait_for_function("before => +document.querySelector('.rates canvas').getAttribute('aria-valuemax') !== before", arg=before)
    again.keyboard.press("p")
    again.wait_for_selector(".rates", state="detached")
    last = viewer.log(server, log.id, context=context)
    assert last.locator(".rates").count() == 0


def test_where_a_clock_was_set_back_all_lines_are_counted(server, viewer):
    log = server.register()
    seed(log, 1_000, time_of=lambda n: START + (7_200_000 if n <= 49 else 0) + n * 10)
    log.append_raw('{"timestamp":%d,"type":"end","status":"SUCCEEDED"}\n' % (START + 20_000))
    page = viewer.log(server, log.id)
    page.keyboard.press("p")
    page.wait_for_selector(".rates canvas")
    # All of them stand at the first time, which is the latest.
    expect(page.locator(".rates canvas")).to_have_attribute("aria-valuetext", re.compile(": 1,001 events$"))
    expect(page.locator(".rates canvas")).to_have_attribute("aria-valuemax", "1")
