"""Every line, once, in order: as the page shows it, through cuts, restarts and what should never happen."""

import json
import re
import threading

from proxy import CuttingProxy
from restoring import back_up, put_back
from tabs import tabs
from viewer import (
    ROWS, OUTAGE, asleep, check_rows, message, seed, wait_for_row, wait_for_words, wait_until, wait_until_read,
)


def check_from_top_to_bottom(page, count):
    """Reads the whole log with the eyes: page after page, and holds every row against what was written."""
    page.locator("#log").focus()
    page.keyboard.press("Home")
    next = 1
    while True:
        wait_for_row(page, next)
        wait_until_read(page)
        for row in check_rows(page):
            if row["kind"] == "line" and row["first"] >= next:
                assert row["first"] == next and row["text"] == message(next)
                next += 1
        if next > count:
            return
        page.keyboard.press("Space")
        page.wait_for_function(
            "next => [...document.querySelectorAll('.row:not([hidden])')].some((row) => +row.dataset.last >= next)",
            arg=next)


def check_complete(page, log):
    """That the page has read the log to its end, and shows all of it."""
    wait_for_words(page, "^Complete: every line received$")
    check_from_top_to_bottom(page, log.head - 1)


def more(log, count, end=None):
    return log.append(*[message(n) for n in range(log.head + 1, log.head + count + 1)], end=end)


def port(server):
    return int(server.url.rsplit(":", 1)[1])


def test_a_log_that_is_cut_fifty_times_is_shown_without_a_hole(server, viewer):
    log = server.register()
    seed(log, 200)
    proxy = CuttingProxy(port(server), cuts=50)
    page = viewer.log(server, log.id, base=proxy.url, allow=OUTAGE)
    # In each frame the rows on the screen are consecutive, and each says what was written under its offset.
    page.evaluate("""() => {
      window.wrong = []; window.frames = 0; window.newest = 0;
      const look = () => {
        let before = 0;
        for (const row of document.querySelectorAll('.row:not([hidden])')) {
          const first = +row.dataset.first;
          if (before && first !== before + 1) window.wrong.push(`${before} then ${first}`);
          const isRight = row.dataset.kind !== 'line' || row.textContent.includes(`line ${first}:`);
          if (!isRight) window.wrong.push(row.textContent);
          if (row.dataset.kind === 'missing') window.wrong.push('missing');
          before = first; window.newest = Math.max(window.newest, first);
        }
        window.frames++;
        requestAnimationFrame(look);
      };
      look();
    }""")

    pace = threading.Event()

    def produce():
        n = 200
        while proxy.cut < 50:
            n = log.append(*[message(i) for i in range(n + 1, n + 6)])
            pace.wait(0.02)
        log.append(*[message(i) for i in range(n + 1, n + 301)], end="SUCCEEDED")

    producer = threading.Thread(target=produce, daemon=True)
    producer.start()
    wait_until(page, lambda: not producer.is_alive(), timeout=600)
    assert proxy.cut == 50
    wait_for_words(page, "Complete|Ended")
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    assert page.evaluate("window.wrong") == []
    assert page.evaluate("window.newest") == log.head
    page.click("#delivery")
    # Where the end came while nothing was connected, the page reads what it didn't follow when it is looked at.
    if page.is_visible("#verify"):
        page.click("#verify")
        page.wait_for_selector("#verify", state="hidden")
    facts = page.inner_text("#delivery-facts")
    assert f"{log.head:,} events of {log.head:,} events, all of them, each in its place" in facts
    # A connection that was cut before its first message was whole has resumed nothing.
    assert int(re.search(r"Resumed\s+(\d+) times", facts)[1]) >= 30
    page.keyboard.press("Escape")
    proxy.close()
    check_from_top_to_bottom(page, log.head - 1)


