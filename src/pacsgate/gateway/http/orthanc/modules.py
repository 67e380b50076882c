"""Modules: those tags of a patient, study, series or instance that PS3.3 says belong together.

Called by `door`.

Standard: PS3.3 C.7.1.1, C.7.2.1, C.7.3.1 and C.12.1, as far as Orthanc tells them.
"""

from starlette.responses import Response

from pacsgate.gateway.http.orthanc.data_sets import DataSets
from pacsgate.gateway.http.orthanc.exchange import OrthancExchange
from pacsgate.gateway.http.orthanc.reaching import reach_path
from pacsgate.gateway.http.orthanc.reading import WORDS, answer_read, named_in, visible_of
from pacsgate.model.resource import Level
from pacsgate.protocols.orthanc.arguments import TAGS_ARGUMENTS, read_arguments, read_form
from pacsgate.protocols.orthanc.documents import picked
from pacsgate.protocols.orthanc.modules import MODULES
from pacsgate.protocols.orthanc.routing import OrthancMatch
from pacsgate.protocols.orthanc.tag_forms import Tags, TagsForm, in_form, masked


async def module(exchange: OrthancExchange, found: OrthancMatch) -> Response:
    """Send a module of what is visible."""
    form = read_form(read_arguments(exchange.parameters, TAGS_ARGUMENTS), TagsForm.FULL)
    reached = await reach_path(exchange, found)
    if isinstance(reached, Response):
        return reached
    level, identifier = named_in(found)
    named = await visible_of(exchange, level, identifier, reached.reach)
    sets = DataSets(exchange)

    async def make() -> Tags:
        if named.is_whole and named.is_even:
            own = await sets.document(f"/{WORDS[level]}/{identifier}/{found.operation}")
            return in_form(masked(own, named.mask), form)
        of_level = Level.PATIENT if found.operation == "module-patient" else level
        return picked(await sets.tags(*named.speaker), MODULES[of_level], form=form)

    return await answer_read(exchange, reached, make)
