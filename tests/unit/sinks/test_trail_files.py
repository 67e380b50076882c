from datetime import UTC, datetime

from pacsgate.sinks.trail_files import lines_until, new_name, time_in_name


def test_a_file_that_grows_while_it_is_read_is_read_up_to_the_given_end(tmp_path) -> None:
    path = tmp_path / "segment.jsonl"
    path.write_bytes(b"one\ntwo\nthr")
    with path.open("rb") as reader, path.open("ab") as writer:
        lines = lines_until(reader, 11)
        assert next(lines) == b"one\n"
        writer.write(b"ee\nfour\n")
        writer.flush()
        assert list(lines) == [b"two\n", b"thr"]


def test_reading_can_start_in_the_middle_and_end_between_lines(tmp_path) -> None:
    path = tmp_path / "segment.jsonl"
    path.write_bytes(b"one\ntwo\nthree\n")
    with path.open("rb") as reader:
        reader.seek(4)
        assert list(lines_until(reader, 8)) == [b"two\n"]
        reader.seek(8)
        assert list(lines_until(reader, 8)) == []


def test_names_sort_by_the_time_in_them_and_never_repeat() -> None:
    at = datetime(2026, 3, 1, 9, 0, 0, 125000, tzinfo=UTC)
    names = [new_name(at.replace(minute=minute), "http-1") for minute in range(60)]
    assert names == sorted(names)
    assert new_name(at, "cli") != new_name(at, "cli")
    assert time_in_name(new_name(at, "http-1")) == at


def test_a_foreign_name_counts_as_the_oldest() -> None:
    assert time_in_name("notes") < datetime(1970, 1, 1, tzinfo=UTC)
