"""The parts of an archive that speaks DIMSE, each by itself: fragments, kept objects, known summaries, lists."""

import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.pdu import P_DATA_TF

from pacsgate.dicom.summarise import summarise
from pacsgate.model.errors import ArchiveError
from pacsgate.model.resource import ResourceKey
from pacsgate.ports import Arrival
from pacsgate.protocols.dimse.command_set import Command, Element, encode_command
from pacsgate.protocols.dimse.pdus import PduReader, data_values
from pacsgate.upstream.dimse import kept_objects, listing
from pacsgate.upstream.dimse.finding import TooManyRowsError
from pacsgate.upstream.dimse.fragments import messages_alike, p_data
from pacsgate.upstream.dimse.kept_objects import KeptObjects
from pacsgate.upstream.dimse.known_summaries import KnownSummaries
from pacsgate.upstream.dimse.mailbox import Mailbox
from pacsgate.upstream.part10_header import read_header
from pacsgate.upstream.spool import Spool, SpooledFile
from tests.support.objects import shipped

LONG = "2.25." + "9" * 59
COMMAND = encode_command(
    {
        Element.COMMAND_FIELD: Command.C_STORE_RQ,
        Element.MESSAGE_ID: 1,
        Element.PRIORITY: 0,
        Element.AFFECTED_SOP_CLASS_UID: "1.2.3",
        Element.AFFECTED_SOP_INSTANCE_UID: LONG,
        Element.COMMAND_DATA_SET_TYPE: 1,
    }
)


# -------------------------------------------------------------------- fragments


@given(
    st.lists(st.binary(min_size=1, max_size=3000), max_size=4), st.one_of(st.just(0), st.integers(128, 5000))
)
def test_messages_that_differ_in_their_data_sets_only_are_what_they_are_one_by_one(
    data_sets: list[bytes], maximum_length: int
) -> None:
    alike = list(messages_alike(3, COMMAND, data_sets, maximum_length))
    assert alike == [b"".join(p_data(3, COMMAND, (one,), maximum_length)) for one in data_sets]


@given(
    st.lists(st.binary(max_size=3000), max_size=6),
    st.one_of(st.just(0), st.integers(128, 5000)),
)
def test_pynetdicom_puts_together_what_was_cut(pieces: list[bytes], maximum_length: int) -> None:
    whole = b"".join(pieces)
    message = DIMSEMessage()
    is_whole = False
    for buffer in p_data(3, COMMAND, pieces, maximum_length):
        for pdu in PduReader(1 << 20).feed(buffer):
            assert maximum_length == 0 or len(pdu) - 6 <= maximum_length
            decoded = P_DATA_TF()
            decoded.decode(pdu)
            is_whole = message.decode_msg(decoded.to_primitive())
    assert is_whole == bool(whole)
    assert message.data_set.getvalue() == whole
    assert message.command_set.AffectedSOPInstanceUID == LONG


@given(st.binary(min_size=1, max_size=3000), st.integers(128, 1000))
def test_only_the_last_fragment_of_each_part_says_so_and_only_it_may_be_odd(
    data: bytes, maximum_length: int
) -> None:
    pdus = [
        pdu
        for buffer in p_data(3, COMMAND, [data], maximum_length)
        for pdu in PduReader(1 << 20).feed(buffer)
    ]
    fragments = [value.value for pdu in pdus for value in data_values(pdu)]
    kinds = [fragment[0] for fragment in fragments]
    commands, rest = kinds.count(1) + 1, kinds.count(0) + 1
    assert kinds == [1] * (commands - 1) + [3] + [0] * (rest - 1) + [2]
    assert all((len(fragment) - 1) % 2 == 0 for fragment in fragments[:-1])


def test_a_buffer_holds_whole_pdus_and_is_not_endless() -> None:
    for buffer in p_data(1, COMMAND, (b"x" * 100_000 for _ in range(30)), 16384):
        reader = PduReader(1 << 20)
        assert sum(map(len, reader.feed(buffer))) == len(buffer)
        assert reader.is_between_pdus
        assert len(buffer) < 512 * 1024


