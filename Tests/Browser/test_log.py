"""A log's page: a million lines, searching, places, times, selecting and copying."""

import json
import re
import time

import pytest
from playwright.sync_api import expect
from viewer import (
    check_rows, elements, found, heap, next_frame, rows, search, seed, texts, visible, wait_for_row, wait_for_words,
    wait_until_read, wait_until_still, words)

MILLION = 1_000_000
START = 1_760_000_000_000


@pytest.fixture(scope="module")
def million(server):
    """A log of a million lines that has ended: one every 10 ms, with a minute of silence before line 500,001."""
    log = server.register()
    seed(log, MILLION, time_of=lambda n: START + n * 10 + (60_000 if n > 500_000 else 0),
         message_of=lambda n: f"\x1b[3{n % 8}mline\x1b[0m {n} of {MILLION}: {'needle' if n % 50_000 == 7 else n * 79}")
    log.append(end="SUCCEEDED")
    return log


def test_a_million_lines_cost_no_more_than_a_screen(server, viewer, million):
    page = viewer.log(server, million.id)
    wait_for_row(page, MILLION + 1)
    assert visible(page)[-1]["kind"] == "end"
    dom = elements(page)
    page.mouse.move(500, 400)
    for _ in range(100):
        page.mouse.wheel(0, -4_000)
        next_frame(page)
    wait_until_read(page)
    check_rows(page)
    box = page.locator("#map").bounding_box()
    x, low, high = box["x"] + 8, box["y"] + 2, box["y"] + box["height"] - 4
    page.mouse.move(x, high)
    page.mouse.down()
    for step in range(0, 100):
        page.mouse.move(x, high - (high - low) * step / 99)
        next_frame(page)
    page.mouse.up()
    wait_for_row(page, 1)
    assert visible(page)[0]["first"] == 1
    for place in range(1, 20):
        page.evaluate("hash => { location.hash = hash }", f"#L{place * 50_000}")
        wait_for_row(page, place * 50_000)
        wait_until_read(page)
        row = next(r for r in check_rows(page) if r["first"] == place * 50_000)
        assert row["text"].startswith(f"line {place * 50_000} of")
    assert elements(page) <= dom + 150
    assert page.evaluate("document.querySelectorAll('.row').length") < 60
    assert heap(page) < 80 << 20


def test_a_search_goes_over_all_lines_and_counts_truly(server, viewer, million):
    page = viewer.log(server, million.id)
    assert search(page, "NEEDLE") == "20 of 20"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('#found').textContent.startsWith('1 of 20')")
    wait_for_row(page, 7)
    assert "needle" in page.inner_text(".row.current mark")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.click("#is-regex")
    page.fill("#query", r"^line \d*77777 of")
    expected = sum(1 for n in range(1, MILLION + 1) if n % 100_000 == 77_777)
    assert re.fullmatch(rf"(\d+ of )?{expected}", found(page))
    page.fill("#query", "(")
    page.wait_for_function("() => document.querySelector('#found').textContent === 'not an expression'")
    assert page.get_attribute("#query", "aria-invalid") == "true"


def test_n_and_shift_n_walk_the_matches_round(server, viewer):
    log = server.register()
    seed(log, 5_000, message_of=lambda n: f"line {n}" + (" match" if n in (10, 2_500, 4_900) else ""))
    page = viewer.log(server, log.id, "#L1")
    assert search(page, "match") in ("3", "1 of 3")
    page.locator("#log").focus()
    for key, line in [("n", 2_500), ("n", 4_900), ("n", 10), ("N", 4_900), ("N", 2_500)]:
        page.keyboard.press(key)
        expect(page.locator(".row.current:not([hidden])")).to_have_attribute("data-first", str(line))
    # What comes later is searched as well.
    log.append("another match")
    page.wait_for_function("() => document.querySelector('#found').textContent.endsWith('of 4')")


def test_an_expression_that_takes_for_ever_is_given_up(server, viewer):
    log = server.register()
    log.append("a" * 40 + "!", *["x"] * 10)
    page = viewer.log(server, log.id)
    page.keyboard.press("/")
    page.click("#is-regex")
    page.fill("#query", "(a+)+$")
    page.wait_for_function("() => document.querySelector('#found').textContent.includes('takes too long')")
    page.fill("#query", "x")
    assert found(page).endswith("10")


