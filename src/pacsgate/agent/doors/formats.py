"""The formats of cards that the simulated readers read, and how their numbers are compared.

Called by `effects` and `physics`.

Standard: SIA AC-01 (Wiegand, 26 bits: a facility of 8 bits and a card of 16); ISO/IEC 14443-3 (UIDs of 4, 7
or 10 bytes).
"""

import re
from collections.abc import Mapping

from pacsgate.ports.access import CredentialFormat

_WIEGAND = re.compile(r"([0-9]{1,3})[-:]([0-9]{1,5})", re.ASCII)
_UID = re.compile(r"([0-9A-F]{2}){4}(([0-9A-F]{2}){3}){0,2}", re.ASCII)
_PIN = re.compile(r"[0-9]{4,8}", re.ASCII)
_FACILITIES, _CARDS = 2**8, 2**16


def _wiegand26(value: str) -> str | None:
    found = _WIEGAND.fullmatch(value)
    if found is None:
        return None
    facility, card = int(found[1]), int(found[2])
    return f"{facility}-{card}" if facility < _FACILITIES and card < _CARDS else None


def _uid(value: str) -> str | None:
    plain = value.replace(":", "").replace("-", "").upper()
    return plain if _UID.fullmatch(plain) else None


def _pin(value: str) -> str | None:
    return value if _PIN.fullmatch(value) else None


CARD_FORMATS: Mapping[str, CredentialFormat] = {
    each.name: each
    for each in (
        CredentialFormat("wiegand26", "a 26-bit card, as `facility-number`: `12-34567`", _wiegand26),
        CredentialFormat("uid", "a contactless card by its UID, in hexadecimal: `04A1B2C3`", _uid),
        CredentialFormat("pin", "a number of four to eight digits, typed in", _pin),
    )
}
"""By name."""
