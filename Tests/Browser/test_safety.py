"""What a hostile command can write, and what a reader's key is kept from."""

import json
import pathlib
import re

from everyline import wait_for
from viewer import (
    CHROMIUM, check_rows, elements, heap, rows, texts, visible, wait_for_row, wait_for_words, wait_until, wait_until_read,
    wait_until_still,
)


def test_hostile_output_is_text_and_nothing_else(server, viewer):
    hostile = [
        "<img src=x onerror=\"document.title='owned'\">", "<script>document.title='owned'</script>",
        "</div></body><h1>x", "&lt;b&gt; &amp;", "${document.title='owned'}",
        "\x1b]8;;javascript:document.title='owned'\x07click\x1b]8;;\x07",
        "\x1b]8;;data:text/html,<script>1</script>\x07click\x1b]8;;\x07", "\x1b]0;owned\x07title",
        "\x1b[2J\x1b[H\x1bcgone?", "\x1b[31m" * 30_000 + "bomb", "\x1b[999999999Cfar", "\u202ereversed",
        "a\u0300" * 500, "\x00\x07\x08\x7f\x9b31mcontrols", "x" * 262_144, "<b>" * 80_000,
        json.dumps({"offset": 1, "type": "end"}), "漢" * 80_000]
    log = server.register()
    log.append(*hostile)
    page = viewer.log(server, log.id)
    wait_for_row(page, len(hostile))
    found = {row["first"]: row["text"] for row in check_rows(page)}
    assert found[1] == hostile[0] and found[2] == hostile[1] and found[4] == hostile[3]
    assert found[6] == "click" and found[8] == "title" and found[9] == "gone?" and found[10] == "bomb"
    assert found[11].strip() == "far" and len(found[11]) <= 1_010
    assert found[14] == "31mcontrols"
    assert found[15].startswith("x" * 10_000) and "+ 252,144 characters" in found[15]
    assert found[17] == hostile[16]
    assert "owned" not in page.title()
    assert page.locator("#rows img, #rows script, #rows h1, #rows b").count() == 0
    assert page.locator("#rows .text a").count() == 0
    assert all(row["height"] == 20 for row in rows(page))
    page.keyboard.press("w")
    page.wait_for_function("() => document.querySelector('#rows').classList.contains('wraps')")
    wait_until_still(page)
    check_rows(page)
    page.keyboard.press("Home")
    for _ in range(20):
        page.keyboard.press("Space")
    wait_until_still(page)
    check_rows(page)
    assert elements(page) < 1_500


def test_a_link_leads_to_the_web_in_a_tab_of_its_own(server, viewer):
    log = server.register()
    log.append("see \x1b]8;;https://example.com/a?b=c\x1b\\this\x1b]8;;\x1b\\ page")
    page = viewer.log(server, log.id)
    link = page.locator("#rows .text a")
    assert link.get_attribute("href") == "https://example.com/a?b=c"
    assert link.get_attribute("target") == "_blank" and "noopener" in link.get_attribute("rel")
    assert texts(page)[0] == "see this page"


def test_a_million_colours_cost_no_elements(server, viewer):
    log = server.register()
    log.append(*["".join(f"\x1b[38;5;{n % 256}m{n % 10}" for n in range(5_000))] * 60)
    page = viewer.log(server, log.id)
    wait_for_row(page, 60)
    assert elements(page) < 400 * 60
    assert len(texts(page)[-1]) == 5_000


def test_the_longest_lines_fill_no_memory(server, viewer):
    log = server.register()
    for _ in range(20):
        log.append(*["x" * 262_144] * 20)
    page = viewer.log(server, log.id)
    wait_for_row(page, 400)
    page.locator("#log").focus()
    for _ in range(14):
        page.keyboard.press("PageUp")
        wait_until_read(page)
    # Rows so large are drawn frames after the key was pressed.
    wait_for(lambda: visible(page)[0]["first"] == 1)
    check_rows(page)
    assert heap(page) < 220 << 20


