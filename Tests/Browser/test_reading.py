"""What a reader finds in a log, takes out of it and prints: lines, and what is said between them."""

import json
import re
import time

from playwright.sync_api import expect
from test_selection import place
from viewer import check_rows, message, search, seed, texts, visible, wait_for_row, wait_for_words, wait_until


def download(page, tmp_path):
    page.keyboard.press("d")
    page.wait_for_selector("#sheet-download[open]")
    with page.expect_download() as download:
        page.click("#download-text")
    download.value.save_as(tmp_path / "log")
    return (tmp_path / "log").read_text()


def test_a_command_that_never_started_is_downloaded_and_said(server, viewer, tmp_path):
    id = server.run("/nonexistent/command")
    page = viewer.log(server, id)
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    end = texts(page)[-1]
    assert end.startswith("FAILED") and "could not be started" in end
    assert download(page, tmp_path).endswith(f"[{end}]\n")
    page.wait_for_function("() => document.querySelector('#facts').textContent.includes('it could not be started')")


def test_a_search_of_an_ended_log_shows_what_it_found(server, viewer):
    log = server.register()
    seed(log, 3_000, message_of=lambda n: f"line {n}" + (" needle" if n in (10, 20, 30) else ""))
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 3_001)
    assert search(page, "needle") == "3 of 3"
    wait_for_row(page, 30)
    page.wait_for_selector(".row.current:not([hidden]) mark")
    assert page.get_attribute(".row.current", "data-first") == "30"


def test_a_search_does_not_take_a_follower_away(server, viewer):
    log = server.register()
    seed(log, 3_000, message_of=lambda n: f"line {n}" + (" needle" if n in (10, 20, 30) else ""))
    page = viewer.log(server, log.id)
    wait_for_row(page, 3_000)
    assert search(page, "needle") == "3"
    assert visible(page)[-1]["first"] == 3_000
    page.keyboard.press("Enter")
    wait_for_row(page, 10)
    assert page.inner_text("#found") == "1 of 3"


def test_the_end_is_found_and_marked(server, viewer):
    id = server.run("sh", "-c", "echo out; exit 3")
    page = viewer.log(server, id)
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    assert search(page, "exit code 3") == "1 of 1"
    page.wait_for_selector(".row[data-kind=end].current:not([hidden]) mark")


def test_a_match_far_to_the_right_is_shown(server, viewer):
    log = server.register()
    log.append("x" * 50_000 + " the needle is here " + "y" * 50_000, *["x"] * 100)
    page = viewer.log(server, log.id, "#L1")
    assert search(page, "needle") == "1 of 1"
    page.keyboard.press("Enter")
    page.wait_for_function("""() => { const mark = document.querySelector('.row.current mark')?.getBoundingClientRect();
      return mark && mark.left > 0 && mark.right < innerWidth; }""")
    assert page.inner_text(".row.current mark") == "needle"
    assert "at 50006: …" in page.inner_text(".row.current .excerpt")


def test_ctrl_end_and_ctrl_home_lead_to_the_ends_of_the_log(server, viewer):
    log = server.register()
    seed(log, 120_000)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id, "#L500")
    wait_for_row(page, 500)
    page.keyboard.press("Control+End")
    wait_for_row(page, 120_001)
    assert visible(page)[-1]["kind"] == "end"
    page.keyboard.press("Control+Home")
    wait_for_row(page, 1)
    assert visible(page)[0]["first"] == 1


def test_the_first_line_in_view_is_the_one_that_is_selected(server, viewer):
    log = server.register()
    seed(log, 500)
    page = viewer.log(server, log.id)
    page.keyboard.press("Home")
    wait_for_row(page, 1)
    page.keyboard.press("v")
    assert page.evaluate("location.hash") == "#L1"


def test_lines_are_counted_without_the_end(server, viewer):
    log = server.register()
    seed(log, 30)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 31)
    page.wait_for_function("() => document.querySelector('#where').textContent === '1–30 of 30'")


