import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, encode_string

from pacsgate.model.errors import RequestError
from pacsgate.protocols.dimse.character_sets import CharacterSet, read_character_set


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ("ISO_IR 100", "Buc^Jérôme"),
        ("ISO_IR 101", "Wałęsa^Lech"),
        ("ISO_IR 144", "Ёлкин^Пётр"),
        ("ISO_IR 126", "Διονυσιος"),
        ("ISO_IR 127", "قباني^لنزار"),
        ("ISO_IR 138", "שרון^דבורה"),
        ("ISO_IR 166", "ประเทศไทย"),
        ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("ISO_IR 192", "Wang^XiaoDong=王^小东="),
        ("GB18030", "Wang^XiaoDong=王^小东="),
        ("GBK", "Wang^XiaoDong=王^小东="),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("ISO 2022 IR 100\\ISO 2022 IR 126", "Äneas^Διονυσιος"),
    ],
)
def test_a_name_in_any_repertoire_is_what_its_sender_meant(terms: str, text: str) -> None:
    codecs = convert_encodings(terms.split("\\"))
    sent = b"=".join(
        b"^".join(encode_string(component, codecs) for component in group.split("^"))
        for group in text.split("=")
    )
    assert read_character_set(terms).decode(sent, is_name=True) == text


def test_chinese_by_code_extension_is_read_as_the_standard_writes_it() -> None:
    sent = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="  # PS3.5 K.2
    assert read_character_set("\\ISO 2022 IR 58").decode(sent, is_name=True) == "Zhang^XiaoDong=张^小东="


def test_without_a_character_set_text_is_ascii() -> None:
    assert CharacterSet().decode(b"DOE") == "DOE"
    with pytest.raises(UnicodeError):
        CharacterSet().decode("Dörfer".encode("latin-1"))


@pytest.mark.parametrize(
    "terms", ["ISO_IR 999", "UTF-8", "ISO_IR 192\\ISO 2022 IR 87", "x" * 5000, "\\" * 500]
)
def test_character_sets_that_there_are_not_are_refused(terms: str) -> None:
    with pytest.raises(RequestError):
        read_character_set(terms)


def test_an_escape_to_a_set_that_is_not_named_is_refused() -> None:
    with pytest.raises(UnicodeError):
        read_character_set("\\ISO 2022 IR 100").decode(b"\x1b$B;3ED")


def test_an_answer_is_in_the_set_of_its_request_where_that_is_a_single_one() -> None:
    assert read_character_set("ISO_IR 100").single == ("ISO_IR 100", "latin_1")
    assert read_character_set("ISO 2022 IR 100").single == ("ISO_IR 100", "latin_1")
    assert read_character_set("\\ISO 2022 IR 87").single is None
    assert read_character_set("").single is None


@given(
    value=st.binary(max_size=60),
    terms=st.sampled_from(
        ["", "ISO_IR 100", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 87", "\\ISO 2022 IR 149", "ISO_IR 13"]
    ),
)
def test_no_bytes_whatever_do_anything_but_decode_or_be_refused(value: bytes, terms: str) -> None:
    try:
        read_character_set(terms).decode(value, is_name=True)
    except UnicodeError:
        return