def assets(server, *names):
    """The addresses of what the pages load, as they stand in one."""
    page = server.request("GET", "/executions/x", key="")[2].decode()
    return [re.search(f'"[.]*(/assets/[^"]+/{name})"', page)[1] for name in names]


def test_what_pages_load_is_kept_for_as_long_as_it_is_the_same(server, viewer):
    script, = assets(server, "log-page.js")
    _, headers, content = server.request("GET", script, key="")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    # A page of another version of the server gets what this one has, and doesn't keep it.
    _, headers, same = server.request("GET", "/assets/000000/log-page.js", key="")
    assert headers["Cache-Control"] == "no-cache" and same == content
    assert server.request("GET", "/executions/x", key="")[1]["Cache-Control"] == "no-cache"
    log = server.register()
    log.append("hello")
    context = viewer.context(key=server.key)
    viewer.log(server, log.id, context=context)
    again = viewer.log(server, log.id, context=context)
    loaded = again.evaluate("""() => performance.getEntriesByType('resource')
      .filter(({ name }) => name.includes('/assets/')).map(({ name, transferSize }) => [name, transferSize])""")
    assert len(loaded) > 3 and all(size == 0 for _, size in loaded), loaded


def test_pages_have_a_policy_and_keep_no_cookies(server, viewer):
    for path in ("/", "/executions/x", *assets(server, "log-page.js", "log.css")):
        _, headers, _ = server.request("GET", path, key="")
        policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
        host = server.url.split("//")[1]
        assert policy == {
            "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
            "connect-src": f"'self' ws://{host} wss://{host}", "img-src": "'self' data:", "base-uri": "'none'",
            "frame-ancestors": "'none'", "form-action": "'none'"}
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in headers
        status, _, body = server.request("GET", path, key="", headers={"If-None-Match": "\"nothing\""})
        assert status == 200 and body
        try:
            server.request("GET", path, key="", headers={"If-None-Match": headers["ETag"]})
            raise AssertionError("it was sent again")
        except Exception as error:
            assert getattr(error, "status", None) == 304


def test_a_key_is_asked_for_and_stands_in_no_address(server, viewer):
    log = server.register()
    log.append("hello")
    context = viewer.context()
    addresses = []
    context.on("request", lambda request: addresses.append(request.url))
    page = viewer.page(f"{server.url}/executions/{log.id}#L1", context=context, allow=re.compile("401"))
    page.wait_for_selector("dialog.sign-in")
    # There is nothing behind it to go back to.
    for _ in range(3):
        page.keyboard.press("Escape")
    page.fill("#key", "elk_wrong")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('dialog.sign-in .trouble')?.textContent.includes('not valid')")
    page.fill("#key", server.key)
    page.keyboard.press("Enter")
    page.wait_for_selector(".row.selected:not([hidden])")
    wait_for_row(page, 1)
    assert texts(page)[0] == "hello"
    assert not any(server.key in address for address in addresses)
    assert page.evaluate("JSON.stringify(localStorage)").find(server.key) < 0
    assert page.evaluate("document.cookie") == ""
    # Another tab asks this one; when all are closed, none answers.
    other = viewer.page(server.url + "/", context=context)
    other.wait_for_selector("#list tr")
    other.click("text=Sign out")
    other.wait_for_selector("dialog.sign-in")
    page.wait_for_selector("dialog.sign-in")


def sign_in(page, server):
    page.wait_for_selector("dialog.sign-in")
    page.fill("#key", server.key)
    page.keyboard.press("Enter")
    page.wait_for_selector("#list tr, .row:not([hidden])")


