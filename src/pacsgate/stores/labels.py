"""Labels and collections: what administrators say of a study, apart from what its images say.

Called by `study_index`, inside one transaction.
"""

from collections.abc import Mapping

from sqlalchemy import delete, insert

from pacsgate.model.errors import NotFoundError
from pacsgate.stores.place import Place
from pacsgate.stores.schema import study_label
from pacsgate.stores.storable import storable_text
from pacsgate.stores.study_row import Settling, settle, stored_studies


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
