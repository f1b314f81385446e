"""A whole history from one seed: processes, a hostile network, crashes, a person; then the audit.

Nothing here waits for real time, and the same seed gives the same history to the last call.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bakehouse.ledger.database import Ledger
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.transfer_record import transfers_from
from bakehouse.tezos.node import FINALITY_BLOCKS
from tests.faults.audit_findings import Findings
from tests.faults.auditor import audit
from tests.faults.backup import backed_up, restored
from tests.faults.inline_sqlite import open_engine
from tests.faults.mutants import SOUND, Mutant
from tests.faults.person import Person
from tests.faults.simulated_process import Worker
from tests.faults.world import Scale, World, make_world

#: Blocks after which whatever is not paid will never be: several lives of an operation, which a
#: protocol that lengthens them may have made longer.
_HEALING_BLOCKS_MAX = 120
#: The same where the code is broken on purpose, and often never comes to rest.
_BROKEN_BLOCKS_MAX = 40

#: Pieces of work that each process finishes for a block while all is well, and calls they may take.
_ROUNDS_PER_BLOCK = 2
_CALLS_PER_BLOCK_MAX = 2_000


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


async def simulate(
    seed: int,
    database: Path,
    empty_ledger: Path,
    scale: Scale | None = None,
    mutant: Mutant = SOUND,
) -> History:
    """Live through the history of a seed, and give what the auditor says at its end."""
    world = await make_world(seed, database, empty_ledger, scale or Scale(), mutant)
    person = Person(world.hostile, Ledger(world.engine), world.chance, world.forgotten)
    try:
        for _ in range(world.scale.processes):
            await world.start_worker()
        await _time_of_trouble(world, person)
        patience = _HEALING_BLOCKS_MAX if mutant is SOUND else _BROKEN_BLOCKS_MAX
        unrest = await heal_and_settle(world, person, patience)
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
        lost = underpaid(world.chain, database, world.hostile.foreign)
    finally:
        await world.engine.dispose()
    return History(
        seed=seed,
        findings=replace(
            findings,
            paid_twice=(*findings.paid_twice, *twice),
            lost=(*findings.lost, *lost),
        ),
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
    owed, paid = _sums(database, "mode = 'on'"), _paid(chain, foreign)
    return [
        f"{address} got {amount} mutez, {owed[address]} are owed"
        for address, amount in sorted(paid.items())
        if amount > owed[address]
    ]


def underpaid(chain: Chain, database: Path, foreign: Collection[str]) -> list[str]:
    """Name whoever got less than the ledger calls paid: nobody would ever look at it again."""
    called = _sums(database, "mode = 'on' AND state = 'paid'", "net - withheld")
    paid = _paid(chain, foreign)
    return [
        f"{address} got {paid[address]} mutez, {amount} are called paid"
        for address, amount in sorted(called.items())
        if amount > paid[address]
    ]


def _sums(database: Path, condition: str, amount: str = "net") -> Counter[str]:
    query = f"SELECT address, sum({amount}) FROM payouts WHERE {condition} GROUP BY address"  # noqa: S608
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return Counter(dict(connection.execute(query)))


def _paid(chain: Chain, foreign: Collection[str]) -> Counter[str]:
    paid: Counter[str] = Counter()
    source = chain.world.payout_key.public_key.address
    for transfer in transfers_from(chain, source):
        is_ours = transfer.operation_hash not in foreign and transfer.destination != source
        if is_ours and transfer.status is Status.APPLIED:
            paid[transfer.destination] += transfer.amount
    return paid


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
            _inflict(world, chance.choice(world.faults))
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
            await take_turn(world, chance.choice(world.workers))


async def heal_and_settle(
    world: World, person: Person, blocks_max: int = _HEALING_BLOCKS_MAX
) -> str | None:
    """Let nothing go wrong any more; gives why it does not come to rest, if it does not."""
    world.hostile.heal()
    world.fate.crash_rate = 0.0
    for number in range(blocks_max):
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
        await take_turn(world, worker)
    world.unexpected.append(f"{worker.process.name} does not come to an end")


async def _back_up_or_restore(world: World, person: Person, backup: Path | None) -> Path | None:
    """Copy the ledger; or lose it, and put the copy in its place."""
    if backup is None:
        return backed_up(world.database)
    for worker in world.workers:
        await worker.process.kill()
    await world.engine.dispose()
    world.forgotten |= restored(world.database, backup)
    world.engine = open_engine(world.database)
    person.ledger = Ledger(world.engine)
    world.note("an old backup was restored")
    for _ in range(len(world.workers)):
        world.workers.pop(0)
        await world.start_worker()
    return None


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
        is_all_there_is = world.faults == (Fault.REORG,)
        if is_all_there_is:
            how = {"depth": 2}
        world.trace(fault)
        world.hostile.inflict(fault, **how)
        if fault is Fault.REORG and (is_all_there_is or world.chance.random() < 0.5):
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


async def take_turn(world: World, worker: Worker) -> None:
    """Let a process make its next call; one that died is followed by another."""
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
