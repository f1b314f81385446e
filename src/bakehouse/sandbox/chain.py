"""The simulated chain itself: no I/O, and nothing in it that its settings do not decide.

What is asked over HTTP is in `node_api` and `indexer_api`. Faults of a network or a node have
their place there, between the chain and those who ask it; the chain is always right.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import Final

from bakehouse.sandbox.account import Account
from bakehouse.sandbox.application import apply_group
from bakehouse.sandbox.baking import Baking, Recipe, worded
from bakehouse.sandbox.block import Block, ancestor_hash
from bakehouse.sandbox.crowd import OthersGroup
from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.history import History
from bakehouse.sandbox.issuance import Earnings, total
from bakehouse.sandbox.ledger import Draft, Ledger
from bakehouse.sandbox.mempool import Mempool
from bakehouse.sandbox.node_error import (
    OperationRefusedError,
    branch_failure,
    injection_failure,
    parsing_failure,
)
from bakehouse.sandbox.protocol import (
    MANAGER_PASS_SIZE_MAX,
    USHUAIA,
    CycleLength,
    Protocol,
    ProtocolSchedule,
)
from bakehouse.sandbox.receipt import Receipt, SignedGroup
from bakehouse.sandbox.rights import Rights
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.validation import check_fee, check_group, check_signed_group, read_signed
from bakehouse.sandbox.world import make_world
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.operation import OperationGroup
from bakehouse.tezos.signed_operation import operation_hash

#: When the first simulated block's predecessor was baked, unless told otherwise: 2026-11-01.
START_TIMESTAMP: Final = 1_793_491_200


class Chain:
    """A chain with one baker, its delegators and the account that pays them.

    Reading at any level is exact, however old. Levels up to `start_level` were not simulated: they
    have hashes and the accounts of the beginning, but no operations. `fee_factor` times the minimal
    fees is what bakers and nodes ask for, `crowd` what others take of the blocks to come.
    """

    def __init__(self, settings: SandboxSettings, start_timestamp: int = START_TIMESTAMP) -> None:
        self.settings = settings
        self.world = make_world(settings)
        self.chain_id = draw_text(Prefix.CHAIN_ID, settings.seed, "chain")
        self.cycle_length = CycleLength(settings.blocks_per_cycle)
        self.start_level = (
            self.cycle_length.last_level(settings.starting_cycle)
            - settings.blocks_before_first_turn
        )
        self.mempool = Mempool()
        self.fee_factor = 1
        self.crowd = settings.crowd
        first = replace(USHUAIA, block_delay_seconds=ceil(settings.block_seconds or 1))
        self.protocols = ProtocolSchedule(first)
        self._ledger = Ledger(self.world.origin)
        self._ledger.record(self.start_level, self.world.spent())
        self.rights = Rights(settings, self.world, self._ledger, self.start_level)
        self._history = History(
            self.chain_id, self._first_block(start_timestamp), first.block_delay_seconds
        )
        self._baking = Baking(self.world, self.rights, self.cycle_length, self.protocols)

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._history.head

    @property
    def protocol(self) -> Protocol:
        """The protocol in force after the head: what the next block obeys."""
        return self.protocols.after(self.head.level)

    @property
    def block_delay_seconds(self) -> int:
        """The least time from the head to the next block."""
        return self.protocol.block_delay_seconds

    @property
    def simulated_count(self) -> int:
        """How many blocks were simulated, and so can be replaced."""
        return self._history.simulated_count

    def block_at(self, level: int) -> Block:
        """Give the block of a level; LookupError if there is none."""
        return self._history.at(level)

    def block_with(self, hash_text: str) -> Block:
        """Give the block of a hash, if it is on the chain; LookupError otherwise."""
        level = self._history.level_of(hash_text)
        if level is None:
            raise LookupError(f"there is no block {hash_text}")
        return self._history.at(level)

    def has(self, block: Block) -> bool:
        """Tell whether a block, which may be of another branch, is on this chain."""
        return block.level <= self.head.level and self.block_at(block.level).hash == block.hash

    def simulated_blocks(self, first_level: int = 0, last_level: int | None = None) -> list[Block]:
        """Give the blocks of some levels, oldest first, as far as they were simulated."""
        return self._history.simulated(first_level, last_level)

    def including_block(self, hash_text: str) -> Block | None:
        """Give the block that an operation is in, if it is in one."""
        level = self._history.level_including(hash_text)
        return None if level is None else self._history.at(level)

    def account(self, address: str, level: int) -> Account | None:
        """Give an account as it stood after the block of `level`; None if not allocated."""
        return self._ledger.at(address, level)

    def accounts(self, level: int) -> dict[str, Account]:
        """Give all accounts that were allocated after the block of `level`."""
        return dict(self._ledger.all_at(level))

    def live_blocks(self, block: Block) -> list[str]:
        """Give the hashes that an operation in the block after this one may have as its branch."""
        return self._history.hashes(max(0, block.level - block.operations_ttl), block.level)

    def earnings(self, cycle: int) -> Earnings:
        """Add up what the baker has earned in a cycle so far."""
        blocks = self.simulated_blocks(
            self.cycle_length.first_level(cycle), self.cycle_length.last_level(cycle)
        )
        return self.rights.earned_before_start(cycle) + total(block.earned for block in blocks)

    def inject(self, signed_bytes: bytes) -> str:
        """Take in an operation as the injection RPC does, and give its hash.

        What is known already, waiting or in a live block, is not looked at again. Raises
        OperationRefusedError, whose one error is the sentence that the RPC answers with.
        """
        hash_text = operation_hash(signed_bytes)
        try:
            signed = read_signed(signed_bytes)
        except OperationRefusedError as refused:
            raise OperationRefusedError(parsing_failure(hash_text, refused)) from refused
        if hash_text in self.mempool or self._is_included_live(hash_text):
            return hash_text
        branch = signed.group.branch
        if not self.is_live(branch):
            live_count = min(self.head.operations_ttl, self.head.level) + 1
            raise OperationRefusedError(branch_failure(hash_text, branch, live_count))
        try:
            self.mempool.add(signed, self._check_new)
        except OperationRefusedError as refused:
            raise OperationRefusedError(injection_failure(hash_text, refused)) from refused
        return hash_text

    def hear_of(self, signed: SignedGroup) -> None:
        """Take in an operation that another node tells of; a refused one is kept as refused."""
        is_known = signed.hash in self.mempool or self._is_included_live(signed.hash)
        if not is_known and self.is_live(signed.group.branch):
            self.mempool.hear_of(signed, self._check_new)

    def prefer(self, signed: SignedGroup) -> None:
        """Take in an operation as if every node had heard of it before the one that waits."""
        self.mempool.prefer(signed, self._check_new)

    def replace(self, signed: SignedGroup) -> None:
        """Take in an operation in place of the one that waits, if it pays enough for that."""
        self.mempool.add(signed, self._check_new)

    def simulate(self, group: OperationGroup, block: Block) -> tuple[Receipt, ...]:
        """Give the receipts that a group would have in the block after this one.

        Signature, branch and the mempool's minimal fees are not asked for. Raises
        OperationRefusedError if the group may not be in that block.
        """
        draft, protocol = self._draft(block), self.protocols.after(block.level)
        try:
            check_group(draft.account, group, protocol)
        except OperationRefusedError as refused:
            raise refused.under(protocol.error_id_prefix) from refused
        return worded(apply_group(draft, group), protocol)

    def preapply(self, signed: SignedGroup, block: Block) -> tuple[Receipt, ...]:
        """Give the receipts of a signed group in the block after this one; checks the signature."""
        draft, protocol = self._draft(block), self.protocols.after(block.level)
        self._check(signed, draft, protocol)
        return worded(apply_group(draft, signed.group), protocol)

    def fitting(self) -> list[SignedGroup]:
        """Give what a baker would take of the mempool into the next block, beside `others`."""
        others = self.others()
        gas = self.protocol.gas_limit_per_block_max - sum(each.gas_limit for each in others)
        size = MANAGER_PASS_SIZE_MAX - sum(each.size for each in others)
        fitting = []
        for signed in self.mempool.best_first():
            if signed.gas_limit <= gas and signed.size <= size:
                gas -= signed.gas_limit
                size -= signed.size
                fitting.append(signed)
        return fitting

    def others(self) -> tuple[OthersGroup, ...]:
        """Give what others have in the next block."""
        return self.crowd.groups_after(self.head.hash, self.protocol.gas_limit_per_block_max)

    def bake(self, timestamp: int | None = None) -> Block:
        """Bake a block of what fits of the mempool.

        Its timestamp (seconds) follows the head's by `block_delay_seconds`, unless told.
        """
        groups = tuple(self.fitting())
        return self.bake_as(Recipe(groups, timestamp=timestamp, others=self.others()))

    def bake_as(self, recipe: Recipe) -> Block:
        """Bake a block as somebody else wants it."""
        block = self._append(recipe)
        self._recycle()
        return block

    def reorg(self, depth: int) -> Block:
        """Replace the newest `depth` simulated blocks by as many empty ones of a later round.

        Their operations go back to the mempool. Gives the new head.
        """
        forgotten = self.step_back(depth)
        for block in reversed(forgotten):
            self._append(Recipe(block_round=block.block_round + 1, timestamp=block.timestamp))
        self.take_back(forgotten)
        return self.head

    def replica(self) -> "Chain":
        """Give a chain that is like this one, and can go on in another way."""
        twin = object.__new__(Chain)
        twin.__dict__.update(self.__dict__)
        twin.mempool = self.mempool.copy()
        twin._ledger = self._ledger.copy()
        twin._history = self._history.copy()
        twin.rights = self.rights.on(twin._ledger)
        twin._baking = replace(self._baking, rights=twin.rights)
        return twin

    def step_back(self, depth: int) -> list[Block]:
        """Forget the newest `depth` simulated blocks; gives them, the newest first."""
        if not 0 < depth <= self.simulated_count:
            raise ValueError(f"{depth} is not a number of blocks that were simulated")
        return [self._forget_head() for _ in range(depth)]

    def take_back(self, newest_first: Sequence[Block]) -> None:
        """Have the operations of blocks that this chain has not, or no more, wait again."""
        self._recycle(_operations_of(newest_first))

    def follow(self, leader: "Chain", level: int) -> None:
        """Come to have the leader's blocks up to `level`, or as far as this chain had them before.

        Blocks that the leader does not have are forgotten; their operations wait again here.
        """
        forgotten = []
        while not leader.has(self.head):
            forgotten.append(self._forget_head())
        for block in leader.simulated_blocks(self.head.level + 1, level):
            changes = {address: leader.account(address, block.level) for address in block.touched}
            self._ledger.record(block.level, changes)
            self._history.append(block)
            self.mempool.drop(included.signed.hash for included in block.operations)
        self.take_back(forgotten)

    def is_live(self, branch: str) -> bool:
        """Tell whether an operation with this branch may be in the next block."""
        level = self._history.level_of(branch)
        return level is not None and level >= self.head.level - self.head.operations_ttl

    def _first_block(self, timestamp: int) -> Block:
        return Block(
            level=self.start_level,
            hash=ancestor_hash(self.chain_id, self.start_level),
            predecessor=ancestor_hash(self.chain_id, self.start_level - 1),
            timestamp=timestamp,
            proposer=self.world.network,
            global_counter=self.world.global_counter,
        )

    def _draft(self, block: Block) -> Draft:
        return Draft(lambda address: self._ledger.at(address, block.level), block.global_counter)

    def _is_included_live(self, hash_text: str) -> bool:
        level = self._history.level_including(hash_text)
        return level is not None and level >= self.head.level - self.head.operations_ttl

    def _check(self, signed: SignedGroup, draft: Draft, protocol: Protocol) -> None:
        try:
            check_signed_group(draft.account, signed, protocol)
        except OperationRefusedError as refused:
            raise refused.under(protocol.error_id_prefix) from refused

    def _check_at_head(self, signed: SignedGroup) -> None:
        self._check(signed, self._draft(self.head), self.protocol)

    def _check_new(self, signed: SignedGroup) -> None:
        try:
            check_fee(signed, self.fee_factor)
        except OperationRefusedError as refused:
            raise refused.under(self.protocol.error_id_prefix) from refused
        self._check_at_head(signed)

    def _append(self, recipe: Recipe) -> Block:
        draft = self._draft(self.head)
        block = self._baking.block(self.head, draft, recipe)
        self._ledger.record(block.level, draft.changes)
        self._history.append(block)
        self.mempool.drop(included.signed.hash for included in block.operations)
        return block

    def _forget_head(self) -> Block:
        block = self._history.forget_head()
        self._ledger.forget(block.level, block.touched)
        self.rights.forget(block.level)
        return block

    def _recycle(self, returning: Iterable[SignedGroup] = ()) -> None:
        self.mempool.recycle(self._check_at_head, self.is_live, returning)


def _operations_of(newest_first: Sequence[Block]) -> list[SignedGroup]:
    return [each.signed for block in newest_first for each in block.operations]
