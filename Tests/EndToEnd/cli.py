"""The command line, run as a user runs it."""

import os
import pty
import signal
import subprocess

from everyline import BINARY


class CommandLine:
    """`everyline`, with the settings that reach one server."""

    def __init__(self, server, directory, key=None):
        self.server, self.directory = server, directory
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "EVERYLINE_URL": getattr(server, "url", "http://127.0.0.1:1"),
            "EVERYLINE_API_KEY": key or getattr(server, "key", ""),
        }

    def run(self, *arguments, input=None, timeout=60, **environment):
        """The finished process: with returncode, stdout, stderr."""
        return subprocess.run(
            [BINARY, *map(str, arguments)], capture_output=True, timeout=timeout, input=input,
            stdin=subprocess.DEVNULL if input is None else None, env={**self.environment, **environment})

    def out(self, *arguments, **more):
        """What a command that succeeds prints."""
        done = self.run(*arguments, **more)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def in_terminal(self, *arguments, **environment):
        """What a command prints to a terminal, without the carriage returns that the terminal adds."""
        main, side = pty.openpty()
        process = subprocess.Popen(
            [BINARY, *arguments], stdout=side, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
            env={**self.environment, **environment})
        os.close(side)
        seen = b""
        while True:
            try:
                part = os.read(main, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        os.close(main)
        process.wait(30)
        return seen.decode().replace("\r\n", "\n")

    def start(self, *arguments, **environment):
        return Background([BINARY, *map(str, arguments)], {**self.environment, **environment}, self.directory)


class Background:
    """A command that goes on while the test does something else."""

    count = 0

    def __init__(self, arguments, environment, directory):
        Background.count += 1
        self.files = [directory / f"background-{Background.count}.{name}" for name in ("out", "err")]
        out, err = [open(path, "wb") for path in self.files]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=out, stderr=err, env=environment, start_new_session=True)
        out.close()
        err.close()

    @property
    def out(self):
        return self.files[0].read_text()

    @property
    def err(self):
        return self.files[1].read_text()

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)

    def wait(self, timeout=60):
        """Its exit status."""
        self.process.stdin.close()
        return self.process.wait(timeout)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        if not self.process.stdin.closed:
            self.process.stdin.close()
