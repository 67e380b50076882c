"""The role lists of seed 000 in a real Orthanc, which runs the Lua: what passes there is what our table says."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import requests

from pacsgate.model.actions import Action
from pacsgate.model.context import RequestLine
from pacsgate.model.decision import Allow
from pacsgate.policy.document import load_policy
from pacsgate.policy.engine import bind
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.seed_000 import LUA
from tests.unit.policy.hospital import INSIDE, MAIN, person, study

USERS = ("v", "e", "ve", "a", "n")
REGISTERED = '{"RegisteredUsers": {"v": "pw", "e": "pw", "ve": "pw", "a": "pw", "n": "pw"}}'
SCRIPT = (
    LUA.replace("{'zhiva', 'zhiva-editor'}", "{'v', 've'}")
    .replace("{'zhiva-editor'}", "{'e', 've'}")
    .replace("{'zhiva-admin'}", "{'a'}")
)
POLICY = load_policy({"zhiva:orthanc.json": REGISTERED, "zhiva:filter.lua": SCRIPT})
URIS = (
    "/patients",
    "/studies/x/modify",
    "/instances",
    "/tools/find",
    "/modalities/x/store",
    "/jobs",
    "/changes",
    "/system",
    "/dicom-web/studies",
    "/studies/x/metadata/1024",
    "/x/tools/y",
)
METHODS = (
    "GET",
    "HEAD",
    "OPTIONS",
    "PROPFIND",
    "POST",
    "PUT",
    "DELETE",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    "MKCOL",
)
FORBIDDEN = 403


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    directory = tmp_path_factory.mktemp("orthanc")
    script: Path = directory / "filter.lua"
    script.write_text(SCRIPT, "utf-8")
    settings = {
        "AuthenticationEnabled": True,
        "RegisteredUsers": dict.fromkeys(USERS, "pw"),
        "LuaScripts": [str(script)],
    }
    with running_orthanc(directory / "data", credentials=("a", "pw"), settings=settings) as running:
        yield running


def passes_here(user: str, method: str, uri: str) -> bool:
    """Whether we let the request through for some action."""
    context = replace(INSIDE, request=RequestLine(method, uri))
    bound = bind(POLICY, person(name=user), context, MAIN, ())
    return any(isinstance(bound.decide(action, study()), Allow) for action in Action)


@pytest.mark.server("orthanc")
def test_orthanc_lets_a_request_through_exactly_where_our_table_says_yes(orthanc: Orthanc) -> None:
    passed = 0
    for user, method, uri in product(USERS, METHODS, URIS):
        answer = requests.request(method, orthanc.url + uri, auth=(user, "pw"), timeout=30)
        assert answer.status_code != 401
        there = answer.status_code != FORBIDDEN
        assert there is passes_here(user, method, uri), f"{user} {method} {uri}: {answer.status_code}"
        passed += there
    assert passed > 50
