"""Numbers for monitoring: how many requests, how they ended, how long they took.

Workers share their numbers through files in the directory that the environment
names (prometheus-client's multiprocess mode); any of them answers `/metrics`
for all.  Labels come from closed lists: no path, name or UID ever is one.

Called by `edge` and by the feeds of `bootstrap`, which mounts them too.

Invariants:
- whoever reaches a listener may read this, so it says of tenants other than `default` what `/readyz` does:
  that something is so, and not whose it is.
"""

from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.requests import Request
from starlette.responses import Response

from pacsgate.model.resource import DEFAULT_TENANT, ArchiveName, TenantScope
from pacsgate.model.tenant_archives import TenantArchives

REQUESTS = Counter("pacsgate_requests", "Answered requests.", ("handler", "status"))
SECONDS = Histogram(
    "pacsgate_request_seconds",
    "Time from a request's arrival to the beginning of its answer.",
    ("handler",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

FEED_CURRENT = Gauge(
    "pacsgate_feed_current_timestamp_seconds",
    "When the index last knew everything that a fed archive held.",
    ("archive",),
    multiprocess_mode="mostrecent",
)
FEED_READ = Gauge(
    "pacsgate_feed_crawl_objects",
    "Objects that the feed of an archive has read in its present or last crawl.",
    ("archive",),
    multiprocess_mode="mostrecent",
)

CERTIFICATE_EXPIRY = Gauge(
    "pacsgate_certificate_expiry_timestamp_seconds",
    "When the certificate ends that a listener shows.",
    ("listener",),
    multiprocess_mode="mostrecent",
)
INSECURE_UPSTREAMS = Gauge(
    "pacsgate_insecure_upstreams",
    "Ways to archives on which somebody else could read or answer.",
    multiprocess_mode="mostrecent",
)


def archive_label(archives: TenantArchives, name: ArchiveName) -> str:
    """An archive as strangers may read of it: another tenant's by its place in the configuration file."""
    if archives.has(TenantScope(DEFAULT_TENANT), name):
        return name
    return f"#{list(archives.owners).index(name) + 1}"  # no archive is called so


@cache  # the labels are closed lists
def _counters(handler: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(handler, status), SECONDS.labels(handler)


def answered(handler: str, status: int, seconds: float) -> None:
    """Count a request whose answer begins now."""
    requests, took = _counters(handler, status)
    requests.inc()
    took.observe(seconds)


async def metrics(_request: Request) -> Response:
    """Everything that all workers counted, in the Prometheus text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
