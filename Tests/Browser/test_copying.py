"""What is copied is what is shown, however the rows came and whatever the page shows of them."""

import json
import re

import pytest
from playwright.sync_api import expect
from test_screen import E, compose, frame, wait_for_rows, wait_for_text
from test_selection import LISTEN, clipboard, copy, message, place
from viewer import next_frame, rows, search, seed, wait_for_row, wait_until_read, wait_until_still

START = 1_800_000_000_000
END = "[SUCCEEDED with exit code 0 · after {:,} events]"


def event(n, time=0, **fields):
    return json.dumps({"timestamp": START + n + time, **({"message": message(n)} if "message" not in fields else {}), **fields}) + "\n"


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def last_frame(frames):
    """What a terminal shows of so many frames."""
    return [re.sub(r"\x1b\[\??\d*[a-zA-Z]", "", line) for line in frame(frames - 1)]


def go_to(page, line):
    press(page, "g")
    page.fill("#place", str(line))
    press(page, "Enter")
    wait_for_row(page, line)
    wait_until_still(page)
    wait_until_read(page)


def drag(page, start, end):
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end))
    page.mouse.up()


def shift_click(page, at):
    page.keyboard.down("Shift")
    page.mouse.click(*place(page, *at))
    page.keyboard.up("Shift")


def test_a_selection_crosses_the_seam_between_a_jump_and_what_was_read_otherwise(server, viewer):
    log = server.register()
    seed(log, 30_000, message_of=lambda n: f"{message(n)}{' wanted' if n == 15_000 else ''}")
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    lines = {n: f"{message(n)}{' wanted' if n == 15_000 else ''}" for n in range(1, 30_001)}
    press(page, "Home")
    wait_for_row(page, 1)
    assert search(page, "wanted") == "1 of 1"
    page.wait_for_selector(".row.current[data-first='15000'] mark")
    page.locator("#log").focus()
    wait_until_still(page)
    wait_until_read(page)
    # From a line that the search led to, over what is read while the wheel turns, far beyond the blocks that were read for it.
    page.mouse.click(*place(page, 15_000, 5))
    box = page.locator("#log").bounding_box()
    page.mouse.move(box["x"] + 300, box["y"] + 300)
    while int(page.inner_text("#where").split("–")[0].replace(",", "")) < 17_200:
        page.mouse.wheel(0, 20_000)
        next_frame(page)
    wait_until_still(page)
    wait_until_read(page)
    last = rows(page)[12]["first"]
    shift_click(page, (last, 9))
    expected = [lines[n] for n in range(15_000, last + 1)]
    expected[0], expected[-1] = expected[0][5:], expected[-1][:9]
    assert copy(page, f"{last - 14_999:,} lines copied") == "\n".join(expected)
    # From there back, over the search's line, to what was read at first.
    go_to(page, 14_990)
    page.mouse.click(*place(page, 15_003, 3))
    go_to(page, 2)
    shift_click(page, (2, 4))
    expected = [lines[n] for n in range(2, 15_004)]
    expected[0], expected[-1] = expected[0][4:], expected[-1][:3]
    assert copy(page, "15,002 lines copied") == "\n".join(expected)


def test_a_selection_crosses_notices_silence_pieces_and_stderr(server, viewer):
    log = server.register()
    hour = 3_600_000
    log.append_raw("".join([
        event(1), event(2, type="notice", code="lines_lost", message="3 lines were lost"), event(3, time=hour),
        event(4, time=hour, message="cut ", partial=True), event(5, time=hour, message="in two"), event(6, time=hour, message=""),
        event(7, time=2 * hour, message="on stderr", stream="stderr"), event(8, time=2 * hour)]))
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 9)
    assert page.locator(".pause:not([hidden])").count() >= 2
    drag(page, (1, 3), (8, 6))
    middle = ["[3 lines were lost]", message(3), "cut in two", "", "on stderr"]
    assert copy(page, "7 lines copied") == "\n".join([message(1)[3:], *middle, message(8)[:6]])
    # A part of a notice is a part of what is shown.
    drag(page, (2, 2), (3, 4))
    assert copy(page, "2 lines copied") == "lines were lost\n" + message(3)[:4]
    press(page, "Control+a")
    assert copy(page, "8 lines copied") == "\n".join([message(1), *middle, message(8), END.format(8)])


