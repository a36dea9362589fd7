"""The images, run without an engine."""

import pathlib
import subprocess

import pytest

from cli import CommandLine
from conftest import one
from container import Container, Image
from everyline import Server, messages, wait_for


@pytest.fixture(params=["everyline", "everyline-recorder"])
def image(request, tmp_path):
    return Image(one(f"{request.param}.oci.tar"), tmp_path)


@pytest.fixture
def container(image):
    container = Container(image)
    yield container
    if container.process.poll() is None:
        container.stop()


@pytest.fixture
def server(container, tmp_path):
    """A client of the container's server."""
    server = Server(tmp_path / "client")
    server.url, server.key = container.url, container.key
    return server


def test_an_image_is_small_and_runs_as_no_root(image):
    assert image.size <= 50_000_000
    user, group = image.settings["User"].split(":")
    assert int(user) > 0 and int(group) > 0
    assert (image.root / "data").stat().st_uid == int(user)
    assert "EVERYLINE_LISTEN=0.0.0.0:7070" in image.settings["Env"] and "7070/tcp" in image.settings["ExposedPorts"]
    assert image.run("--version").stdout.strip() == image.settings["Labels"]["org.opencontainers.image.version"]


def test_an_image_records_and_serves(container, server, tmp_path):
    cli = CommandLine(server, tmp_path)
    assert cli.out("exec", "--", "echo", "recorded") == "recorded\n"
    assert cli.out("logs", "--last") == "recorded\n"
    assert b"everyline" in server.request("GET", "/")[2].lower()
    assert container.stop() == 0


@pytest.mark.parametrize("image", ["everyline"], indirect=True)
def test_its_first_process_collects_what_commands_leave_behind(container, server):
    def zombies():
        return container.processes().count("Z")

    id = server.run("sh", "-c", "for i in 1 2 3 4 5; do (sh -c 'sleep 0.2; exit 1' & ); done; echo started")
    assert messages(server.events(id)) == ["started"]
    # The server, process 1, and nothing else.
    wait_for(lambda: len(container.processes()) == 2)
    assert zombies() == 0
    assert container.stop() == 0


@pytest.mark.parametrize("image", ["everyline-recorder"], indirect=True)
def test_the_recorder_has_no_shell_and_refuses_to_run(image, container, server, tmp_path):
    assert not (image.root / "bin/sh").exists()
    refused = CommandLine(server, tmp_path).run("run", "--", "true")
    assert refused.returncode == 125 and b"only records" in refused.stderr


@pytest.mark.parametrize("image", ["everyline"], indirect=True)
def test_a_containers_end_takes_its_commands_with_it_and_their_logs_say_so(image, tmp_path):
    """What README says: that is why commands belong outside, under exec."""
    container = Container(image)
    server = Server(tmp_path / "client")
    server.url, server.key = container.url, container.key
    id = server.run("sh", "-c", "echo one; sleep 600")
    wait_for(lambda: server.execution(id)["status"] == "RUNNING")
    assert container.stop() == 0
    container = Container(image)
    server.url = container.url
    end = server.events(id)[-1]
    assert (end["status"], end["reason"]) == ("FAILED", "runner_lost")
    assert container.stop() == 0
