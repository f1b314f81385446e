"""A whole history from one seed: processes, a hostile network, crashes, a person; then the audit.

Nothing here waits for real time, and the same seed gives the same history to the last call.
"""

import hashlib
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
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
from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.transfer_record import transfers_from
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.node import FINALITY_BLOCKS, NodeClient
from bakehouse.tezos.signer import LocalSigner
from bakehouse.tezos.transport import JsonSource, SourceLimits
from bakehouse.tezos.tzkt import TzktClient
from tests.faults.audit_findings import Findings
from tests.faults.auditor import audit
from tests.faults.inline_sqlite import open_engine
from tests.faults.person import Person
from tests.faults.simulated_process import ControlledLedger, ControlledTransport, Fate, Worker
from tests.faults.turns import Process

#: A source is asked once: who asks again is the code under test.
_ONE_ATTEMPT = SourceLimits(attempts=1)

_HEAD_AGE_SECONDS_MAX = 120
_BLOCKS_PER_CYCLE = 8

#: Blocks after which whatever is not paid will never be: several lives of an operation.
_HEALING_BLOCKS_MAX = 160

#: Pieces of work that each process finishes for a block while all is well, and calls they may take.
_ROUNDS_PER_BLOCK = 2
_CALLS_PER_BLOCK_MAX = 2_000

FAULTS = tuple(Fault)


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a history is."""

    cycles: int = 2
    delegators: int = 6
    processes: int = 2


@dataclass(slots=True)
class History:
    """What happened under one seed."""

    seed: int
    findings: Findings
    crashes: Counter[str]
    faults: Counter[str]
    errors: Counter[str]
    decisions: Counter[str]
    calls: int
    blocks: int
    digest: str
    #: Why it never came to rest, if it did not.
    unrest: str | None = None
    unexpected: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether every promise was kept."""
        return self.findings.is_clean() and self.unrest is None and not self.unexpected


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

    @classmethod
    def draw(cls, chance: random.Random) -> "Rates":
        return cls(
            bake=chance.uniform(0.015, 0.08),
            fault=chance.choice((0.0, 0.005, 0.02, 0.05)),
            kill=chance.choice((0.0, 0.001, 0.005)),
            pause=chance.choice((0.0, 0.0, 0.002)),
            person=chance.choice((0.0, 0.001, 0.004)),
            restore=chance.choice((0.0, 0.0, 0.0, 0.001)),
        )


async def simulate(
    seed: int, database: Path, empty_ledger: Path, scale: Scale | None = None, sql: Sequence[str] = ()
) -> History:
    """Live through the history of a seed, and give what the auditor says at its end.

    `sql` is done to the database first: a way to take its guards out.
    """
    world = await _make(seed, database, empty_ledger, scale or Scale(), sql)
    person = Person(world.hostile, Ledger(world.engine), world.chance, world.forgotten)
    try:
        for _ in range(world.scale.processes):
            await world.start_worker()
        await _time_of_trouble(world, person)
        unrest = await _time_of_healing(world, person)
        for worker in world.workers:
            await worker.process.kill()
        findings = audit(
            world.chain,
            database,
            at_rest=unrest is None,
            foreign=world.hostile.foreign | world.forgotten,
            last_cycle=world.last_cycle,
        )
        twice = overpaid(world.chain, database, world.hostile.foreign)
    finally:
        await world.engine.dispose()
    return History(
        seed=seed,
        findings=replace(findings, paid_twice=(*findings.paid_twice, *twice)),
        crashes=Counter(world.fate.crashes),
        faults=Counter({fault.value: count for fault, count in world.hostile.struck.items()}),
        errors=world.errors,
        decisions=person.decisions,
        calls=world.calls,
        blocks=world.chain.simulated_count,
        digest=world.digest(),
        unrest=unrest,
        unexpected=world.unexpected,
    )


