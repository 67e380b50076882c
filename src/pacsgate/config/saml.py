"""SAML 2.0 identity providers, with which people sign in.

Called by `identity`.

Standard: SAML 2.0 Metadata; SAML 2.0 Core 3.3.2.2.1 (RequestedAuthnContext), 8.3 (NameID formats).
"""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from pacsgate.config.base import refuse_half_a_pair
from pacsgate.config.sources import ClaimSettings, SourceSettings


class SamlSettings(SourceSettings):
    """A SAML identity provider."""

    metadata_file: Path
    """What the provider publishes about itself: its entity id, addresses and certificates."""
    title: str | None = None
    """What the button of the sign-in page says; the name when absent."""
    certificate_file: Path | None = None
    """The gate's own certificate (PEM), for which the provider may encrypt assertions."""
    key_file: Path | None = None
    """Its key (PEM): requests and logout answers are signed with it, and encrypted assertions opened."""
    ask_contexts: tuple[str, ...] = ()
    """Authentication contexts that are asked for at sign-in, one of them at least."""
    name_id: Literal["unspecified", "persistent", "emailAddress", "transient"] = "unspecified"
    """The format of NameID that is asked for."""
    claims: ClaimSettings = ClaimSettings()

    numbers: tuple[str, ...] = ()
    """Attributes of policies that are numbers there: this kind of source tells nothing but texts."""

    @model_validator(mode="after")
    def _makes_sense(self) -> "SamlSettings":
        refuse_half_a_pair(certificate_file=self.certificate_file, key_file=self.key_file)
        if self.name_id == "transient" and self.claims.name is None:
            raise ValueError("a transient NameID names nobody: say in `claims.name` which attribute does")
        if self.claims.required:
            raise ValueError("`claims.required` is for tokens; a SAML provider decides whom it vouches for")
        return self
