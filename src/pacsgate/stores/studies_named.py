"""The studies that a patient or a collection has now, in whichever archive.

Called by `permissions`.
"""

from collections.abc import Iterable
from typing import assert_never

from sqlalchemy import Connection, bindparam, func, select

from pacsgate.model.grant import GrantTarget
from pacsgate.model.resource import patient_key
from pacsgate.policy.ir import COLLECTIONS
from pacsgate.stores.schema import access_kind, study, study_label

_NEXT_ARCHIVE = select(func.min(access_kind.c.archive)).where(
    access_kind.c.tenant == bindparam("tenant"), access_kind.c.archive > bindparam("archive")
)


def archives_held(connection: Connection, tenant: str) -> list[str]:
    """The archives that the index has ever held a study of: a step down an index for each."""
    found: list[str] = []
    last: str | None = ""
    while last is not None:
        last = connection.execute(_NEXT_ARCHIVE, {"tenant": tenant, "archive": last}).scalar()
        found += [] if last is None else [last]
    return found


def studies_named(
    connection: Connection, tenant: str, target: GrantTarget, target_id: str
) -> tuple[str, ...]:
    """The UIDs of the studies that a patient or a collection has; a study is itself."""
    match target:
        case GrantTarget.STUDY:
            return (target_id,)
        case GrantTarget.PATIENT:
            return tuple(sorted(set(_of_patient(connection, tenant, target_id))))
        case GrantTarget.COLLECTION:
            return tuple(sorted(set(_of_collection(connection, tenant, target_id))))
        case GrantTarget.SERIES | GrantTarget.DEPARTMENT | GrantTarget.STUDY_PERMISSION:
            return ()
        case _:
            assert_never(target)


def _of_patient(connection: Connection, tenant: str, patient: str) -> Iterable[str]:
    # `issuer|id`: what stands behind each bar may be the PatientID; whose it is, is asked of the row.
    bars = [at + 1 for at, character in enumerate(patient) if character == "|"]
    rows = connection.execute(
        select(study.c.study_instance_uid, study.c.patient_id, study.c.issuer_of_patient_id).where(
            study.c.tenant == tenant,
            study.c.archive.in_(archives_held(connection, tenant)),
            study.c.patient_id.in_({patient[at:] for at in (0, *bars)}),
        )
    )
    return [uid for uid, name, issuer in rows if patient_key(name, issuer) == patient]


def _of_collection(connection: Connection, tenant: str, collection: str) -> Iterable[str]:
    return connection.scalars(
        select(study_label.c.study_instance_uid).where(
            study_label.c.tenant == tenant,
            study_label.c.attribute == COLLECTIONS.name,
            study_label.c.value == collection,
        )
    )
