"""Only the lines that match are shown: under their own numbers, live, in a log of any length."""

import json

import pytest
from playwright.sync_api import expect
from viewer import check_rows, found, heap, message, rows, seed, visible, wait_for_row, wait_until_read, wait_until_still


def numbers(page):
    return [row["first"] for row in rows(page)]


def filter_by(page, text):
    page.keyboard.press("&")
    page.fill("#query", text)
    return found(page)


def check_shown(page, expected):
    """That what is drawn are consecutive ones of the expected lines, each where the one before it ends."""
    drawn = rows(page)
    firsts = [row["first"] for row in drawn]
    at = expected.index(firsts[0])
    assert firsts == expected[at:at + len(firsts)], firsts
    assert all(message(row["first"]) in row["text"] for row in drawn)
    for before, row in zip(drawn, drawn[1:]):
        assert abs(row["top"] - before["top"] - before["height"]) < 0.6, (before, row)
    return firsts


@pytest.fixture(scope="module")
def log(server):
    log = server.register()
    seed(log, 20_000, message_of=lambda n: f"{message(n)} {'wanted' if n % 37 == 5 else ''}")
    log.append(end="SUCCEEDED")
    return log


def test_only_matching_lines_are_shown_under_their_own_numbers(server, viewer, log):
    page = viewer.log(server, log.id)
    expected = [n for n in range(1, 20_001) if n % 37 == 5]
    assert filter_by(page, "wanted").endswith("541")
    page.keyboard.press("Enter")
    page.locator("#log").focus()
    page.keyboard.press("Home")
    wait_for_row(page, 5)
    seen = []
    while not seen or seen[-1] != expected[-1]:
        wait_until_still(page)
        wait_until_read(page)
        shown = check_shown(page, expected)
        assert not seen or shown[0] <= seen[-1]
        seen += [n for n in shown if not seen or n > seen[-1]]
        page.keyboard.press("Space")
    assert seen == expected
    assert page.inner_text("#where").startswith(f"{visible(page)[0]['first']:,}–19,9")


def test_the_others_and_those_around_are_shown_too(server, viewer, log):
    page = viewer.log(server, log.id)
    filter_by(page, "wanted")
    page.click("#around")
    around = [n for n in range(1, 20_001) if n % 37 in (4, 5, 6)]
    page.locator("#log").focus()
    page.keyboard.press("Home")
    wait_for_row(page, 5)
    wait_until_read(page)
    check_shown(page, around)
    assert [row["first"] for row in rows(page) if "around" not in row["classes"]][:2] == [5, 42]
    page.click("#inverts")
    found(page)
    for _ in range(3):
        page.click("#around")
    page.locator("#log").focus()
    page.keyboard.press("Home")
    wait_for_row(page, 1)
    wait_until_read(page)
    assert page.inner_text("#around") == "±0"
    check_shown(page, [n for n in range(1, 20_002) if n % 37 != 5])


def test_a_click_on_a_number_shows_the_line_in_its_place(server, viewer, log):
    page = viewer.log(server, log.id)
    filter_by(page, "line 10026:")
    wait_for_row(page, 10_026)
    assert numbers(page) == [10_026]
    page.click(".row[data-first='10026'] .number")
    wait_for_row(page, 10_030)
    assert page.get_attribute("#filters", "aria-pressed") == "false"
    check_rows(page)
    assert page.evaluate("location.hash") == "#L10026"
    assert "current" in next(row for row in rows(page) if row["first"] == 10_026)["classes"]


def test_a_filter_goes_on_with_the_log(server, viewer):
    log = server.register()
    seed(log, 100)
    page = viewer.log(server, log.id)
    filter_by(page, "wanted")
    page.wait_for_selector("#empty:not([hidden])")
    assert page.inner_text("#empty") == "No line matches."
    for n in range(101, 400):
        log.append(f"{message(n)} {'wanted' if n % 7 == 0 else ''}")
    wait_for_row(page, 399)
    page.wait_for_function("() => [...document.querySelectorAll('.row:not([hidden])')].at(-1)?.dataset.first === '399'")
    check_shown(page, [n for n in range(101, 400) if n % 7 == 0])
    assert not page.is_visible("#empty")
    page.keyboard.press("Escape")
    wait_for_row(page, 398)
    check_rows(page)


