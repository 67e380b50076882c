"""Runs each stylesheet in a child process of its own, which is kept for the next time.

A child that breaks, takes too long or writes too much is killed; the run has then failed, and the
next one gets a new child.

Called by `pacsgate.services.stylesheet_grants`.

Invariants:
- no child outlives `close`, nor the process that started it: its input ends with that.
"""

import os
import select
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from threading import Lock
from time import monotonic
from typing import IO, Any

from pacsgate.model.errors import SettingsError
from pacsgate.model.stylesheet import StylesheetName
from pacsgate.ports.stylesheets import StylesheetFailed
from pacsgate.stylesheets.frames import LARGEST, LENGTH, framed, unframed

_START_SECONDS = 10.0
_RUN_SECONDS = 5.0
_RUNS = 1000
"""After so many a child is replaced: what a library forgets to give back does not add up."""


class _BrokenError(Exception):
    """The child is of no use any more."""


class _Child:
    """One process with one stylesheet."""

    def __init__(self, text: str) -> None:
        self.runs = 0
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", "pacsgate.stylesheets.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the gate, which lets what runs end
        )
        self.refusal = self._asked({"stylesheet": text}, _START_SECONDS).get("error")

    def run(self, document: bytes, calling: str | None) -> Any:
        """The child's answer to one document."""
        self.runs += 1
        return self._asked({"document": document.decode("utf-8"), "calling": calling}, _RUN_SECONDS)

    def _asked(self, question: Mapping[str, Any], seconds: float) -> Any:
        source, sink = _pipe(self._process.stdout), _pipe(self._process.stdin)
        deadline = monotonic() + seconds
        try:
            sink.write(framed(question))
            (length,) = LENGTH.unpack(_exactly(source, LENGTH.size, deadline))
            if length > LARGEST:
                raise _BrokenError("it ordered too much")
            return unframed(_exactly(source, length, deadline))
        except (OSError, ValueError) as error:
            raise _BrokenError("its process ended: it wanted too much memory or time") from error

    def end(self) -> None:
        """Kill the process and wait for it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # it was asked for; this tells the type
        raise _BrokenError("its process has no pipe")
    return pipe


def _exactly(source: IO[bytes], length: int, deadline: float) -> bytes:
    """So many bytes, or none at all in that time."""
    found = bytearray()
    waiting = select.poll()
    waiting.register(source, select.POLLIN)
    while len(found) < length:
        left = deadline - monotonic()
        if left <= 0 or not waiting.poll(left * 1000):
            raise _BrokenError("it took too long")
        piece = os.read(source.fileno(), length - len(found))
        if not piece:
            raise _BrokenError("its process ended: it wanted too much memory or time")
        found += piece
    return bytes(found)


class StylesheetRunner:
    """The stylesheets of an installation, by what they are for."""

    def __init__(self, texts: Mapping[StylesheetName, str]) -> None:
        self._texts = dict(texts)
        self._children: dict[StylesheetName, _Child] = {}
        self._locks = {name: Lock() for name in texts}

    def has(self, name: StylesheetName) -> bool:
        """Whether there is such a stylesheet."""
        return name in self._texts

    def digest(self, name: StylesheetName) -> str:
        """SHA-256 of its text."""
        return sha256(self._texts[name].encode("utf-8")).hexdigest()

    def check(self) -> None:
        """Raise `SettingsError` naming every stylesheet that could never run."""
        refused = []
        for name in self._texts:
            try:
                with self._locks[name]:
                    self._child(name)
            except StylesheetFailed as failed:
                refused.append(failed.public)
        if refused:
            raise SettingsError("\n".join(refused))

    def run(
        self, name: StylesheetName, document: bytes, calling: str | None
    ) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """What it orders, in document order.  Raises `StylesheetFailed`."""
        with self._locks[name]:
            child = self._child(name)
            try:
                answer = child.run(document, calling)
            except _BrokenError as broken:
                self._forget(name)
                raise StylesheetFailed(f"stylesheet `{name}`: {broken}") from broken
            if child.runs >= _RUNS:
                self._forget(name)
        if "error" in answer:
            raise StylesheetFailed(f"stylesheet `{name}`: {answer['error']}")
        return tuple((element, attributes) for element, attributes in answer["elements"])

    def close(self) -> None:
        """End every child."""
        for name, lock in self._locks.items():
            with lock:
                self._forget(name)

    def _child(self, name: StylesheetName) -> _Child:
        """A child that has read the stylesheet."""
        known = self._children.get(name)
        if known is not None:
            return known
        try:
            child = self._children[name] = _Child(self._texts[name])
        except _BrokenError as broken:
            raise StylesheetFailed(f"stylesheet `{name}`: {broken}") from broken
        if child.refusal is not None:
            self._forget(name)
            raise StylesheetFailed(f"stylesheet `{name}` cannot be run: {child.refusal}")
        return child

    def _forget(self, name: StylesheetName) -> None:
        child = self._children.pop(name, None)
        if child is not None:
            child.end()
