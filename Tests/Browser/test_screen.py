"""A log that moves its cursor between lines: a terminal's screen, its rows, what was written over, and what was written."""

import json

from playwright.sync_api import expect

from viewer import check_rows, rows, search, seed, texts, visible, wait_for_row, wait_until_read, wait_until_still

E = "\x1b"
SERVICES = ["db", "cache", "api"]


def frame(tick):
    """What docker compose writes at once: it goes up over its last frame, and writes each line anew."""
    up = f"{E}[{len(SERVICES) + 1}A" if tick else ""
    lines = [f"{E}[?25l{up}{E}[0G[+] Running {min(3, tick // 100)}/3{E}[K"]
    return lines + [f" {'✔' if tick > 100 * (i + 1) else '⠋'} Container {name}  {tick / 10}s" for i, name in enumerate(SERVICES)]


def compose(frames):
    return ["before"] + [line for tick in range(frames) for line in frame(tick)]


def wait_for_text(page, text):
    page.wait_for_function(
        "text => [...document.querySelectorAll('.row:not([hidden]) .text')].some((row) => row.textContent.includes(text))",
        arg=text)


def wait_for_rows(page, count):
    """Until so many rows are there: before the log is read from its beginning, there are more."""
    page.wait_for_function("count => document.querySelectorAll('.row:not([hidden])').length === count", arg=count)


def wait_for_selected(page, name, *shown):
    """Until the address names what is selected, and these rows show it: they are drawn with the page's next frame."""
    page.wait_for_function("name => location.hash === name", arg=name)
    expect(page.locator(".row.selected:not([hidden]) .text")).to_have_text(list(shown))


def test_a_build_is_as_many_lines_as_on_a_terminal(server, viewer):
    log = server.register()
    log.append(*compose(400), "after")
    page = viewer.log(server, log.id)
    wait_for_rows(page, 6)
    found = check_rows(page)
    assert texts(page) == ["before", "[+] Running 3/3", " ✔ Container db  39.9s", " ✔ Container cache  39.9s",
                           " ✔ Container api  39.9s", "after"]
    assert found[-1]["last"] == log.head
    # Those that were written over say so, and are marked while more may write on them.
    number = page.locator(".row[data-first='3'] .number")
    assert number.inner_text() == "3"
    assert number.get_attribute("title").startswith("Written by 400 events, 3 to 1599, and may still change")
    assert [("live" in row["classes"]) for row in found] == [False, True, True, True, True, False]
    log.append(f"{E}[1Aafter all")
    wait_for_text(page, "after all")
    log.append(end="SUCCEEDED")
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    page.wait_for_function("() => !document.querySelector('.row.live:not([hidden])')")
    assert texts(page)[-2] == "after all"


def test_a_line_that_goes_to_the_next_one_is_two(server, viewer):
    id = server.run("printf", "ab\\033[Ecd")
    page = viewer.log(server, id)
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    wait_for_text(page, "cd")
    assert [text for row in texts(page)[:-1] for text in row.split("\n")] == ["ab", "cd"]


def test_a_build_is_followed(server, viewer):
    log = server.register()
    log.append(*compose(2))
    page = viewer.log(server, log.id)
    wait_for_text(page, "api  0.1s")
    for tick in range(2, 30):
        log.append(*frame(tick))
        wait_for_text(page, f"api  {tick / 10}s")
        wait_for_rows(page, 5)
        check_rows(page)
    assert page.get_attribute("#follow", "aria-pressed") == "true"


def test_each_line_can_be_seen_as_it_was_written(server, viewer):
    log = server.register()
    log.append(*compose(10))
    page = viewer.log(server, log.id)
    wait_for_text(page, "api  0.9s")
    page.keyboard.press("r")
    wait_for_text(page, "␛[4A")
    page.keyboard.press("Home")
    wait_for_row(page, 1)
    assert [row["first"] for row in check_rows(page)] == list(range(1, len(rows(page)) + 1))
    assert texts(page)[5] == "␛[?25l␛[4A␛[0G[+] Running 0/3␛[K"
    page.keyboard.press("r")
    wait_for_rows(page, 5)
    page.keyboard.press("?")
    assert "as it was written" in page.inner_text("#sheet-help")


