"""The settings of dcm4chee 2 by which its checks are on or off, and for whom.

They stand in `web.xml`, in the descriptors of its MBeans, in JBoss service files, or in a text that
an administrator exported (`Name=value`, a line each).

Called by `reader`; `rules` says what becomes of each.

Standard: none; dcm4chee 2.18.3.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pacsgate.policy.foreign.dcm4chee.xml_files import Setting
from pacsgate.policy.language.problems import Position

UNRESTRICTED: Mapping[str, str] = {
    "UnrestrictedQueryPermissionsToAETitles": "Q",
    "UnrestrictedReadPermissionsToAETitles": "R",
    "UnrestrictedExportPermissionsToAETitles": "E",
    "UnrestrictedAppendPermissionsToAETitles": "A",
}
"""The lists of AE titles that need no permission, by the letter that they spare."""
WEB_CHECKS = frozenset({"enableStudyPermissionCheck", "useStudyPermissions"})
UNCHECKED_USERS = "disableStudyPermissionCheckForUser"
OTHERS: Mapping[str, str] = {
    "DefaultUserID": "nobody is somebody by default; `dicom.ae_titles` may give a called title an `account`",
    "RejectIfNoUserIdentity": "who is nobody is always rejected here",
    "UpdateOnHl7Received": "set `dcm4chee.hl7_stylesheet` to have its stylesheet run",
    "UpdateOnMppsCreate": "set `dcm4chee.mpps_stylesheet` to have its stylesheet run",
    "UpdateOnSeriesStored": "set `dcm4chee.series_stylesheet` to have its stylesheet run",
    "UpdateOnNewStudy": "set `dcm4chee.series_stylesheet` to have its stylesheet run",
    "manageStudyPermissions": "who may give permissions is said by `GrantAdminister` and its narrower kin",
}
"""Settings that have another place here, each with that place."""
KNOWN = frozenset({*UNRESTRICTED, *WEB_CHECKS, UNCHECKED_USERS, *OTHERS})

_LINE = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*[=:]\s*(.*?)\s*")
_ANY = "any"
_NONE = "-"


@dataclass(frozen=True, slots=True)
class Switch:
    """One setting, as it was found."""

    name: str
    value: str
    position: Position

    @property
    def is_off(self) -> bool:
        """Whether it says no."""
        return self.value.lower() == "false"

    @property
    def is_any(self) -> bool:
        """Whether a list of AE titles is no list but everybody."""
        return self.value.lower() == _ANY

    @property
    def titles(self) -> tuple[str, ...]:
        r"""The AE titles of a list, which `\` separates."""
        return tuple(title for title in map(str.strip, self.value.split("\\")) if title and title != _NONE)

    @property
    def users(self) -> tuple[str, ...]:
        """The users of a list, which commas separate."""
        return tuple(user for user in map(str.strip, self.value.split(",")) if user)


@dataclass(slots=True)
class Switches:
    """All that were found; of the same name the last one counts, as for a file that is read over another."""

    found: dict[str, Switch] = field(default_factory=dict)

    def add(self, settings: Iterable[Setting], file: str) -> None:
        """Take in what is known of some settings."""
        for name, value, line in settings:
            if name in KNOWN:
                self.found[name] = Switch(name, value, Position(file, line, 1))


def settings_in_text(text: str) -> Iterator[Setting]:
    """The settings of an export of MBean attributes."""
    for number, line in enumerate(text.splitlines(), start=1):
        named = _LINE.fullmatch(line)
        if named is not None:
            yield named[1], named[2], number
