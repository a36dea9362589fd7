"""The Debian package on machines that know nothing of Swift: installed, upgraded over a running command, purged."""

import shutil

from everyline import wait_for

COMMAND = "echo one; until [ -e /tmp/go ]; do sleep 0.1; done; echo two; exit 3"


def install(machine, deb):
    shutil.copy(deb, machine.root / "root" / deb.name)
    return machine.run("dpkg", "--install", f"/root/{deb.name}", DEBIAN_FRONTEND="noninteractive")


def serves(machine):
    """Waits until the unit's server answers: its key is there before it listens."""
    def answers():
        return (machine.root / "var/lib/everyline/admin.key").exists() and machine.everyline("list", check=False).returncode == 0
    wait_for(answers, 60)
    return machine.out("systemctl", "show", "--property=MainPID", "--value", "everyline")


def command_of(machine):
    """The process number of the command that the test runs."""
    return machine.run("sh", "-c", "grep -ls 'echo [o]ne; until' /proc/[0-9]*/cmdline", check=False).stdout.strip()


def test_it_is_installed_upgraded_over_a_running_command_and_purged(machine, deb, newer_deb):
    assert machine.run("sh", "-c", "command -v swift", check=False).returncode != 0
    before = machine.files()
    install(machine, deb)
    assert machine.out("everyline", "--version") in deb.name
    server = serves(machine)
    for path, mode in (("var/lib/everyline", 0o700), ("var/lib/everyline/admin.key", 0o600)):
        assert (machine.root / path).stat().st_mode & 0o777 == mode
    assert machine.out("systemctl", "is-enabled", "everyline") == "enabled"
    assert machine.run("systemctl", "is-enabled", "everyline-recorder", check=False).stdout.strip() == "disabled"

    id = machine.everyline("run", "--detach", "--", "sh", "-c", COMMAND).stdout.strip()
    viewer = machine.start(
        "everyline", "logs", "--follow", "--exit-status", id,
        EVERYLINE_API_KEY=(machine.root / "var/lib/everyline/admin.key").read_text().strip())
    assert viewer.stdout.readline() == "one\n"
    command = command_of(machine)

    # What an administrator has set stays.
    default = machine.root / "etc/default/everyline"
    default.write_text(default.read_text() + "EVERYLINE_RETENTION_AGE=90d\n")
    install(machine, newer_deb)
    assert serves(machine) != server
    assert "EVERYLINE_RETENTION_AGE=90d" in default.read_text()
    assert machine.out("dpkg-query", "--show", "--showformat=${Version}", "everyline").startswith("1000:")

    assert command_of(machine) == command != ""
    machine.run("touch", "/tmp/go")
    rest, said = viewer.communicate(timeout=60)
    assert (rest, viewer.returncode) == ("two\n", 3), said

    machine.run("dpkg", "--remove", "everyline")
    assert machine.run("systemctl", "is-active", "everyline", check=False).stdout.strip() != "active"
    assert (machine.root / "var/lib/everyline/admin.key").exists() and default.exists()
    machine.run("dpkg", "--purge", "everyline")
    assert {path for path in machine.files() - before if "__pycache__" not in path} <= {
        "etc/group-", "etc/passwd-", "etc/shadow-", "etc/gshadow-", "etc/subuid-", "etc/subgid-"}
    assert machine.run("getent", "passwd", "everyline", check=False).returncode != 0


def test_a_purge_leaves_the_user_whose_commands_still_run(machine, deb):
    install(machine, deb)
    serves(machine)
    machine.everyline("run", "--detach", "--", "sh", "-c", COMMAND)
    wait_for(lambda: command_of(machine))
    said = machine.run("dpkg", "--purge", "everyline").stderr
    assert "the user everyline stays" in said and command_of(machine)
    assert machine.run("getent", "passwd", "everyline").returncode == 0


def test_a_machine_changes_to_recording_only(machine, deb):
    install(machine, deb)
    serves(machine)
    machine.run("systemctl", "disable", "--now", "everyline")
    machine.run("systemctl", "enable", "--now", "everyline-recorder")
    serves(machine)
    assert machine.run("systemctl", "is-active", "everyline", check=False).stdout.strip() != "active"
    refused = machine.everyline("run", "--", "true", check=False)
    assert refused.returncode == 125 and "everyline exec" in refused.stderr
    assert machine.everyline("exec", "--", "echo", "recorded").stdout == "recorded\n"
    assert machine.everyline("logs", "--last").stdout == "recorded\n"
    assert machine.everyline("canary", "--lines", "500", "--viewers", "3").returncode == 0
    machine.run("systemctl", "restart", "everyline-recorder")
    serves(machine)
    assert machine.everyline("logs", "--last").returncode == 0
