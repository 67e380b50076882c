"""What somebody's policy is worth in permission names of Orthanc's authorization plugin.

The plugin knows names and labels and looks at no answer.  A name lets through every request of its
rows, on every object that has one of the labels; no condition, mask or forbid of ours is heard of again.
So somebody has a name only if everything that its rows do is allowed on all objects, unmasked.  Then the
label is `*`.  Whoever may less has no name at all: the plugin then asks about each object by itself.

Labels of Orthanc are nobody's proof of anything here: whoever may edit them there would
edit the policy.  Therefore no label but `*` is ever given.

Called by the plugin's door.

Invariants:
- `*` only with `view`: without it the plugin would answer `/dicom-web/studies` from all studies.

Standard: default permissions of the authorization plugin 0.11.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pacsgate.model.actions import Action
from pacsgate.model.permission import Permission
from pacsgate.policy.engine import Bound
from pacsgate.services.safe_unseen import everything

VIEW = "view"
READING = frozenset({Action.SEARCH, Action.VIEW, Action.RETRIEVE, Action.EXPORT})
"""Of the rows of `view`: they hold files and archives too."""


@dataclass(frozen=True, slots=True)
class _Worth:
    """What one name lets through: these actions on all objects, and these permissions."""

    actions: frozenset[Action] = frozenset()
    permissions: frozenset[Permission] = frozenset()


_BRINGING = frozenset({Action.STORE, Action.APPEND, Action.ANNOTATE})
_CHANGING = READING | _BRINGING | {Action.UPDATE, Action.DELETE}
"""A modification may take the source away and make a new study of any name."""

_NAMES: Mapping[str, _Worth] = {
    VIEW: _Worth(READING),
    "download": _Worth(READING),
    "upload": _Worth(_BRINGING),
    "delete": _Worth(frozenset({Action.SEARCH, Action.DELETE})),
    "modify": _Worth(_CHANGING),
    "anonymize": _Worth(_CHANGING),
    "edit-labels": _Worth(frozenset({Action.SEARCH, Action.UPDATE})),
    "send": _Worth(frozenset({Action.RETRIEVE, Action.EXPORT})),
    "share": _Worth(READING | {Action.SHARE}),
    "q-r-remote-modalities": _Worth(permissions=frozenset({Permission.REMOTE_QUERY})),
    "settings": _Worth(permissions=frozenset({Permission.ARCHIVE_CONFIGURE})),
    "admin-permissions": _Worth(
        permissions=frozenset({Permission.ARCHIVE_CONFIGURE, Permission.JOB_ADMINISTER})
    ),
    "audit-logs": _Worth(permissions=frozenset({Permission.AUDIT_READ})),
}


def permission_names(bound: Bound) -> tuple[str, ...]:
    """The plugin's names for what somebody may do to everything."""
    return tuple(name for name, worth in _NAMES.items() if _is_held(worth, bound))


def _is_held(worth: _Worth, bound: Bound) -> bool:
    return worth.permissions <= bound.permissions and (not worth.actions or everything(bound, worth.actions))
