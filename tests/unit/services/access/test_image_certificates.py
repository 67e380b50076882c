from collections.abc import Callable
from dataclasses import replace

import pytest

from pacsgate.audit.events import Actor
from pacsgate.identity.accounts import LocalAccounts
from pacsgate.model.access import AccessCredential, HolderKey, HolderKind
from pacsgate.model.built_in_roles import PACS_ADMINISTRATOR
from pacsgate.model.errors import ConflictError, RequestError
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment, AssignmentScope
from pacsgate.policy.document import load_policy
from pacsgate.services.access.account_administrators import AccountAdministrators
from pacsgate.services.access.image_certificates import LONGEST_NAME, ImageCertificates
from pacsgate.services.administration import Change
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
    return linking(people, lambda _change: True)


def linking(people: People, may_link: Callable[[Change], bool]) -> ImageCertificates:
    return ImageCertificates(people.directory, people.identity_links, [SOURCE], may_link)


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


def test_only_who_administers_accounts_in_the_whole_tenant_links_a_name(people: People) -> None:
    """The certificate of somebody who has no account yet would let its holder in as somebody else."""
    policy = load_policy({"policy.yaml": "version: 1\nroles: {registry: {permissions: [UserAdminister]}}\n"})
    certificates = linking(people, AccountAdministrators(LocalAccounts(people.directory), policy).include)
    credential = a_credential(people, "Dr. New")
    people.users.assign(
        people.change(), "chief", Assignment(PACS_ADMINISTRATOR, AssignmentScope(ArchiveName("main")))
    )

    def change(name: str) -> Change:
        return replace(people.change(), actor=Actor(name, verified=True))

    for name in ("chief", "nobody"):
        with pytest.raises(RequestError, match="UserAdminister") as refused:
            certificates.link(change(name), "identity.e-1@main", credential)
        assert refused.value.status == 403
    assert linked_to(people, "Dr. New") is None

    people.policy = policy
    here = AssignmentScope(ArchiveName("main"))
    people.users.assign(people.change(), "chief", Assignment("registry", here))
    with pytest.raises(RequestError):
        certificates.link(change("chief"), "identity.e-1@main", credential)
    people.users.assign(people.change(), "chief", Assignment("registry"))
    certificates.link(change("chief"), "identity.e-1@main", credential)
    assert linked_to(people, "Dr. New") == "identity.e-1@main"

    people.users.set_disabled(people.change(), "chief", disabled=True)
    with pytest.raises(RequestError):
        certificates.link(change("chief"), "identity.e-1@main", a_credential(people, "Dr. Newer"))


@pytest.mark.parametrize("value", ["x" * (LONGEST_NAME + 1), "a\nb", " a", "a\0"])
def test_what_no_certificate_says_is_no_value(certificates: ImageCertificates, value: str) -> None:
    normalized = certificates.formats()[f"certificate.{SOURCE}"].normalized
    assert normalized is not None
    assert normalized(value) is None
    assert normalized("Ada Reis") == "Ada Reis"
