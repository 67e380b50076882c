"""What the SCIM service says of itself: what it can do, which resources it has, what they hold.

Called by `pacsgate.admin.scim`.

Standard: RFC 7643 5, 6, 7; RFC 7644 4.
"""

from typing import Any

from scim2_models import (
    AuthenticationScheme,
    Bulk,
    ChangePassword,
    ETag,
    Filter,
    Patch,
    ResourceType,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)

from pacsgate.protocols.scim.questions import MOST_RESULTS
from pacsgate.protocols.scim.resources import LENIENT, EnterpriseUser, Group, Person, User

CONFIG = ServiceProviderConfig(
    documentation_uri=None,
    patch=Patch(supported=True),
    bulk=Bulk(supported=False, max_operations=0, max_payload_size=0),
    filter=Filter(supported=True, max_results=MOST_RESULTS),
    change_password=ChangePassword(supported=False),
    sort=Sort(supported=False),
    etag=ETag(supported=False),
    authentication_schemes=[
        AuthenticationScheme(
            type=AuthenticationScheme.Type.oauthbearertoken,
            name="API token",
            description="an API token of the service account that the source is bound to",
            primary=True,
        )
    ],
)

PROVIDER = ScimProvider(
    models=[User, EnterpriseUser, Group],
    resource_types=[ResourceType.from_resource(Person), ResourceType.from_resource(Group)],
    config=CONFIG,
    policy=LENIENT,
)


def described() -> dict[str, list[dict[str, Any]]]:
    """The resources of `/Schemas` and of `/ResourceTypes`."""
    return {
        "Schemas": [model.to_schema().model_dump() for model in (User, EnterpriseUser, Group)],
        "ResourceTypes": [kind.model_dump() for kind in PROVIDER.resource_types],
    }
