"""What another tenant has takes as long as what nobody has: over the API, on pages, over DICOMweb and at sign-in.

Rounds of pairs, foreign and missing by turns, in one process.  The quartiles of a round may differ by chance (the
lower ones least); to differ by more than a tenth the same way in every round is none.
"""

import statistics
import time
from base64 import b64encode
from collections.abc import Callable, Iterator

import pytest

from tests.support.furnished_tenants import (
    ARCHIVE,
    DOORS,
    NORTH,
    OWN,
    FurnishedTenants,
    furnished_tenants,
)
from tests.support.open_gate import Answer

pytestmark = [pytest.mark.long, pytest.mark.alone]

ROUNDS = 5
PAIRS = 30
PAIRS_OF_SIGN_INS = 5
"""Each of them hashes a password."""
DIFFERENCE = 0.1

Asking = Callable[[FurnishedTenants, str], Answer]


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FurnishedTenants]:
    with furnished_tenants(tmp_path_factory.mktemp("timing")) as made:
        yield made


def over_the_api(path: str, method: str = "GET") -> Asking:
    return lambda gate, named: gate.sent(OWN, method, path.format(named))


def on_a_page(path: str) -> Asking:
    return lambda gate, named: gate.browsed(OWN, path.format(named))


def signing_in(gate: FurnishedTenants, tenant: str) -> Answer:
    """As somebody else each time, so that nobody is locked."""
    credential = b64encode(f"{tenant}/{time.monotonic_ns()}:wrong".encode()).decode()
    answer = gate.sent(None, "GET", "/api/v1/me", headers={"authorization": f"Basic {credential}"})
    assert answer.status == 401
    return answer


HERE = f"/api/v1/tenants/{OWN.tenant}"
QUESTIONS: dict[str, tuple[str, Asking]] = {
    "a user": ("user", over_the_api("/api/v1/users/{}")),
    "a role": ("role", over_the_api("/api/v1/roles/{}")),
    "a device": ("device", over_the_api("/api/v1/devices/{}")),
    "a grant": ("grant", over_the_api("/api/v1/grants/{}", "DELETE")),
    "a tenant": ("tenant", over_the_api("/api/v1/tenants/{}/pacs")),
    "a PACS": ("pacs", over_the_api(f"{HERE}/pacs/{{}}")),
    "an archive": ("archive", over_the_api("/archives/{}/dicom-web/studies")),
    "a result": ("message", over_the_api(f"{HERE}/pacs/{DOORS}/results/{{}}")),
    "a study": ("study", over_the_api("/dicom-web/studies/{}/metadata")),
    "a page of a user": ("user", on_a_page("/admin/users/{}")),
    "a page of a visit": ("visit", on_a_page(f"/admin/tenancy/pacs/{ARCHIVE[OWN]}/visits/{{}}")),
    "a name of a tenant": ("tenant", signing_in),
}


@pytest.mark.parametrize("asked", QUESTIONS)
def test_what_another_tenant_has_takes_as_long_as_what_nobody_has(gate: FurnishedTenants, asked: str) -> None:
    kind, ask = QUESTIONS[asked]
    named = {"foreign": gate.ids[NORTH][kind], "missing": gate.missing(NORTH, kind)}
    slower, told = [], []
    for _ in range(ROUNDS):
        spent: dict[str, list[float]] = {"foreign": [], "missing": []}
        for pair in range(PAIRS_OF_SIGN_INS if ask is signing_in else PAIRS):
            for which in sorted(named, reverse=pair % 2 == 1):
                begun = time.perf_counter()
                ask(gate, named[which])
                spent[which].append(time.perf_counter() - begun)
        here, there = (statistics.quantiles(spent[which])[0] for which in ("foreign", "missing"))
        told.append(f"foreign {here * 1000:.2f} ms, missing {there * 1000:.2f} ms")
        slower.append((here > there * (1 + DIFFERENCE)) - (there > here * (1 + DIFFERENCE)))
    assert max(slower.count(1), slower.count(-1)) < ROUNDS, told