def test_a_peer_that_takes_next_to_nothing_at_a_time_is_refused() -> None:
    with pytest.raises(ArchiveError):
        list(p_data(1, COMMAND, [b"x"], 100))


# ----------------------------------------------------------------- kept objects

KEY = ResourceKey("1.2", "1.2.3", "1.2.3.4")


@pytest.fixture
def fetched() -> list[ResourceKey]:
    return []


@pytest.fixture
def kept(tmp_path: Path, fetched: list[ResourceKey]) -> KeptObjects:
    def fetch(key: ResourceKey) -> SpooledFile:
        fetched.append(key)
        path = tmp_path / f"{len(fetched)}"
        path.write_bytes(b"x" * 100)
        return SpooledFile(path, 100, "")

    return KeptObjects(fetch)


def test_an_object_is_fetched_once_for_all_who_ask_at_the_same_time(
    tmp_path: Path,
) -> None:
    started, fetches = threading.Barrier(8), []

    def slow(key: ResourceKey) -> SpooledFile:
        fetches.append(key)
        path = tmp_path / f"{len(fetches)}"
        path.write_bytes(b"x")
        return SpooledFile(path, 1, "")

    objects = KeptObjects(slow)

    def read() -> None:
        started.wait()
        with objects.lent(KEY) as file:
            assert file.path.read_bytes() == b"x"

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetches == [KEY]


