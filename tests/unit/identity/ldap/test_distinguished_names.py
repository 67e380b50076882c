"""DNs as servers write them."""

import pytest

from pacsgate.identity.ldap.distinguished_names import lies_under, parts_of

BASE = "OU=Groups,DC=hospital,DC=example"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("CN=Ward #3", "Ward #3"),
        (r"CN=Radiology\, CT", "Radiology, CT"),
        (r"CN=\23night", "#night"),
        (r"CN=R\C3\B6ntgen", "Röntgen"),
        ("CN=Röntgen", "Röntgen"),
        (r"CN=a\\b", "a\\b"),
        (r"CN=a\\,OU=x", "a\\"),
        ("cn = spaced", "spaced"),
        (r"CN=\+0", "+0"),
        ("CN=a=b", "a=b"),
        ("CN=dangling\\", "dangling"),
    ],
)
def test_the_first_part_names_a_group_without_its_escapes(written, value):
    assert parts_of(f"{written},{BASE}" if not written.endswith("\\") else written)[0] == ("cn", value)


@pytest.mark.parametrize("text", ["", "nothing", "CN=x,,DC=y", "=x", "CN=x,y"])
def test_what_is_no_dn_has_no_parts(text):
    assert parts_of(text) == []


def test_what_lies_below_is_told_whatever_the_case():
    assert lies_under("cn=a,ou=groups,dc=HOSPITAL,dc=example", BASE)
    assert lies_under(f"CN=a,OU=b,{BASE}", BASE)
    assert not lies_under(BASE, BASE)
    assert not lies_under(r"CN=a\,OU=Groups,DC=hospital,DC=example", BASE)
    assert not lies_under("CN=a,OU=Groups,DC=hospital,DC=example,DC=evil", BASE)
    assert not lies_under("CN=a,OU=Other,DC=hospital,DC=example", BASE)
    assert not lies_under("CN=a,OU=x", "")
