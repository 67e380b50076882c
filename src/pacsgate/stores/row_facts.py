"""The facts of single rows: what their kind knows, and what each row holds by itself.

Called by `specials`, `search`, `views` and `entries`.
"""

from collections.abc import Iterable, Mapping

from pacsgate.model.resource import patient_key
from pacsgate.model.subject import Attributes, Values
from pacsgate.policy.ir import PATIENT_ID, SERIES_UID, STUDY_DATE, STUDY_UID
from pacsgate.stores.known_kinds import KnownKind
from pacsgate.stores.match_columns import date_of
from pacsgate.stores.packing import PackedPart
from pacsgate.stores.reading import Snapshot

RowValues = Mapping[int, Mapping[str, Values]]
"""By row, what it holds of attributes of many values."""


def row_values(snapshot: Snapshot, tenant: str, rows: Iterable[tuple[int, KnownKind]]) -> RowValues:
    """What these rows, each of the kind beside it, hold by themselves but for StudyDate."""
    return values_of(snapshot, tenant, [study_pk for study_pk, kind in rows if kind.has_values])


def values_of(snapshot: Snapshot, tenant: str, asked: list[int]) -> RowValues:
    """What rows hold of attributes of many values."""
    found: dict[int, dict[str, set[str]]] = {}
    if asked:
        held = snapshot.rows(
            "SELECT study_pk, attribute, value FROM study_value"
            " WHERE tenant = :tenant AND study_pk IN :study_pks",
            {"tenant": tenant, "study_pks": asked},
        )
        for study_pk, attribute, value in held:
            found.setdefault(study_pk, {}).setdefault(attribute, set()).add(value)
    return {
        study_pk: {name: frozenset(values) for name, values in by_name.items()}
        for study_pk, by_name in found.items()
    }


def study_facts(
    kind: KnownKind,
    study_instance_uid: str,
    patient_id: str,
    issuer_of_patient_id: str,
    moment: int,
    values: Attributes,
) -> Attributes:
    """The facts of a study."""
    facts = {
        **kind.study,
        **values,
        STUDY_UID.name: frozenset({study_instance_uid}),
        PATIENT_ID.name: frozenset({patient_key(patient_id, issuer_of_patient_id)}),
    }
    if STUDY_DATE.name in kind.in_rows and STUDY_DATE.name not in values:
        facts[STUDY_DATE.name] = frozenset({date_of(moment)})
    return facts


def part_facts(kind: KnownKind, part: PackedPart) -> Attributes:
    """The facts of a part of a series."""
    return {**kind.parts[part.position], SERIES_UID.name: frozenset({part.series_instance_uid})}
