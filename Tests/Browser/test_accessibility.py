"""Held against axe-core, and against what axe can't see."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from viewer import PHONE, search, seed, wait_for_row, wait_for_words, wait_until_still


@pytest.fixture(scope="module")
def log(server):
    """Every look that a line can have."""
    log = server.register()
    log.append("plain", "".join(f"\x1b[{n}mlook {n} \x1b[0m" for n in (1, 2, 3, 4, 7, 9)))
    log.append(*["".join(f"\x1b[{n}m colour {n} \x1b[0m" for n in codes)
                 for codes in (range(30, 38), range(90, 98), range(40, 48), range(100, 108))])
    # What a program chose for another ground, on its own grounds and inverted.
    log.append(*["".join(f"\x1b[{fg};{bg}m{fg};{bg}" for fg in (30, 31, 34, 37, 90, 97)) + "\x1b[0m"
                 for bg in (40, 41, 43, 44, 47, 103, 7, "7;1", "48;5;18", "48;5;226")])
    log.append("\x1b[1;30mbold\x1b[0m \x1b[7;41minverse\x1b[0m \x1b[2;31mdim\x1b[0m")
    log.append(*["".join(f"\x1b[38;5;{n}m{n} \x1b[0m" for n in range(k, k + 20)) for k in range(16, 256, 20)])
    log.append("\x1b]8;;https://example.com\x07a link\x1b]8;;\x07", "x" * 20_000)
    log.append("on stderr", stream="stderr")
    return log


def check(page):
    violations = Axe().run(page).response["violations"]
    assert violations == [], [
        (v["id"], [(node["target"], node.get("failureSummary", "")[:300]) for node in v["nodes"][:5]])
        for v in violations]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("where", ["desk", "phone"])
def test_no_page_has_a_barrier(server, viewer, log, theme, where):
    options = {"theme": theme, "key": server.key, **(PHONE if where == "phone" else {})}
    page = viewer.log(server, log.id, **options)
    wait_for_words(page, "^Live$")
    check(page)
    page.keyboard.press("t")
    search(page, "colour")
    page.locator("#log").focus()
    page.keyboard.press("v")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".row.selected:not([hidden])")).to_have_count(2)
    check(page)
    page.click("#filters")
    page.click("#around")
    page.wait_for_selector(".row.around:not([hidden])")
    check(page)
    page.click("#filters")
    for key, name in (("?", "help"), ("g", "goto"), ("d", "download"), ("s", "stop"), ("i", "details"), (":", "palette")):
        page.keyboard.press(key)
        page.wait_for_selector(f"#sheet-{name}[open]")
        check(page)
        page.keyboard.press("Escape")
    page.click("#delivery")
    page.wait_for_selector("#sheet-delivery[open]")
    check(page)
    page = viewer.page(server.url + "/", **options)
    page.wait_for_selector("#list tr")
    check(page)
    page.click("#run")
    check(page)
    page = viewer.page(server.url + "/", theme=theme)
    page.wait_for_selector("dialog.sign-in")
    check(page)


def test_rows_are_never_announced_and_one_place_says_what_matters(server, viewer):
    log = server.register()
    seed(log, 300)
    page = viewer.log(server, log.id)
    live = "elements => elements.map((e) => [e.id, e.getAttribute('aria-live') ?? e.getAttribute('role')])"
    found = page.eval_on_selector_all("[aria-live], [role=status], [role=log]", live)
    assert found == [["found", "off"], ["log", "off"], ["announcement", "status"]]
    wait_for_words(page, "^Live$")
    assert page.inner_text("#announcement") == "Live"
    page.keyboard.press("PageUp")
    page.wait_for_selector("#pill:not([hidden])")
    wait_until_still(page)
    assert page.inner_text("#announcement") == "Live"


def test_a_search_says_its_count_once_and_counts_nothing_aloud(server, viewer):
    log = server.register()
    seed(log, 40_000)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    page.evaluate("""() => {
      window.said = [];
      const place = document.querySelector('#announcement');
      new MutationObserver(() => window.said.push(place.textContent))
        .observe(place, { childList: true, characterData: true, subtree: true });
    }""")
    search(page, "line 39")
    wait_for_words(page, "^Complete: every line received$")
    page.wait_for_function("() => window.said.length >= 2")
    # Nothing else is said until something else is done.
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.wait_for_function("() => window.said.at(-1) === 'Long lines are wrapped'")
    assert sorted(page.evaluate("window.said.slice(0, -1)")) == ["1,111 results", "Succeeded. Complete: every line received"]


def test_an_end_is_said_with_its_outcome_and_once(server, viewer):
    log = server.register()
    seed(log, 30)
    page = viewer.log(server, log.id)
    wait_for_words(page, "^Live$")
    page.evaluate("""() => {
      window.said = [];
      const place = document.querySelector('#announcement');
      new MutationObserver(() => window.said.push(place.textContent))
        .observe(place, { childList: true, characterData: true, subtree: true });
    }""")
    log.append(end="FAILED")
    expect(page.locator("#announcement")).to_have_text("Failed · exit 1. Complete: every line received")
    wait_for_words(page, "^Complete: every line received$")
    assert page.evaluate("window.said") == ["Failed · exit 1. Complete: every line received"]


def test_in_forced_colours_the_strips_tell_what_they_mark_apart(server, viewer):
    log = server.register()
    seed(log, 5_000)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L2000-L2600", forced_colors="active")
    wait_for_row(page, 2_000)
    search(page, "line 44")
    page.locator("#log").focus()
    colours = """() => { const canvas = document.querySelector('#map'); const seen = new Set();
      const { data } = canvas.getContext('2d').getImageData(8, 0, 1, canvas.height);
      for (let at = 0; at < data.length; at += 4) seen.add(data.slice(at, at + 4).join());
      return seen.size; }"""
    # Nothing, what is in view, what is selected, and what was found.
    page.wait_for_function(f"() => ({colours})() >= 4")


def test_in_forced_colours_all_of_a_selected_row_is_in_the_colours_of_what_is_selected(server, viewer):
    log = server.register()
    log.append("\x1b[31;42mred on green\x1b[0m and \x1b[1;38;2;10;20;30mdark\x1b[0m, see https://example.com", end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L1", forced_colors="active")
    page.keyboard.press("t")
    page.wait_for_selector(".row.selected .time:not(:empty)")
    looks = page.evaluate("""() => [...document.querySelectorAll('.row.selected :is(.text, .text *, .number, .time)')].map((element) => {
      const { color, backgroundColor } = getComputedStyle(element); return [color, backgroundColor]; })""")
    probe = """(colour) => { const probe = document.createElement('i'); probe.style.cssText = `forced-color-adjust: none; color: ${colour}`;
      document.body.append(probe); const { color } = getComputedStyle(probe); probe.remove(); return color; }"""
    assert len(looks) >= 6 and {color for color, _ in looks} == {page.evaluate(probe, "HighlightText")}
    assert {ground for _, ground in looks} == {page.evaluate(probe, "Highlight"), "rgba(0, 0, 0, 0)"}


def test_in_forced_colours_what_only_a_colour_says_is_said_otherwise(server, viewer):
    log = server.register()
    log.append_raw("".join(json.dumps({"timestamp": n, "message": "found", "stream": stream}) + "\n"
                           for n, stream in enumerate(("stderr", "stdout"), 1)))
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L1", forced_colors="active")
    look = """([selector, name, pseudo]) => getComputedStyle(document.querySelector(selector), pseudo)[name]"""
    # That a selected line was written to stderr, which of the matches is the one, how the log comes, where a sheet ends.
    text = page.evaluate(look, [".row.selected .text", "color", None])
    assert page.evaluate(look, [".row.selected .number", "color", "::before"]) == text
    assert search(page, "found") in ("2", "1 of 2", "2 of 2")
    page.keyboard.press("Enter")
    page.wait_for_selector(".row.current mark")
    outlines = page.eval_on_selector_all("mark", "marks => marks.map((mark) => getComputedStyle(mark).outlineStyle)")
    assert sorted(outlines) == ["none", "solid"]
    assert page.evaluate(look, [".delivery i", "borderTopStyle", None]) == "solid"
    page.locator("#log").focus()
    page.keyboard.press(":")
    page.wait_for_selector("#sheet-palette[open]")
    edge, ground = (page.evaluate(look, ["#sheet-palette", name, None]) for name in ("borderTopColor", "backgroundColor"))
    assert edge != ground


def test_what_has_the_focus_does_not_vanish_under_it(server, viewer):
    page = viewer.log(server, server.run("sh", "-c", "echo hello; sleep 600"))
    focused = "document.activeElement.id"
    for press in ("#deselect", "#copy"):
        page.keyboard.press("v")
        page.focus(press)
        page.keyboard.press("Enter" if press == "#deselect" else "Escape")
        page.wait_for_selector("#selection", state="hidden")
        assert page.evaluate(focused) == "log"
    page.focus("#stop")
    page.keyboard.press("Enter")
    page.wait_for_selector("#sheet-stop[open]")
    page.click("#stop-form button.main")
    page.wait_for_selector("#stop", state="hidden")
    assert page.evaluate(focused) == "log"


@pytest.mark.parametrize("width", [360, 768, 961, 1280])
def test_no_page_is_wider_than_its_screen(server, viewer, log, width):
    for path in ("/", f"/executions/{log.id}"):
        page = viewer.page(server.url + path, key=server.key, viewport={"width": width, "height": 740})
        page.wait_for_selector("#list tr, .row:not([hidden])")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Nothing of the log's bar is cut off or squeezed to nothing.
    stop, command = page.locator("#stop").bounding_box(), page.locator("#command").bounding_box()
    assert stop["x"] + stop["width"] <= width and command["width"] > 150


def test_everything_on_a_log_can_be_reached_by_tab(server, viewer, log):
    page = viewer.log(server, log.id)
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    tools = {"follow", "wrap", "time", "goto", "download", "theme", "help", "stop"}
    assert tools | {"query", "log", "map", "delivery"} <= reached


def test_who_wants_no_motion_gets_none(server, viewer, log):
    page = viewer.log(server, log.id, reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_theme_follows_the_system_until_one_is_chosen(server, viewer, log):
    page = viewer.log(server, log.id, theme="system", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert dark != light
    page.keyboard.press("T")
    page.keyboard.press("T")
    assert page.evaluate(ground) == dark
    page.reload()
    assert page.evaluate(ground) == dark
