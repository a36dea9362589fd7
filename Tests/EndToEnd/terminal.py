"""A terminal with a shell in it, as a user sits before it."""

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time


class Terminal:
    """A pseudo-terminal whose session a program leads. What is typed and seen are bytes."""

    def __init__(self, arguments, environment, preexec=None):
        self.seen = b""
        self.status = None
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            try:
                if preexec:
                    preexec()
                os.execve(arguments[0], arguments, environment)
            finally:
                os._exit(127)

    @classmethod
    def shell(cls, environment):
        """An interactive shell: with job control."""
        terminal = cls(["/bin/bash", "--norc", "--noprofile", "-i"], {**environment, "PS1": "$ ", "TERM": "dumb"})
        terminal.until(b"$ ")
        return terminal

    @property
    def settings(self):
        return termios.tcgetattr(self.descriptor)

    def resize(self, columns, rows):
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.descriptor, text)

    def until(self, text, seconds=60):
        """Reads on until `text` is there; returns what came up to its end, and forgets it."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            left = end - time.monotonic()
            assert left > 0, f"{text!r} does not come after {self.seen[-1000:]!r}"
            if select.select([self.descriptor], [], [], left)[0]:
                try:
                    read = os.read(self.descriptor, 65536)
                except OSError:
                    read = b""
                assert read, f"it ended without {text!r} after {self.seen[-1000:]!r}"
                self.seen += read
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def wait(self):
        """The exit code of the session's leader, whose last words are read by then."""
        if self.status is None:
            self.status = os.waitpid(self.pid, 0)[1]
        return os.waitstatus_to_exitcode(self.status)

    def end(self):
        if self.status is not None:
            return os.close(self.descriptor)
        for process in (os.tcgetpgrp(self.descriptor), self.pid):
            try:
                # Of a session that has ended there is no group, and 0 would be the tests' own.
                if process > 0:
                    os.killpg(process, signal.SIGKILL)
            except OSError:
                pass
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)
