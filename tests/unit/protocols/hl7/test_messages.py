"""Messages are read as the standard says, or not at all."""

from datetime import UTC, datetime

import hl7
import pytest

from pacsgate.model.errors import RequestError
from pacsgate.protocols.hl7.acknowledgement import Acknowledged, Fault, acknowledgement
from pacsgate.protocols.hl7.facts import MESSAGE_ATTRIBUTES, message_facts, patients
from pacsgate.protocols.hl7.message import CHARACTER_SETS, read_header, read_message

NOW = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)
ORDER = (
    "MSH|^~\\&|RIS|HOSP|GATE|HOSP|20261122||ORM^O01^ORM_O01|M1|P|2.5.1\r"
    "PID|1||P1^^^HOSP&1.2&ISO^MR~P2^^^CITY||Doe^Jane\r"
    "PV1|1|I|WARD-3^2^1||||77^House|88^Grey||ORTHO\r"
    "ORC|NW|A1|B1|||||||||55^Wilson\r"
    "OBR|1|A1|B1|CT1^Head||||||||||||56^Wilson||ACC1\r"
    "ZDS|1.2.840.1^Application^DICOM\r"
)


def test_an_order_tells_its_patient_study_and_people() -> None:
    facts = message_facts(read_message(ORDER.encode()))
    assert {name: sorted(map(str, values)) for name, values in facts.items()} == {
        "type": ["ORM^O01"],
        "sending_application": ["RIS"],
        "sending_facility": ["HOSP"],
        "patient_id": ["CITY|P2", "HOSP|P1"],
        "study_uid": ["1.2.840.1"],
        "accession_number": ["ACC1"],
        "placer_order_number": ["A1"],
        "filler_order_number": ["B1"],
        "procedure_code": ["CT1"],
        "ordering_provider": ["56"],
        "patient_class": ["I"],
        "ward": ["WARD-3"],
        "attending_doctor": ["77"],
        "referring_doctor": ["88"],
        "hospital_service": ["ORTHO"],
    }


def test_what_a_message_lacks_is_missing_and_not_empty() -> None:
    facts = message_facts(read_message(b"MSH|^~\\&|A\rPID|1||\rZDS|\r"))
    assert facts == {"sending_application": {"A"}}
    assert set(facts) <= set(MESSAGE_ATTRIBUTES)


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_end_of_a_line_ends_a_segment(end: str) -> None:
    assert read_message(ORDER.replace("\r", end).encode()) == read_message(ORDER.encode())


def test_a_message_says_the_same_with_other_separators() -> None:
    other = ORDER.translate(str.maketrans("|^~\\&", "#@!$%")).encode()
    assert message_facts(read_message(other)) | {"type": None} == message_facts(
        read_message(ORDER.encode())
    ) | {"type": None}


def test_escapes_are_undone_once() -> None:
    message = read_message(b"MSH|^~\\&|A\rPID|||x\\T\\y\\E\\T\\E\\z\r")
    assert message.text("PID", 3) == "x&y\\T\\z"
    assert patients(message) == {"x&y\\T\\z"}


def test_an_escaped_separator_does_not_make_another_patient() -> None:
    message = read_message(b"MSH|^~\\&|A\rPID|||P1\\S\\\\S\\\\S\\EVIL^^^HOSP\r")
    assert patients(message) == {"HOSP|P1^^^EVIL"}


@pytest.mark.parametrize("named", sorted(set(CHARACTER_SETS) - {"ASCII"}))
def test_a_message_is_decoded_as_it_says(named: str) -> None:
    codec = CHARACTER_SETS[named]
    name = next(
        each
        for each in ("M\u00fcller", "\u0416\u0443\u043a", "\u0623", "\u0391", "\u05d0", "\u5c71")
        if _fits(each, codec)
    )
    message = f"MSH|^~\\&|A|||||||||||||||{named}\rPID|||||{name}\r".encode(codec)
    assert read_message(message).text("PID", 5) == name


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"MSH",
        b"MSH|",
        b"PID|1\r",
        b"MSH|^~\\&|A|||||||||||||||KLINGON\r",
        "MSH|^~\\&|A|||||||||||||||ASCII\rPID|||||M\u00fcller\r".encode("latin-1"),
        "MSH|^~\\&|A|||||||||||||||UNICODE UTF-8\rPID|||||M\u00fcller\r".encode("latin-1"),
        b"MSH|^~\\&|A\r" + b"NTE|1\r" * 6000,
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(message: bytes) -> None:
    with pytest.raises(RequestError):
        read_message(message)


def test_of_what_cannot_be_read_the_header_tells_whom_to_answer() -> None:
    data = "MSH|^~\\&|RIS|M\u00fc|GATE|B|20260101||ORM^O01|M7|P|2.5||||||KLINGON\rPID|||\u00fc\r".encode()
    with pytest.raises(RequestError):
        read_message(data)
    header = read_header(data)
    assert header is not None
    assert (header.control_id, header.text("MSH", 3)) == ("M7", "RIS")
    assert b"MSA|AE|M7" in acknowledgement(header, Acknowledged.FAILED, NOW)
    assert read_header(b"PID|1\r") is None


def test_a_message_that_names_no_character_set_is_read_as_most_are_written() -> None:
    message = "MSH|^~\\&|A\rPID|||||M\u00fcller\r".encode("latin-1")
    assert read_message(message).text("PID", 5) == "M\u00fcller"


def test_an_acknowledgement_names_the_message_and_goes_back_where_it_came_from() -> None:
    answer = hl7.parse(
        acknowledgement(
            read_message(ORDER.encode()),
            Acknowledged.FAILED,
            NOW,
            fault=Fault.APPLICATION_ERROR,
            comment="a|b",
        ).decode()
    )
    msh, msa, err = answer.segment("MSH"), answer.segment("MSA"), answer.segment("ERR")
    assert [str(msh[field]) for field in (3, 4, 5, 6)] == ["GATE", "HOSP", "RIS", "HOSP"]
    assert str(msh[9]) == "ACK^O01^ACK"
    assert (str(msa[1]), str(msa[2]), answer.unescape(str(msa[3]))) == ("AE", "M1", "a|b")
    assert str(err[3]) == "207"


def test_an_acknowledgement_holds_no_line_that_the_message_smuggled_in() -> None:
    message = read_message(b"MSH|^~\\&|A|||||||ORM^O01|x\\X0D\\MSA\\F\\AA\r")
    assert acknowledgement(message, Acknowledged.REFUSED, NOW).count(b"\r") == 2


def test_what_cannot_be_read_is_acknowledged_too() -> None:
    assert b"MSA|AR" in acknowledgement(None, Acknowledged.REFUSED, NOW)
