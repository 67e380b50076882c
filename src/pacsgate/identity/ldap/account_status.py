"""Whether a directory's own entry of somebody says that they may still come in, and until when.

Each directory says it in its own attribute; one table reads all of them, since no directory has two that
disagree.  A bind as somebody asks the directory itself, so at sign-in this only sets the end; when people
are listed it is all there is.

Called by `people`.

Standard: MS-ADTS 2.2.16 (userAccountControl), 2.3.x (accountExpires); draft-behera-ldap-password-policy
5.3.3 (pwdAccountLockedTime).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from pacsgate.identity.ldap.conversation import Entry

_DISABLED_BIT = 0x2
"""ADS_UF_ACCOUNTDISABLE.  A lockout is not told here but in `lockoutTime`."""
_NEVER = frozenset({0, 0x7FFF_FFFF_FFFF_FFFF})
_FILETIME_BEGINS = datetime(1601, 1, 1, tzinfo=UTC)
_LOCKED_FOR_GOOD = "000001010000Z"
_SHADOW_BEGINS = datetime(1970, 1, 1, tzinfo=UTC)


def _is_disabled_by_flags(value: str) -> bool:
    return bool(_number(value, otherwise=_DISABLED_BIT) & _DISABLED_BIT)


def _is_true(value: str) -> bool:
    return value.strip().upper() == "TRUE"


_DISABLING: Mapping[str, Callable[[str], bool]] = {
    "userAccountControl": _is_disabled_by_flags,  # Active Directory, Samba
    "nsAccountLock": _is_true,  # 389 Directory Server, FreeIPA
    "loginDisabled": _is_true,  # eDirectory
    "pwdAccountLockedTime": _LOCKED_FOR_GOOD.__eq__,  # ppolicy: any other time is a lockout that ends
}


def _end_by_file_time(value: str) -> datetime | None:
    """Hundreds of nanoseconds since 1601."""
    ticks = _number(value, otherwise=1)
    return None if ticks in _NEVER else _after(_FILETIME_BEGINS, microseconds=ticks // 10)


def _end_by_shadow(value: str) -> datetime | None:
    """Days since 1970; negative is never."""
    days = _number(value, otherwise=0)
    return None if days < 0 else _after(_SHADOW_BEGINS, days=days)


_ENDING: Mapping[str, Callable[[str], datetime | None]] = {
    "accountExpires": _end_by_file_time,  # Active Directory
    "shadowExpire": _end_by_shadow,  # RFC 2307
}

STATUS_ATTRIBUTES = (*_DISABLING, *_ENDING)


def is_active(entry: Entry) -> bool:
    """Whether nothing in the entry says that the account is disabled."""
    return not any(says(value) for attribute, says in _DISABLING.items() for value in entry.texts(attribute))


def ends_at(entry: Entry) -> datetime | None:
    """When the account ends by itself (exclusive), if it does."""
    ends = [end(value) for attribute, end in _ENDING.items() for value in entry.texts(attribute)]
    return min((end for end in ends if end is not None), default=None)


def _number(value: str, *, otherwise: int) -> int:
    """What cannot be read counts as the worse: disabled, or long over."""
    try:
        return int(value)
    except ValueError:
        return otherwise


def _after(begins: datetime, **units: int) -> datetime | None:
    """A moment counted from another; one that no calendar holds is never."""
    try:
        return begins + timedelta(**units)
    except OverflowError:
        return None
