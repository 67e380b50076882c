"""Bodies of both trees under tenants: names as in HID's service, `tenantAdministratorUid`.

Called by the shapes of tenants and of what is in them.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Name = Annotated[str, Field(min_length=1, max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=64)]


class Asked(BaseModel):
    """What is sent: nothing but what is named, by the names of the document."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, validate_by_name=False)


class Told(BaseModel):
    """What is answered."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
