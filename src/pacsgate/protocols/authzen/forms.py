"""The JSON of the five requests: which members they have, of which types.

Members that are not here are skipped, as the standard wants it; of `properties` and
`context` that is everything that decides nothing (see `entities`).

Called by `requests`.

Standard: AuthZEN Authorization API 1.0 sections 5 to 8.
"""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from pacsgate.protocols.authzen.entities import Semantic

Name = Annotated[str, Meta(max_length=256)]
"""Names go into the record: one as long as the body would fill it."""
Sentence = Annotated[str, Meta(max_length=200)]

PAGE_LIMIT = 100
"""Results in a page of which the client does not say how long it may be."""


class SubjectProperties(Struct, frozen=True):
    """Claims about a subject."""

    ip_address: Name | None = None


class SubjectForm(Struct, frozen=True):
    """A subject."""

    type: Name
    id: Name
    properties: SubjectProperties = SubjectProperties()


class SubjectTypeForm(Struct, frozen=True):
    """A subject to be found."""

    type: Name


class ActionForm(Struct, frozen=True):
    """An action."""

    name: Name


class ResourceProperties(Struct, frozen=True):
    """Where a resource is said to be.  The UIDs are spelled as PS3.6 does."""

    study_instance_uid: Name | None = field(default=None, name="StudyInstanceUID")
    series_instance_uid: Name | None = field(default=None, name="SeriesInstanceUID")
    archive: Name | None = None


class ResourceForm(Struct, frozen=True):
    """A resource."""

    type: Name
    id: Name
    properties: ResourceProperties = ResourceProperties()


class ResourceTypeForm(Struct, frozen=True):
    """A resource to be found."""

    type: Name
    properties: ResourceProperties = ResourceProperties()


class ContextForm(Struct, frozen=True):
    """The circumstances."""

    purpose: Name | None = None
    reason: Sentence | None = None
    risk: float | None = None


class PageForm(Struct, frozen=True):
    """Which page of a long answer."""

    token: str = ""
    limit: int = PAGE_LIMIT


class OptionsForm(Struct, frozen=True):
    """How a batch is worked off."""

    evaluations_semantic: Semantic = Semantic.EXECUTE_ALL


class QuestionForm(Struct, frozen=True):
    """A question, or what several of them have in common."""

    subject: SubjectForm | UnsetType = UNSET
    action: ActionForm | UnsetType = UNSET
    resource: ResourceForm | UnsetType = UNSET
    context: ContextForm | UnsetType = UNSET


class EvaluationsForm(QuestionForm, frozen=True):
    """A batch of questions, with defaults for each."""

    evaluations: tuple[QuestionForm, ...] = ()
    options: OptionsForm = OptionsForm()


class SubjectSearchForm(Struct, frozen=True):
    """Who may?"""

    subject: SubjectTypeForm
    action: ActionForm
    resource: ResourceForm
    context: ContextForm = ContextForm()
    page: PageForm = PageForm()


class ResourceSearchForm(Struct, frozen=True):
    """To what may?"""

    subject: SubjectForm
    action: ActionForm
    resource: ResourceTypeForm
    context: ContextForm = ContextForm()
    page: PageForm = PageForm()


class ActionSearchForm(Struct, frozen=True):
    """What may?"""

    subject: SubjectForm
    resource: ResourceForm
    context: ContextForm = ContextForm()
    page: PageForm = PageForm()
