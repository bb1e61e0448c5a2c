"""A program that speaks the protocol of drivers, for sandboxes that are directories of this machine.

    python local_package.py DIRECTORY …

memcollect adds the path of the program that it would start, which is left alone, and the options of it.
LOCAL_PACKAGE says how it misbehaves. DIRECTORY/there has a file for each sandbox that was not deleted.
"""

import base64
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

from memcollect.testing.sandboxes.machine import Machine
from memcollect.trying.programs.speaking import Refused, own_stdout, serve

WAYS = {
    "hangs": "no command is answered",
    "garbage": "a command is answered with a line that is no JSON",
    "html": "an answer is a page",
    "dies": "the program ends at the first command",
    "full": "there is no room",
    "secret": "the reason for a failure has the key in it",
    "slow": "a sandbox takes its time",
}
HOME = "/mnt/user-data"
DIRECTORIES = ("workspace", "uploads", "outputs")


class Local:
    """The backend."""

    def __init__(self, directory: Path, run: str, way: str, out: Any) -> None:
        self.directory = directory
        self.way = way
        self._run = run
        self._out = out
        self._names: dict[str, str] = {}
        (directory / "there").mkdir(parents=True, exist_ok=True)

    def acquire(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.way == "full":
            raise Refused("capacity", "no room for another sandbox")
        if self.way == "secret":
            raise Refused("denied", f"the key {os.environ['E2B_API_KEY']} may not do that")
        key = asked["key"]
        name = self._names.setdefault(key, f"id-{os.urandom(4).hex()}")
        (self.directory / "there" / name).write_text(self._run)
        self._machine(key)
        if self.way == "slow":
            time.sleep(600)
        return {"name": name}

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self.way == "hangs":
            threading.Event().wait()
        if self.way == "dies":
            os._exit(7)
        if self.way in {"garbage", "html"}:
            word = "\x00 garbage" if self.way == "garbage" else "<!doctype html><h1>502 Bad Gateway</h1>"
            self._out.write(f"{word}\n")
            self._out.flush()
            raise Refused("garbage", f"no JSON but {word!r}")
        ended = self._machine(asked["key"]).run(asked["command"], asked["env"], asked["limit"])
        answer = {
            "text": ended.stdout.decode("utf-8", "replace"),
            "stderr": ended.stderr.decode("utf-8", "replace"),
        }
        if ended.code is None:
            return {**answer, "timed_out": True}
        return {**answer, "signal" if ended.code < 0 else "code": abs(ended.code)}

    def put(self, asked: dict[str, Any]) -> None:
        path = self._machine(asked["key"]).path(asked["path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(asked["data"]))

    def release(self, asked: dict[str, Any]) -> None:
        del asked

    def destroy(self, asked: dict[str, Any]) -> None:
        name = self._names.pop(asked["key"], "")
        if name:
            (self.directory / "there" / name).unlink(missing_ok=True)
            shutil.rmtree(self.directory / asked["key"], ignore_errors=True)

    def sweep(self, asked: dict[str, Any]) -> dict[str, Any]:
        swept = []
        for each in (self.directory / "there").iterdir():
            if each.read_text() == asked["run"]:
                each.unlink()
                swept.append(each.name)
        return {"paths": swept}

    def shutdown(self, asked: dict[str, Any]) -> None:
        del asked

    def _machine(self, key: str) -> Machine:
        return Machine(self.directory / key, (HOME, *(f"{HOME}/{name}" for name in DIRECTORIES)))


def command(directory: Path, way: str = "") -> list[str]:
    """Return what starts it, for evidence.command."""
    return ["env", f"LOCAL_PACKAGE={way}", sys.executable, __file__, str(directory)]


def main() -> None:
    out = own_stdout()
    local = Local(Path(sys.argv[1]), json.loads(sys.argv[3])["run"], os.environ.get("LOCAL_PACKAGE", ""), out)
    greeting = {"provider": "local", "exits": True, "deletes": True, "level": "api", "offers": ["run", "put"]}
    serve(local, greeting, sys.stdin, out)


if __name__ == "__main__":
    main()
