"""Each AuthZEN endpoint as one function: from who asks and a body to the answer's JSON.

They block (on the database, on the trail) and belong into a thread.

Made by `bootstrap` from the use cases; called by the door.
"""

from collections.abc import Callable, Mapping
from typing import assert_never

from pacsgate.protocols.authzen import answers
from pacsgate.protocols.authzen.answers import Json
from pacsgate.protocols.authzen.entities import Question, Unanswerable
from pacsgate.protocols.authzen.metadata import Endpoint
from pacsgate.protocols.authzen.requests import (
    question_of,
    read_action_search,
    read_evaluation,
    read_evaluations,
    read_resource_search,
    read_subject_search,
)
from pacsgate.services.evaluate_for_others import Enquirer, EvaluateForOthers, Evaluation
from pacsgate.services.reach_obligations import common_mask, only_parts
from pacsgate.services.resolve import Answer, Reach, Refusal
from pacsgate.services.search_for_others import SearchForOthers

Ask = Callable[[Enquirer, bytes], Json | Refusal]
"""Raises `RequestError` for a body that cannot be read."""


def asks(evaluate: EvaluateForOthers, search: SearchForOthers) -> Mapping[Endpoint, Ask]:
    """Every endpoint."""

    def evaluation(enquirer: Enquirer, body: bytes) -> Json | Refusal:
        return _one(evaluate, enquirer, read_evaluation(body))

    def evaluations(enquirer: Enquirer, body: bytes) -> Json | Refusal:
        asked = read_evaluations(body)
        if isinstance(asked, Question):
            return _one(evaluate, enquirer, asked)
        found = evaluate.evaluate_batch(enquirer, asked)
        return found if isinstance(found, Refusal) else {"evaluations": [_answer(each) for each in found]}

    def subjects(enquirer: Enquirer, body: bytes) -> Json | Refusal:
        asked = read_subject_search(body)
        found = search.subjects(enquirer, asked)
        if isinstance(found, Refusal):
            return found
        results = [{"type": asked.type, "id": name} for name in found.results]
        return answers.page(results, question_of(asked), found.next_position)

    def resources(enquirer: Enquirer, body: bytes) -> Json | Refusal:
        asked = read_resource_search(body)
        found = search.resources(enquirer, asked)
        if isinstance(found, Refusal):
            return found
        results = [answers.resource(resource) for resource in found.results]
        return answers.page(results, question_of(asked), found.next_position)

    def actions(enquirer: Enquirer, body: bytes) -> Json | Refusal:
        asked = read_action_search(body)
        found = search.actions(enquirer, asked)
        if isinstance(found, Refusal):
            return found
        results = [{"name": action.value} for action in found.results]
        return answers.page(results, question_of(asked), found.next_position)

    return {
        Endpoint.EVALUATION: evaluation,
        Endpoint.EVALUATIONS: evaluations,
        Endpoint.SUBJECT_SEARCH: subjects,
        Endpoint.RESOURCE_SEARCH: resources,
        Endpoint.ACTION_SEARCH: actions,
    }


def _one(evaluate: EvaluateForOthers, enquirer: Enquirer, question: Question) -> Json | Refusal:
    found = evaluate.evaluate(enquirer, question)
    return found if isinstance(found, Refusal) else _answer(found)


def _answer(answer: Evaluation | Unanswerable) -> Json:
    if isinstance(answer, Unanswerable):
        return answers.failed(400, answer.message)
    match answer.found:
        case Reach() as reach:
            obligations = _obligations(answer.question, reach)
            return answers.decision(reach.reasons, reach.revision, allowed=True, obligations=obligations)
        case Refusal() as refused:
            message = refused.message if refused.answer is Answer.FORBIDDEN else None
            return answers.decision(refused.reasons, refused.revision, allowed=False, message=message)
        case _:
            assert_never(answer.found)


def _obligations(question: Question, reach: Reach) -> list[Json]:
    mask, parts = common_mask(reach), only_parts(reach, question.resource.key)
    return [
        *([] if mask.hides_nothing else [answers.mask_obligation(mask)]),
        *([answers.parts_obligation(parts, question.resource.archive)] if parts else []),
    ]
