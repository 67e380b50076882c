"""What is known of a study as a whole, and the class of its row.

A study's facts are what all its series contribute together with what the index
itself knows: labels, collections, and who stored it.

Called by `ingest`, `removal`, `refill` and `labels`, after each change.
"""

from collections.abc import Iterable

from sqlalchemy import select, update

from pacsgate.model.subject import Values
from pacsgate.policy.ir import COLLECTIONS, INGEST_PRINCIPAL, LABELS
from pacsgate.stores.classes import class_of, forget_unused
from pacsgate.stores.contributions import Contribution, study_union, unpack_contributions
from pacsgate.stores.place import Place
from pacsgate.stores.schema import AnyRow, series, study, study_label

LABEL_ATTRIBUTES = (LABELS.name, COLLECTIONS.name)


def facts_of_study(
    place: Place,
    study_instance_uid: str,
    ingest_principal: str,
    contributions: Iterable[Contribution],
) -> dict[str, Values]:
    """The facts of one study; what the index knows itself cannot be overruled by an object."""
    facts = study_union(contributions)
    stored = place.connection.execute(
        select(study_label.c.attribute, study_label.c.value).where(
            study_label.c.tenant == place.tenant,
            study_label.c.archive == place.archive,
            study_label.c.study_instance_uid == study_instance_uid,
        )
    ).all()
    for attribute in LABEL_ATTRIBUTES:
        facts[attribute] = frozenset(value for name, value in stored if name == attribute)
    facts[INGEST_PRINCIPAL.name] = frozenset({ingest_principal} if ingest_principal else ())
    return facts


def settle(place: Place, row: AnyRow) -> None:
    """Move a study's row to the class of what its series contribute now."""
    here = (series.c.tenant == place.tenant) & (series.c.study_pk == row.study_pk)
    contributions = [
        contribution
        for (packed,) in place.connection.execute(select(series.c.contributions).where(here))
        for contribution in unpack_contributions(packed)
    ]
    facts = facts_of_study(place, row.study_instance_uid, row.ingest_principal, contributions)
    class_pk = class_of(place.connection, place.tenant, facts)
    if class_pk != row.class_pk:
        place.connection.execute(
            update(study)
            .where(study.c.tenant == place.tenant, study.c.study_pk == row.study_pk)
            .values(class_pk=class_pk)
        )
        forget_unused(place.connection, place.tenant, [row.class_pk])


def rows_with_uid(place: Place, study_instance_uid: str) -> list[AnyRow]:
    """The row of each patient's study with this UID, as far as changes of a study need it."""
    return list(
        place.connection.execute(
            select(
                study.c.study_pk,
                study.c.study_instance_uid,
                study.c.patient_id,
                study.c.issuer_of_patient_id,
                study.c.ingest_principal,
                study.c.class_pk,
                study.c.observed_at,
            ).where(
                study.c.tenant == place.tenant,
                study.c.archive == place.archive,
                study.c.study_instance_uid == study_instance_uid,
            )
        )
    )