def test_a_search_finds_what_is_shown_and_what_was_written_over(server, viewer):
    log = server.register()
    log.append(*compose(400), end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_rows(page, 6)
    assert search(page, "cache  39.9s") == "1 of 1"
    page.wait_for_selector(".row.current[data-first='4'] mark")
    assert search(page, "cache  7.7s") == "1 of 1"
    page.wait_for_selector(".row.current[data-first='4'] .excerpt mark")
    assert "line 312 wrote" in page.inner_text(".row.current .excerpt")


def test_a_long_line_of_a_screen_is_searched_copied_and_shown_whole(server, viewer):
    log = server.register()
    long = "L" * 12_000 + "needleZ" + "M" * 100
    log.append("first", long, "third", "x", f"{E}[1Aq", "A" * 11_000, f"{E}[1A{'B' * 10_500}END", "alpha\rbravo\rcharl", end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L2")
    wait_for_text(page, "q")
    page.wait_for_selector(".row.selected:not([hidden])")
    page.keyboard.press("c")
    page.wait_for_function("async long => (await navigator.clipboard.readText()) === long + '\\n'", arg=long)
    page.keyboard.press("Escape")
    assert search(page, "needleZ") == "1 of 1"
    expect(page.locator(".row.current .excerpt mark")).to_have_text("needleZ")
    assert page.inner_text(".row.current .excerpt").startswith("at 12001: …")
    page.keyboard.press("Alt+r")
    assert search(page, "^bravo$") == "1 of 1"
    assert "line 8 wrote: …bravo" in page.inner_text(".row.current .excerpt")
    page.keyboard.press("Escape")
    page.click(".row[data-first='6'] .whole")
    page.wait_for_selector("#sheet-line[open]")
    assert page.input_value("#line-text") == "B" * 10_500 + "END" + "A" * 497
    assert page.inner_text("#line-title") == "Line 6, 11,000 characters"


def test_a_jump_into_the_middle_shows_what_was_there(server, viewer):
    log = server.register()
    # Frames of ten rows, each of which stays once its twenty frames are through.
    def lines(n):
        block, tick = divmod(n, 200)
        row = tick % 10
        up = f"{E}[10A" if tick >= 10 and row == 0 else ""
        return f"{up}{E}[2Kblock {block} row {row} tick {tick // 10}"
    messages = [lines(n) for n in range(60_000)]
    for at in range(0, len(messages), 20_000):
        log.append(*messages[at:at + 20_000])
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_text(page, "block 299 row 9 tick 19")
    page.wait_for_function("() => document.querySelector('#rate').textContent === ''")
    check_rows(page)
    assert texts(page)[-3].startswith("block 299 row 8 tick 19")
    page.evaluate("location.hash = '#L30001'")
    wait_for_text(page, "block 150 row 0 tick 19")
    wait_until_still(page)
    wait_until_read(page)
    found = check_rows(page)
    at = next(i for i, row in enumerate(found) if row["text"] == "block 150 row 0 tick 19")
    assert [row["text"] for row in found[at:at + 10]] == [f"block 150 row {row} tick 19" for row in range(10)]
    page.keyboard.press("Home")
    wait_for_text(page, "block 0 row 0 tick 19")


def test_what_is_copied_is_what_is_shown(server, viewer):
    log = server.register()
    log.append(*compose(50), end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_rows(page, 6)
    page.evaluate("location.hash = '#L1-L5'")
    page.wait_for_selector(".row.selected:not([hidden])")
    page.keyboard.press("c")
    page.wait_for_function("() => /copied/.test(document.querySelector('#announcement').textContent)")
    assert page.evaluate("navigator.clipboard.readText()").split("\n")[1:4] == [
        "[+] Running 0/3", " ⠋ Container db  4.9s", " ⠋ Container cache  4.9s"]


def check_no_screen(page):
    """That the page has loaded none, also once it has shown the log's beginning."""
    page.keyboard.press("Home")
    wait_for_row(page, 1)
    wait_until_still(page)
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert any(name.endswith("/log-page.js") for name in loaded) and not any("screen" in name for name in loaded)


def test_a_log_without_such_movements_loads_no_screen(server, viewer):
    log = server.register()
    seed(log, 3_000, message_of=lambda n: f"{E}[3{n % 8}mline {n}{E}[0m\r{E}[K{n} done")
    page = viewer.log(server, log.id)
    wait_for_row(page, 3_000)
    check_no_screen(page)


def test_no_screen_is_loaded_where_a_width_that_is_known_changes_nothing(server, viewer):
    log = server.register(terminal={"columns": 80, "rows": 24})
    long = "word " * 40
    seed(log, 3_000, message_of=lambda n: [f"{n} {long}", f"{n} %\r{E}[K{n} done", f"{E}[01m{E}[K{long}{E}[m{E}[K", f"{long}\r"][n % 4])
    page = viewer.log(server, log.id)
    wait_for_row(page, 3_000)
    check_no_screen(page)


def test_a_line_that_moves_within_several_rows_is_shown_as_on_its_terminal(server, viewer):
    log = server.register(terminal={"columns": 80, "rows": 24})
    log.append("before", f"Starting{E}[999C{E}[6D[ OK ]", "x" * 100 + "\ry", "after", end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_text(page, "y" + "x" * 19)
    # Rows of one line are one text.
    assert texts(page)[:-1] == ["before", "Starting" + " " * 65 + "[ OK ]", "x" * 80 + "y" + "x" * 19, "after"]
    assert search(page, "yxxx") == "1 of 1"
    assert search(page, "x" * 81) == "1 of 1"


def test_a_screen_is_as_high_as_the_terminal_of_the_command(server, viewer):
    # Its top is where such a terminal's is: at the first of its last ten rows, or, where none is known, at the first of fifty.
    for more, top in (({"terminal": {"columns": 80, "rows": 10}}, 22), ({}, 1)):
        log = server.register(**more)
        log.append(*[f"line {n}" for n in range(1, 31)], f"{E}[H{E}[2Ktop", end="SUCCEEDED")
        page = viewer.log(server, log.id)
        # Before the log is read from its beginning, each event is a row.
        page.wait_for_function(
            "top => document.querySelectorAll('.row:not([hidden]) .text')[top - 1]?.textContent === 'top'", arg=top)
        shown = [row["text"] for row in rows(page) if row["kind"] == "line"]
        # The screen's last row is blank.
        assert shown[:30] == [f"line {n}" if n != top else "top" for n in range(1, 31)]


def test_a_search_finds_what_only_a_row_of_several_lines_has(server, viewer):
    log = server.register()
    log.append("pulling", "second", f"{E}[2A{E}[8Clayer one", f"{E}[1B", end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_text(page, "pulling layer one")
    assert search(page, "pulling layer") == "1 of 1"
    assert page.inner_text(".row.current mark") == "pulling layer"
    page.keyboard.press("Alt+r")
    assert search(page, "^pulling l.yer one$") == "1 of 1"
    assert page.inner_text(".row.current mark") == "pulling layer one"
    page.keyboard.press("Alt+l")
    wait_for_rows(page, 1)
    assert texts(page) == ["pulling layer one"]


def test_a_line_is_named_and_selected_on_the_row_that_it_wrote_on(server, viewer):
    log = server.register()
    log.append("A old", "B old", "C old", f"{E}[3AA new", "B new", "C new", "tail", end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L5")
    wait_for_text(page, "B new")
    wait_for_selected(page, "#L5", "B new")
    page.keyboard.press("Control+c")
    page.wait_for_function("async () => (await navigator.clipboard.readText()) === 'B new\\n'")
    page.keyboard.press("Escape")
    assert search(page, "C new") == "1 of 1"
    page.locator("#log").focus()
    page.keyboard.press("v")
    wait_for_selected(page, "#L6", "C new")
    expect(page.locator("#selected")).to_have_text("Line 6")
    # A row is named by the line that began it, however many wrote on it since.
    page.locator(".row:not([hidden]) .number", has_text="3").click()
    wait_for_selected(page, "#L3", "C new")
    expect(page.locator("#selected")).to_have_text("Line 3")
    page.keyboard.press("ArrowUp")
    wait_for_selected(page, "#L2", "B new")
    page.keyboard.press("r")
    wait_for_text(page, "␛[3AA new")
    wait_for_selected(page, "#L2", "B old")


def test_what_is_selected_is_counted_anew_once_the_screen_is_read(server, viewer):
    log = server.register()
    for _ in range(4):
        log.append(*[f"frame {n}{E}[1F" for n in range(30_000)])
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    page.wait_for_selector(".row:not([hidden])")
    page.keyboard.press("Control+a")
    page.wait_for_function("() => !document.querySelector('#copy').disabled && /\\(\\d row/.test(document.querySelector('#selected').textContent)")


def test_an_event_that_skips_much_holds_nothing_up(server, viewer):
    """Each would be gigabytes of blanks, or minutes."""
    log = server.register()
    log.append("x\v" * 50_000, f"x{E}[2J" * 20_000, f"{E}[4h" + "x\r" * 50_000, "behind it", end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_text(page, "behind it")
    assert search(page, "behind it") == "1 of 1"


SIZE = {"columns": 80, "rows": 24}


def wrapped(count):
    """Lines on a terminal of 80 columns, where every fifth has no room on a row."""
    return ["start", f"{E}[1Astarted"] + [
        f"line {n}: " + f"word{n:02} " * (20 if n % 5 == 0 else 3) + f"END{n}" for n in range(3, count + 1)]


def copied(page, key="c"):
    """What a key copies."""
    page.evaluate("navigator.clipboard.writeText('')")
    page.keyboard.press(key)
    page.wait_for_function("async () => (await navigator.clipboard.readText()) !== ''")
    return page.evaluate("navigator.clipboard.readText()")


def place_of(page, text, selector=".text"):
    """Where a text stands: the pixel in its first character."""
    return page.evaluate(
        """([wanted, selector]) => { for (const element of document.querySelectorAll(`.row:not([hidden]) ${selector}`)) {
          const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const at = walker.currentNode.data.indexOf(wanted);
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(walker.currentNode, at);
            range.setEnd(walker.currentNode, at + wanted.length);
            const box = range.getClientRects()[0];
            return [box.left + 2, box.top + 8, box.right - 1];
          } } }""", [text, selector])


def select_line(page, hash):
    page.evaluate("hash => { location.hash = hash; }", hash)
    page.wait_for_selector(".row.selected:not([hidden]):not([data-kind=unread])")


def test_a_line_that_is_wrapped_is_named_selected_and_copied_whole(server, viewer):
    log = server.register(terminal=SIZE)
    lines = wrapped(60)
    log.append(*lines, end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_text(page, "END60")
    for n in (30, 31, 57, 60):
        select_line(page, f"#L{n}")
        wait_for_selected(page, f"#L{n}", lines[n - 1])
        assert copied(page) == lines[n - 1] + "\n"
    assert page.locator(".row.selected:not([hidden])").bounding_box()["height"] == 40
    # By clicks on its number and in its text, and with keys.
    page.keyboard.press("Escape")
    x, y, _ = place_of(page, "57", ".number")
    page.mouse.click(x, y)
    wait_for_selected(page, "#L57", lines[56])
    expect(page.locator("#selected")).to_have_text("Line 57")
    page.keyboard.press("Escape")
    x, y, _ = place_of(page, "line 55")
    page.mouse.click(x, y, click_count=3)
    assert copied(page, "Control+c") == lines[54]
    page.mouse.click(x, y)
    page.keyboard.press("Shift+End")
    assert copied(page, "Control+c").endswith("END55")
    page.mouse.click(x, y)
    page.keyboard.press("Shift+ArrowDown")
    assert copied(page, "Control+c").startswith(lines[54] + "\n")


def test_a_way_by_lines_comes_to_the_end(server, viewer):
    log = server.register(terminal=SIZE)
    log.append(*wrapped(40), f"ab{E}Ecd", "two\vtwo-b", "more", "last", end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L2")
    wait_for_text(page, "started")
    named = []
    for _ in range(60):
        named.append(page.evaluate("location.hash"))
        page.keyboard.press("j")
        if page.evaluate("location.hash") == named[-1]:
            break
    assert named[2:] == [f"#L{n}" for n in range(4, 46)]
    for _ in range(10):
        page.keyboard.press("k")
    assert page.evaluate("location.hash") == "#L35"
    select_line(page, "#L41")
    wait_for_selected(page, "#L41", "ab", "cd")
    assert copied(page) == "ab\ncd\n"
    select_line(page, "#L43")
    wait_for_selected(page, "#L43", "more")


def test_what_is_said_around_a_screens_rows_names_lines(server, viewer):
    log = server.register(terminal=SIZE)
    log.append(*wrapped(300), end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_text(page, "END300")
    page.keyboard.press("Home")
    wait_for_text(page, "started")
    for _ in range(4):
        page.keyboard.press("PageDown")
    wait_until_still(page)
    top = visible(page)[0]["first"]
    assert top > 50
    assert copied(page, "l").endswith(f"#L{top}")
    assert page.inner_text("#where").startswith(f"{top}–")
    assert page.inner_text("#where").endswith(" of 300")
    page.keyboard.press("r")
    wait_for_row(page, top)
    wait_until_still(page)
    assert visible(page)[0]["first"] == top
    page.keyboard.press("r")
    select_line(page, "#L20-L31")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    printed = page.evaluate("document.querySelector('.print pre').textContent").split("\n")
    assert printed == [f"{n}  {wrapped(31)[n - 1]}" for n in range(20, 32)]


def test_silence_and_times_are_those_of_lines(server, viewer):
    log = server.register(terminal=SIZE)
    start = 1_700_000_000_000
    log.append_raw("".join(
        json.dumps({"timestamp": start + n * 10_000, "message": message, "stream": "stderr" if n == 35 else "stdout"}) + "\n"
        for n, message in enumerate(wrapped(40), 1)))
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    page.keyboard.press("t")
    wait_for_text(page, "END40")
    page.wait_for_selector(".row[data-first='40'] time:not(:empty)")
    found = page.evaluate("""() => [...document.querySelectorAll('.row[data-kind=line]:not([hidden])')].map((row) => [
      +row.dataset.first, row.querySelector('.pause').textContent, row.querySelector('time').textContent !== '',
      row.classList.contains('error')])""")
    assert [n for n, *_ in found][-11:] == list(range(30, 41))
    assert all(rest == ["10.0 s of silence", True, n == 35] for n, *rest in found[-11:]), found


def test_a_wrapped_line_is_one_text(server, viewer):
    log = server.register(terminal=SIZE)
    address = "https://example.org/" + "path/" * 20 + "end.html"
    log.append("first", f"see {address} now", f"{E}[3Aq{E}[3B", end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_text(page, "qirst")
    links = page.evaluate("[...document.querySelectorAll('.row a[target]')].map((link) => [link.href, link.textContent])")
    assert links == [[address, address]]
    x, y, _ = place_of(page, "path/path")
    page.mouse.click(x, y, click_count=3)
    assert copied(page, "Control+c") == f"see {address} now"
    page.keyboard.press("Escape")
    # Across the edge, and behind it.
    for text in ("path/" * 16, "end.html now"):
        assert search(page, text) == "1 of 1"
        page.wait_for_selector(".row.current[data-first='2'] mark")
        assert "".join(page.locator(".row.current mark").all_text_contents()) == text
        assert page.locator(".row.current .excerpt").count() == 0


def test_what_is_selected_stays_while_the_log_grows(server, viewer):
    log = server.register(terminal=SIZE)
    log.append(*wrapped(40))
    page = viewer.log(server, log.id)
    wait_for_text(page, "END40")
    x, y, right = place_of(page, "line 37: word37 word37")
    page.mouse.move(x - 1, y)
    page.mouse.down()
    page.mouse.move(right + 1, y, steps=3)
    page.mouse.up()
    text = page.evaluate("getSelection().toString()")
    assert text.startswith("line 37: word37")
    for n in range(6):
        log.append(*[f"new {n} {i} " + "z" * 90 for i in range(5)])
        page.wait_for_function("head => +document.querySelector('#where').textContent.split(' of ')[1] === head", arg=log.head)
        wait_until_still(page)
        assert copied(page, "Control+c") == text
