"""Moving through a log by the wheel and by touch, and following that yields to it."""

import pytest
from viewer import check_rows, seed, visible, wait_for_row, wait_until_still

TURN = """({ target, ...turn }) => {
  const event = new WheelEvent("wheel", { bubbles: true, cancelable: true, ...turn });
  document.querySelector(target).dispatchEvent(event);
  return event.defaultPrevented; }"""


@pytest.fixture
def page(server, viewer):
    log = server.register()
    seed(log, 2_000)
    page = viewer.log(server, log.id)
    wait_for_row(page, 2_000)
    return page


def turn(page, target="#log", **turn):
    """Turns a wheel over something; gives whether the page took it from the browser."""
    return page.evaluate(TURN, {"target": target, **turn})


def edge(page):
    """Where the view's upper edge stands, in pixels: a line has 20."""
    top = visible(page)[0]
    return top["first"] * 20 + page.locator("#scroller").bounding_box()["y"] - top["top"]


def moved(page, **how):
    before = edge(page)
    assert turn(page, **how)
    wait_until_still(page)
    check_rows(page)
    return edge(page) - before


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_wheel_moves_the_rows_by_what_it_says(page, motion):
    page.emulate_media(reduced_motion=motion)
    height = page.locator("#scroller").bounding_box()["height"]
    assert moved(page, deltaY=-4_000) == -4_000
    assert moved(page, deltaY=3) == 3
    assert moved(page, deltaY=-3, deltaMode=1) == -60
    assert moved(page, deltaY=-1, deltaMode=2) == -height
    assert moved(page, target="#map", deltaY=120) == 120
    # Parts of a pixel count once they are a whole one.
    assert [moved(page, deltaY=0.5) for _ in range(4)] == [0, 1, 0, 1]


def test_what_is_meant_for_the_browser_is_left_to_it(page):
    before = edge(page)
    assert not turn(page, deltaY=-120, ctrlKey=True)
    assert not turn(page, deltaY=-120, shiftKey=True)
    assert not turn(page, deltaX=-120, deltaY=40)
    wait_until_still(page)
    assert edge(page) == before


def test_a_turn_of_the_wheel_ends_where_the_reader_goes_elsewhere(page):
    turn(page, deltaY=-20_000)
    page.keyboard.press("End")
    wait_until_still(page)
    assert page.get_attribute("#follow", "aria-pressed") == "true"
    assert visible(page)[-1]["first"] == 2_000
    turn(page, deltaY=-20_000)
    # The other way: what is left of the first turn is forgotten.
    turn(page, deltaY=40)
    wait_until_still(page)
    assert visible(page)[0]["first"] > 1_000
    turn(page, deltaY=-4_000)
    page.evaluate("() => { location.hash = '#L700' }")
    wait_for_row(page, 700)
    wait_until_still(page)
    assert visible(page)[0]["first"] < 700 < visible(page)[-1]["first"]


def test_a_finger_moves_the_rows(server, viewer):
    log = server.register()
    seed(log, 2_000)
    context = viewer.context(key=server.key, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = viewer.log(server, log.id, context=context)
    wait_for_row(page, 2_000)
    session = context.new_cdp_session(page)
    before = edge(page)
    point = lambda y: [{"x": 200, "y": y}]
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": point(200)})
    for y in range(210, 510, 10):
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": point(y)})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("() => document.querySelector('#follow').getAttribute('aria-pressed') === 'false'")
    wait_until_still(page)
    check_rows(page)
    # The browser keeps some of the way, until it is sure that this is no tap, and adds some when the finger leaves.
    assert -600 < edge(page) - before < -200


def test_following_yields_to_scrolling_and_comes_back(server, viewer):
    log = server.register()
    seed(log, 500)
    page = viewer.log(server, log.id)
    wait_for_row(page, 500)
    page.mouse.move(500, 400)
    page.mouse.wheel(0, -300)
    page.wait_for_function("() => document.querySelector('#follow').getAttribute('aria-pressed') === 'false'")
    wait_until_still(page)
    before = visible(page)[0]
    log.append(*[f"new {n}" for n in range(312)])
    page.wait_for_function("() => document.querySelector('#pill').textContent === '↓ 312 new'")
    assert visible(page)[0]["first"] == before["first"]
    page.click("#pill")
    wait_for_row(page, 812)
    assert not page.is_visible("#pill")
    page.keyboard.press("k")
    assert page.get_attribute("#follow", "aria-pressed") == "false"
    page.keyboard.press("End")
    log.append("last")
    wait_for_row(page, 813)
    # Scrolling down to the end is coming back as well.
    page.mouse.wheel(0, -300)
    wait_until_still(page)
    page.mouse.wheel(0, 3_000)
    page.wait_for_function("() => document.querySelector('#follow').getAttribute('aria-pressed') === 'true'")
