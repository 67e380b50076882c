"""The roles of dcm4chee 2, from wherever they are named, as roles of ours.

A role that the table of permissions names gets as its ceiling what the table gives it somewhere.
The three roles that let somebody give permissions get the named permissions for that.

Called by `reader`.

Standard: none; `dcm4chee-webroles-cfg.xml` and `roles.json` of dcm4chee 2.18.3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lxml import etree

from pacsgate.model.errors import Diagnostic
from pacsgate.model.permission import Permission
from pacsgate.model.permission_letters import actions_of
from pacsgate.model.role import Role
from pacsgate.policy.foreign.dcm4chee.census import Census
from pacsgate.policy.foreign.dcm4chee.xml_files import line_of
from pacsgate.policy.foreign.reading import left_over
from pacsgate.policy.language.problems import Position, quoted

IMPORTED = "imported from dcm4chee"
_GIVERS: Mapping[str, frozenset[Permission]] = {
    "GrantPrivileg": frozenset({Permission.GRANT_ADMINISTER}),
    "GrantOwnPrivileg": frozenset({Permission.GRANT_OWN}),
    "StudyPermissionsAll": frozenset({Permission.GRANT_ADMINISTER}),
    "StudyPermissionsOwn": frozenset({Permission.GRANT_OWN}),
    "StudyPermissionsPropagation": frozenset({Permission.GRANT_PROPAGATE}),
}
_OF_STUDIES = frozenset({"StudyPermission", "Dicom"})
"""The types of the web roles that permissions are given to."""


@dataclass(frozen=True, slots=True)
class WebRole:
    """One `<role>` of the file of web roles."""

    name: str
    kind: str
    description: str
    position: Position


def web_roles(root: etree._Element, file: str) -> Iterator[WebRole]:
    """Every role of a file of web roles."""
    for element in root.iter(etree.Element):
        if etree.QName(element).localname == "role" and element.get("name"):
            yield WebRole(
                element.get("name", ""),
                element.get("type", ""),
                element.get("descr", ""),
                Position(file, line_of(element), 1),
            )


def imported_roles(
    census: Census, named: Mapping[str, WebRole], where: Position
) -> tuple[dict[str, Role], tuple[Diagnostic, ...]]:
    """Our roles by dcm4chee's names, and what was left of theirs."""
    roles: dict[str, Role] = {}
    left: list[Diagnostic] = []
    of_studies = {name for name, role in named.items() if role.kind in _OF_STUDIES}
    for name in sorted({*census.letters, *of_studies}):
        position = named[name].position if name in named else where
        roles[name] = Role(
            name, actions_of(census.letters.get(name, "")), description=_description(name, named)
        )
        if name not in census.letters:
            left.append(
                left_over(
                    position,
                    f"no study permits role {quoted(name)} anything yet, so its `may` is empty",
                    "write there what it may ever have, before somebody gives it something",
                )
            )
    for name in sorted(set(census.members) | set(named)):
        if name in _GIVERS and (name in census.members or name in named):
            known = roles.get(name, Role(name, description=_description(name, named)))
            roles[name] = Role(name, known.may, _GIVERS[name], description=known.description)
        elif name not in roles:
            members = len(census.members.get(name, ()))
            position = named[name].position if name in named else where
            left.append(
                left_over(
                    position,
                    f"role {quoted(name)} ({members} members) is named by no study permission, and so is "
                    "taken for one of dcm4chee's own pages and console",
                    "give its members a role of your own with the named permissions they need",
                )
            )
    return roles, tuple(left)


def _description(name: str, named: Mapping[str, WebRole]) -> str:
    """What the file of web roles says of it, marked as imported; its name there, where ours must differ."""
    said = named[name].description if name in named else ""
    return ": ".join(part for part in (f"{IMPORTED} ({name})", said) if part)
