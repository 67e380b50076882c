"""What runs the stylesheets of another system, of which nobody knows what they do."""

from collections.abc import Mapping
from typing import Protocol

from pacsgate.model.errors import PacsgateError
from pacsgate.model.stylesheet import StylesheetName


class StylesheetFailed(PacsgateError):  # noqa: N818 - it names what happened to the stylesheet
    """A stylesheet broke, took too long or wanted too much.  Its sentence holds nothing of its input."""


class Stylesheets(Protocol):
    """Runs stylesheets apart from everything else."""

    def has(self, name: StylesheetName) -> bool:
        """Whether there is such a stylesheet."""
        ...

    def digest(self, name: StylesheetName) -> str:
        """SHA-256 of its text, for the record."""
        ...

    def run(
        self, name: StylesheetName, document: bytes, calling: str | None
    ) -> tuple[tuple[str, Mapping[str, str]], ...]:
        """The `grant` and `revoke` elements of the result: their names and attributes, in document order.

        `calling` is the stylesheet's parameter.  Raises `StylesheetFailed`.
        """
        ...
