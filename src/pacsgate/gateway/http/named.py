"""The resource that a row's path names; rows without one never get here.

Called by the handlers of resources.
"""

from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.routing import RouteMatch


def named_key(found: RouteMatch) -> ResourceKey:
    """The key in the path.  Raises `RequestError` for a row that names nothing."""
    if found.key is None:
        raise RequestError("the path names no study")
    return found.key
