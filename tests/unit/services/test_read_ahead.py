"""Objects come in their order and whole, whatever fails between them, and never more than a bound lies in memory."""

import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pacsgate.model.errors import ArchiveError, GoneError
from pacsgate.ports import ByteSource, Chunk
from pacsgate.services import read_ahead
from pacsgate.services.read_ahead import ReadAhead
from tests.support.waiting import wait_until


class Fetched:
    """Bytes that arrive from elsewhere; `read` counts what was taken from there."""

    def __init__(self, chunks: Sequence[bytes | Exception], path: Path | None = None) -> None:
        self.path = path
        self.size: int | None = None
        self.read = 0
        self._chunks = chunks

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            self.read += len(chunk)
            yield chunk

    async def stream(self) -> AsyncGenerator[Chunk, None]:
        for chunk in self.chunks():
            yield chunk


def opener(source: ByteSource | Exception) -> Callable[[], ByteSource]:
    def open_one() -> ByteSource:
        if isinstance(source, Exception):
            raise source
        return source

    return open_one


def whole(source: ByteSource) -> bytes:
    return b"".join(source.chunks())


def test_objects_come_whole_and_in_their_order() -> None:
    sources = [Fetched([b"ab", b"cd"]), Fetched([b"e"]), Fetched([]), Fetched([b"f" * 100] * 50)]
    with ReadAhead(map(opener, sources)) as ahead:
        assert [whole(ahead.next()) for _ in sources] == [b"abcd", b"e", b"", b"f" * 5000]


def test_what_was_not_taken_of_an_object_is_passed_over() -> None:
    with ReadAhead([opener(Fetched([b"ab", b"cd", b"ef"])), opener(Fetched([b"gh"]))]) as ahead:
        ahead.next()
        assert whole(ahead.next()) == b"gh"


@pytest.mark.parametrize("failure", [GoneError(), ArchiveError("down")], ids=["gone", "down"])
def test_one_that_cannot_be_had_does_not_stop_the_next(failure: Exception) -> None:
    opens = [opener(failure), opener(Fetched([failure])), opener(Fetched([b"ab"]))]
    with ReadAhead(opens) as ahead:
        for _ in range(2):
            with pytest.raises(type(failure)):
                ahead.next()
        assert whole(ahead.next()) == b"ab"


def test_an_object_that_breaks_in_its_middle_breaks_where_it_is_read() -> None:
    with ReadAhead([opener(Fetched([b"ab", ArchiveError("down")])), opener(Fetched([b"cd"]))]) as ahead:
        chunks = ahead.next().chunks()
        assert next(chunks) == b"ab"
        with pytest.raises(ArchiveError):
            next(chunks)
        assert whole(ahead.next()) == b"cd"


def test_a_local_file_is_handed_on_as_it_is(tmp_path: Path) -> None:
    local = Fetched([b"ab"], tmp_path / "file")
    with ReadAhead([opener(local)]) as ahead:
        assert ahead.next() is local
    assert local.read == 0


def test_no_more_is_read_than_the_bound_and_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "MAX_AHEAD_BYTES", 1000)
    first, second = Fetched([b"x" * 300] * 20), Fetched([b"y"])
    with ReadAhead([opener(first), opener(second)]) as ahead:
        wait_until(lambda: first.read >= 1000)
        assert first.read <= 1000 + 2 * 300
        assert whole(ahead.next()) == b"x" * 6000
        assert whole(ahead.next()) == b"y"


def test_the_reader_ends_when_nobody_takes_what_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "MAX_AHEAD_BYTES", 10)
    before = threading.active_count()
    source = Fetched([b"x" * 300] * 20)
    with ReadAhead([opener(source)] * 5):
        wait_until(lambda: source.read > 0)
    wait_until(lambda: threading.active_count() <= before)
    assert source.read <= 2 * 300


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_breaks_makes_nobody_wait() -> None:
    before = threading.active_count()
    with ReadAhead([opener(Fetched([b"ab"])), opener(ZeroDivisionError())]) as ahead:
        assert whole(ahead.next()) == b"ab"
        with pytest.raises(ArchiveError):
            ahead.next()
    wait_until(lambda: threading.active_count() <= before)
