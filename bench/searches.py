"""QIDO-RS through the gate against straight to the same Orthanc: the same questions in the same order.

One reader, who sees 30 % of the studies, with a bearer token.  Each question asks for studies with the
attributes that are returned by default, 25 to a page.

Called by `__main__`.
"""

from datetime import date, timedelta
from urllib.parse import urlencode

from bench.asking import Asker, Candidate, Question, Seen, family
from bench.figures import Row, percentile
from bench.images import FAMILIES, MODALITIES, studies
from bench.stage import Reader, Stage

PAGE = 25
CONNECTIONS = 16
_GOAL = 10.0


def measure(stage: Stage, asker: Asker) -> list[Row]:
    """Both rows."""
    reader = stage.readers[0]
    asked = questions(reader)
    orthanc = {"orthanc": [stage.orthanc.process.pid]}
    token = {"Authorization": f"Bearer {reader.token}"}
    straight, gated = asker.compare(
        [
            Candidate("search-orthanc", stage.orthanc.http_port, _asking(asked, {}), orthanc),
            Candidate(
                "search-gate",
                stage.gate_port,
                _asking(asked, token),
                {"gate": family(stage.gate), **orthanc},
                expected=(200, 204),
            ),
        ],
        connections=CONNECTIONS,
    )
    ratio = gated.requests / straight.requests
    return [
        _row("QIDO-RS, straight to Orthanc", straight, len(asked)),
        _row("QIDO-RS, through the gate", gated, len(asked), ratio),
    ]


def _asking(queries: list[str], headers: dict[str, str]) -> list[Question]:
    return [
        Question(f"/dicom-web/studies?{query}", {"Accept": "application/dicom+json", **headers})
        for query in queries
    ]


def questions(reader: Reader) -> list[str]:
    """Distinct queries of five kinds, most of which fill a page of what the reader sees."""
    seen = [study for study in studies() if reader.sees(study)]
    page = {"limit": str(PAGE)}
    queries = [
        *({"PatientID": study.patient_id} for study in seen),
        *({"AccessionNumber": study.accession_number} for study in seen[::2]),
        *({"PatientName": f"{family[:length]}*"} for family in FAMILIES for length in (1, 2, 3)),
        *(
            {"StudyDate": f"{first:%Y%m%d}-{first + timedelta(days=days):%Y%m%d}"}
            for first in (date(2024, month, 1) for month in range(1, 13))
            for days in (300, 600)
        ),
        *(
            {"ModalitiesInStudy": modality, "StudyDate": f"{date(2024, month, 1):%Y%m%d}-"}
            for modality in MODALITIES
            for month in range(1, 13)
        ),
        *({"StudyDate": "20240101-", "offset": str(offset)} for offset in range(20)),
    ]
    return [urlencode(query | page, safe="*-^") for query in queries]


def _row(work: str, seen: Seen, distinct: int, ratio: float | None = None) -> Row:
    return Row(
        work=work,
        rate=round(seen.requests / seen.seconds, 1),
        unit="requests",
        p50_ms=percentile(seen.latencies_ms, 0.5),
        p99_ms=percentile(seen.latencies_ms, 0.99),
        cpu_seconds=dict(seen.cpu_seconds),
        command=seen.command,
        goal="" if ratio is None else f"at least {_GOAL:g} x Orthanc",
        reached=None if ratio is None else ratio >= _GOAL,
        ratio=None if ratio is None else round(ratio, 2),
        notes={
            "distinct queries": distinct,
            "requests": seen.requests,
            "bytes per answer": round(seen.bytes / max(1, seen.requests)),
        },
    )
