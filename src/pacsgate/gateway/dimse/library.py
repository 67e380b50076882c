"""The library's global settings, made once, and the application entity that it wants.

Called by `bootstrap` before the first association, and by nothing else.

Invariants:
- the library logs nothing: its lines quote identifiers and identities.
"""

import logging

from pydicom.uid import UID
from pynetdicom import _config
from pynetdicom.ae import ApplicationEntity

from pacsgate.dicom.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

_UNLIMITED = 1_000_000
"""Associations are counted by `places`."""


def library_entity() -> ApplicationEntity:
    """Silence the library and return the entity in whose name it negotiates."""
    _config.LOG_HANDLER_LEVEL = "none"
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    entity = ApplicationEntity("PACSGATE")
    entity.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    entity.maximum_associations = _UNLIMITED
    return entity
