"""Doing one step of a check, and seeing what comes of it. Nothing that a backend does is raised."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import msgspec

from memcollect.evidence.checks import Check, Need
from memcollect.evidence.contents import Text, made
from memcollect.evidence.patience import GOING, GONE, PATIENCE_SECONDS, Waiting
from memcollect.evidence.port import (
    NO_DELETION,
    Box,
    Content,
    Facts,
    Gateway,
    HttpSeen,
    Listing,
    Matches,
    NotOfferedError,
    OperationError,
    Owner,
    Provider,
    Ran,
    Witness,
)
from memcollect.evidence.seen import Came, Seen
from memcollect.evidence.steps import (
    Artifact,
    Declared,
    Destroy,
    Get,
    Glob,
    Grep,
    Identity,
    ListDir,
    Look,
    Outlive,
    Put,
    Read,
    Release,
    Restart,
    Run,
    Step,
    Take,
    Together,
    Unload,
    Upload,
    Uploads,
    Write,
)
from memcollect.sources.deadline import Stopped, pause
from memcollect.trying.boxes import Held, Ledger
from memcollect.trying.limits import within
from memcollect.trying.naming import filled, of_box
from memcollect.trying.settings import Settings

OVER_LIMIT_BYTES = 64 << 20
_THREAD_SECONDS = 10.0
LOOK_PAUSE_SECONDS = 1.0


class NotTriedError(Exception):
    """A step that we cannot do, and why: nothing is known of the backend by it."""


@dataclass
class Performer:
    """Does steps. One row's sandboxes are in `held`, by the catalogue's letters."""

    provider: Provider
    settings: Settings
    ledger: Ledger
    stopped: Stopped
    gateway: Gateway | None = None
    witness: Witness | None = None
    row: str = ""
    say: Callable[[str], None] = lambda _sentence: None
    patience_seconds: float = PATIENCE_SECONDS
    """For what takes time to go."""
    held: dict[str, Held] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)
    _limit_bytes: int | None = None

    def lacks(self, need: Need) -> tuple[bool, str]:
        """Return whether something a check needs is not there, and why: (it is the backend's, a sentence).

        The first is True where the backend does not offer it, False where we were not given it.
        """
        settings = self.settings
        wants: dict[Need, tuple[bool, bool, str]] = {
            "gateway": (self.gateway is not None, False, "no gateway is given: evidence.gateway"),
            "users": (
                self.provider.knows_users,
                False,
                "sandboxes cannot be asked for in a user's name here",
            ),
            "own": (self.provider.makes, False, "the sandbox is not the run's own, and could be spoilt"),
            "release": (self.provider.releases, True, "it cannot take a sandbox back without deleting it"),
            "node": (self.witness is not None, False, "no agent sees the node that its sandboxes run on"),
            "cluster": (
                self.witness is not None,
                False,
                "its sandboxes are no pods of a cluster that we see",
            ),
            "restart": (bool(settings.restart), False, "no command is given: evidence.restart"),
            "idle": (settings.idle_seconds is not None, False, "no time is given: evidence.idle"),
            "replicas": (settings.replicas is not None, False, "no number is given: evidence.replicas"),
            "download-limit": (
                settings.download_limit_bytes is not None,
                True,
                "its interface names no limit for downloads",
            ),
        }
        there, offered, why = wants[need]
        return (offered, "" if there else why)

    def begin(self, names: Mapping[str, str]) -> None:
        """Take a check's own names."""
        self._names = dict(names)
        self._limit_bytes = None

    def perform(self, step: Step, seconds: float) -> list[Seen]:
        """Return what came of a step; of several commands at once each, and then all of them."""
        if isinstance(step, Together):
            return self._together(step, seconds)
        began = time.monotonic()
        came: Came
        try:
            seen = within(seconds, lambda: self._do(step, seconds), self.stopped)
        except NotTriedError as error:
            seen = Seen(label=step.label, came="not-tried", why=str(error))
        except NotOfferedError as error:
            seen = Seen(label=step.label, came="not-offered", why=str(error))
        except OperationError as error:
            # Whoever looks from outside is ours: that no answer came tells nothing of the backend.
            came = "not-tried" if self.stopped() or isinstance(step, Look) else "error"
            seen = Seen(label=step.label, came=came, kind=error.kind, why=str(error), status=error.status)
        except Exception as error:  # noqa: BLE001 # a driver's own fault is told as such, and spoils nothing else
            came = "not-tried" if isinstance(step, Look) else "error"
            who = "the look from outside" if isinstance(step, Look) else "the driver"
            seen = Seen(label=step.label, came=came, kind="refused", why=f"{who} failed: {error!r}")
        self._remember(seen)
        return [msgspec.structs.replace(seen, label=step.label, seconds=time.monotonic() - began)]

    def _remember(self, seen: Seen) -> None:
        limit = seen.facts.get("limit_bytes")
        if isinstance(limit, int) and not isinstance(limit, bool):
            self._limit_bytes = limit

    def _together(self, step: Together, seconds: float) -> list[Seen]:
        began = time.monotonic()
        with ThreadPoolExecutor(len(step.runs)) as pool:
            each = [
                found
                for part in pool.map(lambda run: self.perform(run, seconds), step.runs)
                for found in part
            ]
        took = time.monotonic() - began
        worst = next((found for found in each if found.came != "answer"), None)
        whole = Seen(label=step.label) if worst is None else msgspec.structs.replace(worst, label=step.label)
        return [*each, msgspec.structs.replace(whole, seconds=took)]

    # one step

    def _do(self, step: Step, seconds: float) -> Seen:  # noqa: C901, PLR0911, PLR0912 # one line per kind of step
        match step:
            case Run():
                return self._run(step, seconds)
            case Write():
                box = self._box(step.box)
                path, text = self._in(box, step.path), self._in(box, step.text)
                level = box.write(path, text, append=step.append, seconds=seconds)
                return Seen(label=step.label, level=level)
            case Read():
                box = self._box(step.box)
                return _content(box.read(self._in(box, step.path), step.first, step.last, seconds))
            case Put():
                box = self._box(step.box)
                return Seen(
                    label=step.label, level=box.put(self._in(box, step.path), self._made(step), seconds)
                )
            case Get():
                box = self._box(step.box)
                return _content(box.get(self._in(box, step.path), seconds))
            case ListDir():
                box = self._box(step.box)
                return _listing(box.list(self._in(box, step.path), step.depth, seconds))
            case Glob():
                box = self._box(step.box)
                return _listing(box.glob(self._in(box, step.path), step.pattern, step.most, seconds))
            case Grep():
                box = self._box(step.box)
                return _matches(box.grep(self._in(box, step.path), step.pattern, seconds))
            case Take() | Release() | Destroy() | Identity():
                return self._provided(step, seconds)
            case Upload() | Uploads() | Unload() | Artifact():
                return self._gateways(step, seconds)
            case Look():
                return self._look(step, seconds)
            case Outlive():
                return self._outlive(step)
            case Restart():
                return self._restart(step, seconds)
            case Declared():
                return self._declared(step)
        raise AssertionError(step)

    def _run(self, step: Run, seconds: float) -> Seen:
        box = self._box(step.box)
        command = self._in(box, step.command)
        env = {name: self._in(box, value) for name, value in step.env.items()}
        ran = box.run(command, env, step.limit_seconds, seconds)
        return _ran(ran)

    def _box(self, letter: str) -> Box:
        held = self.held.get(letter)
        if held is None or held.box is None:
            raise NotTriedError(f"there is no sandbox {letter!r} to do it in")
        return held.box

    def _in(self, box: Box, text: str) -> str:
        if "{over_limit_bytes}" in text:
            if self._limit_bytes is None:
                raise NotTriedError("the sandbox has no limit of memory that the node's agent tells")
            text = text.replace("{over_limit_bytes}", str(self._limit_bytes + OVER_LIMIT_BYTES))
        if "{over_download_limit_bytes}" in text:
            text = text.replace(
                "{over_download_limit_bytes}", str((self.settings.download_limit_bytes or 0) + 1)
            )
        if "{neighbour}" in text:
            text = text.replace("{neighbour}", self._neighbour())
        return filled(text, of_box(box.prefix, self._names, box.temp))

    def _neighbour(self) -> str:
        held = self.held.get("b")
        address = self.witness.pod_address(held.key) if held is not None and self.witness is not None else ""
        if not address:
            raise NotTriedError("the address of another sandbox is not known")
        host = f"[{address}]" if ":" in address else address
        return f"http://{host}:{self.settings.api_port}/"

    def _made(self, step: Put | Upload) -> bytes:
        if isinstance(step.material, Text):
            return made(Text(filled(step.material.text, self._names)))
        return made(step.material)

    # sandboxes

    def _provided(self, step: Take | Release | Destroy | Identity, seconds: float) -> Seen:
        if isinstance(step, Take):
            return self.take(step, seconds)
        held = self.held.get(step.box)
        if held is None:
            raise NotTriedError(f"there is no sandbox {step.box!r}")
        if isinstance(step, Identity):
            identity = self.provider.identity(held.key)
            if not identity:
                raise NotTriedError("nothing tells one instance of it from another")
            return Seen(
                label=step.label, data=identity.encode(), level="cluster" if self.witness else "provider"
            )
        if isinstance(step, Destroy) and not self.provider.deletes:
            raise NotOfferedError(NO_DELETION)
        if held.box is not None:
            held.box.close()
            held.box = None
        if isinstance(step, Release):
            self.provider.release(held.key, seconds)
        else:
            self.provider.destroy(held.key, seconds)
            held.gone = True
        return Seen(label=step.label, level="provider")

    def take(self, step: Take, seconds: float) -> Seen:
        """Make or take a sandbox; one that is held already is left as it is."""
        held = self.held.get(step.box)
        if held is not None and held.box is not None:
            return Seen(label=step.label, level="provider")
        if held is None:
            held = self.held[step.box] = self.place(step.box, step)
        held.box = self.provider.acquire(held.key, held.owner, seconds)
        held.gone = False
        return Seen(label=step.label, data=held.box.name.encode(), level="provider")

    def place(self, letter: str, step: Take | None = None) -> Held:
        """Return the sandbox of a letter before it is asked for: its key, its thread, its user."""
        if letter in self.held:
            return self.held[letter]
        if step is None or not step.thread:
            key = self.ledger.new_key()
            return Held(key, Owner(thread=key, user=self._user("one")))
        owner = Owner(
            thread=f"{self.ledger.run}-{self.row.lower()}-{step.thread}", user=self._user(step.user or "one")
        )
        return Held(self.ledger.key_for(owner), owner)

    def _user(self, word: str) -> str:
        return self.settings.users[1 if word == "two" else 0] if self.provider.knows_users else ""

    # the gateway

    def _gateways(self, step: Upload | Uploads | Unload | Artifact, seconds: float) -> Seen:
        gateway = self.gateway
        if gateway is None:
            raise NotTriedError("no gateway is given")
        if step.box not in self.held:
            self.held[step.box] = self.place(step.box)
        thread = self.held[step.box].owner.thread
        self._begin_thread(gateway, thread)
        names = of_box("", self._names)
        match step:
            case Upload():
                files = [filled(name, names) for name in step.names]
                self.ledger.uploads += [(thread, name) for name in files]
                data = self._made(step)
                return _http(gateway.upload(thread, [(name, data) for name in files], seconds))
            case Uploads():
                return _http(gateway.uploads(thread, seconds))
            case Unload():
                return _http(gateway.remove_upload(thread, filled(step.name, names), seconds))
            case Artifact():
                headers = {"Range": step.range} if step.range else {}
                return _http(gateway.artifact(thread, filled(step.path, names), headers, seconds))

    def _begin_thread(self, gateway: Gateway, thread: str) -> None:
        """Let the gateway know a thread, as its users do; what it does not take, the step itself shows."""
        if thread not in self.ledger.threads:
            self.ledger.threads.append(thread)
            with contextlib.suppress(OperationError):
                gateway.begin_thread(thread, _THREAD_SECONDS)

    # from outside

    def _look(self, step: Look, seconds: float) -> Seen:
        witness = self.witness
        if witness is None:
            raise NotTriedError("nobody sees it from outside")
        keys = [self.held[letter].key for letter in step.box if letter in self.held]
        if not keys:
            raise NotTriedError(f"there is no sandbox {step.box!r}")
        match step.about:
            case "processes":
                marker = filled(step.marker, self._names)
                return self._awaited(step, lambda: witness.processes(keys[0], marker, seconds), seconds)
            case "memory":
                return _facts(witness.memory(keys[0], seconds))
            case "left":
                return self._awaited(step, lambda: witness.left(keys, seconds), seconds)
            case _:
                return _facts(witness.operations(keys[0], seconds))

    def _awaited(self, step: Look, look: Callable[[], Facts], seconds: float) -> Seen:
        """Look until what must go is gone, or patience ends; what was there and is not told is not gone."""
        if not step.until:
            return _facts(look())
        began = time.monotonic()
        patience = min(self.patience_seconds, seconds)
        waiting = Waiting(GONE if step.until == "gone" else GOING)
        said: dict[str, int] = {}
        while True:
            facts = look()
            at = time.monotonic() - began
            waiting.note(facts.values, at)
            if not waiting.there or at >= patience:
                break
            if waiting.there != said:
                said = dict(waiting.there)
                self.say(f"{self.row}: {_still(said)}; looking again for {patience:g} s at most")
            if not pause(LOOK_PAUSE_SECONDS, self.stopped):
                raise NotTriedError("Ctrl-C came")
        if waiting.there and patience < self.patience_seconds:
            raise NotTriedError(f"the row's time was spent, {at:.0f} s after it was to be gone")
        waited = {name: took for name, took in waiting.waited(at).items() if name in facts.values}
        return _facts(msgspec.structs.replace(facts, waited=waited))

    def _outlive(self, step: Outlive) -> Seen:
        seconds = step.seconds
        if step.setting == "idle":
            if self.settings.idle_seconds is None:
                raise NotTriedError("no time is given: evidence.idle")
            seconds = self.settings.idle_seconds
        if not pause(seconds + step.grace_seconds, self.stopped):
            raise NotTriedError("Ctrl-C came")
        return Seen(label=step.label)

    def _restart(self, step: Restart, seconds: float) -> Seen:
        try:
            done = subprocess.run(  # noqa: S603 # the plan's author gave it for this
                list(self.settings.restart), capture_output=True, timeout=seconds, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotTriedError(f"the command that restarts it failed: {error}") from error
        if done.returncode:
            raise NotTriedError(f"the command that restarts it ended with {done.returncode}")
        return Seen(label=step.label)

    def _declared(self, step: Declared) -> Seen:
        text = self.settings.declared.get(step.key, "")
        if not text:
            raise NotTriedError(f"it is not declared: evidence.declared.{step.key}")
        return Seen(label=step.label, data=text.encode(), level="provider")


def seconds_of(step: Step, check: Check, settings: Settings) -> float:
    """Return how long a step may take: the check's time, or what the backend's own waiting needs."""
    if isinstance(step, Outlive):
        waited = settings.idle_seconds or 0.0 if step.setting == "idle" else step.seconds
        return waited + step.grace_seconds + 5.0
    if isinstance(step, Look) and step.until:
        return PATIENCE_SECONDS + check.seconds
    return check.seconds


def _still(there: Mapping[str, int]) -> str:
    left = ", ".join(f"{name.replace('_', ' ')}: {count}" for name, count in sorted(there.items()))
    return f"still there ({left})"


def _ran(ran: Ran) -> Seen:
    return Seen(label="", exit=ran.exit, data=ran.stdout, stderr=ran.stderr, level=ran.level)


def _content(content: Content) -> Seen:
    return Seen(label="", data=content.data, level=content.level)


def _listing(listing: Listing) -> Seen:
    return Seen(label="", paths=listing.paths, truncated=listing.truncated, level=listing.level)


def _matches(found: Matches) -> Seen:
    return Seen(label="", matches=found.matches, truncated=found.truncated, level=found.level)


def _http(answer: HttpSeen) -> Seen:
    return Seen(label="", status=answer.status, headers=answer.headers, data=answer.body, level="gateway")


def _facts(facts: Facts) -> Seen:
    return Seen(label="", facts=facts.values, absent=facts.absent, waited=facts.waited, level=facts.level)
