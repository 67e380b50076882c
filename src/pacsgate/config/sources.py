"""What every identity source is told, whatever it speaks: whose accounts it signs in, what it may bring.

Called by the settings of each kind of source.
"""

from typing import Literal

from pydantic import Field

from pacsgate.config.base import Section
from pacsgate.config.tenants import OfATenant

SOURCE_NAME = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"


class ClaimSettings(Section):
    """Where a source puts what is wanted of a person."""

    name: str | None = None
    """Claim or attribute with the name of the account: `preferred_username` of a token and the NameID of an
    assertion when absent.  A dot leads into a claim."""
    id: str | None = None
    """Claim that knows the person for good: `sub` when absent; Entra ID has `oid`."""
    groups: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    """Attribute of policies (`user.…`) to claim or attribute of the source."""
    required: dict[str, tuple[str | int | bool, ...]] = Field(default_factory=dict)
    """Claims that a person must have, with one of these values: `hd: [hospital.example]`."""


class SigningSourceSettings(OfATenant):
    """The part of a source that signs people in which is about trust: whose accounts, and which roles."""

    name: str = Field(pattern=SOURCE_NAME)
    """What the gate calls it: in addresses, in accounts and in the trail."""
    accounts: Literal["local", "claims"] = "local"
    """`local`: only people with an account of the gate.  `claims`: people of the source, whose accounts are
    made when they first sign in, and are the source's."""
    signs_in: tuple[str, ...] = ()
    """Other sources whose accounts it signs in as well, by their names: a directory whose people have these
    cards, say; `local` is the gate."""
    roles_at_most: tuple[str, ...] | None = None
    """The roles that anybody has who came by it, at most; any when absent."""


class SourceSettings(SigningSourceSettings):
    """A source that says by which methods it has verified somebody."""

    methods: tuple[str, ...] = ()
    """Which of its `amr` values are believed: `[otp, mfa]`.  None: it is one factor, whatever it says."""
    acr: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What an `acr` value of it proves, in methods of RFC 8176: `{gold: [mfa]}`."""
