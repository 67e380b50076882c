"""The role lists of the ZHIVA local PACS become roles, one for each column of what they mean.

Its Lua filter decides by list, method and path alone:

| request | viewer | editor | viewer and editor | admin |
| --- | --- | --- | --- | --- |
| `GET`, and what Orthanc takes for one | yes | no | yes | yes |
| `POST` whose path does not hold `tools/` | no | yes | yes | yes |
| every other | no | no | no | yes |

That is necessary here and not sufficient: the action of the request must also be one
of the role's, which for a viewer are `search`, `view` and `retrieve`, for an editor
`store`, `append`, `annotate` and `update`, and for an admin all.  What is about the server itself
and not about images is an admin's alone.  `let_through` names what the Lua allowed besides.

Where there is no method and path (DIMSE, the gate's own doors, questions about the policy)
the action decides alone.  That opens nothing: each of these actions is one that the
role has over HTTP too, on the same studies, by some method.

Only who is in a list *and* among the registered users has a role, as there.

Called by `pacsgate.policy.foreign.registry`.

Invariants:
- nothing is allowed that the Lua denied; case in `tools/` does not count, which denies more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.decision import Effect
from pacsgate.model.errors import Diagnostic
from pacsgate.model.role import Assignment, Role
from pacsgate.policy.foreign.reading import ORTHANC_PERMISSIONS, Foreign, left_over
from pacsgate.policy.foreign.zhiva.let_through import LET_THROUGH
from pacsgate.policy.foreign.zhiva.lists import LISTS, Script, read_script
from pacsgate.policy.foreign.zhiva.registered import is_configuration, registered_users
from pacsgate.policy.ir import TRUE, And, Contains, Formula, Has, Not, Or
from pacsgate.policy.language.problems import Position, Problems, quoted
from pacsgate.policy.policy import PolicyAssignment, Rule
from pacsgate.policy.request_patterns import REQUEST

_VIEWING = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE})
_EDITING = frozenset({Action.STORE, Action.APPEND, Action.ANNOTATE, Action.UPDATE})

_NO_REQUEST = Not(Has(REQUEST))
_READS = tuple(Contains(REQUEST, f"{method} **") for method in ("GET", "HEAD", "OPTIONS", "PROPFIND"))
"""The methods that Orthanc hands to its filter as GET."""
_WRITES = And((Contains(REQUEST, "POST **"), Not(Contains(REQUEST, "POST **tools/**"))))


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of the table: who is in exactly these lists may do this, with these requests."""

    role: Role
    lists: frozenset[str]
    requests: Formula


_COLUMNS = (
    _Column(
        Role("zhiva-viewer", _VIEWING, description="reads every study"),
        frozenset({"viewers"}),
        Or((_NO_REQUEST, *_READS)),
    ),
    _Column(
        Role("zhiva-editor", _EDITING, description="stores, and sees nothing"),
        frozenset({"editors"}),
        Or((_NO_REQUEST, _WRITES)),
    ),
    _Column(
        Role("zhiva-viewer-editor", _VIEWING | _EDITING, description="reads, stores and changes every study"),
        frozenset({"viewers", "editors"}),
        Or((_NO_REQUEST, *_READS, _WRITES)),
    ),
    _Column(
        Role(
            "zhiva-admin",
            frozenset(Action),
            ORTHANC_PERMISSIONS,
            description="does everything to every study, and to the server",
        ),
        frozenset({"admins"}),
        TRUE,
    ),
)


def read_zhiva(files: Mapping[str, str], problems: Problems) -> Foreign:
    """Read Orthanc's configuration and its Lua filter; both are needed."""
    configurations = sorted(file for file in files if is_configuration(file))
    scripts = sorted(file for file in files if not is_configuration(file))
    if len(configurations) != 1 or len(scripts) != 1:
        where = Position(min(files))
        hint = "name `orthanc.json` and `IncomingHttpRequestFilter.lua`"
        problems.add(where, "the format needs Orthanc's configuration and one Lua script", hint)
        return Foreign()
    (configuration,), (file,) = configurations, scripts
    registered = registered_users(configuration, files[configuration], problems)
    script = read_script(file, files[file], problems)
    if problems.found:
        return Foreign()
    return Foreign(
        roles=tuple(column.role for column in _COLUMNS),
        rules=tuple(_rule(column, file) for column in _COLUMNS),
        assignments=tuple(_assignments(script, registered)),
        role_places=dict.fromkeys((column.role.name for column in _COLUMNS), Position(file).place),
        left=tuple(_left(script, registered)),
    )


def _rule(column: _Column, file: str) -> Rule:
    return Rule(
        rule_id=column.role.name,
        effect=Effect.PERMIT,
        place=Position(file).place,
        condition=column.requests,
        roles=frozenset({column.role.name}),
        actions=column.role.may,
    )


def _assignments(script: Script, registered: Mapping[str, Position]) -> Iterator[PolicyAssignment]:
    for user, position in sorted(_listed(script).items()):
        if user in registered:
            role = _column_of(user, script).role
            yield PolicyAssignment(frozenset({user}), frozenset(), Assignment(role.name), position.place)


def _listed(script: Script) -> dict[str, Position]:
    return {user: position for name in LISTS for user, position in script.lists[name].items()}


def _column_of(user: str, script: Script) -> _Column:
    lists = frozenset(name for name in LISTS if user in script.lists[name])
    lists = frozenset({"admins"}) if "admins" in lists else lists
    return next(column for column in _COLUMNS if column.lists == lists)


def _left(script: Script, registered: Mapping[str, Position]) -> Iterator[Diagnostic]:
    listed = _listed(script)
    for user, position in sorted(listed.items()):
        if user not in registered:
            yield left_over(
                position, f"{quoted(user)} is in a list, but not registered, and so could never sign in"
            )
    for user, position in sorted(registered.items()):
        if user not in listed:
            yield left_over(position, f"{quoted(user)} is registered, but in no list, and so may do nothing")
    for position, last in script.others:
        lines = f"line {last}" if last == position.line else f"lines {position.line} to {last}"
        yield left_over(
            position, f"the Lua of {lines} is not run", "what is allowed is the table of the guide"
        )
    for row in LET_THROUGH:
        first = next(iter(script.lists[row.to].values()), None)
        if first is not None:
            yield left_over(first, f"{row.to} could send {row.request}: {row.here}")
