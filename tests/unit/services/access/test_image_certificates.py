import pytest

from pacsgate.model.access import AccessCredential, HolderKey, HolderKind
from pacsgate.model.errors import ConflictError
from pacsgate.services.access.image_certificates import LONGEST_NAME, ImageCertificates
from tests.support.people import SCOPE, People, open_people

SOURCE = "hospital-ca"


@pytest.fixture
def people(tmp_path) -> People:
    people = open_people(tmp_path)
    for name in ("identity.e-1@main", "chief"):
        people.users.add(people.change(), name)
    return people


@pytest.fixture
def certificates(people: People) -> ImageCertificates:
    return ImageCertificates(people.directory, people.identity_links, [SOURCE])


def a_credential(people: People, value: str) -> AccessCredential:
    holder = HolderKey(HolderKind.IDENTITY, "e-1")
    return AccessCredential("c-1", holder, f"certificate.{SOURCE}", people.clock.now(), value)


def linked_to(people: People, name: str) -> str | None:
    found = people.identity_links.linked(SCOPE, SOURCE, name)
    return None if found is None else found.user


def test_a_name_in_a_certificate_leads_to_the_account_while_it_is_linked(
    people: People, certificates: ImageCertificates
) -> None:
    credential = a_credential(people, "Ada Reis 1042")
    certificates.link(people.change(), "identity.e-1@main", credential)
    assert linked_to(people, "Ada Reis 1042") == "identity.e-1@main"

    certificates.unlink(people.change(), "identity.e-1@main", credential)
    certificates.unlink(people.change(), "identity.e-1@main", credential)
    assert linked_to(people, "Ada Reis 1042") is None


def test_nobody_takes_the_name_of_somebody_else(people: People, certificates: ImageCertificates) -> None:
    with pytest.raises(ConflictError):
        certificates.link(people.change(), "identity.e-1@main", a_credential(people, "chief"))
    certificates.link(people.change(), "chief", a_credential(people, "Dr. Chief"))
    with pytest.raises(ConflictError):
        certificates.link(people.change(), "identity.e-1@main", a_credential(people, "Dr. Chief"))
    certificates.unlink(people.change(), "identity.e-1@main", a_credential(people, "Dr. Chief"))
    assert linked_to(people, "Dr. Chief") == "chief"


@pytest.mark.parametrize("value", ["x" * (LONGEST_NAME + 1), "a\nb", " a", "a\0"])
def test_what_no_certificate_says_is_no_value(certificates: ImageCertificates, value: str) -> None:
    normalized = certificates.formats()[f"certificate.{SOURCE}"].normalized
    assert normalized is not None
    assert normalized(value) is None
    assert normalized("Ada Reis") == "Ada Reis"
