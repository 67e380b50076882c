"""Which attributes of an answer a subject does not get to see.

A mask is a set of DICOM keywords, or everything but such a set.  Masks combine
by intersection: an attribute stays hidden only if *every* permit that applies
hides it, so one more permit never shows less.
"""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides `keywords`, or, when `all_but` is set, everything except `keywords`.

    Unique identifiers that hold the hierarchy together are never hidden; the
    policy language refuses to name them.
    """

    keywords: frozenset[str] = frozenset()
    all_but: bool = False

    def hides(self, keyword: str) -> bool:
        """Whether the attribute with this DICOM keyword is hidden."""
        return (keyword in self.keywords) is not self.all_but

    def __and__(self, other: Self) -> "Mask":
        """Hides what both hide."""
        match self.all_but, other.all_but:
            case False, False:
                return Mask(self.keywords & other.keywords)
            case True, True:
                return Mask(self.keywords | other.keywords, all_but=True)
            case False, True:
                return Mask(self.keywords - other.keywords)
            case _:
                return Mask(other.keywords - self.keywords)

    def __or__(self, other: Self) -> "Mask":
        """Hides what either hides: what needs two permissions shows only what both show."""
        match self.all_but, other.all_but:
            case False, False:
                return Mask(self.keywords | other.keywords)
            case True, True:
                return Mask(self.keywords & other.keywords, all_but=True)
            case False, True:
                return Mask(other.keywords - self.keywords, all_but=True)
            case _:
                return Mask(self.keywords - other.keywords, all_but=True)

    @property
    def hides_nothing(self) -> bool:
        """Whether answers pass unchanged."""
        return not self.all_but and not self.keywords


NO_MASK = Mask()
