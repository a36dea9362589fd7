"""Text is selected and copied as it stands in the log, whether it is on the screen or not."""

import re

import pytest
from playwright.sync_api import expect
from viewer import message, seed, visible, wait_for_row, wait_until, wait_until_read, wait_until_still

# What is said may be followed at once by something else.
LISTEN = """() => {
  const place = document.querySelector('#announcement');
  window.said = [place.textContent];
  new MutationObserver(() => window.said.push(place.textContent))
    .observe(place, { childList: true, characterData: true, subtree: true });
}"""
COPY = "text => window.said.includes(text)"


@pytest.fixture(scope="module")
def log(server):
    log = server.register()
    seed(log, 4_000)
    log.append(end="SUCCEEDED")
    return log


def place(page, offset, column):
    """Where the column of a drawn row begins, on the screen."""
    return page.evaluate("""([offset, column]) => {
      const text = document.querySelector(`.row[data-first="${offset}"]:not([hidden]) .text`);
      const range = document.createRange();
      range.setStart(text.firstChild, column);
      const box = range.getBoundingClientRect(); const row = text.getBoundingClientRect();
      return [box.left + 1, row.top + 10]; }""", [offset, column])


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


def copy(page, said):
    page.evaluate(LISTEN)
    page.keyboard.press("Control+c")
    page.wait_for_function(COPY, arg=said)
    return clipboard(page)


def expected(first, column, last, end):
    lines = [message(n) for n in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][column:]
    return "\n".join(lines)


def open_at(server, viewer, log, line, **options):
    page = viewer.log(server, log.id, f"#L{line}", **options)
    wait_for_row(page, line)
    wait_until_read(page)
    page.keyboard.press("Escape")
    return page


def test_a_drag_beyond_the_edge_selects_what_comes_into_view(server, viewer, log):
    page = open_at(server, viewer, log, 1_000)
    x, y = place(page, 1_000, 5)
    page.mouse.move(x, y)
    page.mouse.down()
    box = page.locator("#log").bounding_box()
    page.mouse.move(x, box["y"] + box["height"] - 30)
    page.mouse.move(x, box["y"] + box["height"] + 25)
    page.wait_for_function("() => +document.querySelector('.row:not([hidden])').dataset.first > 1150", timeout=60_000)
    # Back into the log: the end is where the pointer is let go of.
    page.mouse.move(x, box["y"] + 100)
    wait_until_still(page)
    last = next(row["first"] for row in visible(page) if row["top"] + row["height"] > box["y"] + 100)
    page.mouse.up()
    expect(page.locator("#selected")).to_have_text(f"Text of lines 1000–{last} ({last - 999} events)")
    assert copy(page, f"{last - 999} lines copied") == expected(1_000, 5, last, 5)


def test_a_shift_click_far_away_selects_all_between(server, viewer, log):
    page = open_at(server, viewer, log, 3)
    page.mouse.click(*place(page, 3, 0))
    page.keyboard.press("g")
    page.fill("#place", "777")
    page.keyboard.press("Enter")
    wait_for_row(page, 777)
    wait_until_still(page)
    wait_until_read(page)
    page.keyboard.down("Shift")
    page.mouse.click(*place(page, 777, 8))
    page.keyboard.up("Shift")
    assert copy(page, "775 lines copied") == expected(3, 0, 777, 8)
    # A click alone selects nothing.
    page.mouse.click(*place(page, 780, 8))
    assert not page.is_visible("#selection") and page.evaluate("getSelection().isCollapsed")


def test_all_is_all_of_the_log_and_nothing_of_the_page(server, viewer, log):
    page = open_at(server, viewer, log, 2_000)
    page.keyboard.press("Control+a")
    expect(page.locator("#selected")).to_have_text("Text of lines 1–4001 (4,001 events)")
    text = copy(page, "4,001 lines copied")
    assert text == expected(1, 0, 4_000, None) + "\n[SUCCEEDED with exit code 0 · after 4,000 events]"
    page.keyboard.press("Escape")
    assert not page.is_visible("#selection")
    # In a field, it is the field's.
    page.fill("#query", "abc")
    page.focus("#query")
    page.keyboard.press("Control+a")
    assert not page.is_visible("#selection")


def test_keys_move_the_end_of_a_selection(server, viewer, log):
    page = open_at(server, viewer, log, 1_000)
    page.mouse.click(*place(page, 1_000, 4))
    for key in ["Shift+ArrowRight"] * 3 + ["Shift+ArrowDown"] * 2 + ["Shift+ArrowLeft"]:
        page.keyboard.press(key)
    assert copy(page, "3 lines copied") == expected(1_000, 4, 1_002, 6)
    page.keyboard.press("Shift+End")
    assert copy(page, "3 lines copied") == expected(1_000, 4, 1_002, None)
    page.keyboard.press("Control+Shift+Home")
    wait_for_row(page, 1)
    assert copy(page, "1,000 lines copied") == expected(1, 0, 1_000, 4)
    for _ in range(3):
        page.keyboard.press("Shift+PageDown")
    first = int(re.search(r"lines (\d+)–", page.inner_text("#selected"))[1])
    assert 50 < first < 300