def test_an_expression_freezes_no_page_however_it_matches(server, viewer):
    log = server.register()
    log.append("x " + "a" * 40 + "!", *["an 😀 in it"] * 10)
    page = viewer.log(server, log.id)
    page.keyboard.press("/")
    page.click("#is-regex")
    # It matches nothing, between the two halves of a character as well.
    page.fill("#query", "😀?z*")
    assert found(page).endswith("11")
    assert page.locator(".row:not([hidden]) mark").count() == 10
    # It matches at once, and then takes for ever to match once more.
    page.fill("#query", "x|(a+)+$")
    page.wait_for_function("() => document.querySelector('#found').textContent.includes('takes too long')")


def test_a_match_is_brought_into_view_wherever_it_is_in_its_line(server, viewer):
    log = server.register()
    log.append(*["word " * 1_500 + f"needle {n}" + " word" * 20 for n in range(3)], "a needle", *["x"] * 100)
    page = viewer.log(server, log.id, "#L1")
    seen = """() => { const [mark, log] = ['.row.current mark', '#log'].map((name) =>
      document.querySelector(name).getBoundingClientRect());
      return mark.left > log.left + 40 && mark.right < log.right && mark.top >= log.top && mark.bottom <= log.bottom; }"""
    search(page, "needle")
    for wraps in (False, True):
        for _ in range(3):
            page.keyboard.press("Enter")
            page.wait_for_function(seen)
        # The short line begins at its beginning.
        page.wait_for_function("() => document.querySelector('#log').scrollLeft === 0")
        page.click("#wrap")
        page.focus("#query")


def test_a_permalink_shows_its_lines_also_after_a_reload(server, viewer, million):
    page = viewer.log(server, million.id, "#L123456-L123460")
    wait_for_row(page, 123_456)

    def check():
        selected = [row for row in visible(page) if "selected" in row["classes"]]
        assert [row["first"] for row in selected] == list(range(123_456, 123_461))
        expect(page.locator("#selected")).to_have_text("Lines 123456–123460 (5 events)")

    check()
    page.reload()
    wait_for_row(page, 123_456)
    check()
    page.locator(".row[data-first='123458'] .number").click()
    assert page.evaluate("location.hash") == "#L123458"
    page.locator(".row[data-first='123462'] .number").click(modifiers=["Shift"])
    assert page.evaluate("location.hash") == "#L123458-L123462"
    page.reload()
    wait_for_row(page, 123_458)
    expect(page.locator("#selected")).to_have_text("Lines 123458–123462 (5 events)")
    page.keyboard.press("l")
    page.wait_for_function("() => document.querySelector('#announcement').textContent === 'Link copied'")
    assert page.evaluate("navigator.clipboard.readText()") == f"{server.url}/executions/{million.id}#L123458-L123462"


SET, MAGENTA = 12, "\x1b[35m"


def check_looks(page, *offsets):
    for offset in offsets:
        wait_for_row(page, offset)
        page.wait_for_function(
            """([offset, colour]) => (document.querySelector(`.row:not([hidden])[data-first='${offset}'] .text > span`)?.style.color
               ?? "") === colour""", arg=[offset, "var(--c5)" if offset >= SET else ""])


@pytest.mark.parametrize("has_ended", [True, False])
def test_a_colour_that_was_set_long_before_a_jump_is_right(server, viewer, has_ended):
    count = 18_000
    log = server.register()
    seed(log, count, portion=3_000, message_of=lambda n:
         f"{MAGENTA if n == SET else ''}line {n}{' needle' if n % 6_000 == 7 else ''}")
    if has_ended:
        log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    check_looks(page, count - 3)
    page.keyboard.press("Home")
    check_looks(page, SET - 1, SET)
    page.keyboard.press("Control+End")
    check_looks(page, count)

    # Each of them in a page that has seen nothing yet.
    page = viewer.log(server, log.id, "#L9000")
    check_looks(page, 9_000)
    page = viewer.log(server, log.id)
    box = page.locator("#map").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 3)
    page.wait_for_function("() => +document.querySelector('.row:not([hidden])').dataset.first < 9000")
    wait_until_still(page)
    wait_until_read(page)
    check_looks(page, visible(page)[3]["first"])
    page = viewer.log(server, log.id)
    search(page, "needle")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector(".row.current")
    check_looks(page, *[row["first"] for row in visible(page)[2:6]])
    page = viewer.log(server, log.id)
    page.keyboard.press("&")
    page.fill("#query", "needle")
    found(page)
    page.keyboard.press("Enter")
    check_looks(page, 7, 6_007, 12_007)
    page.click(".row[data-first='6007'] .number")
    check_looks(page, 6_006, 6_007, 6_008)


