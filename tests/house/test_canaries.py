import base64
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacsgate.cli.demo.hospital import part10
from tests.personas import new_hospital
from tests.support.canaries import Canary, CanaryRecorder, CanarySeenError, new_token

UID = "2.25.203084070280584868589641485730763157365"


def recorder(token: str) -> CanaryRecorder:
    return CanaryRecorder(
        {token: frozenset({Canary("S2", "PatientName")})}, lambda persona, _: persona == "rad2"
    )


ENCODINGS = {
    "plain": lambda text: text.encode(),
    "lower case": lambda text: text.lower().encode(),
    "percent": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()).encode(),
    "quoted": lambda text: urllib.parse.quote(f"^{text}=").encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xfe\xfd" + text.encode()),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "JSON escapes": lambda text: "".join(f"\\u{ord(letter):04X}" for letter in text).encode(),
    "JSON": lambda text: json.dumps({"x": f"é{text}"}).encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("token", [new_token(), UID], ids=["token", "uid"])
@given(before=st.binary(max_size=40), after=st.binary(max_size=40))
def test_a_hidden_token_is_seen_through_every_common_encoding(encoding, token, before, after):
    # A letter or digit right beside it would be another word; a quote is what really stands there.
    seen = before + b'"' + ENCODINGS[encoding](token) + b'"' + after
    with pytest.raises(CanarySeenError, match="rad1 saw PatientName of S2 in the answer"):
        recorder(token).see("rad1", seen, "the answer")


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_a_hidden_token_inside_longer_base64_is_seen_at_every_alignment(shift):
    token = new_token()
    with pytest.raises(CanarySeenError):
        recorder(token).see(
            "rad1", base64.b64encode(b"x" * shift + token.encode() + b"tail"), "inline binary"
        )


def test_whoever_may_see_a_token_is_counted_and_not_stopped():
    token = new_token()
    watching = recorder(token)
    watching.see("rad2", f"<td>{token}</td>", "the page")
    assert watching.sightings == {"rad2": 1}


def test_the_recorder_knows_every_study_of_the_hospital_by_its_files_alone():
    hospital = new_hospital()
    for name, objects in hospital.objects.items():
        for instance in objects:
            with pytest.raises(CanarySeenError, match=rf"of {name}\b"):
                hospital.recorder.see("admin1", part10(instance), "a file")


def test_a_mask_is_watched_too():
    hospital = new_hospital()
    instance = hospital.objects["S1"][0]
    hospital.recorder.see("clerk1", str(instance.PatientID), "an answer")
    with pytest.raises(CanarySeenError, match="PatientName"):
        hospital.recorder.see("clerk1", str(instance.PatientName), "an answer")


def test_two_hospitals_share_no_token():
    first, second = new_hospital(), new_hospital()
    assert not first.recorder.carriers.keys() & second.recorder.carriers.keys()
