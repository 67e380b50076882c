"""`permissions.json` of orthanc-auth-service: roles, each with permissions on labels.

A role's permission becomes a permit on the studies that have one of its labels; `*` is
every study.  There, somebody with several roles has all their permissions on all
their labels; here each role keeps its permissions to its own labels, which is what
its author wrote.  Who has a role is not in this file: it comes from the token there, and
here from assignments.

Permissions that one of our actions contains and does not equal (`modify` is less than
`update`) hold for the requests that mean them, and so at no door without a request line.

Called by `pacsgate.policy.foreign.registry`.

Invariants:
- permissions and keys are closed lists: what is unknown is an error.

Standard: `models.py` of orthanc-auth-service 26.4.1; default permissions of the authorization plugin 0.11.4.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.errors import Diagnostic
from pacsgate.model.permission import Permission
from pacsgate.model.role import Role
from pacsgate.policy.foreign.commented_json import parse_commented_json
from pacsgate.policy.foreign.reading import Foreign, left_over
from pacsgate.policy.ir import FALSE, LABELS, TRUE, And, Contains, Formula, Or
from pacsgate.policy.language.fields import choices_in, entries, fields, texts
from pacsgate.policy.language.limits import CONDITION_ATOMS
from pacsgate.policy.language.problems import Position, Problems, listed, quoted
from pacsgate.policy.language.yaml_text import Node, TextNode
from pacsgate.policy.policy import Rule
from pacsgate.policy.request_patterns import REQUEST

PREFIX = "orthanc-auth:"
"""Of roles and rules; no name of our own language holds a colon."""

_EVERY_LABEL = "*"


class ServicePermission(StrEnum):
    """A permission as the service spells it."""

    ALL = "all"
    VIEW = "view"
    DOWNLOAD = "download"
    DELETE = "delete"
    SEND = "send"
    MODIFY = "modify"
    ANONYMIZE = "anonymize"
    UPLOAD = "upload"
    Q_R_REMOTE_MODALITIES = "q-r-remote-modalities"
    SETTINGS = "settings"
    API_VIEW = "api-view"
    EDIT_LABELS = "edit-labels"
    ADMIN_PERMISSIONS = "admin-permissions"
    AUDIT_LOGS = "audit-logs"
    WORKLISTS = "worklists"
    SHARE = "share"


_P = ServicePermission

_IN_ALL = frozenset(_P) - {_P.ALL, _P.ADMIN_PERMISSIONS, _P.AUDIT_LOGS}


@dataclass(frozen=True, slots=True)
class _Carried:
    """What one permission is here; with `requests`, for these only."""

    permission: ServicePermission
    actions: frozenset[Action]
    requests: tuple[str, ...] = ()
    any_label: bool = False
    """What is not in the archive yet has no label to be judged by."""


_CARRIED = (
    _Carried(_P.VIEW, frozenset({Action.SEARCH, Action.VIEW})),
    _Carried(_P.DOWNLOAD, frozenset({Action.RETRIEVE, Action.EXPORT})),
    _Carried(_P.SEND, frozenset({Action.EXPORT})),
    _Carried(_P.UPLOAD, frozenset({Action.STORE}), any_label=True),
    _Carried(_P.UPLOAD, frozenset({Action.APPEND})),
    _Carried(_P.DELETE, frozenset({Action.DELETE})),
    _Carried(_P.SHARE, frozenset({Action.SHARE})),
    _Carried(
        _P.MODIFY,
        frozenset({Action.UPDATE}),
        ("POST /*/*/modify**", "POST /*/*/merge**", "POST /tools/bulk-modify"),
    ),
    _Carried(
        _P.ANONYMIZE, frozenset({Action.UPDATE}), ("POST /*/*/anonymize**", "POST /tools/bulk-anonymize")
    ),
    _Carried(_P.EDIT_LABELS, frozenset({Action.UPDATE}), ("PUT /*/*/labels/**", "DELETE /*/*/labels/**")),
)

_ON_THE_SERVER: Mapping[ServicePermission, Permission] = {
    _P.Q_R_REMOTE_MODALITIES: Permission.REMOTE_QUERY,
    _P.ADMIN_PERMISSIONS: Permission.JOB_ADMINISTER,
}
"""What is about the server and no study, and so about no label either, there as here."""

_NOT_CARRIED: Mapping[ServicePermission, str] = {
    _P.SETTINGS: "it was about log levels; `ArchiveConfigure`, which has them here, is about stations too",
    _P.API_VIEW: "what somebody may see does not depend on the page that shows it",
    _P.AUDIT_LOGS: "give a role of your own `AuditRead`",
    _P.WORKLISTS: "the gate serves no worklists",
}

_LABEL_KEYS = ("authorized-labels", "authorized_labels")
"""The second is what older files have."""


@dataclass(frozen=True, slots=True)
class _ServiceRole:
    """One role of a file."""

    name: str
    position: Position
    labels: tuple[str, ...]
    permissions: frozenset[ServicePermission]

    @property
    def held(self) -> frozenset[ServicePermission]:
        """Its permissions, `all` written out."""
        return self.permissions | (_IN_ALL if _P.ALL in self.permissions else frozenset())

    @property
    def carried(self) -> tuple[_Carried, ...]:
        """What its permissions are here on studies."""
        return tuple(one for one in _CARRIED if one.permission in self.held)


def read_orthanc_auth(files: Mapping[str, str], problems: Problems) -> Foreign:
    """Read permissions files, by name; several say one thing together."""
    found: dict[str, _ServiceRole] = {}
    for file in sorted(files):
        node = parse_commented_json(file, files[file], problems)
        given = {} if node is None else _sections(node, problems)
        for role in _roles(given["roles"], problems) if "roles" in given else ():
            if role.name in found:
                first = found[role.name].position.place
                message = f"role {quoted(role.name)} is here a second time; first at {first}"
                problems.add(role.position, message)
            found[role.name] = role
    roles = tuple(found.values())
    return Foreign(
        roles=tuple(_role(role) for role in roles),
        rules=tuple(rule for role in roles for rule in _rules(role)),
        role_places={PREFIX + role.name: role.position.place for role in roles},
        left=tuple(diagnostic for role in roles for diagnostic in _left(role)),
    )


def _sections(node: Node, problems: Problems) -> Mapping[str, Node]:
    given = fields(node, "a permissions file", ("roles", "available-labels"), problems, required=("roles",))
    if "available-labels" in given:  # what the service offers for editing; it restricts nobody
        list(texts(given["available-labels"], "`available-labels`", problems))
    return given


def _roles(node: Node, problems: Problems) -> Iterator[_ServiceRole]:
    for key, value in entries(node, "`roles`", problems):
        given = fields(
            value,
            f"role {quoted(key.text)}",
            (*_LABEL_KEYS, "permissions"),
            problems,
            required=("permissions",),
        )
        named = [given[spelling] for spelling in _LABEL_KEYS if spelling in given]
        if given and len(named) != 1:
            problems.add(
                key.position, f"role {quoted(key.text)} gives its labels once", "as `authorized-labels`"
            )
        labels = tuple(label for each in named for label, _ in texts(each, "`authorized-labels`", problems))
        if len(labels) > CONDITION_ATOMS:
            problems.add(key.position, f"role {quoted(key.text)} has more than {CONDITION_ATOMS} labels")
        yield _ServiceRole(
            name=_named(key, problems),
            position=key.position,
            labels=labels,
            permissions=(
                choices_in(given["permissions"], ServicePermission, "permission", problems)
                if "permissions" in given
                else frozenset()
            ),
        )


def _named(key: TextNode, problems: Problems) -> str:
    if not key.text.isprintable() or not key.text.strip():
        problems.add(key.position, f"{quoted(key.text)} is no name for a role")
    return key.text


def _role(role: _ServiceRole) -> Role:
    may: frozenset[Action] = frozenset().union(*(one.actions for one in role.carried))
    return Role(
        PREFIX + role.name, may, frozenset(_ON_THE_SERVER[one] for one in role.held & _ON_THE_SERVER.keys())
    )


def _rules(role: _ServiceRole) -> Iterator[Rule]:
    for carried in role.carried:
        where = TRUE if carried.any_label else _on_labels(role.labels)
        if where == FALSE:
            continue
        on = tuple(Contains(REQUEST, pattern) for pattern in carried.requests)
        (action, *_) = sorted(carried.actions)
        yield Rule(
            rule_id=f"{PREFIX}{role.name}/{carried.permission}/{action}",
            effect=Effect.PERMIT,
            place=role.position.place,
            condition=And((where, Or(on))) if on else where,
            roles=frozenset({PREFIX + role.name}),
            actions=carried.actions,
        )


def _on_labels(labels: Sequence[str]) -> Formula:
    if _EVERY_LABEL in labels:
        return TRUE
    return Or(tuple(Contains(LABELS, label) for label in labels)) if labels else FALSE


def _left(role: _ServiceRole) -> Iterator[Diagnostic]:
    if _P.ADMIN_PERMISSIONS in role.permissions:
        yield left_over(
            role.position,
            f"`admin-permissions` of role {quoted(role.name)} is here `JobAdminister` alone",
            "give a role of your own what docs/permissions.md lists",
        )
    for permission in sorted(role.permissions & _NOT_CARRIED.keys()):
        yield left_over(
            role.position,
            f"`{permission}` of role {quoted(role.name)} is not carried over",
            _NOT_CARRIED[permission],
        )
    if _P.ALL in role.permissions:
        lacking = sorted(_NOT_CARRIED.keys() & _IN_ALL)
        yield left_over(role.position, f"`all` of role {quoted(role.name)} is here all but {listed(lacking)}")
    may = _role(role).may
    if Action.EXPORT in may and Action.RETRIEVE not in may:
        yield left_over(
            role.position,
            f"`send` of role {quoted(role.name)} sends nothing without `download`",
            "one can only send away what one may take",
        )
    if Action.VIEW in may and Action.RETRIEVE not in may:
        yield left_over(
            role.position,
            f"`view` of role {quoted(role.name)} let files and archives through, which here need `download`",
        )
    if not role.labels:
        yield left_over(role.position, f"role {quoted(role.name)} has no label, and so sees no study")
