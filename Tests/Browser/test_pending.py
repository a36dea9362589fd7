"""A line that has no newline yet, as a reader of the page meets it."""

import pytest
from proxy import BlockingProxy
from test_delivery import port
from viewer import OUTAGE, rows, search, wait_for_words


def put(log, message, **more):
    log.server.request("PUT", f"{log.path}/pending", {"after": log.head, "message": message, **more}, key=log.token)


def wait_for_last(page, text, kind):
    page.wait_for_function(
        """([text, kind]) => {
          const row = [...document.querySelectorAll('.row:not([hidden])')].at(-1);
          return row?.dataset.kind === kind && row.querySelector('.text').innerText.trim().endsWith(text);
        }""", arg=[text, kind])


def test_it_is_the_last_row_and_becomes_a_line_without_a_jump(server, viewer):
    log = server.register()
    put(log, "Continue? ")
    page = viewer.log(server, log.id)
    wait_for_last(page, "Continue?", "pending")
    assert page.locator("#empty").is_hidden()
    log.append("Continue? y")
    wait_for_last(page, "Continue? y", "line")
    put(log, "10%\r\x1b[31m20%")
    wait_for_last(page, "20%", "pending")
    row = page.locator(".row[data-kind=pending]")
    before = row.bounding_box()
    assert row.locator(".text").inner_text().startswith("Unfinished line:")
    assert "newline" in row.get_attribute("title")
    assert "20%" in row.inner_text() and "10%" not in row.inner_text()
    log.append("10%\r\x1b[31m20%\r100%")
    wait_for_last(page, "100%", "line")
    assert page.locator(".row[data-first='2']").bounding_box() == before
    assert page.locator(".row[data-kind=pending]").count() == 0
    log.append(end="SUCCEEDED")
    wait_for_words(page, "Complete")


@pytest.mark.parametrize("refused", [[BlockingProxy.UPGRADES], [BlockingProxy.UPGRADES, BlockingProxy.EVENTS]], ids=["events", "blocks"])
def test_it_comes_by_each_way(server, viewer, refused):
    log = server.register()
    log.append("one")
    put(log, "Continue? ")
    proxy = BlockingProxy(port(server), refused=refused)
    page = viewer.log(server, log.id, base=proxy.url, allow=OUTAGE)
    wait_for_last(page, "Continue?", "pending")
    put(log, "Really? ")
    wait_for_last(page, "Really?", "pending")
    log.append("Really? y")
    wait_for_last(page, "Really? y", "line")
    put(log, "?")
    wait_for_last(page, "?", "pending")
    put(log, "")
    wait_for_last(page, "Really? y", "line")
    proxy.close()


def test_searching_selecting_and_copying_leave_it_out(server, viewer):
    log = server.register()
    log.append("needle one")
    page = viewer.log(server, log.id)
    put(log, "needle two")
    wait_for_last(page, "needle two", "pending")
    search(page, "needle")
    page.wait_for_function("() => document.getElementById('found').textContent.includes('1')")
    assert page.locator("mark").count() == 1
    page.keyboard.press("Escape")
    page.locator(".row[data-kind=pending] .number").click(force=True)
    assert page.locator("#selection").is_hidden()
    copied = page.evaluate(
        """() => { getSelection().selectAllChildren(document.getElementById('rows')); return getSelection().toString(); }""")
    assert "needle one" in copied and "needle two" not in copied


def test_it_goes_with_its_connection_and_comes_again_with_the_next(server, viewer):
    log = server.register()
    log.append("one")
    page = viewer.log(server, log.id)
    put(log, "? ")
    wait_for_last(page, "?", "pending")
    put(log, "")
    page.wait_for_function("() => document.querySelectorAll('.row[data-kind=pending]:not([hidden])').length === 0")
    assert rows(page)[-1]["text"] == "one"
