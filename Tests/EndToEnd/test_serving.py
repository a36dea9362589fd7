"""Starting, stopping, killing and starting again; and what stands in the way of it."""

import fcntl
import http.client
import json
import os
import pathlib
import signal
import ssl
import stat
import subprocess
import tempfile
import threading
import urllib.request

import pytest

from cli import CommandLine
from everyline import BINARY, Refused, Server, messages, serving, stream, wait_for


def serve(directory, *options, environment=None):
    """Runs a server that is expected not to start."""
    return subprocess.run(
        [BINARY, "serve", "--data", str(directory), *options], capture_output=True, text=True, timeout=30,
        env={**os.environ, "XDG_CONFIG_HOME": str(directory) + "-config", **(environment or {})})


def test_the_first_start_gives_the_user_a_key_and_the_address(tmp_path):
    config = tmp_path / "config/everyline/config.yaml"
    server = Server(tmp_path)
    process = subprocess.Popen(
        [BINARY, "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=server.environment)
    try:
        url = json.loads(process.stdout.readline())["listening"]
        assert config.stat().st_mode & 0o777 == 0o600
        values = dict(line.split(": ", 1) for line in config.read_text().splitlines() if not line.startswith("#"))
        assert values["url"] == url
        server.url = url
        assert server.get("/api/v1/me", key=values["api_key"])["role"] == "admin"
    finally:
        process.terminate()
        process.wait(30)
    process.stdout.close()


def test_a_users_file_for_another_server_is_left_alone(tmp_path):
    config = tmp_path / "config/everyline/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("url: http://elsewhere:1\napi_key: elk_mine\n")
    server = Server(tmp_path)
    process = subprocess.Popen(
        [BINARY, "serve", "--data", str(server.data), "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=server.environment)
    try:
        server.url = json.loads(process.stdout.readline())["listening"]
        assert config.read_text() == "url: http://elsewhere:1\napi_key: elk_mine\n"
        key = (server.data / "admin.key").read_text().strip()
        assert server.get("/api/v1/me", key=key)["role"] == "admin"
    finally:
        process.terminate()
        process.wait(30)
    process.stdout.close()


def test_an_admin_key_file_is_taken_if_it_is_there(tmp_path):
    server = Server(tmp_path)
    server.key_file.write_text("a key of the operator's own choice, long enough".replace(" ", "-") + "\n")
    server.start()
    try:
        assert server.get("/api/v1/me")["role"] == "admin"
        server.restart()
        assert server.get("/api/v1/me")["role"] == "admin"
        assert len(server.get("/api/v1/keys")["keys"]) == 1
    finally:
        server.stop()
    server.key_file.write_text("short\n")
    refused = serve(server.data, "--listen", "127.0.0.1:0", "--admin-key-file", str(server.key_file))
    assert refused.returncode != 0 and "holds no key" in refused.stderr


def test_a_second_server_on_the_same_data_is_refused(server):
    second = serve(server.data, "--listen", "127.0.0.1:0")
    assert second.returncode == 125 and "another server works with the data" in second.stderr
    assert second.stdout == ""


@pytest.mark.parametrize("attempt", range(5))
def test_a_port_in_use_is_refused_and_nothing_else_is_said(server, tmp_path, attempt):
    second = serve(tmp_path / "other", "--listen", server.address)
    assert second.returncode == 125 and second.stdout == ""
    assert second.stderr == f"everyline: {server.address} is in use by another program.\n"


@pytest.mark.parametrize("options, word", [
    (["--listen", "nowhere"], "listen"), (["--listen", "127.0.0.1:99999"], "listen"), (["--log-limit", "x"], "log-limit"),
    (["--tls-certificate", "/nowhere"], "tls-key"), (["--retention-age", "soon"], "retention-age"),
    (["--retention-age", "90"], "retention-age"), (["--retention-size", "100"], "retention-size"),
    (["--line-limit", "2MiB"], "line-limit"), (["--max-connections", "0"], "max-connections"),
    (["--public-url", "ftp://x"], "public-url"), (["--nonsense"], "nonsense")])
def test_options_that_make_no_sense_are_refused(tmp_path, options, word):
    refused = serve(tmp_path / "data", *options)
    assert refused.returncode == 64 and word in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_directory_whose_path_is_too_long_for_a_socket_is_refused_in_words():
    # What a socket's path may have: 103 bytes, of which the server needs 16 behind the directory.
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        longest = pathlib.Path(place) / ("x" * (103 - 16 - len("/data") - len(place) - 1))
        with serving(longest) as server:
            assert server.get("/api/v1/executions")["executions"] == []
        refused = serve(longest.with_name(longest.name + "x") / "data")
        assert refused.returncode == 125 and "the data directory's path is too long" in refused.stderr


def test_settings_come_from_flags_before_the_environment_before_the_file(tmp_path):
    config = tmp_path / "config/everyline/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("serve:\n  line-limit: 10B\n  log-limit: 100B\n  append-limit: 1KiB\n")
    with serving(
        tmp_path, "--line-limit", "20B", environment={"EVERYLINE_LINE_LIMIT": "15B", "EVERYLINE_APPEND_LIMIT": "2KiB"}
    ) as server:
        log = server.register()
        log.append("x" * 30)
        assert log.head == 2
        with pytest.raises(Refused) as full:
            log.append("y")
        assert full.value.code == "log_full"
        with pytest.raises(Refused) as large:
            log.append_raw(b"x" * 2049, type="text/plain")
        assert large.value.code == "body_too_large" and "2048" in large.value.problem["detail"]


def test_a_misspelt_setting_is_refused_by_its_name(tmp_path):
    config = tmp_path / "data-config/everyline/config.yaml"
    config.parent.mkdir(parents=True)
    config.write_text("serve:\n  retention-agee: 90d\n")
    refused = serve(tmp_path / "data", "--listen", "127.0.0.1:0")
    assert refused.returncode == 64 and "retention-agee" in refused.stderr and "retention-age," in refused.stderr
    assert not (tmp_path / "data").exists()


def test_a_database_of_a_newer_version_is_refused(own_server):
    own_server.start().stop()
    import sqlite3

    database = sqlite3.connect(own_server.data / "everyline.sqlite")
    with database:
        database.execute("INSERT INTO grdb_migrations VALUES ('99: something new')")
    database.close()
    refused = serve(own_server.data, "--listen", "127.0.0.1:0")
    assert refused.returncode == 125 and "newer version" in refused.stderr


def test_tls(tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    trust = ssl.create_default_context(cafile=certificate)
    with serving(tmp_path, "--tls-certificate", str(certificate), "--tls-key", str(key)) as server:
        assert server.url.startswith("https://")
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trust))
        urllib.request.install_opener(opener)
        try:
            log = server.register()
            log.append("one")
            url = log.stream_url()
            assert url.startswith("wss://")
            with stream(url, ssl=trust) as viewer:
                assert json.loads(viewer.recv(timeout=30))["message"] == "one"
            used = http.client.HTTPSConnection(*server.address.split(":"), context=trust)
            used.request("GET", "/healthz")
            assert used.getresponse().read()
            with stream(url.replace("wss://", "ws://"), sock=used.sock) as viewer:
                assert json.loads(viewer.recv(timeout=30))["message"] == "one"
            # Who forgets the s is told so, by plain HTTP.
            with pytest.raises(Refused) as refused:
                server.request("GET", server.url.replace("https:", "http:") + "/healthz")
            assert refused.value.status == 400 and "begins with https" in refused.value.problem["detail"]
        finally:
            urllib.request.install_opener(urllib.request.build_opener())


def test_a_certificate_that_can_not_be_read_is_refused(tmp_path):
    refused = serve(
        tmp_path / "data", "--listen", "127.0.0.1:0", "--tls-certificate", "/nowhere", "--tls-key", "/nowhere")
    assert refused.returncode == 125 and "/nowhere" in refused.stderr


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(own_server):
    """Producers append and the server is killed, again and again; each retries what it has no answer for."""
    server = own_server.start()
    logs = [server.register() for _ in range(4)]
    acknowledged = {log.id: 0 for log in logs}
    stop = threading.Event()

    def produce(log):
        number = 0
        while True:
            try:
                log.append(*[f"line {number + n}" for n in range(7)], after=number)
            except (OSError, Refused):
                continue
            number += 7
            acknowledged[log.id] = log.head
            assert log.head == number
            # Not before there is an answer: what had none may be in the log.
            if stop.is_set():
                return

    threads = [threading.Thread(target=produce, args=(log,)) for log in logs]
    for thread in threads:
        thread.start()
    for round in range(8):
        before = dict(acknowledged)
        wait_for(lambda: all(acknowledged[log.id] > before[log.id] + 30 for log in logs))
        server.restart()
    stop.set()
    for thread in threads:
        thread.join()
    for log in logs:
        assert server.execution(log.id)["last_offset"] == acknowledged[log.id]
        log.append(end="SUCCEEDED", after=acknowledged[log.id])
        texts = [e["message"] for e in server.events(log.id)[:-1]]
        assert texts == [f"line {n}" for n in range(acknowledged[log.id])]
    server.stop()
    doctor = subprocess.run(
        [BINARY, "doctor", "--data", str(server.data)], capture_output=True, text=True, env=server.environment)
    assert doctor.returncode == 0, doctor.stdout


def test_a_full_disk_is_said_and_got_over(tmp_path):
    """On a file system of its own, in a mount namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    small = tmp_path / "small"
    small.mkdir()
    wrapper = tmp_path / "everyline"
    # The server takes all that there is for its write-ahead log, so what will be made free is there before it.
    prepare = f"mount -t tmpfs -o size=4m none {small} && head -c 1000000 /dev/zero >{small}/filler"
    wrapper.write_text(f"#!/bin/sh\nexec unshare -rm sh -c '{prepare} && exec \"$0\" \"$@\"' {BINARY} \"$@\"\n")
    wrapper.chmod(0o755)
    server = Server(tmp_path / "server")
    process = subprocess.Popen(
        [wrapper, "serve", "--data", str(small), "--listen", "127.0.0.1:0", "--admin-key-file", str(server.key_file)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=server.environment)
    try:
        server.url = json.loads(process.stdout.readline())["listening"]
        server.key = server.key_file.read_text().strip()
        log = server.register()
        log.append("first")
        inside = pathlib.Path(f"/proc/{process.pid}/root{small}")
        filler = inside / "filler"
        with open(filler, "ab") as file:
            try:
                while file.write(b"x" * 65536):
                    file.flush()
            except OSError:
                pass
        with pytest.raises(Refused) as full:
            for _ in range(100):
                log.append("x" * 100_000)
        assert (full.value.status, full.value.code) == (507, "no_space")
        head = server.execution(log.id)["last_offset"]
        assert head == log.head
        assert server.request("GET", "/healthz")[0] == 200
        filler.unlink()
        assert log.append("after the disk was full", end="SUCCEEDED") == head + 2
        assert len(server.events(log.id)) == head + 2
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def test_a_start_on_a_full_disk_says_that_it_is_full(tmp_path):
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    full = tmp_path / "full"
    full.mkdir()
    server = Server(tmp_path / "server").start()
    server.stop()
    serving = f"cp {server.data}/everyline.sqlite {full}; head -c 5000000 /dev/zero >{full}/filler; exec {BINARY} serve --data {full} --listen 127.0.0.1:0"
    ended = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o size=4m,mode=700 none {full}; {serving}"],
        capture_output=True, text=True, timeout=30, env=server.environment)
    assert ended.returncode != 0
    assert f"the data in {full} can't be used: its disk is full" in ended.stderr


def test_the_terminal_that_it_was_started_from_may_be_closed(own_server):
    server = own_server.start()
    for _ in range(3):
        server.process.send_signal(signal.SIGHUP)
        assert server.request("GET", "/healthz")[0] == 200
    assert server.stop() == 0


def test_an_unread_log_stops_nothing(own_server):
    """Standard error is a pipe that is full: what is beyond the limit of what waits is dropped, counted and said."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    server = own_server
    server.options = ["--log-level", "debug"]
    with open(write, "wb", closefd=False) as pipe:
        server.start(log=pipe)
    os.close(write)
    with open(read, "rb") as reader:
        log = server.register()
        # Each request is a line; a log of 1 MiB of them waits.
        connection = http.client.HTTPConnection(*server.address.split(":"), timeout=30)
        for _ in range(1500):
            connection.request("GET", "/" + "/".join(["x" * 31] * 60))
            connection.getresponse().read()
        assert log.append("goes on") == 1
        dropped = None
        while dropped is None:
            line = json.loads(reader.readline())
            dropped = line.get("dropped")
        assert int(dropped) > 0 and line["level"] == "warning"
        log.append(end="SUCCEEDED")
        # A reader that has gone is no reason to end either.
    assert server.request("GET", "/healthz")[0] == 200
    assert server.stop() == 0


def test_a_secret_in_a_path_is_not_logged(own_server):
    server = own_server
    server.options = ["--log-level", "trace"]
    server.start()
    for method in ("GET", "DELETE"):
        with pytest.raises(Refused):
            server.request(method, f"/api/v1/keys/{server.key}")
    assert server.stop() == 0
    assert server.key not in server.log() and server.key[:4] + "…" in server.log()


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_its_runners_socket_is_its_owners_alone_whatever_the_umask(tmp_path, umask):
    server = Server(tmp_path)
    # The directory is there already, readable by all, with the unfinished socket of a server that was killed.
    (server.data / "runner.sock.d").mkdir(parents=True)
    (server.data / "runner.sock.d" / "s").touch()
    server.data.chmod(0o755)
    before = os.umask(umask)
    try:
        server.start()
    finally:
        os.umask(before)
    try:
        assert server.execution(server.run("true"))["status"] != "FAILED"
        wait_for(lambda: (server.data / "runner.sock").exists())
        mode = (server.data / "runner.sock").stat().st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
        assert not (server.data / "runner.sock.d").exists()
    finally:
        server.stop()


def test_an_orderly_stop_leaves_everything_in_the_database_file(own_server):
    own_server.start()
    log = own_server.register()
    log.append(*["x" * 1000] * 1000)
    assert (own_server.data / "everyline.sqlite-wal").stat().st_size > 0
    assert own_server.stop() == 0
    wal = own_server.data / "everyline.sqlite-wal"
    assert not wal.exists()
    own_server.start()
    assert own_server.execution(log.id)["last_offset"] == 1000


@pytest.mark.parametrize("options, environment", [(["--record-only"], {}), ([], {"EVERYLINE_RECORD_ONLY": "true"})])
def test_a_server_that_only_records_refuses_to_run_commands_and_takes_what_others_run(tmp_path, options, environment):
    with serving(tmp_path, *options, environment=environment) as server:
        with pytest.raises(Refused) as refused:
            server.run("true")
        assert (refused.value.status, refused.value.code) == (400, "not_supported")
        assert "only records" in refused.value.problem["detail"]
        assert server.get("/api/v1/executions")["executions"] == []
        cli = CommandLine(server, tmp_path)
        refused = cli.run("run", "--", "true")
        assert refused.returncode == 125 and b"everyline exec" in refused.stderr
        assert cli.out("exec", "--", "echo", "recorded") == "recorded\n"
        assert cli.out("logs", "--last") == "recorded\n"


@pytest.mark.parametrize("option, field", [
    (["--profile", "tools"], {"profile": "tools"}), (["--cpu", "1024"], {"cpu": 1024}), (["--memory", "512"], {"memory": 512}),
    (["--secret", "TOKEN"], {"secrets": ["TOKEN"]}),
])
def test_what_only_tasks_have_is_refused_in_words(server, tmp_path, option, field):
    def ids():
        return [execution["execution_id"] for execution in server.get("/api/v1/executions")["executions"]]

    before = ids()
    with pytest.raises(Refused) as refused:
        server.run("true", **field)
    assert (refused.value.status, refused.value.code) == (400, "not_supported")
    assert "profiles, sizes and secrets are the AWS form's" in refused.value.problem["detail"]
    cli = CommandLine(server, tmp_path)
    refused = cli.run("run", *option, "--", "true")
    assert refused.returncode == 125 and b"the AWS form's" in refused.stderr
    assert ids() == before


def test_commands_that_run_go_on_under_a_server_that_only_records(own_server, tmp_path):
    server = own_server.start()
    id = server.run("sh", "-c", f"until [ -e {tmp_path}/go ]; do sleep 0.05; done; echo over")
    server.options += ["--record-only"]
    server.restart()
    (tmp_path / "go").touch()
    events = server.events(id)
    assert messages(events) == ["over"] and events[-1]["status"] == "SUCCEEDED"


def test_no_link_among_the_runners_directories_is_followed(own_server, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    runners = own_server.data / "runners"
    runners.mkdir(parents=True)
    own_server.data.chmod(0o700)
    (runners / "01link").symlink_to(elsewhere)
    own_server.start()
    id = own_server.run("true")
    wait_for(lambda: own_server.execution(id)["status"] == "SUCCEEDED")
    assert list(elsewhere.iterdir()) == [] and (runners / "01link").is_symlink()


def test_a_second_server_takes_no_directory_in_use_whatever_was_deleted_in_it(own_server):
    own_server.start()
    for name in ["lock", "runner.sock.d"]:
        (own_server.data / name).unlink(missing_ok=True)
    second = serve(own_server.data, "--listen", "127.0.0.1:0")
    assert second.returncode == 125 and str(own_server.data) in second.stderr, second.stderr
    id = own_server.run("true")
    wait_for(lambda: own_server.execution(id)["status"] == "SUCCEEDED")
