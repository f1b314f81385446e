"""One scrape: everything is read first, then rendered in the format that was asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric

from bakehouse.jobs.workshop import Workshop
from bakehouse.observability.families import families
from bakehouse.observability.instruments import Instruments
from bakehouse.observability.readings import Readings, read


@dataclass(frozen=True, slots=True)
class Exposition:
    """What Prometheus gets."""

    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class _Everything:
    instruments: Instruments
    readings: Readings

    def collect(self) -> Iterator[Metric]:
        yield from self.instruments.registry.collect()
        yield from families(self.readings)


async def expose(workshop: Workshop, instruments: Instruments, accept: str) -> Exposition:
    """Give all metrics, in the text format that an Accept header prefers."""
    encode, content_type = choose_encoder(accept)
    everything = _Everything(instruments, await read(workshop))
    return Exposition(encode(everything), content_type)