def test_a_link_to_lines_that_are_not_there_says_so(server, viewer):
    log = server.register()
    seed(log, 10)
    page = viewer.log(server, log.id, "#L12")
    expect(page.locator("#selected")).to_have_text("Line 12: not there yet")
    page.keyboard.press("c")
    page.evaluate("location.hash = '#L9-L12'")
    page.wait_for_function("() => document.querySelector('#selected').textContent.startsWith('Lines 9')")
    page.keyboard.press("c")
    page.wait_for_function("() => document.querySelector('#announcement').textContent === '2 lines copied'")
    page.evaluate("location.hash = ''")
    page.wait_for_selector("#selection", state="hidden")


def test_a_time_and_a_line_can_be_gone_to(server, viewer, million):
    page = viewer.log(server, million.id, timezone_id="UTC")
    # A whole second, and the first line that isn't older.
    second = START // 1000 + 5_000
    places = {
        "750,000": 750_000,
        time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second)): -(-(second * 1000 - START) // 10)}
    for typed, line in places.items():
        page.keyboard.press("g")
        page.wait_for_selector("#sheet-goto[open]")
        page.fill("#place", typed)
        page.keyboard.press("Enter")
        page.wait_for_selector("#sheet-goto", state="hidden")
        wait_for_row(page, line)
        assert int(page.get_attribute(".row.current", "data-first")) == line
    page.keyboard.press("g")
    page.fill("#place", "yesterday")
    page.keyboard.press("Enter")
    assert page.inner_text("#place-trouble") == "That is neither a line nor a time."


def test_a_running_log_can_be_gone_through_by_time_and_line_too(server, viewer):
    log = server.register()
    seed(log, 30_000, time_of=lambda n: START + n * 1_000)
    page = viewer.log(server, log.id, timezone_id="UTC")
    page.keyboard.press("Home")
    wait_for_row(page, 1)
    wait_until_read(page)
    check_rows(page)
    page.keyboard.press("g")
    page.fill("#place", time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(START / 1000 + 12_345)))
    page.keyboard.press("Enter")
    wait_for_row(page, 12_345)
    assert int(page.get_attribute(".row.current", "data-first")) == 12_345


def test_silence_has_a_divider(server, viewer, million):
    page = viewer.log(server, million.id, "#L500000")
    wait_for_row(page, 500_001)
    assert page.inner_text(".row[data-first='500001'] .pause") == "1 min 00 s of silence"
    assert page.locator(".pause:not([hidden])").count() == 1
    check_rows(page)


def test_times_are_shown_in_each_way(server, viewer):
    log = server.register()
    log.append_raw(json.dumps({"timestamp": START, "message": "x"}) + "\n")
    page = viewer.log(server, log.id, timezone_id="Asia/Kolkata")
    # The line is of another day than the execution.
    utc = time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(START / 1000))
    local = time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(START / 1000 + 19_800))
    for shown in (local, utc, re.compile("^−")):
        page.keyboard.press("t")
        expect(page.locator(".row .time").first).to_have_text(shown)
    page.keyboard.press("t")
    expect(page.locator(".row .time").first).to_be_hidden()


def test_text_stands_in_the_order_that_it_was_written_in(server, viewer):
    log = server.register()
    written = ["path/\u05d0\u05d1/12/34/end.txt", "\u0627\u0644\u0639 12 (3) x", "plain"]
    log.append(*written, "rlm \u200f12 34\u200f x", end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 5)
    for _ in range(2):
        for row, text in enumerate(written + ["rlm 12 34 x"]):
            lefts = page.evaluate("""row => {
              const text = document.querySelectorAll('.row:not([hidden]) .text')[row];
              const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT), lefts = [];
              for (let node; (node = walker.nextNode());) for (let i = 0; i < node.length; i++) {
                const range = document.createRange();
                range.setStart(node, i);
                range.setEnd(node, i + 1);
                lefts.push(range.getBoundingClientRect().left);
              }
              return lefts; }""", row)
            assert len(lefts) == len(text) and lefts == sorted(lefts), text
        # The same where some of it is marked.
        search(page, "1")


