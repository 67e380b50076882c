"""Orthanc's REST API and DICOMweb: straight, through nginx, through the gate, and through both.

Ten readers with bearer tokens ask for what they see, in random order, so that every reader's first
look at each study opens an access window that must be on disk first.  What goes straight, or through
an nginx that decides nothing, is asked the same.

Called by `__main__`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.asking import Asker, Candidate, Question, Seen, family
from bench.figures import Row, percentile
from bench.images import SERIES, BenchStudy, studies
from bench.orthanc_stage import OrthancStage, Server
from bench.stage import Reader
from pacsgate.protocols.orthanc.identifiers import orthanc_id

CONNECTIONS = 16
_GOAL = 0.8
_MULTIPART = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
_SINGLE = {"Accept": "application/dicom; transfer-syntax=*"}

_Ask = Callable[[BenchStudy], Sequence[Question]]


@dataclass(frozen=True)
class _Way:
    """One way to Orthanc: what it is called, where it is, what it runs, and where it has Orthanc's root."""

    name: str
    server: Server
    watch: Mapping[str, Sequence[int]]
    root: str = ""
    knows_readers: bool = True


@dataclass(frozen=True)
class _Work:
    """What is asked along several ways; the first is what the others are compared with."""

    name: str
    ask: _Ask
    ways: Sequence[_Way]
    in_bytes: bool = True
    goal: float | None = None
    """Of the gate by itself, in the first way's bytes."""


def measure(stage: OrthancStage, asker: Asker) -> list[Row]:
    """All rows."""
    orthanc = {"orthanc": [stage.orthanc.process.pid]}
    gate = {"gate": family(stage.gate.pid)}
    straight = _Way(
        "straight",
        Server(stage.orthanc.http_port, stage.orthanc.process.pid),
        orthanc,
        knows_readers=False,
    )
    nginx = _Way("nginx", stage.nginx, {"nginx": family(stage.nginx.pid), **orthanc}, knows_readers=False)
    gated = _Way("gate", stage.gate, {**gate, **orthanc}, root="/orthanc")
    accelerated = _Way(
        "X-Accel-Redirect",
        stage.accelerated,
        {"nginx": family(stage.accelerated.pid), **gate, **orthanc},
        root="/orthanc",
    )
    asking = _Way(
        "auth_request",
        stage.asking,
        {"nginx": family(stage.asking.pid), **gate, **orthanc},
        root="/orthanc",
    )
    bytes_ways = (nginx, straight, gated, accelerated, asking)
    works = [
        _Work("REST, files of 512 KiB", _files, bytes_ways, goal=_GOAL),
        _Work("REST, previews", _previews, (straight, gated, accelerated, asking), in_bytes=False),
        _Work("REST, documents of studies", _documents, (straight, gated, asking), in_bytes=False),
        _Work("REST, /tools/find", _finds, (straight, gated), in_bytes=False),
        _Work(
            "DICOMweb, multipart of 512 KiB",
            _multipart,
            [_below_dicomweb(way) for way in (nginx, straight, gated, asking)],
            goal=_GOAL,
        ),
        _Work(
            "DICOMweb, single parts of 512 KiB",
            _single_parts,
            [_below_dicomweb(way) for way in (gated, accelerated)],
        ),
    ]
    return [row for work in works for row in _measured(work, stage.readers, asker)]


def _measured(work: _Work, readers: Sequence[Reader], asker: Asker) -> list[Row]:
    seen = asker.compare(
        [
            Candidate(_file_name(work, way), way.server.port, _questions(work, way, readers), way.watch)
            for way in work.ways
        ],
        connections=CONNECTIONS,
    )
    first = _rate(work, seen[0])
    return [
        _row(work, way, one, None if way is work.ways[0] else _rate(work, one) / first)
        for way, one in zip(work.ways, seen, strict=True)
    ]


def _questions(work: _Work, way: _Way, readers: Sequence[Reader]) -> list[Question]:
    return [
        Question(
            way.root + question.path,
            {
                **question.headers,
                **({"Authorization": f"Bearer {reader.token}"} if way.knows_readers else {}),
            },
            question.body,
        )
        for reader in readers
        for study in studies()
        if reader.sees(study)
        for question in work.ask(study)
    ]


def _below_dicomweb(way: _Way) -> _Way:
    return _Way(way.name, way.server, way.watch, "/dicom-web", way.knows_readers)


def _instances(study: BenchStudy) -> list[str]:
    uid = study.study_instance_uid
    return [
        orthanc_id(study.patient_id, uid, f"{uid}.{number}", f"{uid}.{number}.1")
        for number in range(1, SERIES + 1)
    ]


def _files(study: BenchStudy) -> list[Question]:
    return [Question(f"/instances/{instance}/file", {}) for instance in _instances(study)]


def _previews(study: BenchStudy) -> list[Question]:
    return [Question(f"/instances/{instance}/preview", {}) for instance in _instances(study)]


def _documents(study: BenchStudy) -> list[Question]:
    return [Question(f"/studies/{orthanc_id(study.patient_id, study.study_instance_uid)}", {})]


def _finds(study: BenchStudy) -> list[Question]:
    asked = {"Level": "Study", "Query": {"PatientID": study.patient_id}, "Expand": True, "Limit": 25}
    return [Question("/tools/find", {}, json.dumps(asked))]


def _multipart(study: BenchStudy) -> list[Question]:
    return [Question(path, _MULTIPART) for path in study.instance_paths]


def _single_parts(study: BenchStudy) -> list[Question]:
    return [Question(path, _SINGLE) for path in study.instance_paths]


def _rate(work: _Work, seen: Seen) -> float:
    return (seen.bytes / 1e6 if work.in_bytes else seen.requests) / seen.seconds


def _row(work: _Work, way: _Way, seen: Seen, ratio: float | None) -> Row:
    has_goal = work.goal is not None and way.name == "gate" and ratio is not None
    return Row(
        work=f"{work.name}: {way.name}",
        rate=round(_rate(work, seen), 1),
        unit="MB" if work.in_bytes else "requests",
        p50_ms=percentile(seen.latencies_ms, 0.5),
        p99_ms=percentile(seen.latencies_ms, 0.99),
        cpu_seconds=dict(seen.cpu_seconds),
        command=seen.command,
        goal=f"at least {work.goal:g} x {work.ways[0].name}" if has_goal else "",
        reached=ratio >= work.goal if has_goal and ratio is not None and work.goal is not None else None,
        ratio=None if ratio is None else round(ratio, 2),
        notes={"requests": seen.requests},
    )


def _file_name(work: _Work, way: _Way) -> str:
    text = f"orthanc {work.name} {way.name}".lower()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in text).split())