def test_what_grew_old_is_fetched_again_and_its_file_removed(
    kept: KeptObjects, fetched: list[ResourceKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.lent(KEY) as first:
        pass
    monkeypatch.setattr(kept_objects, "KEPT_SECONDS", -1)
    with kept.lent(KEY) as second:
        assert second.path != first.path
    assert not first.path.exists()
    assert len(fetched) == 2


def test_what_is_being_read_is_not_removed_and_the_least_used_goes_first(
    kept: KeptObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_objects, "KEPT_BYTES", 250)
    keys = [ResourceKey("1.2", "1.2.3", f"1.2.3.{n}") for n in range(4)]
    with kept.lent(keys[0]) as held:
        paths = []
        for key in keys[1:]:
            with kept.lent(key) as file:
                paths.append(file.path)
        assert held.path.exists()
        assert [path.exists() for path in paths] == [False, False, True]
    kept.forget()
    assert not any(path.exists() for path in (held.path, *paths))


def test_a_fetch_that_fails_leaves_nothing_that_would_pass_for_an_object(tmp_path: Path) -> None:
    answers: list[Callable[[], SpooledFile]] = [_failing, lambda: SpooledFile(tmp_path / "x", 1, "")]
    objects = KeptObjects(lambda _key: answers.pop(0)())
    with pytest.raises(ArchiveError), objects.lent(KEY):
        pass
    with objects.lent(KEY) as file:
        assert file.size == 1


def _failing() -> SpooledFile:
    raise ArchiveError("down")


# -------------------------------------------------------------- known summaries


def arrival(tmp_path: Path) -> Arrival:
    path = tmp_path / "object.dcm"
    path.write_bytes(shipped("CT_small.dcm").data)
    return Arrival(summarise(read_header(path)), 100, "abc", cursor="")


SERIES = ResourceKey("1.2", "1.2.3")


def test_what_is_known_comes_back_whole_for_the_rows_it_was_read_under(tmp_path: Path) -> None:
    known, one = KnownSummaries(tmp_path / "known"), arrival(tmp_path)
    known.write(SERIES, [("told so", one)])
    again = KnownSummaries(tmp_path / "known").read(SERIES)
    assert again == {(one.summary.sop_instance_uid, "told so"): one}
    assert known.read(ResourceKey("1.2", "1.2.4")) == {}


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda _: b"\xff\xfe", lambda _: b"{}\n"])
def test_a_file_that_was_cut_off_counts_for_nothing(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    known = KnownSummaries(tmp_path / "known")
    known.write(SERIES, [("told so", arrival(tmp_path))])
    (file,) = [path for path in (tmp_path / "known").rglob("*") if path.is_file()]
    assert file.stat().st_mode & 0o077 == 0
    file.write_bytes(damage(file.read_bytes()))
    assert known.read(SERIES) == {}


def test_what_is_forgotten_is_gone(tmp_path: Path) -> None:
    known = KnownSummaries(tmp_path / "known")
    known.write(SERIES, [("told so", arrival(tmp_path))])
    known.forget("1.2")
    known.forget("9.9")
    assert known.read(SERIES) == {}


# ---------------------------------------------------------------------- mailbox


@pytest.fixture
def spools(tmp_path: Path) -> Iterator[tuple[Spool, Spool]]:
    """The workspaces of two processes."""
    both = Spool(tmp_path / "spool"), Spool(tmp_path / "spool")
    yield both
    for spool in both:
        spool.close()


def spooled(spool: Spool, content: bytes = b"an object") -> SpooledFile:
    incoming = spool.begin(1000)
    incoming.write(content)
    return incoming.finish()


def test_an_object_reaches_everybody_who_waits_for_it_in_whichever_process(
    spools: tuple[Spool, Spool],
) -> None:
    mine, other = (Mailbox(spool, "GATE") for spool in spools)
    with mine.awaiting(["1.2.3", "1.2.4"]) as first, mine.awaiting(["1.2.3"]) as second:
        file = spooled(spools[1])
        assert other.is_awaited("1.2.3")
        assert other.deliver("1.2.3", file)
        file.path.unlink()
        for wait in (first, second):
            ((uid, came),) = wait.arrived()
            assert (uid, came.size, came.digest) == ("1.2.3", file.size, file.digest)
            assert came.path.read_bytes() == b"an object"
    assert not other.is_awaited("1.2.3")


@pytest.mark.parametrize("uid", ["9.9.9", "../../etc", "*", "1.2.*"])
def test_what_nobody_waits_for_is_not_delivered(spools: tuple[Spool, Spool], uid: str) -> None:
    mailbox = Mailbox(spools[0], "GATE")
    with mailbox.awaiting(["1.2.3"]):
        assert not mailbox.is_awaited(uid)
        assert not mailbox.deliver(uid, spooled(spools[0]))


# ------------------------------------------------------------------------ lists


class Told:
    """An archive that tells at most so many studies for one question."""

    def __init__(self, dates: list[date], most: int) -> None:
        self.dates = dates
        self.most = most
        self.asked = 0

    def find(self, _association: object, _sop_class: str, identifier: Dataset, **_: Any) -> Iterator[Dataset]:
        self.asked += 1
        first, _dash, last = str(identifier.StudyDate).partition("-")
        found = [
            (number, day)
            for number, day in enumerate(self.dates)
            if not first or first <= f"{day:%Y%m%d}" <= last
        ]
        for number, _day in found[: self.most]:
            row = Dataset()
            row.StudyInstanceUID = f"1.2.{number}"
            yield row
        if len(found) > self.most:
            raise TooManyRowsError


@pytest.fixture
def pool() -> Any:
    return SimpleNamespace(borrowed=lambda _: _Borrowed())


class _Borrowed:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@given(
    st.lists(st.dates(date(1995, 1, 1), date(2030, 1, 1)), max_size=60),
)
def test_every_study_is_found_however_few_are_told_at_once(dates: list[date]) -> None:
    most_a_day = max((dates.count(day) for day in dates), default=1)
    told = Told(dates, most_a_day)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "find", told.find)
        pool = SimpleNamespace(borrowed=lambda _: _Borrowed())
        found = set(listing.study_instance_uids(pool))  # type: ignore[arg-type]
    assert found == {f"1.2.{number}" for number in range(len(dates))}


def test_a_day_of_which_not_all_is_told_is_an_error_and_no_short_list(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told([date(2026, 1, 1)] * 3, 2)
    monkeypatch.setattr(listing, "find", told.find)
    with pytest.raises(ArchiveError):
        list(listing.study_instance_uids(pool))
    assert told.asked < 50
