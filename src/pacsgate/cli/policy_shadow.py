"""`pacsgate policy shadow`: let a candidate policy answer beside the live one, and see where it differs.

Called by `policy`, which gives it its name.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pacsgate.bootstrap.installation import Installation
from pacsgate.bootstrap.policy_files import read_policy_sources
from pacsgate.cli.failures import FAILED, told
from pacsgate.cli.installation import open_installation
from pacsgate.cli.options import DEFAULT_CONFIG, AsJson, Config, Tenant
from pacsgate.cli.printing import Json, instant_text, print_json, print_line, print_table
from pacsgate.model.errors import NotFoundError
from pacsgate.model.resource import DEFAULT_TENANT
from pacsgate.ports.candidates import Candidate, ShadowReport
from pacsgate.services.administer_shadow import ShadowAdministration
from pacsgate.services.administration import Change

SHOWN = 50


class _Word(StrEnum):
    OFF = "off"
    REPORT = "report"


What = Annotated[str, typer.Argument(help="A policy file or directory, or `off`, or `report`.")]


def shadow(
    what: What = _Word.REPORT,
    tenant: Tenant = DEFAULT_TENANT,
    config: Config = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Run a candidate beside the live policy, end that, or report; a report exits 1 if answers differ.

    The candidate decides nothing.  Requests that a running gate has answered are answered again by the
    candidate, some fifty a second for each worker, and differences are counted.
    """
    with told(), open_installation(config, tenant) as installation:
        match what:
            case _Word.REPORT:
                _report(installation, as_json=as_json)
            case _Word.OFF:
                _administration(installation).end(_change(installation))
                _say("off", "nothing runs in the shadow", as_json=as_json)
            case _:
                sources = read_policy_sources(Path(what))
                policy = _administration(installation).cast(_change(installation), sources)
                _say(policy.revision, f"revision {policy.revision} runs in the shadow", as_json=as_json)


def _administration(installation: Installation) -> ShadowAdministration:
    return ShadowAdministration(installation.office, installation.stores.candidates)


def _change(installation: Installation) -> Change:
    return Change(installation.scope, installation.actor(), installation.clock.now())


def _say(revision: str, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"shadow": revision})
    else:
        print_line(sentence)


def _report(installation: Installation, *, as_json: bool) -> None:
    candidates, scope = installation.stores.candidates, installation.scope
    candidate = candidates.shadow(scope)
    if candidate is None:
        raise NotFoundError("nothing runs in the shadow: `pacsgate policy shadow FILE` begins")
    report = candidates.shadow_report(scope, SHOWN)
    rows: list[dict[str, Json]] = [
        {
            "user": each.subject,
            "archive": each.archive,
            "action": each.action.value,
            "live": each.live,
            "shadow": each.shadow,
            "requests": each.requests,
            "newest_study": each.study_instance_uid,
            "last": instant_text(each.last_at),
        }
        for each in report.differences
    ]
    if as_json:
        print_json({**_summary(candidate, report), "differences": rows})
    else:
        print_line(
            f"revision {candidate.revision} since {instant_text(candidate.submitted_at)}: "
            f"{report.compared} requests compared, {report.differing} answered otherwise, "
            f"{report.passed_over} passed over"
        )
        columns = ("user", "action", "live", "shadow", "requests", "newest_study", "last")
        print_table(rows, columns, "No difference.")
    if report.differing:
        raise typer.Exit(FAILED)


def _summary(candidate: Candidate, report: ShadowReport) -> dict[str, Json]:
    return {
        "revision": candidate.revision,
        "since": instant_text(candidate.submitted_at),
        "by": candidate.submitted_by,
        "compared": report.compared,
        "passed_over": report.passed_over,
        "differing": report.differing,
    }
