"""The viewer's page, which the API's function serves, on a stream behind the gateway."""

import json
import os
import time

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("EVERYLINE_CHROMIUM", "/usr/bin/chromium")


@pytest.fixture
def page(cloud):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        context.add_init_script(f"sessionStorage.setItem('everyline.key', {json.dumps(cloud.key)})")
        yield context.new_page()
        browser.close()


def test_follows_a_log_to_its_end(cloud, execution, page):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    execution.write("the first line")
    first = execution.time
    page.goto(f"{cloud.address}/executions/{execution.id}")
    page.wait_for_selector("text=the first line", timeout=30_000)
    execution.write(*(f"line {n}" for n in range(30)))
    page.wait_for_selector("text=line 29", timeout=30_000)
    # A time is gone to while the log goes on: the API knows where it is.
    page.keyboard.press("g")
    tenth = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime((first + 9) // 1000)) + f".{(first + 9) % 1000:03}Z"
    page.fill("#place", tenth)
    page.keyboard.press("Enter")
    page.wait_for_selector(".row.current[data-first='10']:not([hidden])")
    page.keyboard.press("f")
    execution.end(exit_code=3)
    page.wait_for_selector("text=/exit code 3|FAILED|failed/i", timeout=30_000)
    assert errors == []


def test_lists_executions_and_reads_a_log_that_has_ended(cloud, execution, page):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    execution.write(*(f"line {n}" for n in range(1, 301)))
    execution.end(exit_code=3)
    page.goto(cloud.address + "/")
    row = f"#list tr:has(a[href$='executions/{execution.id}'])"
    page.wait_for_selector(f"{row} .status[data-status=FAILED]", timeout=60_000)
    page.fill("#filter", execution.id)
    page.wait_for_function("() => document.querySelectorAll('#list tr').length === 1")
    page.click(f"{row} a")
    page.wait_for_selector(".row[data-kind=end]:not([hidden])")
    page.wait_for_selector("#words >> text=Complete: every line received")
    page.keyboard.press("Home")
    page.wait_for_selector(".row[data-first='1'] >> text=line 1")
    page.keyboard.press("/")
    page.fill("#query", "line 29")
    page.wait_for_function("() => /^(1 of )?11$/.test(document.querySelector('#found').textContent)")
    assert errors == []
