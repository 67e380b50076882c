"""The circumstances of an HTTP request, read once.

Called by the DICOMweb door and, through `bootstrap`, by the pages.
"""

import secrets
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from pacsgate.gateway.http.client_address import client_address
from pacsgate.gateway.http.settings import HttpSettings
from pacsgate.model.context import Context
from pacsgate.ports import Clock


@dataclass(frozen=True, slots=True)
class RequestContexts:
    """Makes the context of each request."""

    settings: HttpSettings
    clock: Clock

    def of(self, request: HTTPConnection) -> Context:
        """Now, a new request id, and where the request comes from."""
        address = client_address(request, self.settings.trusted_proxies)
        return Context(
            now=self.clock.now(),
            request_id=secrets.token_hex(8),
            client_address=address,
            network=self.settings.network_of(address),
        )
