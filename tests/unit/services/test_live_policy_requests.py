"""What is remembered for a subject is of the requests that the rules mean alike, and of no others."""

from dataclasses import replace
from pathlib import Path

import pytest

from pacsgate.model.actions import Action
from pacsgate.model.context import Context, RequestLine
from pacsgate.model.decision import Allow
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.model.role import Assignment
from pacsgate.model.subject import Subject
from tests.unit.services.test_live_policy import MAIN, NOON, SCOPE, STUDY, Installation

POLICY = """\
version: 1
roles:
  reader: {may: [search, view]}
rules:
  - id: readers-read-by-get
    effect: permit
    roles: [reader]
    when: "'GET /dicom-web/**' in env.request"
"""
READER = Subject(DEFAULT_TENANT, "rad1", assignments=(Assignment("reader"),))
ASKED = Context(NOON, "r-1")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


def on(method: str, path: str) -> Context:
    return replace(ASKED, request=RequestLine(method, path))


def may_view(installation: Installation, context: Context) -> bool:
    bound = installation.live.bind(SCOPE, READER, context, MAIN)
    return isinstance(bound.decide(Action.VIEW, STUDY), Allow)


def test_another_request_gets_another_answer_and_the_first_its_own_again(installation: Installation) -> None:
    installation.publish(POLICY)
    asked = [on("GET", "/dicom-web/studies/1.2"), on("POST", "/dicom-web/studies"), ASKED, on("GET", "/x")]
    for _ in range(2):
        assert [may_view(installation, context) for context in asked] == [True, False, False, False]


def test_requests_that_the_rules_mean_alike_share_what_was_worked_out(installation: Installation) -> None:
    installation.publish(POLICY)
    bound = [
        installation.live.bind(SCOPE, READER, on("GET", f"/dicom-web/studies/1.{n}"), MAIN) for n in range(3)
    ]
    assert bound[0] is bound[1] is bound[2]


def test_a_policy_that_names_no_request_tells_none_apart(installation: Installation) -> None:
    installation.publish(POLICY.replace("    when: \"'GET /dicom-web/**' in env.request\"\n", ""))
    asked = [on("GET", "/dicom-web/studies"), on("DELETE", "/x"), ASKED]
    bound = [installation.live.bind(SCOPE, READER, context, MAIN) for context in asked]
    assert bound[0] is bound[1] is bound[2]
