"""Several sources of one chain: which to ask, and which to pass over.

What is asked of them is not known here.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import structlog

from bakehouse.errors import NodeRefusedError, SettingError, SourceError, WrongChainError
from bakehouse.tezos.transport import JsonSource

Result = TypeVar("Result")

#: How long a source that failed is asked only after the others. Without this rest, every read
#: would first wait for the same dead host.
REST_SECONDS: Final = 60.0

_log = structlog.get_logger(__name__)


class ChainSources:
    """Sources in order of preference; each is asked which chain it serves before its first use.

    `chain_id` None accepts the chain of whichever source answers first, and holds all to it.
    """

    def __init__(
        self,
        sources: Sequence[JsonSource],
        read_chain_id: Callable[[JsonSource], Awaitable[str]],
        *,
        chain_id: str | None,
    ) -> None:
        if not sources:
            raise SettingError("name at least one URL of a node and one of an indexer")
        self.sources = tuple(sources)
        self._read_chain_id = read_chain_id
        self._chain_id = chain_id
        self._verified: set[JsonSource] = set()
        self._resting_until: dict[JsonSource, float] = {}

    async def chain_id(self) -> str:
        """Give the chain that all sources are held to, asking one when none has been asked yet."""
        if self._chain_id is None:
            return await self.first(self._read_chain_id)
        return self._chain_id

    async def verify(self, source: JsonSource) -> None:
        """Make sure that a source serves this chain; raises WrongChainError or any SourceError."""
        if source in self._verified:
            return
        served = await self._read_chain_id(source)
        if self._chain_id is None:
            self._chain_id = served
        self.check_chain(source, served)
        self._verified.add(source)

    def check_chain(self, source: JsonSource, served: str) -> None:
        """Compare the chain that an answer names with this one; raises WrongChainError."""
        if served != self._chain_id:
            raise WrongChainError(
                f"{source.name} serves chain {served}, but this is about {self._chain_id}: "
                "correct its URL or the configured chain",
                source=source.name,
                served=served,
                expected=self._chain_id,
            )

    async def first(self, read: Callable[[JsonSource], Awaitable[Result]]) -> Result:
        """Give the result of the first source whose `read` succeeds.

        What `read` asks comes from one source alone, so it belongs together. When all fail, raises
        the error that says most about the request: a refusal, or else that of the most preferred.
        """
        failures: list[SourceError] = []
        awake = self.awake()
        for source in sorted(self.sources, key=lambda source: source not in awake):
            try:
                await self.verify(source)
                return await read(source)
            except SourceError as error:
                self.pass_over(source, error)
                failures.append(error)
        raise next(
            (error for error in failures if isinstance(error, NodeRefusedError)), failures[0]
        )

    async def poll(
        self, read: Callable[[JsonSource], Awaitable[Result]]
    ) -> tuple[tuple[JsonSource, Result | SourceError], ...]:
        """Put the same question to every source at once; what fails is a value, and costs nothing.

        For decisions that need more than one voice: no source answers for another here.
        """

        async def ask(source: JsonSource) -> tuple[JsonSource, Result | SourceError]:
            try:
                await self.verify(source)
                return source, await read(source)
            except SourceError as error:
                return source, error

        return tuple(await asyncio.gather(*(ask(source) for source in self.sources)))

    def awake(self) -> tuple[JsonSource, ...]:
        """Give the sources, in order of preference, that have not failed a moment ago."""
        now = asyncio.get_running_loop().time()
        return tuple(
            source for source in self.sources if self._resting_until.get(source, now) <= now
        )

    def pass_over(self, source: JsonSource, error: SourceError) -> None:
        """Note that a source failed, so that others are asked before it for a while.

        A refusal is about the request: another one may well be answered, so it costs no place.
        """
        if isinstance(error, NodeRefusedError):
            _log.info("source-refused", source=source.name, why=error.message)
            return
        _log.warning("source-passed-over", source=source.name, code=error.code, why=error.message)
        self._resting_until[source] = asyncio.get_running_loop().time() + REST_SECONDS
