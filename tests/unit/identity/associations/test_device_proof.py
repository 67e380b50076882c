"""Every proof that is configured must hold; a title alone is none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.identity.associations.device_proof import proven
from pacsgate.identity.refusals import Cause
from pacsgate.model.application_entity import RemoteAe
from tests.support.associations import FINGERPRINT, requestor
from tests.support.clocks import START

BARE = RemoteAe("CT1", account="ct1")
HERE = replace(BARE, networks=("10.1.0.0/16", "2001:db8::/32"))
CERTIFIED = replace(BARE, certificate_sha256=FINGERPRINT)
BOTH = replace(HERE, certificate_sha256=FINGERPRINT)


@pytest.mark.parametrize("entity", [HERE, CERTIFIED, BOTH])
def test_what_is_proven_is_the_device(entity):
    assert proven(entity, requestor(), START) is entity


@pytest.mark.parametrize(
    ("entity", "parts", "cause"),
    [
        (HERE, {"address": "10.2.2.3"}, Cause.WRONG_NETWORK),
        (HERE, {"address": ""}, Cause.WRONG_NETWORK),
        (HERE, {"address": "::ffff:10.2.2.3"}, Cause.WRONG_NETWORK),
        (CERTIFIED, {"certificate_sha256": None}, Cause.WRONG_CERTIFICATE),
        (CERTIFIED, {"certificate_sha256": "cd" * 32}, Cause.WRONG_CERTIFICATE),
        (BOTH, {"address": "10.2.2.3"}, Cause.WRONG_NETWORK),
        (BOTH, {"certificate_sha256": None}, Cause.WRONG_CERTIFICATE),
    ],
)
def test_one_proof_that_fails_is_enough(entity, parts, cause):
    assert proven(entity, requestor(**parts), START) is cause
    assert proven(replace(entity, title_is_enough=True), requestor(**parts), START) is cause


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7", "2001:db8::7%eth0"])
def test_an_address_is_compared_as_an_address(address):
    assert proven(HERE, requestor(address=address), START) is HERE


def test_a_title_alone_proves_nothing_unless_configured_so():
    assert proven(None, requestor(), START) is None
    assert proven(BARE, requestor(), START) is None
    trusting = replace(BARE, title_is_enough=True)
    assert proven(trusting, requestor(), START) is trusting


@pytest.mark.parametrize("entity", [BARE, HERE, CERTIFIED, replace(BARE, title_is_enough=True)])
def test_an_entry_that_ended_refuses_and_is_not_taken_for_an_unknown_one(entity):
    for ended in (replace(entity, disabled=True), replace(entity, valid_until=START)):
        assert proven(ended, requestor(), START) is Cause.ENDED_DEVICE
    lasting = replace(entity, valid_until=START + timedelta(microseconds=1))
    assert proven(lasting, requestor(), START) is not Cause.ENDED_DEVICE