def overpaid(chain: Chain, database: Path, foreign: Collection[str]) -> list[str]:
    """Name whoever got more from our operations, the forgotten ones too, than the ledger owes.

    The auditor goes by what the ledger knows; this knows nothing but sums.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        owed = Counter(
            dict(
                connection.execute(
                    "SELECT address, sum(net) FROM payouts WHERE mode = 'on' GROUP BY address"
                )
            )
        )
    paid: Counter[str] = Counter()
    source = chain.world.payout_key.public_key.address
    for transfer in transfers_from(chain, source):
        is_ours = transfer.operation_hash not in foreign and transfer.destination != source
        if is_ours and transfer.status is Status.APPLIED:
            paid[transfer.destination] += transfer.amount
    return [
        f"{address} got {amount} mutez, {owed[address]} are owed"
        for address, amount in sorted(paid.items())
        if amount > owed[address]
    ]


async def _make(
    seed: int, database: Path, empty_ledger: Path, scale: Scale, sql: Sequence[str]
) -> World:
    chance = random.Random(seed)  # noqa: S311 - the dice of a game
    settings = SandboxSettings(
        seed=seed,
        delegator_count=scale.delegators,
        blocks_per_cycle=_BLOCKS_PER_CYCLE,
        blocks_before_first_turn=1,
        block_seconds=None,
    )
    chain = Chain(settings)
    shutil.copy(empty_ledger, database)
    with closing(sqlite3.connect(database)) as connection:
        for statement in sql:
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
        fate=Fate(chance, crash_rate=chance.choice((0.0, 0.01, 0.03, 0.08))),
        limits=PaymentLimits(
            transfers_max=chance.choice((1, 2, 3, 6)),
            life_blocks=chance.choice((4, 8, 16)),
            proof_patience_blocks=chance.choice((4, 20)),
        ),
        rates=Rates.draw(chance),
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
    async with Ledger(engine).write() as tx:
        await bakers.add(tx, baker, actor="test", at=world.hostile.now())
    return world


async def _time_of_trouble(world: World, person: Person) -> None:
    """Let anything happen until the cycles are over, and some blocks more."""
    chance, rates = world.chance, world.rates
    backup: Path | None = None
    end_cycle = world.last_cycle + 1
    end_level = world.chain.cycle_length.first_level(end_cycle) + chance.randint(4, 14)
    while world.chain.head.level < end_level:
        drawn = chance.random()
        if drawn < rates.bake:
            _bake(world)
        elif drawn < rates.bake + rates.fault:
            _inflict(world, chance.choice(FAULTS))
        elif drawn < rates.bake + rates.fault + rates.kill:
            await _kill_one(world)
        elif drawn < rates.bake + rates.fault + rates.kill + rates.pause:
            # A process that sleeps for longer than its lease, while others go on.
            world.hostile.sleep(chance.choice((1, 20, 60)))
        elif drawn < rates.bake + rates.fault + rates.kill + rates.pause + rates.person:
            world.trace(await person.meddle())
        elif drawn > 1 - rates.restore:
            backup = await _back_up_or_restore(world, person, backup)
        else:
            await _turn(world, chance.choice(world.workers))


async def _time_of_healing(world: World, person: Person) -> str | None:
    """Let nothing go wrong any more; gives why it does not come to rest, if it does not."""
    world.hostile.heal()
    world.fate.crash_rate = 0.0
    for number in range(_HEALING_BLOCKS_MAX):
        for worker in tuple(world.workers):
            await _work_a_while(world, worker)
        _bake(world)
        world.trace(await person.tidy_up())
        if number > FINALITY_BLOCKS and await person.sees_all_settled(world.last_cycle):
            return None
    return await person.complaint(world.last_cycle)


async def _work_a_while(world: World, worker: Worker) -> None:
    enough = worker.rounds + _ROUNDS_PER_BLOCK
    for _ in range(_CALLS_PER_BLOCK_MAX):
        if worker.rounds >= enough or worker.process.has_ended:
            return
        await _turn(world, worker)
    world.unexpected.append(f"{worker.process.name} does not come to an end")


async def _back_up_or_restore(world: World, person: Person, backup: Path | None) -> Path | None:
    """Copy the ledger; or lose it, and put the copy in its place."""
    copy = world.database.with_name(f"{world.database.stem}-backup.db")
    if backup is None:
        with (
            closing(sqlite3.connect(world.database)) as now,
            closing(sqlite3.connect(copy)) as then,
        ):
            now.backup(then)
        return copy
    for worker in world.workers:
        await worker.process.kill()
    await world.engine.dispose()
    before = _operation_hashes(world.database)
    for file in world.database.parent.glob(f"{world.database.name}*"):
        file.unlink()
    backup.rename(world.database)
    world.forgotten |= before - _operation_hashes(world.database)
    world.engine = open_engine(world.database)
    person.ledger = Ledger(world.engine)
    world.note("an old backup was restored")
    for _ in range(len(world.workers)):
        world.workers.pop(0)
        await world.start_worker()
    return None


def _operation_hashes(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {row[0] for row in connection.execute("SELECT hash FROM operations")}


def _bake(world: World) -> None:
    block = world.hostile.bake()
    world.trace(block.hash)


def _inflict(world: World, fault: Fault) -> None:
    with _mended_later(world, fault):
        how: dict[str, object] = {}
        if fault in {Fault.FOREIGN_COUNTER, Fault.REPLACED_BY_FEE}:
            how = _foreign_payment(world)
        if fault is Fault.MINORITY_FORK:
            # A node that is cut off may even include what it was sent, and call it final.
            how = {"includes": world.chance.random() < 0.5}
        world.trace(fault)
        world.hostile.inflict(fault, **how)
        if fault is Fault.REORG and world.chance.random() < 0.5:
            # And nobody remembers what the replaced blocks held.
            world.hostile.inflict(Fault.MEMPOOL_DROP)


@contextmanager
def _mended_later(world: World, fault: Fault) -> Iterator[None]:
    """Heal now and then, or the first lasting fault would be the last thing that happened."""
    yield
    if world.chance.random() < 0.2:
        world.hostile.heal()
    if fault is Fault.CLOCK_SKEW and world.chance.random() < 0.7:
        world.hostile.inflict(Fault.CLOCK_SKEW, seconds=0)


def _foreign_payment(world: World) -> dict[str, object]:
    """Have the other tool pay one mutez to the baker, or pay a delegator as we would."""
    if world.chance.random() < 0.5:
        return {}
    delegators = sorted(
        address
        for address, account in world.chain.accounts(world.chain.head.level).items()
        if account.delegate == world.chain.world.baker and address.startswith("tz")
    )
    if not delegators:
        return {}
    return {"destination": world.chance.choice(delegators), "amount": 1_000_000}


async def _kill_one(world: World) -> None:
    worker = world.chance.choice(world.workers)
    world.fate.crashes["killed between calls"] = (
        world.fate.crashes.get("killed between calls", 0) + 1
    )
    await worker.process.kill()
    await _bury(world, worker)


async def _turn(world: World, worker: Worker) -> None:
    world.calls += 1
    world.trace(worker.process.name)
    await worker.process.go_on()
    if worker.process.has_ended:
        await _bury(world, worker)


async def _bury(world: World, worker: Worker) -> None:
    try:
        await worker.process.ended()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a find
        world.unexpected.append(f"{type(error).__name__}: {error}")
        world.note(f"unexpected {type(error).__name__}")
    world.workers.remove(worker)
    await world.start_worker()
