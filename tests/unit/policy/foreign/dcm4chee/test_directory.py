"""LDIF is read as RFC 2849 writes it, and a dcm4chee 5's directory becomes roles, rules and labels."""

import base64

import pytest
from pydicom.dataset import Dataset

from pacsgate.model.errors import SettingsError
from pacsgate.model.resource import ArchiveName
from pacsgate.policy.foreign.dcm4chee.arc5.directory import Entry, read_directory
from pacsgate.policy.foreign.dcm4chee.arc5.translation import translated
from pacsgate.policy.foreign.dcm4chee.conditions import Observed, read_condition
from pacsgate.policy.foreign.dcm4chee.store_labels import StoreLabelRule, StoreLabels
from tests.support.dcm4chee_files import LDIF


def read(text: str) -> list[Entry]:
    return list(read_directory(text.splitlines(keepends=True), "arc.ldif"))


def test_folded_lines_base64_and_comments_are_read() -> None:
    value = base64.b64encode("M\u00fcller".encode()).decode()
    text = f"version: 1\n\n# a comment\n  that goes on\ndn: cn=a,dc=\n b\nCN: a\nsn:: {value}\ncn;lang-de: b\nu:< file:///etc/passwd\n"
    (entry,) = read(text)
    assert entry.dn == "cn=a,dc=b"
    assert entry.all("cn") == ("a", "b")
    assert entry.one("sn") == "M\u00fcller"
    assert entry.one("u") == ""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_entry_is_found(end: str) -> None:
    entries = read(LDIF.replace("\n", end))
    assert [entry.one("dicomAETitle") for entry in entries if entry.all("dicomAETitle")] == ["NORTH", "ALL"]
    assert len(entries) == 6


@pytest.mark.parametrize(
    "text", ["cn: a\n", "dn: cn=a\nx\n", "dn: cn=a\nx:: !!\n", "dn: cn=a\nchangetype: delete\n"]
)
def test_what_is_no_entry_is_an_error_with_its_place(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^arc\.ldif:\d+: "):
        read(text)


def test_what_cannot_be_the_same_is_named() -> None:
    found = translated(read(LDIF), ArchiveName("main"), unlabelled_is_public=False)
    said = "\n".join(map(str, found.left))
    for part in (
        "`bodies` labels series",
        "`ahead` does not come over",
        "`dcmGrantAccessPrevStudiesOfPatient`",
        "nobody's",
    ):
        assert part in said
    assert {rule.rule_id for rule in found.rules} == {"arc5-NORTH", "arc5-ALL"}
    assert {role.name for role in found.roles} == {"north", "arc5-user"}


def labels(rules: StoreLabels, modality: str, called: str | None) -> tuple[str, ...]:
    header = Dataset()
    header.Modality = modality
    return rules.labels_for(Observed(header, "CT1", called))


def test_the_first_rule_by_priority_gives_its_labels_and_no_other_does() -> None:
    ct = (read_condition("Modality=CT"),)
    rules = StoreLabels(
        (
            StoreLabelRule("b", ("LOW",), ct),
            StoreLabelRule("a", ("SAME",), ct),
            StoreLabelRule("c", ("HIGH", "TOO"), ct, "NORTH", 10),
        ),
        {"NORTH": ("N",)},
    )
    assert labels(rules, "CT", "NORTH") == ("HIGH", "TOO")
    assert labels(rules, "CT", "SOUTH") == ("SAME",)
    assert labels(rules, "MR", "NORTH") == ("N",)
    assert labels(rules, "MR", "SOUTH") == ()
    assert labels(rules, "MR", None) == ()
