"""What a disk may hold after the power went, from the journal that powerloss.c has written.

What was synced is there. What was written since may be there or not, each 512 bytes for itself; a file may have its new length
or its old one. (Files that were made or deleted stay so: that much a journalling file system promises.)
"""

import pathlib
import struct
import subprocess

HEADER = struct.Struct("=IIQQ")
WRITE, TRUNCATE, SYNC, UNLINK = 1, 2, 3, 4
SECTOR = 512


def build(directory):
    """Compiles the library to preload."""
    library = pathlib.Path(directory) / "powerloss.so"
    source = pathlib.Path(__file__).with_name("powerloss.c")
    subprocess.run(["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, source, "-lpthread"], check=True)
    return library


class File:
    def __init__(self):
        self.durable = bytearray()
        self.pending = []

    def sync(self):
        for offset, data in self.pending:
            apply(self.durable, offset, data)
        self.pending.clear()

    def image(self, random, share):
        """One of the contents that the file may have."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if data is None:
                if random.random() < share:
                    apply(content, offset, None)
                continue
            for start in range(0, len(data), SECTOR):
                if random.random() < share:
                    apply(content, offset + start, data[start:start + SECTOR])
        return bytes(content)


def apply(content, offset, data):
    """A write; without data the cutting to a length."""
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


class Disk:
    """The files as of a place in the journal, which only goes forward."""

    def __init__(self, journal, directory, obeys=True):
        self.journal, self.directory, self.obeys = open(journal, "rb"), str(directory), obeys
        self.files = {}

    def forward(self, place):
        """Takes in what was written down whole before `place`."""
        while self.journal.tell() + HEADER.size <= place:
            start = self.journal.tell()
            kind, path_length, offset, length = HEADER.unpack(self.journal.read(HEADER.size))
            size = HEADER.size + path_length + (length if kind == WRITE else 0)
            if start + size > place:
                self.journal.seek(start)
                return
            path = self.journal.read(path_length).decode()
            if kind == SYNC and path not in self.files:
                # A directory, or a file that was never written to.
                continue
            file = self.files.setdefault(path, File())
            if kind == WRITE:
                file.pending.append((offset, self.journal.read(length)))
            elif kind == TRUNCATE:
                file.pending.append((length, None))
            elif kind == SYNC and self.obeys:
                file.sync()
            elif kind == UNLINK:
                del self.files[path]

    def write(self, directory, random, share):
        """Lays down one possible state of the disk."""
        for path, file in self.files.items():
            # SQLite's shared memory is no part of what it keeps: it makes it anew.
            if path.endswith("-shm"):
                continue
            target = pathlib.Path(directory) / pathlib.Path(path).relative_to(self.directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.image(random, share))
