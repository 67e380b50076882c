"""Which foreign formats there are, and who reads each.

Called by `pacsgate.policy.document` with the sources of a policy, by
`pacsgate.config` with files, and by `pacsgate import`.

Invariants:
- a source of a format that nobody reads is a problem, never ignored;
- what `kept` returns holds no secret: it is what a revision stores.
"""

from collections.abc import Callable, Mapping
from itertools import groupby

from pacsgate.policy.foreign.formats import ForeignFormat
from pacsgate.policy.foreign.orthanc_auth import read_orthanc_auth
from pacsgate.policy.foreign.reading import Foreign, Reader, split_name
from pacsgate.policy.foreign.research_pacs.reader import read_research_pacs
from pacsgate.policy.foreign.zhiva.reader import read_zhiva
from pacsgate.policy.foreign.zhiva.registered import without_secrets
from pacsgate.policy.language.problems import Position, Problems, did_you_mean, quoted

READERS: Mapping[str, Reader] = {
    ForeignFormat.ORTHANC_AUTH: read_orthanc_auth,
    ForeignFormat.RESEARCH_PACS: read_research_pacs,
    ForeignFormat.ZHIVA: read_zhiva,
}
"""By the prefix that names of sources begin with."""

_KEPT: Mapping[str, Callable[[str, str], str]] = {ForeignFormat.ZHIVA: without_secrets}
"""Formats whose files hold secrets: from a file's name and text to what may be kept of it."""


def read_foreign(sources: Mapping[str, str], problems: Problems) -> tuple[Foreign, ...]:
    """What the sources with a format before their name say; others are not looked at."""
    named = sorted((*split_name(source), source) for source in sources if ":" in source)
    found = []
    for name, group in groupby(named, key=lambda each: each[0] or ""):
        files = {file: sources[source] for _, file, source in group}
        reader = READERS.get(name)
        if reader is None:
            message = f"unknown format {quoted(name)}"
            problems.add(Position(min(files)), message, did_you_mean(name, READERS))
        else:
            found.append(reader(files, problems))
    return tuple(found)


def kept(source: str, text: str) -> str:
    """What a revision may store of a source.  Raises `PolicyError` if that cannot be told."""
    name, file = split_name(source)
    reduce = _KEPT.get(name or "")
    return text if reduce is None else reduce(file, text)
