"""No foreign file whatever raises anything but `PolicyError`, or leaves a password in what is kept of it."""

import re
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from pacsgate.model.errors import PolicyError
from pacsgate.policy.document import load_policy
from pacsgate.policy.foreign.native_text import native_text
from pacsgate.policy.foreign.reading import split_name
from pacsgate.policy.foreign.registry import READERS, kept
from pacsgate.policy.ir import TRUE
from pacsgate.policy.language.problems import Problems
from pacsgate.policy.policy import Policy
from tests.support import orthanc_auth_files, seed_000
from tests.unit.policy.foreign.test_native_text import PERMISSIONS

FILES = (
    seed_000.SOURCES,
    orthanc_auth_files.SOURCES,
    {"research-pacs:permissions.yaml": PERMISSIONS},
)
TOKENS = sorted(
    {word for sources in FILES for text in sources.values() for word in re.findall(r"\w+|[^\w\s]", text)}
)
WORDS = st.sampled_from(
    [*TOKENS, "--[[", "]]", "[==[", "]==]", "/*", "*/", "//", "--", "\\", "\x00", "\ud800", "end", "function", "\n"]
)  # fmt: skip


def damaged(sources: dict[str, str], data: st.DataObject) -> dict[str, str]:
    """The files of one format, one of them changed in a few places."""
    name = data.draw(st.sampled_from(sorted(sources)))
    text = sources[name]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(WORDS | st.text(max_size=3)) + text[end:]
    return {**sources, name: text}


def read(sources: dict[str, str]) -> Policy | None:
    with suppress(PolicyError):
        return load_policy(sources)
    return None


@given(st.sampled_from([source for sources in FILES for source in sources]), st.text())
def test_random_text(source: str, text: str) -> None:
    read({source: text})


@given(st.sampled_from(FILES), st.data())
def test_damaged_files(sources: dict[str, str], data: st.DataObject) -> None:
    read(damaged(sources, data))


@given(st.data())
def test_what_is_kept_of_a_damaged_configuration_holds_names_only_and_all_of_them(
    data: st.DataObject,
) -> None:
    name = "zhiva:orthanc.json"
    whole = damaged({name: seed_000.ORTHANC_JSON}, data)[name]
    with suppress(PolicyError):
        reduced = kept(name, whole)
        names = read({**seed_000.SOURCES, name: whole})
        assert not any(
            secret in reduced for secret in seed_000.SAMPLE_PASSWORDS.values() if _is_password(whole, secret)
        )
        again = read({**seed_000.SOURCES, name: reduced})
        assert names is not None
        assert again is not None
        assert again.assignments == names.assignments


def _is_password(text: str, secret: str) -> bool:
    """Whether it still stands where a password stands, and has not become a name."""
    return f'": "{secret}"' in text and f'"{secret}":' not in text


@given(st.sampled_from(FILES), st.data())
def test_what_can_be_read_can_be_written_natively(sources: dict[str, str], data: st.DataObject) -> None:
    changed = damaged(sources, data)
    policy = read(changed)
    if policy is None:
        return
    (name,) = {split_name(source)[0] for source in changed}
    foreign = READERS[str(name)]({split_name(each)[1]: text for each, text in changed.items()}, Problems())
    native = load_policy({"n.yaml": native_text(foreign, "x")})
    assert sorted(rule.condition != TRUE for rule in native.rules) == sorted(
        rule.condition != TRUE for rule in policy.rules
    )
    assert native.filters.keys() == policy.filters.keys()
