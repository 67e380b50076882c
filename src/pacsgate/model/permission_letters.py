"""dcm4chee's six letters: the actions of its `study_permission` table, as ours.

Called by the importer, the exporter, the stylesheets and the command line.

Standard: dcm4chee 2 `StudyPermissionDTO`: Q query, R read, E export, A append, U update, D delete.
"""

from collections.abc import Iterable, Mapping

from pacsgate.model.actions import Action

LETTERS: Mapping[str, frozenset[Action]] = {
    "Q": frozenset({Action.SEARCH}),
    "R": frozenset({Action.VIEW, Action.RETRIEVE}),
    "E": frozenset({Action.EXPORT}),
    "A": frozenset({Action.APPEND}),
    "U": frozenset({Action.UPDATE}),
    "D": frozenset({Action.DELETE}),
}


def actions_of(letters: Iterable[str]) -> frozenset[Action]:
    """The actions of some letters.  Raises `KeyError` for what is none of the six."""
    return frozenset[Action]().union(*(LETTERS[letter] for letter in letters))


def letters_held(actions: Iterable[Action]) -> str:
    """The letters of which every action is there, in dcm4chee's order."""
    held = frozenset(actions)
    return "".join(letter for letter, needed in LETTERS.items() if needed <= held)


def letters_touched(actions: Iterable[Action]) -> str:
    """The letters of which some action is there: what dcm4chee would count as changed."""
    held = frozenset(actions)
    return "".join(letter for letter, needed in LETTERS.items() if needed & held)
