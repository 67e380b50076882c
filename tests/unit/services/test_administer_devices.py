"""Devices: what may be configured, and what is refused with a sentence."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pacsgate.audit.events import EventKind
from pacsgate.model.application_entity import RemoteAe
from pacsgate.model.errors import ConflictError, NotFoundError, RequestError
from pacsgate.services.administer_devices import DeviceAdministration
from tests.support.associations import FINGERPRINT, Reception, open_reception
from tests.support.people import SCOPE

CT1 = RemoteAe("CT1", networks=("10.1.0.0/16",), owner="radiology")


@pytest.fixture
def reception(tmp_path) -> Reception:
    return open_reception(tmp_path)


@pytest.fixture
def devices(reception) -> DeviceAdministration:
    return DeviceAdministration(reception.people.office, reception.stores.remote_aes)


def test_a_device_is_added_changed_and_removed_with_what_it_was_on_record(devices, reception):
    people = reception.people
    devices.add(people.change(), replace(CT1, account="rad1"))
    devices.change(people.change(), replace(CT1, certificate_sha256=FINGERPRINT, disabled=True))
    devices.remove(people.change(), "CT1")
    assert devices.devices(SCOPE) == ()
    added, changed, removed = people.trail.of(EventKind.DEVICE_CHANGED)
    assert added.details["after"] == "account=rad1; networks=10.1.0.0/16; owner=radiology"
    assert changed.details["before"] == added.details["after"]
    assert changed.details["after"] == (
        f"networks=10.1.0.0/16; certificate_sha256={FINGERPRINT}; owner=radiology; disabled=True"
    )
    assert removed.details["before"] == changed.details["after"]
    assert {event.details["target"] for event in (added, changed, removed)} == {"CT1"}


def test_networks_are_kept_in_their_one_spelling(devices, reception):
    kept = devices.add(
        reception.people.change(),
        replace(CT1, networks=("10.1.2.3", "2001:0db8:0::/32", "10.0.0.0/255.0.0.0")),
    )
    assert kept.networks == ("10.1.2.3/32", "2001:db8::/32", "10.0.0.0/8")
    assert devices.device(SCOPE, "CT1") == kept


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ae_title": ""}, "is no AE title"),
        ({"ae_title": "SEVENTEEN_LETTERS"}, "is no AE title"),
        ({"ae_title": "CT\\1"}, "is no AE title"),
        ({"ae_title": " CT1"}, "is no AE title"),
        ({"ae_title": "CT\u00e4"}, "is no AE title"),
        ({"owner": ""}, "needs an owner"),
        ({"networks": ("10.1.2.3/16",)}, "without host bits"),
        ({"networks": ("everywhere",)}, "`everywhere` is no network"),
        ({"certificate_sha256": "AB" * 32}, "64 lower-case"),
        ({"certificate_sha256": "ab" * 20}, "64 lower-case"),
        ({"title_is_enough": True}, "a title is not enough where"),
        ({"networks": (), "vouches_for": frozenset({"g"})}, "can vouch for people"),
        ({"networks": (), "vouches_for": frozenset({"g"}), "title_is_enough": True}, "can vouch for people"),
        ({"host": "ct1"}, "both or neither"),
        ({"port": 104}, "both or neither"),
        ({"tls": True}, "needs a host"),
        ({"host": "c t", "port": 104}, "without spaces"),
        ({"host": "ct1", "port": 0}, "is no port"),
        ({"host": "ct1", "port": 65536}, "is no port"),
    ],
)
def test_what_would_be_believed_by_mistake_is_refused(devices, reception, changed, sentence):
    with pytest.raises(RequestError, match=sentence):
        devices.add(reception.people.change(), replace(CT1, **changed))
    assert devices.devices(SCOPE) == ()
    assert reception.people.trail.events == []


def test_a_change_is_judged_like_a_new_device(devices, reception):
    people = reception.people
    devices.add(people.change(), CT1)
    for wrong in (replace(CT1, owner=""), replace(CT1, title_is_enough=True)):
        with pytest.raises(RequestError):
            devices.change(people.change(), wrong)
    assert devices.device(SCOPE, "CT1") == CT1


def test_an_entry_ends_in_the_future(devices, reception):
    people = reception.people
    with pytest.raises(RequestError, match="in the future"):
        devices.add(people.change(), replace(CT1, valid_until=people.clock.now()))
    devices.add(people.change(), replace(CT1, valid_until=people.clock.now() + timedelta(seconds=1)))


def test_a_device_acts_as_an_account_that_there_is(devices, reception):
    with pytest.raises(NotFoundError, match="--kind device"):
        devices.add(reception.people.change(), replace(CT1, account="nobody"))


def test_titles_are_unique_and_unknown_ones_have_a_sentence(devices, reception):
    people = reception.people
    devices.add(people.change(), CT1)
    with pytest.raises(ConflictError):
        devices.add(people.change(), CT1)
    for order in (
        lambda: devices.device(SCOPE, "MR1"),
        lambda: devices.change(people.change(), replace(CT1, ae_title="MR1")),
        lambda: devices.remove(people.change(), "MR1"),
    ):
        with pytest.raises(NotFoundError, match="there is no device `MR1`"):
            order()
