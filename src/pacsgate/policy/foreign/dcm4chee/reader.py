"""Every file of a dcm4chee 2 at once, as a policy, accounts, application entities and study permissions.

Called by `pacsgate import dcm4chee`.

Invariants:
- a file of which nobody knows what it is, is an error;
- what does not come over is named, a sentence each.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pacsgate.dicom.uids import is_valid_uid
from pacsgate.model.actions import Action
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import Diagnostic, SettingsError
from pacsgate.model.grant import GranteeKind
from pacsgate.model.permission_letters import LETTERS
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Role
from pacsgate.policy.foreign.dcm4chee.accounts import NewAccount, account_names, new_accounts, remote_aes
from pacsgate.policy.foreign.dcm4chee.arc5.directory import read_directory
from pacsgate.policy.foreign.dcm4chee.arc5.translation import Translated, translated
from pacsgate.policy.foreign.dcm4chee.census import Census
from pacsgate.policy.foreign.dcm4chee.csv_rows import read_csv
from pacsgate.policy.foreign.dcm4chee.recognition import HEAD_CHARACTERS, Content, content_of
from pacsgate.policy.foreign.dcm4chee.roles import WebRole, imported_roles, web_roles
from pacsgate.policy.foreign.dcm4chee.rules import Switched, account_of, memberships, refused, switched
from pacsgate.policy.foreign.dcm4chee.sql_dump import read_dump
from pacsgate.policy.foreign.dcm4chee.store_labels import StoreLabels
from pacsgate.policy.foreign.dcm4chee.stylesheet_roles import written_grants
from pacsgate.policy.foreign.dcm4chee.switches import Switches, settings_in_text
from pacsgate.policy.foreign.dcm4chee.tables import Row
from pacsgate.policy.foreign.dcm4chee.xml_files import parse_xml, settings_in
from pacsgate.policy.foreign.native_text import native_names
from pacsgate.policy.foreign.reading import Foreign, left_over
from pacsgate.policy.language.problems import Position
from pacsgate.policy.policy import PolicyAssignment, Rule

PermissionRow = tuple[str, Action, GranteeKind, str]


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name, and its lines, as often as they are asked for."""

    name: str
    lines: Callable[[], Iterator[str]]

    def text(self) -> str:
        """All of it."""
        return "".join(self.lines())

    def head(self) -> str:
        """What it begins with."""
        found, length = [], 0
        for line in self.lines():
            found.append(line)
            length += len(line)
            if length >= HEAD_CHARACTERS:
                break
        return "".join(found)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what is imported is to hold, and who answers for it."""

    archive: ArchiveName
    owner: str
    unlabelled_is_public: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What files of dcm4chee come to."""

    foreign: Foreign
    accounts: tuple[NewAccount, ...] = ()
    entities: tuple[RemoteAe, ...] = ()
    permissions: int = 0
    """Rows of the table of permissions that come over."""
    stylesheets: Mapping[str, str] = field(default_factory=dict)
    """Texts, by the file's name."""
    store_labels: StoreLabels | None = None
    titles: tuple[str, ...] = ()
    """AE titles of the archive that rules ask for, so that the gate must answer under them."""
    tables: tuple[Source, ...] = ()

    def permission_rows(self) -> Iterator[PermissionRow]:
        """The study permissions, read anew from the tables: there may be millions."""
        names = native_names(self.foreign)
        for source in self.tables:
            for row in _rows(source):
                values = row.values
                letter, role = values.get("action", ""), names.get(values.get("roles", ""))
                uid = values.get("study_iuid", "")
                if letter in LETTERS and role is not None and is_valid_uid(uid):
                    for action in sorted(LETTERS[letter]):
                        yield uid, action, GranteeKind.ROLE, role


@dataclass(slots=True)
class _Found:
    """What has been read of the files."""

    census: Census = field(default_factory=Census)
    switches: Switches = field(default_factory=Switches)
    web_roles: dict[str, WebRole] = field(default_factory=dict)
    stylesheets: dict[str, str] = field(default_factory=dict)
    tables: list[Source] = field(default_factory=list)
    directories: list[Source] = field(default_factory=list)
    left: list[Diagnostic] = field(default_factory=list)