def test_a_server_that_is_killed_and_started_again_is_waited_for(own_server, viewer):
    server = own_server.start()
    log = server.register()
    seed(log, 100)
    page = viewer.log(server, log.id, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    for round in range(3):
        server.kill()
        wait_for_words(page, "^Reconnecting.*goes on after ")
        assert page.inner_text("#announcement").startswith("Reconnecting")
        server.start()
        wait_for_words(page, f"^Resumed after {log.head}, nothing missing$")
        head = log.append(*[message(n) for n in range(log.head + 1, log.head + 51)])
        wait_for_row(page, head)
        check_rows(page)
    log.append(end="FAILED")
    check_complete(page, log)


def test_a_restored_server_is_said_and_what_is_void_is_gone(own_server, viewer, tmp_path):
    server = own_server.start()
    log = server.register()
    seed(log, 10)
    back_up(server, tmp_path / "backup")
    page = viewer.log(server, log.id, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    log.append("void", "void too")
    wait_for_row(page, 12)
    server.kill()
    wait_for_words(page, "^Reconnecting.*goes on after ")
    put_back(server, tmp_path / "backup")
    log.head = 10
    log.append("new")
    wait_for_words(page, "^The server was restored from a backup: what came after 10 was void, and is read anew$")
    wait_for_row(page, 11)
    assert [row["text"] for row in page.evaluate(ROWS) if row["first"] > 10] == ["new"]


def test_a_log_that_cannot_be_opened_yet_is_opened_later(server, viewer):
    log = server.register()
    seed(log, 10)
    context = viewer.context(key=server.key)
    context.route(re.compile(f"{log.id}$"), lambda route: (
        route.continue_() if route.request.resource_type == "document" else route.fulfill(status=503, body="")))
    page = viewer.page(f"{server.url}/executions/{log.id}", context=context, allow=re.compile("503"))
    page.wait_for_selector("#empty:not([hidden])")
    assert page.inner_text("#empty") == "The server answered 503."
    context.unroute_all()
    wait_for_words(page, "^Live$")
    wait_for_row(page, 10)
    assert not page.is_visible("#empty")


def test_a_restart_in_order_is_resumed_at_once(own_server, viewer):
    server = own_server.start()
    log = server.register()
    seed(log, 10)
    page = viewer.log(server, log.id, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    assert server.stop() == 0
    server.start()
    wait_for_words(page, "^Resumed after 10, nothing missing$")


def test_a_page_that_was_offline_goes_on_where_it_was(server, viewer):
    log = server.register()
    seed(log, 100)
    proxy = CuttingProxy(port(server), cuts=0)
    context = viewer.context(key=server.key)
    page = viewer.log(server, log.id, base=proxy.url, context=context, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    for _ in range(3):
        before = log.head
        context.set_offline(True)
        proxy.drop()
        wait_for_words(page, f"^Offline: goes on after {before:,}$")
        more(log, 700)
        context.set_offline(False)
        wait_for_words(page, f"^Resumed after {before:,}, nothing missing$")
        wait_for_row(page, log.head)
        check_rows(page)
    proxy.close()
    more(log, 5, end="SUCCEEDED")
    check_complete(page, log)


def test_a_log_that_ends_while_the_page_is_offline_is_read_to_its_end(own_server, viewer):
    server = own_server.start()
    log = server.register()
    seed(log, 100)
    page = viewer.log(server, log.id, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    # The address that the page has leads to nothing for so long that it asks for another one.
    server.kill()
    wait_for_words(page, "^Reconnecting in")
    page.wait_for_function("() => Number(/in (\\d+) s/.exec(document.querySelector('#words').textContent)?.[1]) > 1")
    context = page.context
    context.set_offline(True)
    server.start()
    more(log, 20_000, end="FAILED")
    context.set_offline(False)
    wait_for_words(page, "^Complete: every line received$")
    wait_for_row(page, log.head)
    check_rows(page)
    page.click("#delivery")
    facts = page.inner_text("#delivery-facts")
    assert f"{log.head:,} events of {log.head:,} events, all of them, each in its place" in facts


def test_a_page_that_slept_goes_on_where_it_was(server, viewer):
    log = server.register()
    seed(log, 100)
    proxy = CuttingProxy(port(server), cuts=0)
    page = viewer.log(server, log.id, base=proxy.url, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    for sleeps_long in (False, True):
        before = log.head
        with asleep(page):
            if sleeps_long:
                # No event loop holds its connection for it.
                proxy.drop()
            more(log, 700)
        wait_for_words(page, f"^Resumed after {before:,}, nothing missing$" if sleeps_long else "^Live$")
        wait_for_row(page, log.head)
        check_rows(page)
    proxy.close()
    more(log, 5, end="SUCCEEDED")
    check_complete(page, log)


def test_a_tab_that_was_behind_another_one_or_frozen_shows_all_when_it_is_in_front_again(server):
    log = server.register()
    more(log, 100)

    def wait_for(words, head):
        tab.wait_for(f"""/{words}/.test(document.querySelector('#words')?.textContent) &&
          [...document.querySelectorAll('.row:not([hidden])')].some((row) => +row.dataset.last === {head})""")
        shown = tab.evaluate(f"({ROWS})()")
        assert [row["first"] for row in shown] == list(range(shown[0]["first"], head + 1))
        assert all(row["text"] == message(row["first"]) for row in shown if row["kind"] == "line")

    with tabs() as browser:
        tab = browser.open(f"{server.url}/executions/{log.id}", f"""
          sessionStorage.setItem('everyline.key', {json.dumps(server.key)}); window.states = [];
          for (const name of ['freeze', 'resume']) document.addEventListener(name, () => window.states.push(name))""")
        wait_for("^Live$", log.head)
        browser.open("about:blank")
        tab.wait_for("document.hidden")
        more(log, 700)
        tab.to_front()
        wait_for("^Live$", log.head)

        browser.open("about:blank")
        tab.wait_for("document.hidden")
        tab.freeze()
        tab.wait_for("window.states.join() === 'freeze'")
        before = log.head
        more(log, 700)
        tab.thaw()
        tab.to_front()
        # The browser ends the connections of what it freezes.
        wait_for(f"^Resumed after {before}, nothing missing$", log.head)

        browser.open("about:blank")
        tab.wait_for("document.hidden")
        more(log, 50, end="SUCCEEDED")
        tab.wait_for("/^Complete: every line received$/.test(document.querySelector('#words').textContent)")
        tab.to_front()
        wait_for("^Complete: every line received$", log.head)


def open_with_a_key_of_its_own(server, viewer, user):
    """A page that follows a log, its key, and what removes the key."""
    key = server.create_key("viewer", user)
    log = server.register()
    seed(log, 10)
    page = viewer.log(server, log.id, key=key, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    id = next(key["id"] for key in server.get("/api/v1/keys")["keys"] if key["user"] == user)
    return page, key, lambda: server.delete(f"/api/v1/keys/{id}")


def test_a_removed_key_is_told_and_not_tried_for_ever(server, viewer):
    page, _, remove = open_with_a_key_of_its_own(server, viewer, "leaver")
    remove()
    page.reload()
    page.wait_for_selector("dialog.sign-in")
    assert "not valid" in page.inner_text("dialog.sign-in")
    assert page.evaluate("sessionStorage.getItem('everyline.key')") is None


def test_who_has_a_page_open_whose_key_is_removed_is_asked_for_another_one(server, viewer):
    page, key, remove = open_with_a_key_of_its_own(server, viewer, "goer")
    list_page = viewer.page(server.url + "/", key=key, allow=OUTAGE)
    list_page.wait_for_selector("#list tr")
    remove()
    for one in (page, list_page):
        one.wait_for_selector("dialog.sign-in")
        assert "not valid" in one.inner_text("dialog.sign-in")
