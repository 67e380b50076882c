"""512 KiB instances through the gate against nginx in front of the same Orthanc.

Ten readers, each fetching what it sees of 240 studies in random order, so that every
reader's first look at each study opens an access window that must be on disk first.
nginx gets the same requests, without a decision to make.

Called by `__main__`.
"""

from bench.asking import Asker, Candidate, Question, Seen, family
from bench.figures import Row, percentile
from bench.images import studies
from bench.stage import Stage

CONNECTIONS = 16
_GOAL = 0.8
_ACCEPT = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}


def measure(stage: Stage, asker: Asker) -> list[Row]:
    """nginx, the gate before the same Orthanc, and the gate with its own folder."""
    orthanc = {"orthanc": [stage.orthanc.process.pid]}
    gate = {"gate": family(stage.gate)}
    root, folder_root = "/dicom-web", "/archives/main/dicom-web"
    proxied, gated, folder = asker.compare(
        [
            Candidate(
                "instances-nginx",
                stage.nginx_port,
                _questions(stage, root, with_token=False),
                {"nginx": family(stage.nginx), **orthanc},
            ),
            Candidate(
                "instances-gate",
                stage.gate_port,
                _questions(stage, root, with_token=True),
                {**gate, **orthanc},
            ),
            Candidate(
                "instances-folder", stage.gate_port, _questions(stage, folder_root, with_token=True), gate
            ),
        ],
        connections=CONNECTIONS,
    )
    return [
        _row("512 KiB instances, nginx before Orthanc", proxied),
        _row("512 KiB instances, the gate before Orthanc", gated, gated.bytes / proxied.bytes),
        _row("512 KiB instances, the gate's own folder", folder, folder.bytes / proxied.bytes),
    ]


def _questions(stage: Stage, root: str, *, with_token: bool) -> list[Question]:
    return [
        Question(
            root + path, {**_ACCEPT, "Authorization": f"Bearer {reader.token}"} if with_token else _ACCEPT
        )
        for reader in stage.readers
        for study in studies()
        if reader.sees(study)
        for path in study.instance_paths
    ]


def _row(work: str, seen: Seen, ratio: float | None = None) -> Row:
    return Row(
        work=work,
        rate=round(seen.bytes / seen.seconds / 1e6, 1),
        unit="MB",
        p50_ms=percentile(seen.latencies_ms, 0.5),
        p99_ms=percentile(seen.latencies_ms, 0.99),
        cpu_seconds=dict(seen.cpu_seconds),
        command=seen.command,
        goal="" if ratio is None else f"at least {_GOAL:g} x nginx",
        reached=None if ratio is None else ratio >= _GOAL,
        ratio=None if ratio is None else round(ratio, 2),
        notes={"requests": seen.requests},
    )
