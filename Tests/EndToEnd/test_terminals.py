"""What others wrote and a terminal shows: it can be read and pasted, and steers nothing."""

import json
import subprocess

import pytest

EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u009b2J\u202e\neveryline: everything is fine"


def steering(text):
    """The characters in a text that a terminal would obey."""
    return [c for c in text if ord(c) < 0x20 and c != "\n" or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u200d\u2066"]


@pytest.fixture(scope="module")
def evil(server):
    """A log whose command, lines and notices are written by an attacker."""
    answer = server.post("/api/v1/executions", {"command": ["/x" + EVIL, "'\u0301; touch pwned; '\u0301"]})
    now = {"timestamp": 1_000}
    events = [
        {**now, "type": "notice", "code": "x\x1b[2J", "message": EVIL},
        {**now, "message": "\x1b[32mgreen\x1b[0m \x1b]0;title\x07" + EVIL.split("\n")[0]},
        {**now, "message": "cut \x1b]52;c;", "partial": True}, {**now, "message": "eA==\x07here"},
        {**now, "message": "10%\r100%"}, {**now, "message": "wrong", "stream": "stderr"},
        {**now, "type": "end", "status": "SUCCEEDED", "exit_code": 0},
    ]
    body = "".join(json.dumps(e) + "\n" for e in events).encode()
    server.post(
        f"/api/v1/executions/{answer['execution_id']}/events?after=0", body, key=answer["append_token"],
        headers={"Content-Type": "application/x-ndjson"})
    return answer["execution_id"]


@pytest.mark.parametrize("arguments", [["list"], ["list", "-o", "json"], ["status"], ["status", "-o", "json"]])
def test_what_we_print_of_others_is_visible(cli, evil, arguments):
    out = cli.out(*arguments, *([evil] if arguments[0] == "status" else []))
    assert steering(out) == [] and "\neveryline:" not in out
    if arguments[-1] == "json":
        found = json.loads(out)
        assert (found if arguments[0] == "status" else found[0])["command"][0] == "/x" + EVIL


def test_what_a_log_says_aside_forges_no_line_of_ours(cli, evil):
    err = cli.run("logs", evil).stderr.decode()
    assert steering(err) == []
    assert [line for line in err.splitlines() if not line.startswith("everyline: the log says: ")] == []


@pytest.mark.parametrize("words", [
    ["echo", "'\u0301; touch pwned; echo '\u0301"], ["echo", "\n'\u0301; touch pwned; echo $'\u0301"],
    ["echo", "\\' ; x"], ["echo", "\t\\"], ["echo", "$(touch pwned)", "`y`", "a!b", "~root", ""],
    ["echo", "a\r\nb", "\u009b2J", "\u202ea", "'\u200d; x", "\U000e0041", "\x1b7"],
])
def test_a_command_that_is_pasted_is_the_same_words(cli, server, tmp_path, words):
    id = server.post("/api/v1/executions", {"command": words})["execution_id"]
    out = cli.out("status", id)
    assert steering(out) == []
    text = out.split("command:", 1)[1].split("\nstatus:", 1)[0].strip()
    for locale in ("C", "C.UTF-8"):
        done = subprocess.run(
            ["bash", "-c", "printf '%s\\0' " + text], capture_output=True, cwd=tmp_path, env={"LC_ALL": locale})
        assert done.stdout.decode().split("\0")[:-1] == words
    assert not (tmp_path / "pwned").exists()


def test_a_terminal_gets_colours_and_progress_and_nothing_else(cli, evil):
    seen = cli.in_terminal("logs", evil, TERM="xterm")
    assert seen == "\x1b[32mgreen\x1b[0m 2J\ncut here\n10%\r100%\n\x1b[31mwrong\x1b[0m\n"
    seen = cli.in_terminal("logs", "-o", "json", evil)
    assert steering(seen) == [] and json.loads(seen.splitlines()[0])["message"] == EVIL


def test_times_stay_where_a_carriage_return_goes_back_to(cli, evil):
    time = "1970-01-01T00:00:01.000Z "
    assert f"{time}10%\r{time}100%\n" in cli.in_terminal("logs", "--timestamps", evil)
    assert f"{time}10%\r100%\n" in cli.run("logs", "--timestamps", evil).stdout.decode()


def test_files_and_raw_get_everything_as_it_was_written(cli, evil):
    written = "\x1b[32mgreen\x1b[0m \x1b]0;title\x07" + EVIL.split("\n")[0]
    assert cli.run("logs", evil).stdout.decode().startswith(written + "\ncut \x1b]52;c;eA==\x07here\n")
    assert cli.in_terminal("logs", "--raw", evil).startswith(written + "\n")


def test_colours_of_ours_go_to_terminals_only_and_those_of_the_command_everywhere(cli, server):
    log = server.register()
    log.append("\x1b[32mgreen\x1b[0m")
    log.append("wrong", stream="stderr")
    log.append(end="SUCCEEDED")
    plain = "\x1b[32mgreen\x1b[0m\nwrong\n"
    assert cli.out("logs", log.id) == plain
    assert cli.in_terminal("logs", log.id, TERM="xterm").endswith("\n\x1b[31mwrong\x1b[0m\n")
    for environment in ({"NO_COLOR": "1", "TERM": "xterm"}, {"TERM": "dumb"}):
        assert cli.in_terminal("logs", log.id, **environment) == plain


@pytest.mark.parametrize("arguments", [
    ["status", "{}"], ["list", "--status", "{}"], ["list", "--status={}"], ["exec", "--timeout", "{}", "--", "true"], ["serve", "--listen", "{}"],
    ["{}"], ["list", "--{}"], ["keys", "create", "--user", "{}", "--role", "viewer"], ["completions", "{}"]])
def test_what_was_typed_wrongly_is_shown_and_not_obeyed(cli, arguments):
    odd = "x\x1b]0;PWNED\x07\neveryline: forged"
    done = cli.run(*(argument.format(odd) for argument in arguments))
    assert done.returncode not in (0, -4), done
    assert not set(done.stderr + done.stdout) & set(b"\x1b\x07") and b"\neveryline: forged" not in done.stderr, done.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999", "http://127.0.0.1:65536", "http://[::1]:99999", "https://a:0", "http://a:x"])
def test_an_address_that_can_not_be_is_said(cli, address):
    done = cli.run("list", "--url", address)
    assert done.returncode in (64, 125) and b"can't be used" in done.stderr, done