def test_two_clicks_select_a_word_and_three_a_line(server, viewer, log):
    page = open_at(server, viewer, log, 1_000)
    x, y = place(page, 1_000, message(1_000).index("quick") + 2)
    page.mouse.dblclick(x, y)
    assert copy(page, "1 line copied") == "quick"
    page.mouse.click(x, y, click_count=3)
    assert copy(page, "1 line copied") == message(1_000)


def test_what_is_selected_stays_so_when_it_leaves_the_screen_and_the_log_goes_on(server, viewer):
    log = server.register()
    seed(log, 300)
    page = viewer.log(server, log.id)
    wait_for_row(page, 300)
    page.mouse.move(*place(page, 290, 0))
    page.mouse.down()
    page.mouse.move(*place(page, 295, 4))
    page.mouse.up()
    assert not page.is_visible("#selection")
    page.keyboard.press("f")
    log.append(*[message(n) for n in range(301, 1_001)])
    wait_for_row(page, 1_000)
    assert copy(page, "6 lines copied") == expected(290, 0, 295, 4)


def test_what_can_not_be_copied_is_said_before(server, viewer):
    log = server.register()
    seed(log, 100_001)
    page = viewer.log(server, log.id)
    page.keyboard.press("Control+a")
    page.wait_for_function(
        "() => document.querySelector('#selected').innerText.endsWith('At most 100,000 can be copied: download the log instead.')")
    assert page.is_disabled("#copy")
    page.evaluate(LISTEN)
    page.keyboard.press("Control+c")
    page.wait_for_function(COPY, arg="At most 100,000 can be copied: download the log instead.")


def test_silence_adds_no_line_and_looks_leave_nothing(server, viewer):
    log = server.register()
    start = 1_800_000_000_000
    log.append_raw("".join(f'{{"timestamp":{start + n * 10_000},"message":"\\u001b[3{n % 8}mn{n}\\u001b[0m end"}}\n' for n in range(1, 6)))
    page = viewer.log(server, log.id)
    wait_for_row(page, 5)
    page.keyboard.press("Control+a")
    assert copy(page, "5 lines copied") == "\n".join(f"n{n} end" for n in range(1, 6))


def test_over_plain_http_what_was_read_is_copied_when_asked_again(server, viewer, log):
    context = viewer.context(key=server.key)
    # Such a page has no clipboard, and may copy only while a key or a button is pressed.
    context.add_init_script("""Object.defineProperty(Navigator.prototype, 'clipboard', { get: () => undefined });
      document.execCommand = () => false;
      addEventListener('copy', (event) => { window.copied = event.clipboardData.getData('text/plain'); });""")
    page = open_at(server, viewer, log, 4_000, context=context)
    page.evaluate(LISTEN)
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.wait_for_function("() => document.querySelector('#selected').textContent.startsWith('It is read now.')")
    page.keyboard.press("Control+c")
    page.wait_for_function(COPY, arg="4,001 lines copied")
    assert page.evaluate("window.copied").startswith(expected(1, 0, 4_000, None))


@pytest.mark.parametrize("way", ["keys", "clicks", "drag"])
def test_what_is_selected_before_the_code_for_it_has_come_is_selected_and_copied(server, viewer, log, way):
    context = viewer.context(key=server.key)
    held = []
    context.route("**/text-selection.js", lambda route: held.append(route))
    page = open_at(server, viewer, log, 4_000, context=context)
    page.evaluate(LISTEN)
    if way == "keys":
        page.keyboard.press("Control+a")
    elif way == "drag":
        page.mouse.move(*place(page, 3_990, 2))
        page.mouse.down()
        page.mouse.move(*place(page, 3_993, 1))
        page.mouse.move(*place(page, 3_995, 4))
        page.mouse.up()
        page.mouse.move(*place(page, 3_991, 4))
    else:
        x, y = place(page, 4_000, 3)
        page.mouse.click(x, y, click_count=3)
    page.keyboard.press("Control+c")
    wait_until(page, lambda: held)
    assert not any("copied" in words for words in page.evaluate("window.said"))
    held[0].continue_()
    if way == "keys":
        page.wait_for_function(COPY, arg="4,001 lines copied")
        assert clipboard(page).startswith(expected(1, 0, 4_000, None))
    elif way == "drag":
        page.wait_for_function(COPY, arg="6 lines copied")
        assert clipboard(page) == expected(3_990, 2, 3_995, 4)
    else:
        page.wait_for_function(COPY, arg="1 line copied")
        assert clipboard(page) == message(4_000)
