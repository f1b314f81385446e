"""Everything that one simulated history happens in: chain, ledger, processes, dice."""

import hashlib
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from bakehouse.ledger import bakers
from bakehouse.ledger.bakers import Baker
from bakehouse.ledger.database import Ledger
from bakehouse.ledger.states import Mode
from bakehouse.payments.payer import Payer, PaymentLimits
from bakehouse.rewards.money import Mutez
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.hostile.sandbox import HostileSandbox
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from tests.faults.chosen_rules import choose_rules
from tests.faults.inline_sqlite import open_engine
from tests.faults.mutants import SOUND, Mutant
from tests.faults.simulated_process import ControlledLedger, ControlledTransport, Fate, Worker
from tests.faults.turns import Process

#: A source is asked once: who asks again is the code under test.
_ONE_ATTEMPT = SourceLimits(attempts=1)

_HEAD_AGE_SECONDS_MAX = 120
_BLOCKS_PER_CYCLE = 8
#: One history in so many is of a baker that has set nothing.
_PLAIN_EVERY = 4


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a history is."""

    cycles: int = 2
    delegators: int = 6
    processes: int = 2


@dataclass(slots=True)
class World:
    """Everything that one history happens in."""

    seed: int
    scale: Scale
    database: Path
    chance: random.Random
    hostile: HostileSandbox
    engine: AsyncEngine
    fate: Fate
    limits: PaymentLimits
    rates: "Rates"
    faults: tuple[Fault, ...] = tuple(Fault)
    #: Hashes of our own operations that the ledger has lost, because an old backup took its place.
    forgotten: set[str] = field(default_factory=set)
    errors: Counter[str] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    calls: int = 0
    _lives: int = 0
    _trace: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def chain(self) -> Chain:
        return self.hostile.chain

    @property
    def last_cycle(self) -> int:
        """The last of the cycles that must be paid in the end."""
        return self.chain.settings.starting_cycle + self.scale.cycles - 1

    def note(self, what: str) -> None:
        """Remember an error by its code, or anything else of which the digest should tell."""
        self.errors[what] += 1
        self.trace(what)

    def trace(self, what: str) -> None:
        self._trace.update(f"{what}\n".encode())

    def digest(self) -> str:
        """Give a hash of all that happened."""
        self._trace.update(self.chain.head.hash.encode())
        return self._trace.hexdigest()

    async def start_worker(self) -> None:
        """Start a process; it knows nothing of those before."""
        self._lives += 1
        process = Process(f"life-{self._lives}")
        worker = Worker(
            process=process,
            payer=self._payer(process),
            baker_id=self.chain.world.baker,
            chance=self.chance,
            fate=self.fate,
            note=self.note,
        )
        process.start(worker.live())
        await process.come_to_rest()
        self.workers.append(worker)

    def _payer(self, process: Process) -> Payer:
        client = httpx2.AsyncClient(
            transport=ControlledTransport(self.hostile.transport(), process)
        )

        def source(host: str) -> JsonSource:
            return JsonSource(f"http://{host}", client, limits=_ONE_ATTEMPT)

        nodes = [source(node.name) for node in self.hostile.nodes]
        chain_id = self.chain.chain_id
        return Payer(
            ledger=ControlledLedger(self.engine, process, self.fate),
            node=NodeClient(
                nodes,
                chain_id=chain_id,
                now=self.hostile.now,
                head_age_seconds_max=_HEAD_AGE_SECONDS_MAX,
            ),
            indexer=TzktClient([source("indexer")], chain_id=chain_id),
            signers=Keyring([LocalSigner(self.chain.world.payout_key)]),
            clock=self.hostile.now,
            limits=self.limits,
            holder=process.name,
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """How often what happens, drawn anew for each history: some are calm, some are not."""

    bake: float
    fault: float
    kill: float
    pause: float
    person: float
    restore: float
    #: At each failpoint, and before and after each commit; the others are for each call.
    crash: float

    @classmethod
    def draw(cls, chance: random.Random) -> "Rates":
        return cls(
            bake=chance.uniform(0.015, 0.08),
            fault=chance.choice((0.0, 0.005, 0.02, 0.05)),
            kill=chance.choice((0.0, 0.001, 0.005)),
            pause=chance.choice((0.0, 0.0, 0.002)),
            person=chance.choice((0.0, 0.001, 0.004)),
            restore=chance.choice((0.0, 0.0, 0.0, 0.001)),
            crash=chance.choice((0.0, 0.01, 0.03, 0.08)),
        )


async def make_world(
    seed: int, database: Path, empty_ledger: Path, scale: Scale, mutant: Mutant = SOUND
) -> World:
    """Make the world of a seed, in which a mutant meets with what brings it out."""
    chance = random.Random(seed)  # noqa: S311 - the dice of a game
    rates = replace(Rates.draw(chance), **mutant.rates)
    settings = SandboxSettings(
        seed=seed,
        delegator_count=mutant.delegators or scale.delegators,
        blocks_per_cycle=_BLOCKS_PER_CYCLE,
        blocks_before_first_turn=1,
        block_seconds=None,
    )
    chain = Chain(settings)
    shutil.copy(empty_ledger, database)
    with closing(sqlite3.connect(database)) as connection:
        for statement in mutant.sql:
            connection.execute(statement)
        connection.commit()
    engine = open_engine(database)
    world = World(
        seed=seed,
        scale=scale,
        database=database,
        chance=chance,
        hostile=HostileSandbox(chain, seed=seed),
        engine=engine,
        fate=Fate(chance, rates.crash),
        limits=PaymentLimits(
            transfers_max=chance.choice((1, 2, 3, 6)),
            life_blocks=chance.choice((4, 8, 16)),
            proof_patience_blocks=chance.choice((4, 20)),
        ),
        rates=rates,
        faults=mutant.faults or tuple(Fault),
    )
    baker = Baker(
        baker_id=chain.world.baker,
        network=chain.chain_id,
        payout_address=chain.world.payout_key.public_key.address,
        first_cycle=settings.starting_cycle,
        mode=Mode.ON,
        payout_delay_cycles=chance.choice((0, 0, 1)),
        minimum_payout=Mutez(chance.choice((0, 0, 2_000_000))),
        confirm_first_cycle=chance.random() < 0.2,
    )
    at = world.hostile.now()
    async with Ledger(engine).write() as tx:
        await bakers.add(tx, baker, actor="test", at=at)
        if mutant is SOUND and seed % _PLAIN_EVERY:
            dice = random.Random(f"rules of {seed}")  # noqa: S311 - the dice of a game
            delegators = [each for each, _ in chain.rights.snapshot(baker.first_cycle).delegators]
            await choose_rules(tx, baker, delegators, dice, at)
    return world
