"""Names in filters and DNs: whatever they hold, they stay names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.operation.search import parse_filter

from pacsgate.identity.ldap.distinguished_names import parts_of
from pacsgate.identity.ldap.escaping import bind_name_of, filter_of, filter_of_everybody

TEMPLATE = "(&(objectClass=person)(uid={name}))"
DN = "uid={name},ou=people,dc=example"


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1))
def test_a_filter_has_the_same_form_whatever_the_name(name):
    found = parse_filter(filter_of(TEMPLATE, name), None, True, True, None, False)
    plain = parse_filter(filter_of(TEMPLATE, "rad1"), None, True, True, None, False)
    assert _form(found.elements[0]) == _form(plain.elements[0])


def _form(node):
    return node.tag, [_form(child) for child in node.elements] if node.elements else []


def test_everybody_is_a_filter_for_any_name():
    assert filter_of_everybody(TEMPLATE) == "(&(objectClass=person)(uid=*))"


NAMES = st.text(min_size=1).filter(lambda name: name.isprintable() and name == name.strip())
"""What a door takes for a name."""


@settings(max_examples=40, deadline=None)
@given(NAMES)
def test_a_dn_has_as_many_parts_whatever_the_name(name):
    assert parts_of(bind_name_of(DN, name)) == [("uid", name), ("ou", "people"), ("dc", "example")]


@pytest.mark.parametrize("name", ["ann@other.example", "OTHER\\ann", "a/b", '"ann"'])
def test_a_name_that_would_say_another_domain_is_nobodys(name):
    assert bind_name_of("{name}@hospital.example", name) is None
    assert bind_name_of("{name}@hospital.example", "ann") == "ann@hospital.example"
