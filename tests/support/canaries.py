"""Tokens that must not be seen by the wrong eyes, and the recorder that looks for them.

Every study of a test's hospital carries random tokens in its names, ids, UIDs, descriptions and pixels, and has the
identifiers that Orthanc computes from them.  Whatever
a persona gets to see - an answer, a log, an error, a metric - goes through `CanaryRecorder.see`, which fails the
test on a token that this persona may not see, however it was encoded on its way.
"""

import base64
import binascii
import io
import re
import secrets
import urllib.parse
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(rb"CNRY[A-Z2-7]{12}", re.IGNORECASE)
_UID = re.compile(rb"2\.25\.[0-9]{20,39}")
_ORTHANC_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}")
_ZIP = b"PK\x03\x04"
_JSON_ESCAPE = re.compile(rb"\\u00([0-9a-f]{2})", re.IGNORECASE)
_BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}")


def new_token() -> str:
    """Makes a token that no other study carries and that no text holds by chance."""
    return "CNRY" + base64.b32encode(secrets.token_bytes(8)).decode("ascii")[:12]


@dataclass(frozen=True, slots=True)
class Canary:
    """Where a token lives: a study or a series (`S9`, `S9/2`), and the attribute that carries it."""

    part: str
    keyword: str


class CanarySeenError(AssertionError):
    """A persona saw what is hidden from it."""


@dataclass(slots=True)
class CanaryRecorder:
    """Knows every token, who may see which, and what was seen.

    `carriers` has all places that carry a token (a patient's name is in each of the patient's studies); seeing it
    is right if `may_see` says so of any of them.  `sightings` counts the rightly seen, so that a test can prove
    that the recorder was not simply looking away.
    """

    carriers: Mapping[str, frozenset[Canary]]
    may_see: Callable[[str, Canary], bool]
    sightings: dict[str, int] = field(default_factory=dict)

    def see(self, persona: str, seen: bytes | str, where: str) -> None:
        """Looks at what `persona` was shown; raises `CanarySeenError` for anything hidden."""
        data = seen.encode("utf-8", "surrogatepass") if isinstance(seen, str) else seen
        for token in set(_tokens(data)):
            places = self.carriers.get(token)
            if places is None:
                continue
            if not any(self.may_see(persona, place) for place in places):
                hidden = ", ".join(sorted(f"{place.keyword} of {place.part}" for place in places))
                raise CanarySeenError(f"{persona} saw {hidden} in {where}")
            self.sightings[persona] = self.sightings.get(persona, 0) + 1


def _tokens(data: bytes) -> Iterator[str]:
    for view in _views(data):
        for match in _TOKEN.finditer(view):
            yield match.group().decode("ascii").upper()
        for match in _UID.finditer(view):
            yield match.group().decode("ascii")
        for match in _ORTHANC_ID.finditer(view):
            yield match.group().decode("ascii")


def _views(data: bytes) -> Iterator[bytes]:
    """The data as it is, and as it would be after undoing each encoding that a token may have gone through."""
    yield data
    if data.startswith(_ZIP):
        yield from _members(data)
    if b"%" in data:
        yield urllib.parse.unquote_to_bytes(data)
    if b"\0" in data:
        yield data.replace(b"\0", b"")  # UTF-16 and UTF-32 of ASCII, either endianness
    if b"\\u" in data:
        yield _JSON_ESCAPE.sub(lambda match: bytes((int(match.group(1), 16),)), data)
    for run in _BASE64_RUN.findall(data):
        usual = run.translate(bytes.maketrans(b"-_", b"+/"))
        for start in range(4):
            rest = usual[start:]
            if len(rest) % 4 == 1:  # no base64 text is that long: the last letter is not part of it
                rest = rest[:-1]
            try:
                yield base64.b64decode(rest + b"=" * (-len(rest) % 4))
            except binascii.Error:
                continue


def _members(data: bytes) -> Iterator[bytes]:
    """The names and contents in a zip file; a part of one has none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield archive.read(name)
    except zipfile.BadZipFile:
        return
