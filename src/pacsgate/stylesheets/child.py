"""The process that runs one stylesheet, again and again, and has nothing else to reach for.

It gives up what it does not need before it reads the stylesheet: it can open no file and no
socket, write no file, start no process, take no more memory than is good, and each run has its
share of processor time.  libxslt is told the same once more (`XSLTAccessControl`).  A stylesheet may
therefore not `xsl:import`, `xsl:include` or `document()` anything; EXSLT's functions (`str:tokenize`) it may.

Started by `runner` with the stylesheet as the first thing to read, then documents.  It never says
anything of an input but its result: what a stylesheet writes by `xsl:message` is lost.

Invariants:
- limits are in force before the first byte of the stylesheet is looked at.

Standard: XSLT 1.0; EXSLT as libxslt has it.
"""

import os
import resource
from typing import Any, BinaryIO

from lxml import etree

from pacsgate.stylesheets.frames import LENGTH, framed, unframed

_MEMORY_BYTES = 512 << 20
"""Address space; interpreter and libraries take some 60 MiB of it."""
_SECONDS_OF_PROCESSOR = 2
_ORDERS = frozenset({"grant", "revoke"})
"""What a stylesheet can say; whatever else it writes is passed over."""
_MOST_ELEMENTS = 10_000
_MOST_CHARACTERS = 1 << 20


def main() -> None:
    """Read a stylesheet, then run it for each document that comes, until there are no more."""
    source, sink = _pipes()
    _give_up_everything()
    given = _read(source)
    if given is None:
        return
    try:
        transform = _compiled(given["stylesheet"])
    except (etree.LxmlError, ValueError) as error:
        _write(sink, {"error": str(error)})
        return
    _write(sink, {"ready": True})
    while (asked := _read(source)) is not None:
        _allow_more_processor_time()
        try:
            _write(sink, {"elements": _run(transform, asked["document"], asked["calling"])})
        except (etree.LxmlError, ValueError, RecursionError):
            _write(sink, {"error": _where(transform)})


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for ourselves alone; what a library prints goes nowhere."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
    return source, sink


def _give_up_everything() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # those that are open stay open
    _allow_more_processor_time()


def _allow_more_processor_time() -> None:
    """Let the next run have its share; more of it is the end of the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    share = int(used.ru_utime + used.ru_stime) + 1 + _SECONDS_OF_PROCESSOR
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (share, hard))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)


def _compiled(text: str) -> etree.XSLT:
    document = etree.fromstring(text.encode("utf-8"), _parser()).getroottree()
    if document.docinfo.internalDTD is not None:
        raise ValueError("it has a document type, which could hold entities: take the `<!DOCTYPE …>` out")
    control: Any = etree.XSLTAccessControl
    return etree.XSLT(document, access_control=control.DENY_ALL)


def _run(transform: etree.XSLT, document: str, calling: str | None) -> list[tuple[str, dict[str, str]]]:
    root = etree.fromstring(document.encode("utf-8"), _parser())
    parameters: dict[str, Any] = {} if calling is None else {"calling": etree.XSLT.strparam(calling)}
    result: Any = transform(root, **parameters).getroot()
    found: list[tuple[str, dict[str, str]]] = []
    characters = 0
    for element in () if result is None else result.iter(etree.Element):
        if element.prefix is not None or element.tag.rpartition("}")[2] not in _ORDERS:
            continue
        attributes = {str(name): str(value) for name, value in element.attrib.items()}
        characters += sum(map(len, attributes.values()))
        found.append((element.tag.rpartition("}")[2], attributes))
        if len(found) > _MOST_ELEMENTS or characters > _MOST_CHARACTERS:
            raise ValueError("more orders than a stylesheet has reason to give")
    return found


def _where(transform: Any) -> str:
    """Where the stylesheet was when it failed, and nothing of what it said: it may have quoted its input."""
    log = transform.error_log
    return f"it failed at line {log[-1].line}" if len(log) else "it failed"


def _read(source: BinaryIO) -> Any:
    head = source.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    return unframed(source.read(LENGTH.unpack(head)[0]))


def _write(sink: BinaryIO, value: Any) -> None:
    left = memoryview(framed(value))
    while left:
        left = left[sink.write(left) :]


if __name__ == "__main__":
    main()
