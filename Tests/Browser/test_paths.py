"""The pages below a path of another site, over TLS, behind the nginx of docs/proxies.md."""

from proxies import proxied
from viewer import wait_for_row, wait_for_words


def test_the_pages_list_run_and_follow_below_a_path(viewer, tmp_path):
    with proxied("nginx", tmp_path) as server:
        context = viewer.context(key=server.key, ignore_https_errors=True)
        # Without the slash, as people type it.
        page = viewer.page(server.outside, context)
        assert page.url == server.outside + "/"
        page.click("#run")
        page.fill("#run-command", "seq 3")
        page.click("#run-form button.main")
        page.wait_for_url(server.outside + "/executions/*")
        wait_for_row(page, 3)
        wait_for_words(page, "omplete")
        page.click("#help")
        page.wait_for_selector("#sheet-help[open]")
        page.keyboard.press("Escape")
        page.click("a[title='All executions']")
        page.wait_for_url(server.outside + "/")
        page.click("#list a.command")
        page.wait_for_url(server.outside + "/executions/*")
        wait_for_row(page, 3)
