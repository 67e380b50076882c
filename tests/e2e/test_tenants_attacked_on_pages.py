"""An administrator who may do all in one tenant, on every page and with every form there is, after another's things.

Pages are those that the application serves, and forms are those on its pages.  Each is asked twice, with what the
other tenant has and with what nobody has: nothing of the two answers may differ, and nothing of the other tenant may
be in a byte of them.  A page or a field that is new stops the test until it is said here what it names.
"""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

import pytest

from pacsgate.model.resource import TenantScope
from tests.support.furnished_tenants import (
    CANARY,
    NORTH,
    OTHER,
    OWN,
    FurnishedTenants,
    furnished_tenants,
)
from tests.support.open_gate import Answer
from tests.support.page_forms import Form, forms_on

pytestmark = pytest.mark.long
BOTH = pytest.mark.parametrize("scope", [OWN, NORTH], ids=["default", "north"])
NO_PAGES = re.compile(
    r"/(healthz|readyz|metrics|assets/.*|\.well-known/.*|access/v1/.*|api/v1/.*|ais/v1/.*|oauth2/.*|scim/.*"
    r"|auth/.*|sign-in(/.*)?|reset|setup|viewer/.*)"
)
"""What is served beside pages, or to who has not signed in: other tests ask these."""
PLACE = re.compile(r"([\w-]+)/\{(\w+)(?::path)?\}")
KINDS = {
    "users": "user",
    "groups": "group",
    "roles": "role",
    "at": "device",
    "remove": "device",
    "lock": "device",
    "unlock": "device",
    "fields": "entity",
    "pacs": "pacs",
    "letters": "message",
    "results": "message",
    "identities": "identity",
    "visits": "visit",
    "credentials": "credential",
    "units": "unit",
    "studies": "study",
}
"""What stands in the address of a page behind a word."""
FIELDS = {
    "account": "user",
    "agent": "service",
    "archive": "archive",
    "collection": "unit",
    "extends": "role",
    "grant": "grant",
    "grantee": "user",
    "group": "group",
    "groups": "group",
    "host": "user",
    "id": "token",
    "owner": "user",
    "role": "role",
    "session": "session",
    "study": "study",
    "target_id": "study",
    "token": "token",
    "unit": "unit",
    "value": "study",
    "visitor": "visitor",
    "vouches_for": "user",
    "StudyInstanceUID": "study",
    "PatientID": "user",
}
"""Fields of forms that name something that there is."""
TEXTS = re.compile(
    r"AccessionNumber|ModalitiesInStudy|Patient\w+|ReferringPhysicianName|StudyDescription|StudyID|action|actions|active"
    r"|answer|certificate_sha256|code|day|days|description|disabled|display_name|email|expires|field\.\w+|format|from"
    r"|grantee_kind|has_groups|invite|keyword|kind|label|lapsed|longest|may|name|networks|new|number|old|organization"
    r"|password|permissions|port|previews|reason|required|return_to|scope|search|starts|state|target|title_is_enough"
    r"|tls|type|until|up_to|username|valid\w+|shown\.\w+|was\.\w+"
    r"|ae_title|credentialId|identityId|pacs|visitId"
)
"""Fields that name nothing, or something new."""
LOOKS_NOTHING_UP = "/new-credential"
"""Pages with an empty form, which looks for its holder when it is sent."""


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedTenants]:
    with furnished_tenants(tmp_path_factory.mktemp("pages")) as made:
        yield made


def places(path: str) -> dict[str, str]:
    """What each place of an address names."""
    found = {name: KINDS[word] for word, name in PLACE.findall(path)}
    if "/{entity}/{field}" in path:
        found["field"] = "field"
    if "pacs" in found and re.search("identit|visit|unit", path):
        found["pacs"] = "archive"
    if set(found) != set(re.findall(r"\{(\w+)", path)):
        raise LookupError(f"`{path}` has a place that names nothing known")
    return found


def filled(path: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)(:path)?\}", lambda place: quote(values[place[1]], safe=":"), path)


def own_path(gate: FurnishedTenants, scope: TenantScope, path: str, **others: str) -> str:
    ids = {**gate.own(scope), "entity": "identity"}
    return filled(path, {name: ids[kind] for name, kind in places(path).items()} | others)


