"""Runs an image as an engine does: its layers unpacked, its settings followed, its first process number 1. No engine is needed."""

import io
import json
import os
import pathlib
import signal
import subprocess
import tarfile


class Image:
    def __init__(self, archive, directory):
        self.root = pathlib.Path(directory) / "root"
        self.root.mkdir()
        with tarfile.open(archive) as files:
            def blob(descriptor):
                return files.extractfile("blobs/" + descriptor["digest"].replace(":", "/")).read()

            index = json.load(files.extractfile("index.json"))
            manifest = json.loads(blob(index["manifests"][0]))
            self.settings = json.loads(blob(manifest["config"]))["config"]
            self.size = sum(layer["size"] for layer in manifest["layers"])
            for layer in manifest["layers"]:
                unpacked = subprocess.run(["zstd", "-dc"], input=blob(layer), capture_output=True, check=True).stdout
                with tarfile.open(fileobj=io.BytesIO(unpacked)) as content:
                    assert not [m.name for m in content if "/.wh." in m.name], "a file is packed and taken away again"
                    content.extractall(self.root, filter="fully_trusted")
        (self.root / "proc").mkdir(exist_ok=True)

    def command(self, *words):
        words = self.settings["Entrypoint"] + [str(word) for word in words or self.settings["Cmd"]]
        # An engine's own choice of an address would be the same for all tests.
        environment = self.settings["Env"] + ["EVERYLINE_LISTEN=127.0.0.1:0"]
        return [
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
            'mount -t proc proc "$0/proc" && exec env -i "$@"', str(self.root), *environment, "/usr/sbin/chroot",
            f"--userspec={self.settings['User']}", str(self.root), *words]

    def run(self, *words):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


class Container:
    """An image's server."""

    def __init__(self, image):
        self.image = image
        self.process = subprocess.Popen(
            image.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        self.url = json.loads(line)["listening"]
        self.key = (image.root / "data/admin.key").read_text().strip()

    @property
    def first(self):
        """Its process 1, as seen from here."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[0])

    def processes(self):
        """What runs in it: of each process its state and its name."""
        space = os.readlink(f"/proc/{self.first}/ns/pid")
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "ns/pid") == space:
                    found.append((process / "stat").read_text().rpartition(")")[2].split()[0])
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                pass
        return found

    def stop(self):
        os.kill(self.first, signal.SIGTERM)
        self.process.wait(30)
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.returncode
