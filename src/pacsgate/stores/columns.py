"""What every table is made with: one collection of them, and the usual columns.

Called by `schema` and `people_schema`.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Row

from pacsgate.stores.dialects import TEXT

AnyRow = Row[*tuple[Any, ...]]
"""A row of some select, its columns known to who wrote the select."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def text_column(name: str, *, key: bool = False) -> Column[str]:
    """Text, never NULL."""
    return Column(name, TEXT, primary_key=key, nullable=False)


def number_column(name: str, *, key: bool = False) -> Column[int]:
    """A whole number of 64 bits, never NULL."""
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def bytes_column(name: str, *, key: bool = False) -> Column[bytes]:
    """Bytes, never NULL."""
    return Column(name, LargeBinary, primary_key=key, nullable=False)
