"""Whatever comes over MLLP is read or refused, and never acknowledged as something else."""

from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import hl7
from hypothesis import example, given
from hypothesis import strategies as st

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dcm4chee.message_xml import message_xml
from pacsgate.protocols.hl7.acknowledgement import Acknowledged, acknowledgement
from pacsgate.protocols.hl7.facts import message_facts
from pacsgate.protocols.hl7.message import read_message
from tests.support.messages import order

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WHOLE = order("P1^^^HOSP", "1.2.3")

BYTES = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=200).map(lambda tail: b"MSH|^~\\&|" + tail),
    st.tuples(st.integers(0, len(WHOLE)), st.binary(max_size=6), st.integers(0, 6)).map(
        lambda cut: WHOLE[: cut[0]] + cut[1] + WHOLE[cut[0] + cut[2] :]
    ),
    st.text(st.sampled_from("MSHPIDZ|^~\\&\r\n.X0ET1"), max_size=120).map(
        lambda text: b"MSH|^~\\&|" + text.encode()
    ),
)


@given(data=BYTES)
@example(data=b"MSH|^~\\&|A\rPID|||\\X0D\\MSH|x")
@example(data=b"MSH||||")
@example(data=b"MSH^^^^^\rPID^1")
@example(data=b"MSH|^~\\&|\\XZZ\\|\\X\\")
def test_a_message_is_read_or_refused(data: bytes) -> None:
    try:
        message = read_message(data)
    except RequestError:
        return
    facts = message_facts(message)
    assert all(value for values in facts.values() for value in values)
    assert fromstring(message_xml(message)).tag == "hl7"  # noqa: S314 - made by ourselves
    answer = acknowledgement(message, Acknowledged.REFUSED, NOW, comment=message.text("PID", 3))
    parsed = hl7.parse(answer.decode("ascii"))
    assert [str(segment[0]) for segment in parsed] == ["MSH", "MSA"]
    assert str(parsed.segment("MSA")[1]) == "AR"
