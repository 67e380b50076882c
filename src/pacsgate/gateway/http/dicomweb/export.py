"""A study, series or instances as a zip: built to leave.

Called by `dicomweb.retrieve`.

Standard: PS3.15 A.5.3.6 (Data Export); media type of PS3.18 8.7.3.
"""

from starlette.responses import Response

from pacsgate.gateway.http.exchange import Exchange
from pacsgate.gateway.http.zip_export import send_zip
from pacsgate.model.actions import Action
from pacsgate.model.resource import ResourceKey


async def export_zip(exchange: Exchange, key: ResourceKey) -> Response:
    """Send the visible objects of what is named as one zip file."""
    reached = await exchange.reach(key, Action.EXPORT)
    if isinstance(reached, Response):
        return reached
    return await send_zip(
        exchange, reached, lambda delivery: f"{delivery.part.key_of(delivery.instance)}.dcm"
    )
