"""What a matched row names and needs: the resource in its path, and the action on it.

Called by the handlers of resources, so that the route table is the law and not
its description.
"""

from pacsgate.model.actions import Action
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ResourceKey
from pacsgate.protocols.dicomweb.media_types import MediaType
from pacsgate.protocols.dicomweb.routes import actions_for
from pacsgate.protocols.dicomweb.routing import RouteMatch


def named_key(found: RouteMatch) -> ResourceKey:
    """The key in the path.  Raises `RequestError` for a row that names nothing."""
    if found.key is None:
        raise RequestError("the path names no study")
    return found.key


def action_of(found: RouteMatch, media: MediaType) -> Action:
    """The action that a row needs when its answer has this media type.

    An export needs `retrieve` too; that, the engine adds by itself.
    """
    needed = actions_for(found.route, media).all_of
    (action,) = needed - {Action.RETRIEVE} or needed
    return action