def test_a_selection_in_a_filter_is_of_the_lines_that_are_shown(server, viewer):
    log = server.register()
    seed(log, 10_000, message_of=lambda n: f"{message(n)}{' wanted' if n % 40 == 7 else ''}")
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wanted = lambda n: f"{message(n)} wanted"
    press(page, "&")
    search(page, "wanted")
    page.locator("#log").focus()
    press(page, "Home")
    wait_for_row(page, 87)
    wait_until_read(page)
    drag(page, (47, 5), (127, 7))
    assert copy(page, "3 lines copied") == "\n".join([wanted(47)[5:], wanted(87), wanted(127)[:7]])
    # Up to the first line that is shown, from its column on, and no further.
    page.mouse.click(*place(page, 47, 4))
    press(page, "Shift+ArrowUp")
    assert copy(page, "2 lines copied") == f"{wanted(7)[4:]}\n{wanted(47)[:4]}"
    assert page.evaluate("getSelection().toString().split('\\n').filter(Boolean)[0]") == wanted(7)[4:]
    press(page, *["Shift+ArrowLeft"] * 6)
    assert copy(page, "2 lines copied") == f"{wanted(7)}\n{wanted(47)[:4]}"
    press(page, "Shift+ArrowUp", "Shift+ArrowUp")
    assert copy(page, "2 lines copied") == f"{wanted(7)}\n{wanted(47)[:4]}"
    # Far below, and by the page.
    page.mouse.click(*place(page, 7, 2))
    press(page, "Control+Shift+End")
    assert copy(page, "250 lines copied") == "\n".join([wanted(7)[2:], *[wanted(n) for n in range(47, 10_000, 40)]])


def test_a_filter_hides_the_ends_of_what_was_selected_and_nothing_else_is_copied_for_them(server, viewer):
    log = server.register()
    seed(log, 1_000, message_of=lambda n: f"{message(n)}{' wanted' if n % 40 == 7 else ''}")
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L100")
    wait_for_row(page, 100)
    wait_until_still(page)
    press(page, "Escape")
    drag(page, (100, 5), (112, 9))
    press(page, "&")
    assert search(page, "wanted").endswith("25")
    page.locator("#log").focus()
    # Of lines 100 to 112 the filter shows none; 87 isn't selected.
    press(page, "Control+c")
    expect(page.locator("#selected")).to_have_text("Nothing of what is selected is shown, or it is empty.")
    # Of lines that were named, those that are shown.
    press(page, "Escape")
    page.evaluate("location.hash = '#L100-L200'")
    page.wait_for_function("() => document.querySelector('#selected').textContent.startsWith('Lines 100–200')")
    page.evaluate(LISTEN)
    press(page, "c")
    page.wait_for_function("() => window.said.some((words) => words.includes('2 lines copied'))")
    assert clipboard(page) == f"{message(127)} wanted\n{message(167)} wanted\n"


def test_where_all_that_was_written_is_shown_that_is_copied(server, viewer):
    log = server.register()
    log.append(f"{E}[31mred{E}[0m one", f"50%\r100%{E}[K", "plain\ttab", f"{E}[32m" + "x" * 12_000, end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 5)
    page.mouse.click(*place(page, 3, 2))
    press(page, "Shift+ArrowUp")
    expect(page.locator("#announcement")).to_have_text("Text of lines 2–3 (2 events) selected")
    press(page, "r")
    wait_for_text(page, "␛[31mred␛[0m one")
    # What was selected were columns of another text.
    assert not page.is_visible("#selection") and page.evaluate("getSelection().isCollapsed")
    page.mouse.click(*place(page, 1, 0))
    press(page, "Shift+ArrowRight", "Shift+ArrowDown", "Shift+End")
    assert copy(page, "2 lines copied") == "␛[31mred␛[0m one\n50%␍100%␛[K"
    press(page, "Control+a")
    lines = ["␛[31mred␛[0m one", "50%␍100%␛[K", "plain\ttab", "␛[32m" + "x" * 12_000, END.format(4)]
    copied = copy(page, "5 lines copied")
    assert copied.replace("plain␉tab", "plain\ttab") == "\n".join(lines)


def test_a_screen_is_copied_up_to_its_100_000_rows_however_many_events_wrote_them(server, viewer):
    log = server.register()
    # Each of these rows is written by three events.
    rows = 40_000
    log.append("before")
    seed(log, 3 * rows, message_of=lambda n: (f"{E}[2K{'written over ' if n % 3 else ''}{(n + 2) // 3}" + (f"{E}[A" if n % 3 else "")))
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    page.wait_for_function("() => !/read$/.test(document.querySelector('#rate').textContent) && document.querySelector('.row.rewritten')")
    press(page, "Control+a")
    expect(page.locator("#selected")).to_have_text(f"Text of lines 1–{log.head} ({rows + 2:,} rows)")
    text = copy(page, f"{rows + 2:,} lines copied")
    assert text == "\n".join(["before", *map(str, range(1, rows + 1)), END.format(3 * rows + 1)])


