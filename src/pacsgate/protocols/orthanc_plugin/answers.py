"""What the plugin is answered, as the JSON that it reads.

`validity` is a whole number of seconds for which the plugin keeps an answer; in a profile 0
would mean for ever, so there it is never 0.

Called by the plugin's door.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pacsgate.model.share import SharedObject

Json = Mapping[str, object] | None

EVERY_LABEL = "*"

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is to the plugin, and which of its permissions this somebody has."""

    name: str
    user_id: str | None = None
    groups: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def profile(found: Profile, validity: int) -> Json:
    """The answer of `user/get-profile`."""
    return {
        "name": found.name,
        **({} if found.user_id is None else {"user-id": found.user_id}),
        "groups": found.groups,
        "permissions": found.permissions,
        "authorized-labels": found.labels,
        "validity": max(validity, 1),
    }


def validation(*, granted: bool, validity: int) -> Json:
    """The answer of `tokens/validate`."""
    return {"granted": granted, "validity": max(validity, 0)}


def minted(text: str, url: str | None) -> Json:
    """The answer of `tokens/{type}`."""
    return {"token": text, "url": url}


def decoded(purpose: str, objects: Sequence[SharedObject], url: str | None) -> Json:
    """The answer of `tokens/decode` for a live link."""
    return {
        "token-type": purpose,
        "redirect-url": url,
        "error-code": None,
        "resources": [
            {"level": one.level.value, "orthanc-id": one.orthanc_id, "dicom-uid": one.uid, "url": None}
            for one in objects
        ],
    }


def undecoded(error_code: str) -> Json:
    """The same for everything else: nothing but why."""
    return {"token-type": None, "redirect-url": None, "error-code": error_code, "resources": []}


def no_roles() -> Json:
    """The answer of `settings/roles`: they are in the policy, and the page for editing them stays away."""
    return {"roles": {}, "available-labels": []}
