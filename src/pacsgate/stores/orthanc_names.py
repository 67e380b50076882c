"""The table by which the index finds what an Orthanc identifier names.

An identifier is a SHA-1; its first eight bytes are a number, and lead to the studies that have something
of that name in them.  Whether it is the whole name is worked out again by whoever asks.

Called by `ingest` and `removal`, inside their transactions, for archives of kind `orthanc` only;
asked by `entries`.

Invariants:
- a study has a row for its patient, for itself, and for each of its series and instances.

Standard: the Orthanc Book, "Orthanc identifiers".
"""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, text

from pacsgate.protocols.orthanc.identifiers import orthanc_id
from pacsgate.stores.archive_schema import orthanc_name
from pacsgate.stores.fixed import Fixed
from pacsgate.stores.place import Place
from pacsgate.stores.study_row import StudyKey

_WRITTEN = Fixed(
    text(
        "INSERT INTO orthanc_name (tenant, number, study_pk) VALUES (:of_tenant, :of_number, :of_study)"
        " ON CONFLICT DO NOTHING"
    ).columns()
)
_DELETED = Fixed(
    delete(orthanc_name).where(
        orthanc_name.c.tenant == bindparam("of_tenant"),
        orthanc_name.c.number == bindparam("of_number"),
        orthanc_name.c.study_pk == bindparam("of_study"),
    )
)


def number_of(identifier: str) -> int:
    """The first eight bytes of an identifier as a number with a sign, which is what databases have."""
    return int.from_bytes(bytes.fromhex(identifier.replace("-", "")[:16]), signed=True)


def names_of_study(key: StudyKey) -> list[str]:
    """The identifiers of a study and of its patient."""
    return [orthanc_id(key.patient_id), orthanc_id(key.patient_id, key.study_instance_uid)]


def names_of_series(key: StudyKey, uid: str, instances: Iterable[str], *, itself: bool) -> list[str]:
    """The identifiers of instances of one series and, if `itself`, of the series."""
    above = (key.patient_id, key.study_instance_uid, uid)
    names = [orthanc_id(*above, instance) for instance in instances]
    return [orthanc_id(*above), *names] if itself else names


def write_names(place: Place, study_pk: int, names: Iterable[str]) -> None:
    """Let these names lead to a study, in an archive that has such names."""
    _run(place, _WRITTEN, study_pk, names)


def delete_names(place: Place, study_pk: int, names: Iterable[str]) -> None:
    """Let them lead there no more."""
    _run(place, _DELETED, study_pk, names)


def _run(place: Place, statement: Fixed, study_pk: int, names: Iterable[str]) -> None:
    rows = [
        {"of_tenant": place.tenant, "of_study": study_pk, "of_number": number_of(name)}
        for name in names
        if place.orthanc
    ]
    statement.run_each(place.connection, rows)
