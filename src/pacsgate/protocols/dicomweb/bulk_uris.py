"""Links that a client may follow: always to the gate, never past it.

Bulk data of an instance is named by the place of its element, so a link can be
made without asking the archive and read without remembering it.  What an origin
writes into its own links is never used: metadata and search rows are made from
objects and the index, and get their links here.

Called by the HTTP gateway and the answers of this package; `routing` reads the
links back.

Invariants:
- the path of a minted link matches the row `one-bulkdata` with the same key and place.

Standard: PS3.18 F.2.2 (BulkDataURI), 10.4.1.1.5 (bulk data resources), PS3.3 C.12.1.1 (RetrieveURL).
"""

from pacsgate.dicom.json_model import TagPath
from pacsgate.model.resource import ResourceKey

RETRIEVE_URL = "00081190"


def resource_url(root: str, key: ResourceKey) -> str:
    """Return the URL of a study, series or instance.  `root` is the mount without a trailing slash."""
    parts = [root, "studies", key.study_instance_uid]
    if key.series_instance_uid is not None:
        parts += ["series", key.series_instance_uid]
    if key.sop_instance_uid is not None:
        parts += ["instances", key.sop_instance_uid]
    return "/".join(parts)


def bulkdata_url(root: str, key: ResourceKey, place: TagPath) -> str:
    """Return the URL of one bulk data value of an instance."""
    return "/".join((resource_url(root, key), "bulkdata", *place))
