"""Labels and collections: what administrators say of a study, apart from what its images say.

Called by `study_index`, inside one transaction.
"""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select

from pacsgate.model.errors import NotFoundError
from pacsgate.policy.ir import LABELS
from pacsgate.stores.place import Place
from pacsgate.stores.schema import study_label
from pacsgate.stores.storable import storable_text
from pacsgate.stores.study_row import Settling, settle, stored_studies

_OF_STUDY = (
    study_label.c.tenant == bindparam("of_tenant"),
    study_label.c.archive == bindparam("of_archive"),
    study_label.c.study_instance_uid.in_(bindparam("studies", expanding=True)),
)
_HELD = select(study_label.c.attribute, study_label.c.value).where(*_OF_STUDY).distinct()


def lacking_labels(
    connection: Connection, tenant: str, archive: str, sources: Collection[str], study_instance_uid: str
) -> list[tuple[str, str]]:
    """The attribute and value of each label of the sources that another study does not have."""
    wanted = _held(connection, tenant, archive, sources)
    return sorted(wanted - _held(connection, tenant, archive, [study_instance_uid]))


def missing_labels(
    connection: Connection, tenant: str, archive: str, labels: Collection[str], study_instance_uid: str
) -> list[tuple[str, str]]:
    """The attribute and value of each of these labels that a study does not have."""
    wanted = {(LABELS.name, storable_text(label)) for label in labels}
    return sorted(wanted - _held(connection, tenant, archive, [study_instance_uid]))


def _held(
    connection: Connection, tenant: str, archive: str, studies: Collection[str]
) -> set[tuple[str, str]]:
    here = {"of_tenant": tenant, "of_archive": archive, "studies": list(studies)}
    return {(row.attribute, row.value) for row in connection.execute(_HELD, here)}


def add_labels(place: Place, study_instance_uid: str, labels: Iterable[tuple[str, str]]) -> None:
    """Add these to what a study has, whether or not the index knows the study yet."""
    here = {"tenant": place.tenant, "archive": place.archive, "study_instance_uid": study_instance_uid}
    fresh = [here | {"attribute": attribute, "value": value} for attribute, value in labels]
    if fresh:
        place.connection.execute(insert(study_label), fresh)
    for one in stored_studies(place, study_instance_uid):
        settle(place, Settling.again(place, one), one)


def replace_labels(
    place: Place, study_instance_uid: str, values: Mapping[str, frozenset[str] | None]
) -> None:
    """Replace the labels under each attribute whose new set is not `None`.  Raises `NotFoundError`."""
    stored = stored_studies(place, study_instance_uid)
    if not stored:
        raise NotFoundError(f"archive `{place.archive}` has no study `{study_instance_uid}`")
    for attribute, labels in values.items():
        if labels is None:
            continue
        place.connection.execute(
            delete(study_label).where(
                study_label.c.tenant == place.tenant,
                study_label.c.archive == place.archive,
                study_label.c.study_instance_uid == study_instance_uid,
                study_label.c.attribute == attribute,
            )
        )
        here = {"tenant": place.tenant, "archive": place.archive, "study_instance_uid": study_instance_uid}
        fresh = [here | {"attribute": attribute, "value": storable_text(label)} for label in sorted(labels)]
        if fresh:
            place.connection.execute(insert(study_label), fresh)
    for one in stored:
        settle(place, Settling.again(place, one), one)