@pytest.mark.parametrize("jobs", [1, 40])
def test_what_is_copied_before_a_screen_was_read_is_what_the_screen_shows(server, viewer, jobs):
    log = server.register()
    for job in range(jobs):
        log.append(f"job {job}", *compose(500 // jobs)[1:])
    log.append(*[f"plain {n}" for n in range(5_000)], end="SUCCEEDED")
    page = viewer.log(server, log.id)
    shown = [row for job in range(jobs) for row in [f"job {job}", *last_frame(500 // jobs)]]
    shown += [f"plain {n}" for n in range(5_000)] + [END.format(log.head - 1)]
    press(page, "Control+a")
    assert copy(page, f"{len(shown):,} lines copied") == "\n".join(shown)
    # And so it does once it was.
    press(page, "Home")
    wait_for_text(page, shown[4])
    assert rows(page)[1]["text"] == shown[1]
    page.evaluate("navigator.clipboard.writeText('')")
    assert copy(page, f"{len(shown):,} lines copied") == "\n".join(shown)


def test_what_was_read_to_be_copied_is_not_copied_of_rows_that_others_stand_for(server, viewer):
    log = server.register()
    log.append(*compose(50), *[f"plain {n}" for n in range(1_000)])
    page = viewer.log(server, log.id)
    press(page, "Control+a")
    copy(page, "1,005 lines copied")
    log.append(f"{E}[3Aover")
    wait_for_text(page, "over")
    assert copy(page, "1,005 lines copied").split("\n")[-4:] == ["plain 996", "overn 997", "plain 998", "plain 999"]


def test_a_selection_in_a_screen_is_of_its_rows(server, viewer):
    log = server.register()
    log.append(*compose(400), "after", end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_rows(page, 7)
    drag(page, (2, 4), (5, 6))
    shown = ["before", "[+] Running 3/3", " ✔ Container db  39.9s", " ✔ Container cache  39.9s", " ✔ Container api  39.9s", "after"]
    assert copy(page, "4 lines copied") == "\n".join([shown[1][4:], *shown[2:4], shown[4][:6]])
    page.mouse.click(*place(page, 1, 2))
    press(page, *["Shift+ArrowDown"] * 4, "Shift+ArrowRight")
    assert copy(page, "5 lines copied") == "\n".join([shown[0][2:], *shown[1:4], shown[4][:3]])
    press(page, "Control+a")
    assert copy(page, "7 lines copied") == "\n".join([*shown, END.format(log.head - 1)])
    # Each event by itself.
    press(page, "r")
    wait_for_text(page, "␛[4A")
    press(page, "Home")
    wait_for_row(page, 1)
    wait_until_still(page)
    page.mouse.click(*place(page, 5, 1))
    press(page, "Shift+ArrowDown", "Shift+ArrowDown", "Shift+Home", *["Shift+ArrowRight"] * 3)
    assert copy(page, "3 lines copied") == "\n".join([" ⠋ Container api  0.0s"[1:], "␛[?25l␛[4A␛[0G[+] Running 0/3␛[K", " ⠋ "])


@pytest.mark.parametrize("text", ["a👨‍👩‍👧b", "ae\u0301b", "a🇩🇪b", "a漢b", "a👍🏽b"])
def test_arrows_move_by_what_a_reader_sees_as_one_character(server, viewer, text):
    log = server.register()
    log.append(text, end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 2)
    page.mouse.click(*place(page, 1, 0))
    press(page, "Shift+ArrowRight", "Shift+ArrowRight")
    assert copy(page, "1 line copied") == text[:-1]
    press(page, "Shift+ArrowLeft")
    assert copy(page, "1 line copied") == "a"


def test_words_are_selected_by_keys_and_by_clicks(server, viewer):
    log = server.register()
    log.append("cafe\u0301 und foo_bar=1;", "next", end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 3)
    page.mouse.dblclick(*place(page, 1, 1))
    assert copy(page, "1 line copied") == "cafe\u0301"
    page.mouse.click(*place(page, 1, 0))
    press(page, "Control+Shift+ArrowRight", "Control+Shift+ArrowRight")
    assert copy(page, "1 line copied") == "cafe\u0301 und"
    expect(page.locator("#announcement")).to_have_text("1 line copied")
    press(page, "Control+Shift+ArrowRight")
    expect(page.locator("#announcement")).to_have_text("Text of line 1 selected")
    assert copy(page, "1 line copied") == "cafe\u0301 und foo_bar"
    press(page, *["Control+Shift+ArrowRight"] * 4)
    assert copy(page, "1 line copied") == "cafe\u0301 und foo_bar=1;\n"
    press(page, *["Control+Shift+ArrowLeft"] * 3)
    assert copy(page, "1 line copied") == "cafe\u0301 und foo_bar="