def test_a_key_lives_as_long_as_a_tab_and_is_on_no_disk(server, browser, tmp_path):
    log = server.register()
    log.append("hello")
    options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"]}
    context = browser.browser_type.launch_persistent_context(tmp_path, **options)
    page = context.pages[0]
    page.goto(server.url + "/")
    sign_in(page, server)
    page.wait_for_function("async () => (await navigator.serviceWorker.getRegistration('/assets/worker/'))?.active")
    page.evaluate("sessionStorage.setItem('mark', 'sessions-are-on-disk')")
    # From page to page, again, and after the worker was ended, as a browser does with those that do nothing.
    page.click(f"#list a[href$='{log.id}']")
    page.wait_for_selector(".row:not([hidden])")
    for ends in (False, True):
        if ends:
            session = context.new_cdp_session(page)
            session.send("ServiceWorker.enable")
            session.send("ServiceWorker.stopAllWorkers")
        page.reload()
        page.wait_for_selector(".row:not([hidden])")
        assert page.evaluate("JSON.stringify([{ ...sessionStorage }, { ...localStorage }])").find(server.key) < 0
    page.go_back()
    page.wait_for_selector("#list tr")
    files = lambda: (file for file in tmp_path.rglob("*") if file.is_file() and not file.is_symlink())

    def has(text):
        return any(text.encode() in data or text.encode("utf-16-le") in data for data in map(pathlib.Path.read_bytes, files()))

    # A browser writes down what a session holds after a while.
    wait_until(page, lambda: has("sessions-are-on-disk"))
    assert not has(server.key)
    context.close()
    assert has("sessions-are-on-disk") and not has(server.key)
    again = browser.browser_type.launch_persistent_context(tmp_path, **options)
    page = again.pages[0]
    page.goto(server.url + "/")
    page.wait_for_selector("dialog.sign-in")
    again.close()


def test_signing_out_forgets_the_key_also_where_a_page_has_handed_it_over(server, browser, tmp_path):
    server.register()
    context = browser.browser_type.launch_persistent_context(tmp_path, executable_path=CHROMIUM, args=["--no-sandbox"])
    page = context.pages[0]
    page.goto(server.url + "/")
    sign_in(page, server)
    page.wait_for_function("async () => (await navigator.serviceWorker.getRegistration('/assets/worker/'))?.active")
    page.reload()
    page.wait_for_selector("#list tr")
    page.click("text=Sign out")
    page.wait_for_selector("dialog.sign-in")
    page.reload()
    page.wait_for_selector("dialog.sign-in")
    context.close()


def test_without_workers_a_key_goes_from_page_to_page_too(server, viewer):
    context = viewer.context()
    # As over plain HTTP.
    context.add_init_script("delete Navigator.prototype.serviceWorker")
    page = viewer.page(server.url + "/", context=context)
    sign_in(page, server)
    page.reload()
    page.wait_for_selector("#list tr")
    assert server.key not in page.evaluate("JSON.stringify({ ...sessionStorage })")


def test_a_page_loads_little_and_shows_lines_soon(server, viewer):
    log = server.register()
    log.append(*[f"line {n}" for n in range(2_000)])
    context = viewer.context(key=server.key)
    sizes = {}
    context.on("response", lambda response: "/api/" not in response.url and sizes.update(
        {response.url: len(response.body())}))
    # What prints, and what shows the state in the tab's picture, come behind the first lines.
    for later in ("print", "notify"):
        context.route(f"**/{later}.js", lambda route: None)
    page = viewer.log(server, log.id, context=context)
    wait_for_words(page, "^Live$")
    assert sum(sizes.values()) < 100_000, sizes
    # Everything that is loaded was asked for by the page itself, at once.
    preloaded = set(page.eval_on_selector_all("link[rel=modulepreload]", "links => links.map((link) => link.href)"))
    written = {server.url + path for path in (*assets(server, "log-page.js", "theme.js"), "/assets/worker/key-keeper.js")}
    # Comes once lines are shown, for a log that is longer than what is held of it.
    later = {url for url in sizes if url.endswith("/style-reader.js")}
    modules = {url for url in sizes if url.endswith(".js")} - written - later
    assert modules == preloaded
    # Few files: each costs a first visit some milliseconds.
    assert len(sizes.keys() - later - {server.url + "/assets/worker/key-keeper.js"}) == 5, sizes


def test_the_list_of_executions_loads_nothing_of_a_logs_page(server, viewer):
    page = viewer.page(server.url + "/")
    sign_in(page, server)
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    loaded = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name.split('/').at(-1))")
    assert {"shared.js", "executions-page.js", "sign-in.js"} <= set(loaded) and "log-page.js" not in loaded, loaded
