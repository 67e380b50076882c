"""The one way in which a document of Orthanc's is passed on: by a table of the fields that may be.

Called by the modules of this package that write answers.
"""

from collections.abc import Iterable, Mapping
from typing import Any


def only(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the fields of a document that are in a table."""
    return {name: document[name] for name in names if name in document}