def test_long_lines_are_wrapped_and_unwrapped(server, viewer):
    log = server.register()
    seed(log, 300, message_of=lambda n: f"{n} " + "word " * (n % 90))
    page = viewer.log(server, log.id)
    check_rows(page)
    page.keyboard.press("w")
    page.wait_for_function("() => document.querySelector('#rows').classList.contains('wraps')")
    wait_until_still(page)
    found = check_rows(page)
    assert max(row["height"] for row in found) >= 60
    assert visible(page)[-1]["first"] == 300
    page.mouse.move(500, 400)
    for _ in range(40):
        page.mouse.wheel(0, -333)
        next_frame(page)
        check_rows(page)
    for _ in range(60):
        page.mouse.wheel(0, 333)
        next_frame(page)
    wait_for_row(page, 300)
    wait_until_still(page)
    assert visible(page)[-1]["first"] == 300
    page.keyboard.press("w")
    page.wait_for_function("() => !document.querySelector('#rows').classList.contains('wraps')")
    wait_until_still(page)
    assert max(row["height"] for row in check_rows(page)) == 20


def test_text_is_copied_without_its_gutter(server, viewer):
    log = server.register()
    log.append("\x1b[31mfirst\x1b[0m", "", "  second", "third")
    page = viewer.log(server, log.id)
    page.keyboard.press("t")
    # A row that is drawn anew loses what was selected in it.
    page.wait_for_function("""() => {
      const rows = [...document.querySelectorAll('.row:not([hidden])')].slice(0, 4);
      return rows.length === 4 && rows.every(row =>
        row.querySelector('.time').textContent);
    }""")
    page.evaluate("""() => {
      const texts = document.querySelectorAll('.row:not([hidden]) .text');
      getSelection().setBaseAndExtent(texts[0], 0, texts[3], texts[3].childNodes.length);
    }""")
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()").split("\n") == ["first", "", "  second", "third"]


def test_lines_are_selected_and_copied_by_keys(server, viewer):
    log = server.register()
    seed(log, 2_000)
    page = viewer.log(server, log.id, "#L1000")
    wait_for_row(page, 1_000)
    for key in ["v", "j", "Shift+ArrowDown", "Shift+ArrowDown"]:
        page.keyboard.press(key)
    first = int(re.fullmatch(r"#L(\d+)-L(\d+)", page.evaluate("location.hash"))[1])
    page.keyboard.press("c")
    page.wait_for_function("() => document.querySelector('#announcement').textContent === '3 lines copied'")
    copied = page.evaluate("navigator.clipboard.readText()")
    lines = [f"line {n}: the quick brown fox jumps over the lazy dog" for n in range(first, first + 3)]
    assert copied == "\n".join(lines) + "\n"
    page.keyboard.press("Escape")
    assert not page.is_visible("#selection")
    assert page.evaluate("location.hash") == ""


def test_lines_that_cannot_be_copied_are_told_of(server, viewer, million):
    page = viewer.log(server, million.id, "#L1-L200000", allow=re.compile("ERR_INTERNET_DISCONNECTED"))
    told = "text => document.querySelector('#selected').textContent.includes(text)"
    page.wait_for_function(told, arg="At most 100,000 can be copied")
    page.evaluate("location.hash = '#L2000-L4000'")
    page.wait_for_function(told, arg="Lines 2000")
    page.context.set_offline(True)
    page.keyboard.press("c")
    page.wait_for_function(told, arg="The server can’t be reached.")


def test_stderr_is_marked_not_only_by_colour(server, viewer):
    log = server.register()
    log.append("out", stream="stdout")
    log.append("err", stream="stderr")
    page = viewer.log(server, log.id)
    wait_for_row(page, 2)
    mark = "row => getComputedStyle(row.querySelector('.number'), '::before').content"
    assert page.eval_on_selector(".row[data-first='2']", mark) == '"err"'
    assert page.eval_on_selector(".row[data-first='1']", mark) == "none"


def test_pieces_of_a_line_are_joined_and_the_whole_can_be_read(server, viewer):
    log = server.register()
    log.append_raw("".join(json.dumps(e) + "\n" for e in [
        {"timestamp": START, "message": "a" * 20_000, "partial": True},
        {"timestamp": START, "message": "b" * 20_000, "partial": True},
        {"timestamp": START, "message": "c"},
        {"timestamp": START, "message": "next"}]))
    page = viewer.log(server, log.id)
    wait_for_row(page, 4)
    found = rows(page)
    assert [(row["first"], row["last"]) for row in found] == [(1, 3), (4, 4)]
    assert found[0]["text"].startswith("a" * 10_000) and "+ 30,001 characters" in found[0]["text"]
    page.click(".whole")
    page.wait_for_selector("#sheet-line[open]")
    assert page.input_value("#line-text") == "a" * 20_000 + "b" * 20_000 + "c"
    page.keyboard.press("Escape")
    assert search(page, "aabb") in ("1", "1 of 1")
    assert search(page, "bc") in ("1", "1 of 1")
    assert search(page, "cnext") == "0"


