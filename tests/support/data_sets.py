"""Data sets by keyword, as tests write them."""

from typing import Any

from pydicom.dataset import Dataset


def data_set(**values: Any) -> Dataset:
    """A data set of these attributes."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def identifier(level: str, **keys: Any) -> Dataset:
    """The identifier of a query or retrieval at a level."""
    return data_set(QueryRetrieveLevel=level, **keys)
