"""A log on a phone: what a finger does, and what fits on the screen."""

import pytest
from playwright.sync_api import expect
from viewer import PHONE, found, seed, wait_for_row, wait_until_still


@pytest.fixture
def page(server, viewer):
    log = server.register()
    seed(log, 2_000)
    page = viewer.log(server, log.id, **PHONE)
    wait_for_row(page, 2_000)
    return page


def swipe(page, x, y, down):
    """A finger that goes down the screen, which moves the lines with it."""
    session = page.context.new_cdp_session(page)
    touch = lambda type, *points: session.send("Input.dispatchTouchEvent", {"type": type, "touchPoints": [*points]})
    touch("touchStart", {"x": x, "y": y})
    for step in range(1, 11):
        touch("touchMove", {"x": x, "y": y + down * step / 10})
    touch("touchEnd")
    session.detach()


def test_all_of_a_search_fits_on_the_screen(page):
    page.tap("#open-search")
    page.fill("#query", "line 19")
    found(page)
    for id in ("query", "found", "matches-case", "is-regex", "previous", "next", "close-search"):
        box = page.locator(f"#{id}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360, id
    assert page.locator("#query").bounding_box()["width"] > 200
    page.tap("#next")
    page.wait_for_selector(".row.current mark")
    page.tap("#close-search")
    assert page.is_visible("#open-search") and not page.is_visible("#query")


def test_a_finger_on_the_numbers_scrolls_or_chooses(page):
    numbers = page.locator(".row:not([hidden]) .number")
    box = numbers.nth(10).bounding_box()
    swipe(page, box["x"] + box["width"] / 2, box["y"] + 5, 200)
    page.wait_for_function("() => document.querySelector('#follow').getAttribute('aria-pressed') === 'false'")
    assert not page.is_visible("#selection") and page.evaluate("location.hash") == ""
    # The rows go on for a while after the finger is lifted.
    wait_until_still(page)
    first, last = (int(numbers.nth(n).inner_text()) for n in (8, 12))
    page.locator(f".row[data-first='{first}'] .number").tap()
    expect(page.locator("#selected")).to_have_text(f"Line {first}")
    page.locator(f".row[data-first='{last}'] .number").tap()
    expect(page.locator("#selected")).to_have_text(f"Lines {first}–{last} (5 events)")
    box = page.locator("#selection").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360


def test_what_has_no_button_is_found_by_a_finger_too(page):
    page.tap("#help")
    page.tap("#open-palette")
    expect(page.locator("#sheet-help")).to_be_hidden()
    page.tap("#palette-list >> text=Details of the execution")
    expect(page.locator("#details-facts")).to_contain_text("Owner")
    box = page.locator("#sheet-details").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
