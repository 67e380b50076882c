"""What strace saw, as calls with a beginning and an end.

A call that another thread interrupts is written as `unfinished` and later `resumed`; here both are one.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TRACED = "fdatasync,fsync,rename,renameat2,link,linkat,sendto,sendmsg,writev,write,sendfile"
_LINE = re.compile(r"(?P<thread>\d+) +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<rest>.*)")
_RETURN = re.compile(r"\)\s+= (-?\d+)[^=]*$")
_FIRST_PATH = re.compile(r"-?\w+<([^>]*)>")


@dataclass(frozen=True)
class Call:
    """One system call: `began` and `ended` are its places in the trace; `path` is that of its first descriptor."""

    name: str
    text: str
    path: str
    began: int
    ended: int
    succeeded: bool


def strace(log: Path) -> tuple[str, ...]:
    """The command that runs another one, watches it and all its children, and is itself out of the way."""
    return (
        *("strace", "-D", "-f", "-y", "-qq", "--seccomp-bpf", "-s", "20000"),
        *("-e", f"trace={TRACED}", "-e", "signal=none", "-o", str(log)),
    )


def calls(log: Path) -> list[Call]:
    """Every call of a trace that is complete, in the order in which they began."""
    return sorted(_calls(_settled(log).splitlines()), key=lambda call: call.began)


def _calls(lines: list[str]) -> Iterator[Call]:
    pending: dict[str, tuple[str, str, int]] = {}
    for number, line in enumerate(lines):
        found = _LINE.match(line)
        if found is None:
            continue
        thread, rest = found["thread"], found["rest"]
        if found["resumed"]:
            name, text, began = pending.pop(thread, (found["resumed"], "", number))
            text += rest
        else:
            name, text, began = found["name"], rest, number
            if rest.endswith("<unfinished ...>"):
                pending[thread] = (name, rest, number)
                continue
        returned = _RETURN.search(text)
        path = _FIRST_PATH.match(text)
        yield Call(
            name,
            text,
            path[1] if path else "",
            began,
            number,
            returned is not None and int(returned[1]) >= 0,
        )


def _settled(log: Path) -> str:
    """The trace once its writer has stopped writing."""
    size = -1
    while size != (size := log.stat().st_size):
        time.sleep(0.3)
    return log.read_text("utf-8", "replace")
