"""A log is followed by another way where WebSockets are blocked."""

import pytest
from playwright.sync_api import expect
from proxy import BlockingProxy
from test_delivery import check_complete, more, port
from viewer import OUTAGE, check_rows, seed, wait_for_row, wait_for_words

UPGRADES, EVENTS = BlockingProxy.UPGRADES, BlockingProxy.EVENTS
WAYS = {
    "upgrades-refused": ({"refused": [UPGRADES]}, r"^Live by server-sent events \(WebSockets are refused on the way\)$"),
    "upgrades-swallowed": ({"swallowed": [UPGRADES]}, r"^Live by server-sent events \(WebSockets get no answer\)$"),
    "upgrades-cut": ({"cut": [UPGRADES]}, r"^Live by server-sent events \(WebSockets are refused on the way\)$"),
    "all-refused": ({"refused": [UPGRADES, EVENTS]}, r"^Live by reading every 2 s \(WebSockets are refused on the way, events are"),
    "all-swallowed": ({"swallowed": [UPGRADES, EVENTS]}, r"^Live by reading every 2 s \(WebSockets get no answer, events get no"),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_log_comes_whole_where_web_sockets_are_blocked(server, viewer, way):
    blocked, said = WAYS[way]
    log = server.register()
    seed(log, 700)
    proxy = BlockingProxy(port(server), **blocked)
    page = viewer.log(server, log.id, base=proxy.url, allow=OUTAGE)
    # What there is, is shown before a way is found.
    wait_for_row(page, 700)
    wait_for_words(page, said)
    before = page.inner_text("#where")
    more(log, 600)
    wait_for_row(page, log.head)
    assert page.inner_text("#where") != before
    check_rows(page)
    proxy.drop()
    more(log, 300)
    wait_for_row(page, log.head)
    wait_for_words(page, said)
    more(log, 5, end="SUCCEEDED")
    check_complete(page, log)
    proxy.close()


def test_the_best_way_is_tried_again_when_asked(server, viewer):
    log = server.register()
    seed(log, 10)
    proxy = BlockingProxy(port(server), refused=[UPGRADES])
    page = viewer.log(server, log.id, base=proxy.url, allow=OUTAGE)
    wait_for_words(page, "^Live by server-sent events")
    page.click("#try-now")
    wait_for_words(page, "^Re")
    wait_for_words(page, "^Live by server-sent events")
    proxy.refused = []
    page.click("#try-now")
    wait_for_words(page, "^Live$")
    assert not page.is_visible("#try-now")
    # It is in the palette as long as it has something to do.
    page.keyboard.press(":")
    page.wait_for_selector("#sheet-palette[open]")
    page.keyboard.type("try now")
    expect(page.locator("#palette-list li:visible")).to_have_count(0)
    page.keyboard.press("Escape")
    proxy.refused = [UPGRADES]
    proxy.drop()
    wait_for_words(page, "^Live by server-sent events")
    proxy.refused = []
    page.keyboard.press(":")
    page.wait_for_selector("#sheet-palette[open]")
    page.keyboard.type("try now")
    page.keyboard.press("Enter")
    wait_for_words(page, "^Live$")
    assert more(log, 5) == 15
    wait_for_row(page, 15)
    proxy.close()


def test_a_server_that_was_away_is_followed_by_the_best_way_again(own_server, viewer):
    server = own_server.start()
    log = server.register()
    seed(log, 10)
    page = viewer.log(server, log.id, allow=OUTAGE)
    wait_for_words(page, "^Live$")
    server.kill()
    wait_for_words(page, "^Reconnecting in [2-9]")
    server.start()
    page.click("#try-now")
    wait_for_words(page, "^(Resumed after 10, nothing missing|Live)$")