def test_a_line_that_a_link_names_before_it_comes_is_shown_when_it_comes(server, viewer):
    log = server.register()
    seed(log, 5)
    page = viewer.log(server, log.id, "#L200")
    expect(page.locator("#selected")).to_have_text("Line 200: not there yet")
    seed(log, 400)
    page.wait_for_function("() => document.querySelector('#selected').textContent === 'Line 200'")
    wait_for_row(page, 200)
    page.wait_for_selector(".row.selected:not([hidden])")


def test_an_address_in_the_output_is_a_link(server, viewer):
    log = server.register()
    log.append("see (https://example.com/a?b=c), please")
    page = viewer.log(server, log.id)
    link = page.locator("#rows .text a")
    assert link.get_attribute("href") == "https://example.com/a?b=c"
    assert link.get_attribute("target") == "_blank" and "noopener" in link.get_attribute("rel")
    assert texts(page)[0] == "see (https://example.com/a?b=c), please"


def test_times_of_several_days_have_a_date(server, viewer):
    log = server.register()
    now = time.time() * 1000
    days = [now, now + 86_400_000]
    log.append_raw("".join(json.dumps({"timestamp": int(at), "message": "x"}) + "\n" for at in days))
    page = viewer.log(server, log.id, timezone_id="UTC")
    page.keyboard.press("t")
    page.wait_for_function("""() => { const times = [...document.querySelectorAll('.row:not([hidden]) .time')];
      return times.length === 2 && times.every((time) => /^\\d{4}-\\d\\d-\\d\\d \\d\\d:/.test(time.textContent)); }""")
    shown = page.eval_on_selector_all(".row:not([hidden]) .time", "times => times.map((time) => time.textContent)")
    assert [text[:10] for text in shown] == [time.strftime("%Y-%m-%d", time.gmtime(at / 1000)) for at in days]


def test_a_lost_producer_is_not_called_complete(server, viewer):
    log = server.register()
    log.append("one")
    log.append_raw(json.dumps({"timestamp": 1, "type": "end", "status": "FAILED", "reason": "producer_lost"}) + "\n")
    page = viewer.log(server, log.id)
    wait_for_words(page, "^Every line that was sent is here; the producer was lost before the end$")
    assert page.get_attribute("#delivery", "data-tone") == "warn"


def test_a_malformed_key_is_said(server, viewer):
    page = viewer.page(server.url + "/")
    page.wait_for_selector("dialog.sign-in")
    page.fill("#key", "two words")
    page.keyboard.press("Enter")
    assert "one word" in page.inner_text("dialog.sign-in .trouble")


def test_keys_of_one_character_can_be_turned_off(server, viewer):
    log = server.register()
    seed(log, 500)
    context = viewer.context(key=server.key)
    page = viewer.log(server, log.id, context=context)
    wait_for_row(page, 500)
    page.keyboard.press("?")
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.keyboard.press("/")
    assert page.get_attribute("#wrap", "aria-pressed") == "false"
    assert page.evaluate("document.activeElement.id") != "query"
    page.keyboard.press("Home")
    wait_for_row(page, 1)
    other = viewer.page(server.url + "/", context=context)
    other.wait_for_selector("#list tr")
    other.keyboard.press("r")
    assert not other.is_visible("#sheet-run")
    other.click("#help")
    other.check("#keys-on")
    other.keyboard.press("Escape")
    other.keyboard.press("r")
    other.wait_for_selector("#sheet-run[open]")


def printed(page):
    """The page's sheets of paper, and what stands on them."""
    # What prints comes after the first lines, and with it how that looks.
    page.wait_for_function("() => [...document.styleSheets].some(({ href }) => href?.endsWith('/print.css'))")
    page.evaluate("""() => { window.printed = '';
      const text = () => [...document.querySelector('.print').childNodes].map((node) => node.textContent).join('\\n');
      addEventListener('beforeprint', () => { window.printed = text(); }); }""")
    paper = page.pdf(format="A4")
    return len(re.findall(rb"/Type\s*/Page\b", paper)), page.evaluate("window.printed")


