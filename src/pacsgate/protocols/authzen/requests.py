"""The five requests, read into questions.

What is not understood is said to whoever sent it, with its place in the body.  A
batch that does not have the right form is refused as a whole; a question in it that
names nothing that could exist (no valid UID, a series without its study) is
answered by itself.

Called by the door.

Standard: AuthZEN Authorization API 1.0 sections 6 to 8.
"""

from dataclasses import replace
from typing import TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from pacsgate.dicom.uids import require_uid
from pacsgate.model.errors import RequestError
from pacsgate.model.resource import ArchiveName, Level, ResourceKey
from pacsgate.protocols.authzen.entities import (
    NO_CLAIMS,
    ActionSearch,
    Batch,
    Claims,
    PageRequest,
    Question,
    Resource,
    ResourceKind,
    ResourceSearch,
    SubjectName,
    SubjectSearch,
    Unanswerable,
)
from pacsgate.protocols.authzen.forms import (
    ActionSearchForm,
    ContextForm,
    EvaluationsForm,
    PageForm,
    QuestionForm,
    ResourceForm,
    ResourceProperties,
    ResourceSearchForm,
    ResourceTypeForm,
    SubjectForm,
    SubjectSearchForm,
)
from pacsgate.protocols.authzen.pages import read_page_token

MAX_EVALUATIONS = 1000
"""In one batch; a list of studies on a screen has a tenth of that."""
MAX_PAGE_LIMIT = 1000

_LEVELS = {level.value: level for level in Level}

Form = TypeVar("Form", bound=Struct)
Part = TypeVar("Part")
Search = SubjectSearch | ResourceSearch | ActionSearch
SearchT = TypeVar("SearchT", SubjectSearch, ResourceSearch, ActionSearch)


def read_evaluation(body: bytes) -> Question:
    """The one question of `/evaluation`.  Raises `RequestError`."""
    return _question(_read(body, QuestionForm), QuestionForm(), "")


def read_evaluations(body: bytes) -> Batch | Question:
    """The questions of `/evaluations`; if it has none, the one that `/evaluation` would read."""
    read = _read(body, EvaluationsForm)
    if not read.evaluations:
        return _question(read, QuestionForm(), "")
    if len(read.evaluations) > MAX_EVALUATIONS:
        raise RequestError(f"`evaluations` holds more than {MAX_EVALUATIONS} questions", status=413)
    questions = tuple(
        _one_of_several(form, read, f"evaluations[{number}].") for number, form in enumerate(read.evaluations)
    )
    return Batch(questions, read.options.evaluations_semantic)


def read_subject_search(body: bytes) -> SubjectSearch:
    """Who may?  An `id` of the subject is ignored."""
    read = _read(body, SubjectSearchForm)
    claims, page = _claims(read.context), _page(read.page)
    search = SubjectSearch(read.subject.type, read.action.name, _resource(read.resource), claims, page)
    return _at_token(search, read.page)


def read_resource_search(body: bytes) -> ResourceSearch:
    """To what may?  An `id` of the resource is ignored."""
    read = _read(body, ResourceSearchForm)
    claims, page = _claims(read.context), _page(read.page)
    search = ResourceSearch(_subject(read.subject), read.action.name, _kind(read.resource), claims, page)
    return _at_token(search, read.page)


def read_action_search(body: bytes) -> ActionSearch:
    """What may?"""
    read = _read(body, ActionSearchForm)
    claims, page = _claims(read.context), _page(read.page)
    return _at_token(ActionSearch(_subject(read.subject), _resource(read.resource), claims, page), read.page)


def question_of(search: Search) -> str:
    """What the tokens of its pages belong to: all that was asked but for the page."""
    return repr(replace(search, page=PageRequest(0)))


def _read(body: bytes, form: type[Form]) -> Form:
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = str(error)
        raise RequestError(f"the body cannot be read: {text[:1].lower()}{text[1:]}") from None
    except RecursionError:
        raise RequestError("the body cannot be read: it is nested too deeply") from None


def _one_of_several(form: QuestionForm, defaults: QuestionForm, place: str) -> Question | Unanswerable:
    try:
        return _question(form, defaults, place)
    except RequestError as raised:
        return Unanswerable(raised.public)


def _question(form: QuestionForm, defaults: QuestionForm, place: str) -> Question:
    context = form.context if form.context is not UNSET else defaults.context
    return Question(
        _subject(_given(form.subject, defaults.subject, f"{place}subject")),
        _given(form.action, defaults.action, f"{place}action").name,
        _resource(_given(form.resource, defaults.resource, f"{place}resource"), place),
        NO_CLAIMS if isinstance(context, UnsetType) else _claims(context),
    )


def _given(own: Part | UnsetType, default: Part | UnsetType, place: str) -> Part:
    if not isinstance(own, UnsetType):
        return own
    if isinstance(default, UnsetType):
        raise RequestError(f"`{place}` is missing")
    return default


def _claims(form: ContextForm) -> Claims:
    reason = None if form.reason is None else form.reason.strip()
    if reason is not None and not reason.isprintable():
        raise RequestError("`context.reason` holds what is not text")
    return Claims(form.purpose, reason or None, form.risk)


def _subject(form: SubjectForm) -> SubjectName:
    return SubjectName(form.type, form.id, form.properties.ip_address)


def _resource(form: ResourceForm, place: str = "") -> Resource:
    level = _level(form.type)
    parents = form.properties
    key: ResourceKey | None = None
    match level:
        case Level.STUDY:
            key = ResourceKey(require_uid(form.id, "StudyInstanceUID"))
        case Level.SERIES:
            key = ResourceKey(_study(parents, place), require_uid(form.id, "SeriesInstanceUID"))
        case Level.INSTANCE:
            series = _uid(parents.series_instance_uid, "SeriesInstanceUID", place)
            key = ResourceKey(_study(parents, place), series, require_uid(form.id, "SOPInstanceUID"))
        case Level.PATIENT | None:
            pass
    return Resource(form.type, form.id, level, key, _archive(parents))


def _level(resource_type: str) -> Level | None:
    return _LEVELS.get(resource_type)


def _study(parents: ResourceProperties, place: str) -> str:
    return _uid(parents.study_instance_uid, "StudyInstanceUID", place)


def _uid(value: str | None, keyword: str, place: str) -> str:
    if value is None:
        raise RequestError(
            f"`{place}resource.properties.{keyword}` is missing: resources are named with their parents"
        )
    return require_uid(value, keyword)


def _kind(form: ResourceTypeForm) -> ResourceKind:
    level = _level(form.type)
    if level is None:
        raise RequestError(f"`resource.type` is none of {', '.join(Level)}")
    study, series = form.properties.study_instance_uid, form.properties.series_instance_uid
    return ResourceKind(
        level,
        None if study is None else require_uid(study, "StudyInstanceUID"),
        None if series is None else require_uid(series, "SeriesInstanceUID"),
        _archive(form.properties),
    )


def _archive(properties: ResourceProperties) -> ArchiveName | None:
    return None if properties.archive is None else ArchiveName(properties.archive)


def _page(form: PageForm) -> PageRequest:
    if form.limit < 0:
        raise RequestError("`page.limit` is negative")
    return PageRequest(min(form.limit, MAX_PAGE_LIMIT))


def _at_token(search: SearchT, form: PageForm) -> SearchT:
    if not form.token:
        return search
    position = read_page_token(form.token, question_of(search))
    return replace(search, page=replace(search.page, position=position))
