"""Specific Character Set: bytes of an identifier to text, and text of an answer to bytes.

Strict in one direction, accommodating in the other.  A request's text that its character set does not
explain is refused, because a guess would be searched for as if it were what somebody typed.  An
answer is written in the request's own character set where that is one single set that has all
its characters, so that old workstations can show it, and otherwise in ISO_IR 192, which has all.

Called by `identifiers` and `find_response`.

Standard: PS3.3 C.12.1.1.2 (Specific Character Set); PS3.5 6.1.2 (code extensions).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydicom.charset import CODES_TO_ENCODINGS, STAND_ALONE_ENCODINGS, python_encoding

from pacsgate.model.errors import RequestError

UTF_8 = "ISO_IR 192"

SINGLE_SETS: Mapping[str, str] = {
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin_1",
    "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4",
    "ISO_IR 126": "iso8859_7",
    "ISO_IR 127": "iso8859_6",
    "ISO_IR 138": "iso8859_8",
    "ISO_IR 144": "iso8859_5",
    "ISO_IR 148": "iso8859_9",
    "ISO_IR 166": "tis_620",
    "ISO_IR 203": "iso8859_15",
    UTF_8: "utf_8",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
"""Character sets without code extensions, with Python's codec of each."""
_ASCII_TERMS = frozenset({"", "ISO_IR 6"})
_ESCAPING_CODECS = frozenset({"iso2022_jp", "iso2022_jp_2"})
"""Codecs that read their escape sequences themselves, since these shift what a byte is (G0)."""
_ALWAYS = b"\x1b(B"
"""Back to ASCII, whatever sets are named."""
_BEFORE_ESCAPE = re.compile(rb"(?=\x1b)")
_RESETS = {
    False: re.compile(rb"[\\\r\n\f\t]"),
    True: re.compile(rb"[\\^=\r\n\f\t]"),
}
"""What ends every code extension, in texts and in person names (PS3.5 6.1.2.5.3)."""


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """The values of one Specific Character Set; none is the default repertoire."""

    terms: tuple[str, ...] = ()

    @property
    def single(self) -> tuple[str, str] | None:
        """The term and codec that answers may be written in, if this is one set without extensions."""
        if len(self.terms) == 1 and self.terms[0] in SINGLE_SETS:
            return self.terms[0], SINGLE_SETS[self.terms[0]]
        return None

    def decode(self, value: bytes, *, is_name: bool = False) -> str:
        """Read a value.  Raises `UnicodeError`."""
        if value.isascii() and b"\x1b" not in value:
            return value.decode("ascii")
        if self.single is not None:
            return value.decode(self.single[1])
        return "".join(self._fragment(each, is_name=is_name) for each in _BEFORE_ESCAPE.split(value) if each)

    def _fragment(self, fragment: bytes, *, is_name: bool) -> str:
        first = self._codec_of(self.terms[0]) if self.terms else "ascii"
        if not fragment.startswith(b"\x1b"):
            return fragment.decode(first)
        codecs = {self._codec_of(term) for term in self.terms}
        for escape, codec in CODES_TO_ENCODINGS.items():
            if fragment.startswith(escape) and (codec in codecs or escape == _ALWAYS):
                break
        else:
            raise UnicodeError("an escape sequence of a character set that is not named")
        if codec in _ESCAPING_CODECS:
            return fragment.decode(codec)
        body = fragment[len(escape) :]
        reset = _RESETS[is_name].search(body)
        end = reset.start() if reset else len(body)
        return body[:end].decode("ascii" if escape == _ALWAYS else codec) + body[end:].decode(first)

    @staticmethod
    def _codec_of(term: str) -> str:
        return "ascii" if term in {*_ASCII_TERMS, "ISO 2022 IR 6"} else python_encoding[term]


def read_character_set(text: str) -> CharacterSet:
    """Read the values of Specific Character Set.  Raises `RequestError` for one that there is not."""
    terms = tuple(term.strip(" ") for term in text.split("\\"))
    if len(terms) == 1:
        (term,) = terms
        if term in _ASCII_TERMS:
            return CharacterSet()
        # A single `ISO 2022 IR n` means the set itself; extensions need a second value.
        plain = term.replace("ISO 2022 IR ", "ISO_IR ")
        if plain in SINGLE_SETS or term in python_encoding:
            return CharacterSet((plain if plain in SINGLE_SETS else term,))
    elif len(terms) <= len(python_encoding) and all(
        term in python_encoding and term not in STAND_ALONE_ENCODINGS for term in terms
    ):
        return CharacterSet(terms)
    raise RequestError("`SpecificCharacterSet` names a character set that is not known")