def test_what_is_copied_is_what_is_shown(server, viewer, log):
    page = viewer.log(server, log.id)
    filter_by(page, "wanted")
    page.locator("#log").focus()
    page.keyboard.press("Control+a")
    expect(page.locator("#selected")).to_have_text("Text of lines 5–19985 (541 events)")
    page.keyboard.press("Control+c")
    page.wait_for_function("() => document.querySelector('#announcement').textContent === '541 lines copied'")
    copied = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert copied == [f"{message(n)} wanted" for n in range(1, 20_001) if n % 37 == 5]


def test_a_line_that_was_cut_is_one_row_of_a_filter(server, viewer):
    log = server.register()
    log.append_raw("".join(json.dumps({"timestamp": 1_800_000_000_000, **e}) + "\n" for e in [
        {"message": "nothing"}, {"message": "wan", "partial": True}, {"message": "ted", "partial": True},
        {"message": "!"}, {"message": "nothing"}]))
    page = viewer.log(server, log.id)
    filter_by(page, "wanted")
    wait_for_row(page, 4)
    assert [(row["first"], row["last"], row["text"]) for row in rows(page)] == [(2, 4, "wanted!")]


def test_lines_around_a_match_are_shown_whole_and_once(server, viewer):
    log = server.register()
    cut = lambda letter, count: [{"message": letter * 10, "partial": True}] * (count - 1) + [{"message": letter}]
    log.append_raw("".join(json.dumps({"timestamp": 1_800_000_000_000, **e}) + "\n" for e in [
        {"message": "first"}, *cut("a", 2), *cut("b", 3), {"message": "needle"}, *cut("c", 2), {"message": "last"}]))
    page = viewer.log(server, log.id)
    filter_by(page, "needle")
    for around, shown in ((1, [(4, 6), (7, 7), (8, 9)]), (3, [(1, 1), (2, 3), (4, 6), (7, 7), (8, 9), (10, 10)])):
        page.click("#around")
        expect(page.locator("#around")).to_have_text(f"±{around}")
        expect(page.locator(".row:not([hidden])")).to_have_count(len(shown))
        found = rows(page)
        # The first one stands for what the filter hides before it too, each of them for what it hides behind.
        assert [row["first"] for row in found] == [first for first, _ in shown]
        assert found[-2]["text"] == "ccccccccccc" if around == 3 else found[-1]["text"] == "ccccccccccc"
        assert next(row["text"] for row in found if row["first"] == 4) == "b" * 21


def test_a_number_that_is_clicked_takes_the_keys(server, viewer, log):
    """What is typed next is for the line, not for the field that was typed in before."""
    page = viewer.log(server, log.id)
    filter_by(page, "wanted")
    page.locator(".row:not([hidden]) .number").first.click()
    page.keyboard.press("c")
    page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('wanted')")
    assert page.input_value("#query") == "wanted"


def test_a_filter_says_that_nothing_matches_once_it_knows(server, viewer):
    log = server.register()
    log.append(*["ok line"] * 300, "a" * 40 + "b", *["aaa end"] * 300, end="SUCCEEDED")
    page = viewer.log(server, log.id)
    page.evaluate("""() => {
      window.said = new Set();
      new MutationObserver(() => { const place = document.querySelector('#empty'); if (!place.hidden) window.said.add(place.textContent); })
        .observe(document.querySelector('#empty'), { childList: true, characterData: true, subtree: true, attributes: true }); }""")
    page.keyboard.press("&")
    page.keyboard.press("Alt+r")
    page.fill("#query", "(a+)+$|end")
    page.wait_for_function("() => document.querySelector('#found').textContent.includes('takes too long')")
    assert page.inner_text("#empty") == "Nothing was found before the search was given up."
    assert "No line matches." not in page.evaluate("[...window.said]")