def read_dcm4chee(sources: Iterable[Source], origin: Origin) -> Imported:
    """Read every file.  Raises `SettingsError` or `PolicyError`."""
    found = _Found()
    for source in sources:
        _take(source, found)
    census = found.census
    where = Position(found.tables[0].name if found.tables else "dcm4chee")
    roles, left = imported_roles(census, found.web_roles, where)
    of_switches = switched(found.switches.found, census, origin.archive)
    of_directory = _of_directories(found.directories, origin)
    names = account_names(census, _accounts_in(of_switches.assignments))
    made_up = {
        account_of(census, title)
        for title, entity in census.entities.items()
        if entity.user is None and account_of(census, title) in _accounts_in(of_switches.assignments)
    }
    entities, unusable = remote_aes(census, names, made_up, origin.owner)
    foreign = _foreign(roles, of_switches, of_directory, census, where, origin.owner)
    foreign = replace(
        foreign,
        rules=tuple(_with_accounts(rule, names) for rule in foreign.rules),
        assignments=tuple(_given_to_accounts(given, names) for given in foreign.assignments),
        left=(*foreign.left, *left, *found.left, *unusable, *refused(census, where)),
    )
    return Imported(
        foreign,
        new_accounts(census, names, made_up),
        entities,
        census.permissions,
        found.stylesheets,
        of_directory.store_labels,
        of_directory.titles,
        tuple(found.tables),
    )


def _take(source: Source, found: _Found) -> None:
    content = content_of(source.head())
    match content:
        case Content.SQL_DUMP | Content.CSV:
            found.tables.append(source)
            found.census.count(_rows(source), source.name)
        case Content.WEB_ROLES:
            root = parse_xml(source.text(), source.name)
            found.web_roles |= {role.name: role for role in web_roles(root, source.name)}
        case Content.SETTINGS_XML:
            found.switches.add(settings_in(parse_xml(source.text(), source.name)), source.name)
        case Content.SETTINGS_TEXT:
            found.switches.add(settings_in_text(source.text()), source.name)
        case Content.STYLESHEET:
            found.stylesheets[source.name] = source.text()
            _take_stylesheet(source, found)
        case Content.LDIF:
            found.directories.append(source)
        case None:
            raise SettingsError(
                f"`{source.name}` is nothing that is known of dcm4chee: no dump or CSV of its tables, no "
                "`dcm4chee-webroles-cfg.xml`, `web.xml`, MBean settings, stylesheet or LDIF"
            )


def _take_stylesheet(source: Source, found: _Found) -> None:
    """A role that it gives something must be there, with that in its ceiling."""
    for grant in written_grants(parse_xml(source.text(), source.name), source.name):
        if grant.role is None or grant.letters is None:
            found.left.append(
                left_over(
                    grant.position,
                    "this `grant` computes its role or its actions, so nobody can tell which roles it needs",
                    "give each a `may` that holds what it is to be given",
                )
            )
        if grant.role:
            found.census.give(grant.role, grant.letters or "")


def _rows(source: Source) -> Iterator[Row]:
    if content_of(source.head()) is Content.CSV:
        return read_csv(source.lines(), source.name)
    return read_dump(source.lines(), source.name)


def _of_directories(sources: Iterable[Source], origin: Origin) -> Translated:
    entries = tuple(entry for source in sources for entry in read_directory(source.lines(), source.name))
    return translated(entries, origin.archive, unlabelled_is_public=origin.unlabelled_is_public)


def _foreign(
    roles: Mapping[str, Role],
    of_switches: Switched,
    of_directory: Translated,
    census: Census,
    where: Position,
    owner: str,
) -> Foreign:
    given = tuple(memberships(census, roles, where))
    all_roles = {role.name: role for role in (*of_switches.roles, *of_directory.roles, *roles.values())}
    left: tuple[Diagnostic, ...] = (*of_switches.left, *of_directory.left)
    return Foreign(
        roles=tuple(replace(role, owner=owner) for role in all_roles.values()),
        rules=(*of_switches.rules, *of_directory.rules),
        assignments=(*given, *of_switches.assignments),
        left=left,
    )


def _accounts_in(assignments: Iterable[PolicyAssignment]) -> set[str]:
    return {user for given in assignments for user in given.users}


def _with_accounts(rule: Rule, names: Mapping[str, str]) -> Rule:
    return replace(rule, users=frozenset(names[user] for user in rule.users))


def _given_to_accounts(given: PolicyAssignment, names: Mapping[str, str]) -> PolicyAssignment:
    return replace(given, users=frozenset(names[user] for user in given.users))
