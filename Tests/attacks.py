"""What an attacker would try, one case a line, wherever it is the same for both forms: `EndToEnd/test_attacks.py` tries it on
a server, `AWS/test_attacks.py` on the functions behind their gateway."""

ROUTES = [
    ("GET", "/api/v1/executions", None), ("GET", "/api/v1/executions/{id}", None),
    ("GET", "/api/v1/executions/{id}/status", None), ("GET", "/api/v1/executions/{id}/logs", None),
    ("GET", "/api/v1/executions/{id}/block", None),
    ("POST", "/api/v1/run", {"command": ["touch", "/proof-of-an-attack"]}),
    ("POST", "/api/v1/executions", {"command": ["x"]}), ("DELETE", "/api/v1/executions/{id}", None),
    ("POST", "/api/v1/executions/{id}/input?after=0", None),
    ("GET", "/api/v1/keys", None), ("POST", "/api/v1/keys", {"user": "x", "role": "admin"}),
    ("DELETE", "/api/v1/keys/x", None), ("GET", "/api/v1/me", None),
]
BAD_KEYS = ["none", "forged", "revoked", "cut", "longer", "a stream token", "an append token", "another case", "quoted",
            "a wildcard", "sql"]


def wrong_keys(key, revoked, stream_token, append_token):
    """What is no key, by its name. `key` is a valid one."""
    return {
        "none": "", "forged": "elk_" + "A" * 43, "revoked": revoked, "cut": key[:-1], "longer": key + "A",
        "a stream token": stream_token, "an append token": append_token, "another case": key.swapcase(),
        "quoted": f'"{key}"', "a wildcard": "%", "sql": "' OR '1'='1",
    }


BAD_TOKENS = ["none", "forged", "flipped", "cut", "another execution's", "a revoked key's", "an api key", "an append token",
              "a wildcard", "sql"]


def wrong_tokens(token, another, revoked, key, append_token):
    """What opens no stream, by its name, as it stands in a URL. `token` is a valid one."""
    return {
        "none": "", "forged": "A" * len(token), "flipped": token[:-1] + ("A" if token[-1] != "A" else "B"), "cut": token[:-1],
        "another execution's": another, "a revoked key's": revoked, "an api key": key, "an append token": append_token,
        "a wildcard": "%25", "sql": "%27%20OR%201=1--",
    }


PATHS = [
    "/../../../../etc/passwd", "/..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/../../etc/passwd",
    "/api/v1/executions/..%2f..%2fkeys", "/api/v1/executions/%00", "/api/v1/executions/{id}%00", "/api/v1/executions/{id}%00/logs",
    "/api/v1/executions/{id}/logs%00.html", "/api/v1/executions/{id}/../../keys", "/api/v1/executions/{id}%2flogs",
    "/api/v1/executions/%0d%0aX-Injected:%20yes", "/api/v1/executions/{id}%0d%0aSet-Cookie:a=b/logs", "//etc/passwd",
    "/api/v1/executions/{id}/logs/../../../../etc/passwd", "/%5c..%5c..%5cetc", "/api/v1/executions/%c0%ae%c0%ae", "/\\etc",
    "/api/v1/executions/" + "a" * 7000, "/api/v1/executions/" + "%25" * 500, "http://elsewhere/etc/passwd", "*",
]

# After an execution whose log has two events.
CURSORS = [
    "after=-1", "after=18446744073709551616", "after=18446744073709551615", "after=3", "after=1e3", "after=0x1", "after=%201",
    "after=1;after=0", "after=1&after=0", "after=", "after=NaN", "after=1&last_seen_timestamp=1", "last_seen_timestamp=-1",
    "last_seen_timestamp=99999999999999999999", "after=%D9%A1", "after=1%00", "after=" + "9" * 5000,
]

ORIGINS = ["http://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:1", "file://",
           "http://{host}.evil.example", "http://evil.example/{host}", "http://user@{host}"]

# What an append may not hold, with its type.
BODIES = [
    (b'{"timestamp":1,"message":"a","offset":99}\n', "application/x-ndjson"),
    (b'{"timestamp":-1,"message":"a"}\n', "application/x-ndjson"),
    (b'{"timestamp":1,"type":"end","status":"RUNNING"}\n', "application/x-ndjson"),
    (b'{"timestamp":1,"type":"end","status":"SUCCEEDED"}\n{"timestamp":1,"message":"after"}\n', "application/x-ndjson"),
    (b"[" * 100_000, "application/x-ndjson"), (b'{"message":' * 50_000, "application/x-ndjson"),
    (b'{"timestamp":1,"message":"a"', "application/x-ndjson"), (b"\x00" * 1000, "application/x-ndjson"),
    (b'{"timestamp":1e999,"message":"a"}\n', "application/x-ndjson"),
    (b'{"timestamp":1,"message":"\\ud800"}\n{"x"', "application/x-ndjson"),
    (b"{}", "text/html"),
]

# Output that must not get out of its event.
MESSAGES = ["a\r\nb", 'x"}\n{"offset":9', "</script><script>alert(1)</script>", "\u2028data: forged", "\x00\x1b]0;t\x07"]


def report(terminal, form):
    """Writes how many attacks were tried, behind pytest's own account."""
    tried = [r for r in terminal.getreports("passed") + terminal.getreports("failed")
             if r.when == "call" and "test_attacks" in r.nodeid]
    if tried:
        succeeded = sum(r.failed for r in tried)
        terminal.write_line(f"{len(tried)} attacks tried on {form}, {succeeded or 'none'} succeeded")
