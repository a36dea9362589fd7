"""A Debian machine without a toolchain, booted by systemd from Debian's packages, in namespaces of its own."""

import os
import pathlib
import shutil
import signal
import subprocess

from everyline import ROOT, wait_for

CACHE = ROOT / ".build/machines"
# What a machine has beside the essential packages; the libraries are those that the package asks for, so that it can be
# installed without a network.
PACKAGES = "systemd-sysv,adduser,libsqlite3-0,libstdc++6,libzstd1,zlib1g"


def base(suite):
    """The archive of a machine's files, made once."""
    archive = CACHE / f"{suite}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = archive.with_suffix(".unfinished.tar")
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", suite, str(unfinished)], check=True,
            env={k: v for k, v in os.environ.items() if k != "TMPDIR"})
        unfinished.rename(archive)
    return archive


class Machine:
    def __init__(self, suite, directory):
        self.root = pathlib.Path(directory) / suite
        self.root.mkdir()
        subprocess.run(["tar", "--extract", "--numeric-owner", f"--file={base(suite)}", f"--directory={self.root}"], check=True)
        self.console = open(pathlib.Path(directory) / f"{suite}.console", "wb")
        # systemd 256 wants the newer hierarchy of control groups; without a hostname to set it would ask for one.
        self.process = subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit", "--private-network",
             f"--machine={suite}", f"--directory={self.root}"],
            stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        wait_for(lambda: self.is_up, 120)

    @property
    def init(self):
        """The machine's first process, as seen from here."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return children[0] if children else None

    @property
    def is_up(self):
        assert self.process.poll() is None, pathlib.Path(self.console.name).read_text()[-2000:]
        if self.init is None:
            return False
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def command(self, *words, **environment):
        variables = [f"{name}={value}" for name, value in {"PATH": "/usr/sbin:/usr/bin", "HOME": "/root", **environment}.items()]
        return ["nsenter", f"--target={self.init}", "--all", "--root", "--wd", "env", "-i", *variables, *map(str, words)]

    def run(self, *words, check=True, input=None, **environment):
        """Runs a command as root on the machine; the finished process, whose output is text."""
        done = subprocess.run(
            self.command(*words, **environment), capture_output=True, text=True, timeout=120, input=input,
            stdin=subprocess.DEVNULL if input is None else None)
        assert done.returncode == 0 or not check, (words, done.stdout[-2000:], done.stderr[-2000:], self.journal())
        return done

    def out(self, *words, **more):
        return self.run(*words, **more).stdout.strip()

    def start(self, *words, **environment):
        return subprocess.Popen(
            self.command(*words, **environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)

    def journal(self):
        return subprocess.run(
            self.command("journalctl", "--no-pager", "--lines=30", "--unit=everyline*"), capture_output=True, text=True).stdout

    def everyline(self, *words, check=True):
        """The command line, with the key that the server has made."""
        key = (self.root / "var/lib/everyline/admin.key").read_text().strip()
        return self.run("everyline", *words, check=check, EVERYLINE_API_KEY=key)

    def files(self):
        """What there is apart from what packages keep to themselves."""
        found = set()
        for top in ("etc", "usr", "var/lib", "opt", "srv"):
            for directory, folders, names in os.walk(self.root / top):
                relative = pathlib.Path(directory).relative_to(self.root)
                if relative.parts[:3] in (("var", "lib", "dpkg"), ("var", "lib", "systemd"), ("var", "lib", "private")):
                    continue
                found |= {str(relative / name) for name in folders + names}
        return found

    def stop(self):
        if self.init is not None and self.process.poll() is None:
            # What a container's first process takes for "power off now".
            os.kill(int(self.init), signal.SIGRTMIN + 4)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(30)
        self.console.close()
        shutil.rmtree(self.root, ignore_errors=True)