def test_a_log_is_downloaded_as_it_was_written(server, viewer, tmp_path):
    for ends in (True, False):
        log = server.register()
        messages = [f"\x1b[3{n % 8}mline {n}\x1b[0m ü" for n in range(40_000)]
        log.append(*messages)
        if ends:
            log.append(end="SUCCEEDED")
        page = viewer.log(server, log.id)
        for button, name in (("#download-text", "log"), ("#download-events", "ndjson")):
            page.keyboard.press("d")
            page.wait_for_selector("#sheet-download[open]")
            with page.expect_download() as download:
                page.click(button)
            assert download.value.suggested_filename == f"{log.id}.{name}"
            path = tmp_path / name
            download.value.save_as(path)
            lines = path.read_text().split("\n")[:-1]
            if name == "log":
                assert lines == messages + (["[SUCCEEDED with exit code 0 · after 40,000 events]"] if ends else [])
            else:
                assert [json.loads(line)["offset"] for line in lines] == list(range(1, log.head + 1))


def test_a_log_is_downloaded_whose_lines_are_longer_than_an_answer_can_be(server, viewer, tmp_path):
    log = server.register()
    seed(log, 1_000)
    log.append(end="SUCCEEDED")
    context = viewer.context(key=server.key)

    def answer(route):
        limit = int(re.search(r"limit=(\d+)", route.request.url)[1])
        # So Chromium gives what doesn't fit into a string.
        return route.continue_() if limit <= 256 else route.fulfill(body="")

    page = viewer.log(server, log.id, context=context)
    context.route(re.compile(r"/block\?"), answer)
    page.keyboard.press("d")
    page.wait_for_selector("#sheet-download[open]")
    with page.expect_download() as download:
        page.click("#download-text")
    download.value.save_as(tmp_path / "log")
    assert (tmp_path / "log").read_text().count("\n") == 1_001


def test_an_end_is_said_with_its_code_and_reason(server, viewer):
    id = server.run("sh", "-c", "echo out; exit 3")
    page = viewer.log(server, id)
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    assert "FAILED with exit code 3 · after 1 event" in texts(page)[-1]
    page.wait_for_function("() => document.querySelector('#status').textContent === 'Failed · exit 3'")
    wait_for_words(page, "^Complete: every line received$")
    assert page.inner_text("#rate") == ""


def test_a_large_log_says_what_was_not_read_and_reads_it(server, viewer, million):
    page = viewer.log(server, million.id)
    assert words(page) == "Ended: 1 % read here, nothing missing"
    page.click("#delivery")
    page.click("#verify")
    page.wait_for_function(
        "() => document.querySelector('#delivery-facts').textContent.includes('all of them')", timeout=120_000)
    page.keyboard.press("Escape")
    wait_for_words(page, "^Complete: every line received$")


def test_an_unknown_execution_is_said(server, viewer):
    page = viewer.page(f"{server.url}/executions/nonsense", key=server.key, allow=re.compile("404"))
    page.wait_for_selector("#empty:not([hidden])")
    assert page.inner_text("#empty") == "There is no execution with this id."


def test_numbers_stay_in_view_when_the_lines_are_moved_sideways(server, viewer):
    log = server.register()
    log.append(*["x" * 500 for _ in range(50)])
    page = viewer.log(server, log.id)
    places = """() => ['.number', '.text'].map((part) =>
      document.querySelector(`.row:not([hidden]) ${part}`).getBoundingClientRect().left)"""
    number, text = page.evaluate(places)
    page.evaluate("() => { document.querySelector('#log').scrollLeft = 300; }")
    page.wait_for_selector("#rows.sideways")
    assert page.evaluate(places) == [number, text - 300]
    page.evaluate("() => { document.querySelector('#log').scrollLeft = 0; }")
    page.wait_for_selector("#rows:not(.sideways)")
    assert page.evaluate(places) == [number, text]
