"""The pages say what the binary does: commands and their options, the API's paths, and where a command of `run` runs."""

import json
import os
import pwd
import re
import shlex
import subprocess

import pytest
from attacks import ROUTES
from everyline import BINARY, ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture(scope="module")
def commands():
    """Each command's words, with the options that it takes."""
    help = json.loads(subprocess.run([BINARY, "--experimental-dump-help"], capture_output=True, check=True).stdout)

    def options(command):
        return {("--" if name["kind"] == "long" else "-") + name["name"]
                for argument in command.get("arguments", []) for name in argument.get("names") or []}

    def walk(command, words):
        yield words, options(command)
        for inner in command.get("subcommands", []):
            yield from walk(inner, (*words, inner["commandName"]))

    return dict(walk(help["command"], ()))


def calls(page):
    """What follows `everyline` in a page's blocks and between its backquotes: words, to a comment, a pipe or `--`."""
    text = page.read_text()
    lines = [line for line in text.splitlines() if line.startswith("    ")] + re.findall(r"`(everyline [^`]*)`", text)
    for line in lines:
        for call in re.findall(r"(?:^|[|&$`] ?|    )everyline +([a-z].*)", line):
            call = re.split(r"\s#|\s{2,}| -- |[|&>`]", call.replace("\\|", " "))[0]
            yield shlex.split(re.sub(r"[\[\]]", " ", call), posix=call.count("'") % 2 == 0)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_calls_commands_that_there_are_with_options_that_they_take(page, commands):
    for words in calls(page):
        name = tuple(words[:1])
        if len(words) > 1 and (*name, words[1]) in commands:
            name = (*name, words[1])
        if name not in commands and name == ("help",):
            continue
        assert name in commands, words
        for option in words[len(name):]:
            if option.startswith("-") and option != "-":
                assert option in commands[name] | {"--help", "--version"}, words


def test_the_pages_have_calls(commands):
    """What the test before this one rests on: it finds them."""
    found = {tuple(words[:1]) for page in PAGES for words in calls(page)}
    assert {name[:1] for name in commands if name} - {("help",), ("completions",), ("runner",)} <= found


def test_the_help_says_the_defaults_that_the_page_of_limits_says():
    help = " ".join(subprocess.run([BINARY, "serve", "--help"], capture_output=True, text=True, check=True).stdout.split())
    units = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "s": 1, "h": 3600, "d": 86400}

    def value(figure):
        number, unit = re.fullmatch(r"([0-9,]+) ?([A-Za-z]*)", figure).groups()
        return int(number.replace(",", "")) * units[unit]

    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| `(--[a-z-]+)` \|", (ROOT / "docs/limits.md").read_text(), re.M)
    assert len(rows) > 10
    for figure, option in rows:
        told = re.search(rf"{option} <[a-z-]+> .*?\(default: ([^)]+)\)", help)
        assert told and value(told[1]) == value(figure), option


def test_each_route_that_wants_a_key_is_attacked():
    document = json.loads((ROOT / "Sources/EverylineServer/Resources/openapi.json").read_text())
    guarded = {(method.upper(), path) for path, item in document["paths"].items() for method, operation in item.items()
               if method in ("get", "put", "post", "delete") and {"bearer": []} in operation.get("security", document.get("security", []))}
    assert len(guarded) > 10
    assert guarded == {(method, path.split("?")[0].replace("/keys/x", "/keys/{key}")) for method, path, _ in ROUTES}


def test_the_page_of_the_api_has_the_paths_that_there_are():
    document = json.loads((ROOT / "Sources/EverylineServer/Resources/openapi.json").read_text())
    there = {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, item in document["paths"].items()
             for method in item if method in ("get", "put", "post", "delete") and path.startswith("/api/v1/")}
    # What a stream's URL says is behind `websocket_url` and `stream_url`, and the append's other face is the WebSocket.
    aliases = {"GET /executions/{id}/stream", "GET /executions/{id}/events", "GET /openapi.json"}
    text = (ROOT / "docs/api.md").read_text()
    told = {call.replace("{id}", "{key}") if "/keys/" in call else call
            for call in re.findall(r"`((?:GET|PUT|POST|DELETE) /[a-z_/{}]+)", text)}
    assert told - {"GET /api/v"} == there - aliases


def test_a_command_of_run_has_the_servers_user_directory_and_environment_and_no_input(cli, server):
    script = 'id -un; pwd; env | grep ^EVERYLINE_ | cut -d= -f1; echo "added $ADDED"; readlink /proc/self/fd/0'
    out = cli.run("run", "--quiet", "-e", "ADDED=1", "--", "sh", "-c", script).stdout.decode().splitlines()
    directory = os.readlink(f"/proc/{server.process.pid}/cwd")
    assert out == [pwd.getpwuid(os.getuid()).pw_name, directory, "EVERYLINE_EXECUTION_ID", "added 1", "/dev/null"]
    assert cli.run("run", "--quiet", "--cwd", "/", "--", "pwd").stdout == b"/\n"
