"""Characters take the columns that a terminal gives them, whatever fonts a browser has for them."""

import pytest
from everyline import wait_for
from viewer import check_rows, elements, search, wait_for_row

# Where the first "|" of each drawn row stands, in columns of its text.
BARS = """() => Object.fromEntries([...document.querySelectorAll('.row:not([hidden])[data-kind=line]')].map((row) => {
  const text = row.querySelector('.text');
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  const probe = document.createElement('span');
  probe.textContent = '0'.repeat(100);
  text.append(probe);
  const column = probe.getBoundingClientRect().width / 100;
  probe.remove();
  for (let node; (node = walker.nextNode()); ) {
    const at = node.data.indexOf('|');
    if (at < 0) continue;
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return [row.dataset.first, (range.getBoundingClientRect().left - text.getBoundingClientRect().left) / column];
  }
  return [row.dataset.first, -1]; }))"""

# Texts, and the columns that they take.
TEXTS = [("ab", 2), ("漢字", 4), ("한국어", 6), ("ｆｕｌｌ", 8), ("a漢b字c", 7), ("✔ ok", 4), ("⠋⠙ spin", 7), ("🎉 party", 8),
         ("e\u0301漢\u0301", 3), ("─│┌┐", 4), ("\x1b[31m漢\x1b[1m字\x1b[0m x", 6), ("日本\t", 8), ("→ ← ≠", 5)]


def wait_for_columns(bars, expected):
    """Until each row's bar stands in its column, to a tenth of one."""
    def is_there():
        found = bars()
        return all(abs(found.get(str(n + 1), -9) - columns) < 0.1 for n, (_, columns) in enumerate(expected))
    wait_for(is_there)


@pytest.mark.parametrize("on_screen", [False, True])
def test_wide_characters_take_two_columns(server, viewer, on_screen):
    log = server.register()
    log.append(*[text + "|" for text, _ in TEXTS])
    if on_screen:
        log.append("x", "\x1b[1Ay")
    page = viewer.log(server, log.id)
    wait_for_row(page, len(TEXTS))
    wait_for_columns(lambda: page.evaluate(BARS), TEXTS)
    # What is searched for is found in them, and leaves them where they are.
    assert search(page, "字").endswith("3")
    page.keyboard.press("Enter")
    page.wait_for_selector(".row.current mark")
    wait_for_columns(lambda: page.evaluate(BARS), TEXTS)
    check_rows(page)


def test_a_row_of_wide_characters_costs_few_elements(server, viewer):
    log = server.register()
    log.append(*["漢" * 5_000 + "|"] * 30, *["a漢🎉" * 3_000] * 30)
    page = viewer.log(server, log.id)
    wait_for_row(page, 60)
    page.keyboard.press("Home")
    wait_for_row(page, 1)
    page.wait_for_function("() => document.querySelector('.row:not([hidden]) .text span')")
    assert elements(page) < 1_500
    page.keyboard.press("End")
    wait_for_row(page, 60)
    # No row has more than a hundred stretches.
    page.wait_for_function("() => document.querySelectorAll('.row[data-last=\"60\"] .text span').length === 100")


def test_plain_lines_measure_nothing(server, viewer):
    log = server.register()
    log.append("plain", "\x1b[31mred\x1b[0m", "é ü ß")
    page = viewer.log(server, log.id)
    wait_for_row(page, 3)
    loaded = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert any(name.endswith("/log-page.js") for name in loaded) and not any(name.endswith("/columns.js") for name in loaded)
