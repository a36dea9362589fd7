"""A terminal with a shell in it, as a user sits before it."""

import contextlib
import fcntl
import os
import pathlib
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
            assert self.read(f"{text!r} does not come", end), f"it ended without {text!r} after {self.seen[-1000:]!r}"
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def rest(self, seconds=60):
        """What came up to the end of all that had the terminal open."""
        end = time.monotonic() + seconds
        while self.read("it does not end", end):
            pass
        return self.seen

    def read(self, complaint, end):
        """Takes what comes next; false where nothing has the terminal open any more. Complains if nothing comes until `end`."""
        left = max(0, end - time.monotonic())
        assert select.select([self.descriptor], [], [], left)[0], f"{complaint} after {self.seen[-1000:]!r}"
        try:
            read = os.read(self.descriptor, 65536)
        except OSError:
            return False
        self.seen += read
        return bool(read)

    def wait(self, seconds=60):
        """The exit code of the session's leader, whose last words are read by then."""
        if self.status is None:
            process = os.pidfd_open(self.pid)
            try:
                assert select.select([process], [], [], seconds)[0], f"it does not end after {self.seen[-1000:]!r}"
            finally:
                os.close(process)
            self.status = os.waitpid(self.pid, 0)[1]
        return os.waitstatus_to_exitcode(self.status)

    def end(self):
        """Ends all that runs in its session, in the background too, and what that has started."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.close()
        if self.status is None:
            os.waitpid(self.pid, 0)

    def close(self):
        """As a terminal's window is closed."""
        if self.descriptor is not None:
            os.close(self.descriptor)
        self.descriptor = None

    def processes(self):
        parents, found = {}, set()
        for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                parents[int(path.parent.name)] = int(fields[1])
                if int(fields[3]) == self.pid:
                    found.add(int(path.parent.name))
        while more := {process for process, parent in parents.items() if parent in found} - found:
            found |= more
        return found