def test_the_screen_is_printed_or_what_is_selected(server, viewer):
    log = server.register()
    seed(log, 5_000)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 5_001)
    sheets, text = printed(page)
    assert sheets <= 2
    assert message(5_000) in text and message(4_900) not in text and "download the log" in text
    page.evaluate("location.hash = '#L4700-L4900'")
    page.wait_for_function("() => document.querySelector('#selected').textContent.startsWith('Lines 4700')")
    wait_for_row(page, 4_700)
    sheets, text = printed(page)
    assert 3 <= sheets <= 6
    assert all(message(n) in text for n in range(4_700, 4_901)) and message(4_901) not in text
    assert page.evaluate("document.querySelector('.print').childNodes.length") == 0
    check_rows(page)


def test_before_anything_is_here_the_paper_says_so(server, viewer):
    log = server.register()
    seed(log, 300)
    log.append(end="SUCCEEDED")
    context = viewer.context(key=server.key)
    held = []
    context.route("**/block?*", lambda route: held.append(route))
    page = viewer.page(f"{server.url}/executions/{log.id}", context=context)
    page.wait_for_selector(".row[data-kind=unread]:not([hidden])")
    wait_until(page, lambda: held)
    page.evaluate("addEventListener('beforeprint', () => { window.printed = document.querySelector('.print').textContent; })")
    paper = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    assert page.evaluate("window.printed") == "Nothing of this log is here yet. Print it once its lines are shown."
    for route in held:
        route.continue_()
    wait_for_row(page, 301)
    assert message(300) in printed(page)[1]


def test_text_that_is_selected_is_printed_from_its_first_to_its_last_character(server, viewer):
    log = server.register()
    seed(log, 5_000)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 5_001)
    page.mouse.move(*place(page, 4_990, 5))
    page.mouse.down()
    page.mouse.move(*place(page, 4_993, 9))
    page.mouse.up()
    # What selects text is loaded by the first drag.
    expect(page.locator("#selected")).to_have_text("Text of lines 4990–4993 (4 events)")
    _, text = printed(page)
    lines = [re.sub(r"^ *\d+  ", "", line) for line in text.split("\n") if re.match(r" *\d+  ", line)]
    assert lines == [message(4_990)[5:], message(4_991), message(4_992), message(4_993)[:9]]
    assert "What was selected of 5,001 events." in text
    # Of lines and text the newest counts.
    page.click(".row[data-first='4995'] .number")
    assert "4995  " + message(4_995) in printed(page)[1] and message(4_991) not in printed(page)[1]


def test_what_is_selected_and_not_here_is_read_before_it_is_printed(server, viewer):
    log = server.register()
    seed(log, 60_000)
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    printed(page)
    page.evaluate("window.print = () => { dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint')); }")
    page.keyboard.press("Control+a")
    page.wait_for_selector("#selection:not([hidden])")
    page.keyboard.press("Control+p")
    page.wait_for_function("() => window.printed.includes('Download the log to print more')")
    text = page.evaluate("window.printed")
    assert "not loaded" not in text and "The first 10,000 rows" in text
    assert all(f"{n}  {message(n)}" in text for n in range(1, 10_001, 999)) and message(10_001) not in text


def test_lines_and_events_are_told_apart(server, viewer):
    log = server.register()
    parts = [("one", {}), ("lost", {"type": "notice", "code": "lines_lost"}), ("cut ", {"partial": True}), ("in two", {})]
    log.append_raw("".join(json.dumps({"timestamp": n, "message": text, **more}) + "\n" for n, (text, more) in enumerate(parts, 1)))
    log.append(end="SUCCEEDED")
    page = viewer.log(server, log.id)
    wait_for_row(page, 5)
    # Two lines, in three events, and a notice: none of these is called a line.
    assert texts(page)[-1] == "SUCCEEDED with exit code 0 · after 4 events"
    page.keyboard.press("Control+a")
    expect(page.locator("#announcement")).to_have_text("Text of lines 1–5 (5 events) selected")
    page.keyboard.press("Control+c")
    expect(page.locator("#announcement")).to_have_text("4 lines copied")
    page.keyboard.press("i")
    page.wait_for_selector("#sheet-details[open]")
    assert re.search(r"Log\s+5 events", page.inner_text("#details-facts"))
    page.keyboard.press("Escape")
    page.goto(server.url + "/")
    row = page.locator(f"#list tr:has(a[href$='{log.id}'])")
    expect(row.locator(".events")).to_have_text("5")
    expect(page.locator("thead")).to_contain_text("Events")
