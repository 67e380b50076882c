"""Person names in a form in which equal names are equal strings.

A name has up to three component groups (alphabetic, ideographic, phonetic;
joined by `=`), each of up to five components (joined by `^`).  Its *folded*
form is made group by group: spaces around components and empty components at
the end do not count, nor does case, nor whether a character is full or half
width (Unicode NFKC case folding).  Accents count, except in fuzzy matching.

A query is compared with folded groups.  One group in the query matches any
group of the name; several match at their own positions, where an empty one asks
for nothing.  Because `Doe` and `Doe^^` are one name, the pattern `Doe^*` also
matches `Doe`: `NameQuery` lists such alternatives, so that SQL can say the same
with one GLOB or LIKE for each.

Called by `matching`, and by the index, which keeps `NameKeys` as columns.

Standard: PS3.5 section 6.2 (PN), 6.2.1; PS3.4 section C.2.2.2.1.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.dicom.wildcards import glob_matches

GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
"""The component groups in order, as the DICOM JSON Model names them."""

_COMBINING_DIACRITICS = re.compile("[\u0300-\u036f]")
# Not every mark of category M: dropping those would change letters of Devanagari, Arabic or kana.


def fold(text: str) -> str:
    """One component or word without the differences that do not count."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def fold_group(group: str) -> str:
    """One component group, folded, without empty components at its end."""
    return "^".join(fold(component) for component in group.split("^")).rstrip("^")


@dataclass(frozen=True, slots=True)
class NameKeys:
    """The folded groups of one name; a group that it does not have is the empty string."""

    alphabetic: str = ""
    ideographic: str = ""
    phonetic: str = ""

    @property
    def groups(self) -> tuple[str, str, str]:
        """All three, in order."""
        return self.alphabetic, self.ideographic, self.phonetic


def name_keys(value: str | Mapping[str, str]) -> NameKeys:
    """Fold a name, given as DICOM writes it or as an object of the DICOM JSON Model."""
    groups = value.split("=") if isinstance(value, str) else [value.get(group) or "" for group in GROUPS]
    return NameKeys(*(fold_group(group) for group in groups[:3]))


@dataclass(frozen=True, slots=True)
class NameQuery:
    """What a name must be like.

    Each group is the tuple of alternatives of which one must match; an empty tuple
    asks for nothing.  With a single group any group of the name may match it,
    otherwise each is for the group at its position.  The alternatives are folded
    GLOB patterns (`*`, `?`) if `wild`, else folded literals.  Groups that a name
    does not have are empty strings and match nothing but a query for nothing.
    """

    groups: tuple[tuple[str, ...], ...]
    wild: bool

    def matches(self, name: NameKeys) -> bool:
        """Whether a name is like this."""
        if len(self.groups) == 1:
            return not self.groups[0] or any(
                self._group_matches(self.groups[0], group) for group in name.groups
            )
        return all(
            not alternatives or self._group_matches(alternatives, group)
            for alternatives, group in zip(self.groups, name.groups, strict=False)
        )

    def _group_matches(self, alternatives: tuple[str, ...], group: str) -> bool:
        if not group:
            return False
        if self.wild:
            return any(glob_matches(alternative, group) for alternative in alternatives)
        return group in alternatives


def name_query(text: str, *, wild: bool) -> NameQuery:
    """Read a matching key for a name.  `wild` says whether `*` and `?` are wildcards in it."""
    groups = [fold_group(group) for group in text.split("=")[:3]]
    while len(groups) > 1 and not groups[-1]:
        groups.pop()
    return NameQuery(tuple(_alternatives(group, wild=wild) for group in groups), wild)


def _alternatives(group: str, *, wild: bool) -> tuple[str, ...]:
    if not wild:
        return (group,) if group else ()
    pattern = re.sub(r"\*+", "*", group)
    if pattern in {"", "*"}:
        return ()
    alternatives = [pattern]
    while pattern.endswith("^*"):
        # `Doe^*` asks for any further components, and none is as good as empty ones.
        pattern = pattern[:-2].rstrip("^")
        alternatives.append(pattern)
    return tuple(dict.fromkeys(alternative for alternative in alternatives if alternative))


def name_words(value: str | Mapping[str, str]) -> tuple[str, ...]:
    """The words of all groups of a name, folded and without accents, for fuzzy matching."""
    text = value if isinstance(value, str) else " ".join(value.get(group) or "" for group in GROUPS)
    bare = _COMBINING_DIACRITICS.sub("", unicodedata.normalize("NFKD", fold(text)))
    composed = unicodedata.normalize("NFC", bare)
    return tuple("".join(character if _is_letter(character) else " " for character in composed).split())


def _is_letter(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character).startswith("M")


def fuzzy_key(value: str | Mapping[str, str]) -> str:
    """The words of a name, each after one space: a query word `w` matches where the key contains ` w`."""
    return "".join(f" {word}" for word in name_words(value))


def fuzzy_matches(query: str, key: str) -> bool:
    """Whether each word of the query begins a word of the name with this `fuzzy_key`, in any order.

    Wildcards, carets and other punctuation only separate words; a query without
    words asks for nothing.
    """
    return all(f" {word}" in key for word in name_words(query))