def pages(gate: FurnishedTenants) -> list[tuple[str, str]]:
    """Method and path of every page."""
    return [
        (method, route.path)
        for route in gate.routes
        for method in sorted((route.methods or set()) & {"GET", "POST"})
        if not NO_PAGES.fullmatch(route.path)
    ]


def own_forms(gate: FurnishedTenants, scope: TenantScope) -> dict[str, Form]:
    """Every form on every page about one's own, by where it goes."""
    found = {}
    for method, path in pages(gate):
        if method == "GET":
            answer = gate.browsed(scope, own_path(gate, scope, path))
            for form in forms_on(answer.body.decode()):
                found.setdefault(f"{form.method} {form.action}", form)
    return found


def told(
    gate: FurnishedTenants,
    scope: TenantScope,
    path: str,
    asked: str,
    form: Mapping[str, list[str]] | None = None,
) -> tuple[object, ...]:
    answer: Answer = gate.browsed(scope, path, form)
    whole = repr(answer.headers).encode() + answer.body
    assert CANARY[OTHER[scope]].encode() not in whole, path
    return gate.in_words(answer, asked)


@BOTH
def test_pages_about_ones_own_show_ones_own_and_nothing_else(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    shown, forms = set(), own_forms(gate, scope)
    with gate.untouched(OTHER[scope]):
        for method, path in pages(gate):
            if method == "GET":
                url = own_path(gate, scope, path)
                answer = gate.browsed(scope, url)
                whole = repr(answer.headers).encode() + answer.body
                assert answer.status == 200 or path == "/second-factor", url
                assert CANARY[OTHER[scope]].encode() not in whole, url
                for kind in ("user", "group", "role", "device", "pacs", "identity", "visit", "unit"):
                    assert gate.ids[OTHER[scope]][kind].encode() not in whole, (url, kind)
                shown |= {path} if CANARY[scope].encode() in whole else set()
    assert len(shown) > 18  # so that the canaries are where pages would show them
    assert len(forms) > 50


@BOTH
def test_a_page_of_a_thing_of_another_tenant_is_one_of_nothing(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    foreign, forms, asked = gate.ids[OTHER[scope]], own_forms(gate, scope), 0
    with gate.untouched(OTHER[scope]):
        for method, path in pages(gate):
            for place, kind in places(path).items():
                if kind == "entity":
                    continue
                form = forms.get(f"post {own_path(gate, scope, path)}")
                sent = None if method == "GET" else {} if form is None else form.fields
                answers = [
                    told(gate, scope, own_path(gate, scope, path, **{place: named}), named, sent)
                    for named in (foreign[kind], gate.missing(OTHER[scope], kind))
                ]
                assert answers[0] == answers[1], (method, path, place)
                if not (method == "GET" and path.endswith(LOOKS_NOTHING_UP)):
                    assert answers[0][0] == 404, (method, path, place)
                asked += 1
    assert asked > 95


@BOTH
def test_a_form_that_names_a_thing_of_another_tenant_names_none(
    gate: FurnishedTenants, scope: TenantScope
) -> None:
    foreign, asked = gate.ids[OTHER[scope]], set()
    with gate.untouched(OTHER[scope]):
        for form in own_forms(gate, scope).values():
            for name in form.fields:
                if name not in FIELDS:
                    assert TEXTS.fullmatch(name), (form.action, name)
                    continue
                answers = []
                for named in (foreign[FIELDS[name]], gate.missing(OTHER[scope], FIELDS[name])):
                    fields, path = {**form.fields, name: [named]}, form.action.partition("#")[0]
                    if form.method == "get":
                        answers.append(told(gate, scope, f"{path}?{urlencode(fields, doseq=True)}", named))
                    else:
                        answers.append(told(gate, scope, path, named, fields))
                        if answers[-1][0] == 303:  # it took what was named, and would show it from now on
                            gate.browsed(scope, path, form.fields)
                asked.add((form.action, name))
                assert answers[0] == answers[1], (form.action, name)
    assert len(asked) > 30
