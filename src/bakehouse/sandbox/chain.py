"""The simulated chain itself: no I/O, and nothing in it that its settings do not decide.

What is asked over HTTP is in `node_api` and `indexer_api`. Faults of a network or a node have
their place there, between the chain and those who ask it; the chain is always right.
"""

from dataclasses import replace
from math import ceil
from typing import Final

from bakehouse.sandbox.account import Account, is_implicit
from bakehouse.sandbox.application import apply_group, pay_fees
from bakehouse.sandbox.block import Block, ancestor_hash, block_hash
from bakehouse.sandbox.draw import draw_text
from bakehouse.sandbox.issuance import Earnings, issue, total
from bakehouse.sandbox.ledger import Draft, Ledger
from bakehouse.sandbox.mempool import Mempool
from bakehouse.sandbox.node_error import (
    OperationRefusedError,
    branch_failure,
    injection_failure,
    parsing_failure,
)
from bakehouse.sandbox.protocol import (
    GAS_LIMIT_PER_BLOCK_MAX,
    MANAGER_PASS_SIZE_MAX,
    OPERATIONS_TTL,
    CycleLength,
)
from bakehouse.sandbox.receipt import IncludedGroup, Receipt, SignedGroup
from bakehouse.sandbox.rights import Rights
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.sandbox.validation import check_fee, check_group, check_signed_group, read_signed
from bakehouse.sandbox.world import make_world
from bakehouse.tezos.base58check import Prefix
from bakehouse.tezos.operation import OperationGroup
from bakehouse.tezos.signed_operation import operation_hash

#: Blocks before the simulation that can be named by their hash; by level, all can.
ANCESTORS_BY_HASH: Final = OPERATIONS_TTL + 400

#: When the first simulated block's predecessor was baked, unless told otherwise: 2026-11-01.
START_TIMESTAMP: Final = 1_793_491_200


class Chain:
    """A chain with one baker, its delegators and the account that pays them.

    Reading at any level is exact, however old. Levels up to `start_level` were not simulated: they
    have hashes and the accounts of the beginning, but no operations.
    """

    def __init__(self, settings: SandboxSettings, start_timestamp: int = START_TIMESTAMP) -> None:
        self.settings = settings
        self.world = make_world(settings)
        self.chain_id = draw_text(Prefix.CHAIN_ID, settings.seed, "chain")
        self.cycle_length = CycleLength(settings.blocks_per_cycle)
        self.block_delay_seconds = ceil(settings.block_seconds or 1)
        self.start_level = (
            self.cycle_length.last_level(settings.starting_cycle)
            - settings.blocks_before_first_turn
        )
        self.mempool = Mempool()
        self._start_timestamp = start_timestamp
        self._ledger = Ledger(self.world.origin)
        self._empty_accounts()
        self.rights = Rights(settings, self.world, self._ledger, self.start_level)
        self._blocks = [self._ancestor(self.start_level)]
        self._levels_by_hash = {
            ancestor_hash(self.chain_id, level): level
            for level in range(max(0, self.start_level - ANCESTORS_BY_HASH), self.start_level + 1)
        }
        self._ancestor_hashes = {level: text for text, level in self._levels_by_hash.items()}
        self._levels_by_operation: dict[str, int] = {}

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[-1]

    def block_at(self, level: int) -> Block:
        """Give the block of a level; LookupError if there is none."""
        if not 0 <= level <= self.head.level:
            raise LookupError(f"there is no block of level {level}")
        if level < self.start_level:
            return self._ancestor(level)
        return self._blocks[level - self.start_level]

    def block_with(self, hash_text: str) -> Block:
        """Give the block of a hash, if it is on the chain; LookupError otherwise."""
        return self.block_at(self._levels_by_hash[hash_text])

    def simulated_blocks(self, first_level: int = 0, last_level: int | None = None) -> list[Block]:
        """Give the blocks of some levels, oldest first, as far as they were simulated."""
        end = None if last_level is None else max(last_level - self.start_level + 1, 0)
        return self._blocks[max(first_level - self.start_level, 1) : end]

    def including_block(self, hash_text: str) -> Block | None:
        """Give the block that an operation is in, if it is in one."""
        level = self._levels_by_operation.get(hash_text)
        return None if level is None else self.block_at(level)

    def account(self, address: str, level: int) -> Account | None:
        """Give an account as it stood after the block of `level`; None if not allocated."""
        return self._ledger.at(address, level)

    def accounts(self, level: int) -> dict[str, Account]:
        """Give all accounts that were allocated after the block of `level`."""
        return dict(self._ledger.all_at(level))

    def live_blocks(self, block: Block) -> list[str]:
        """Give the hashes that an operation in the block after this one may have as its branch."""
        oldest = max(0, block.level - OPERATIONS_TTL)
        return [self._hash_at(level) for level in range(block.level, oldest - 1, -1)]

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
        if not self._is_live(branch):
            live_count = len(self.live_blocks(self.head))
            raise OperationRefusedError(branch_failure(hash_text, branch, live_count))
        try:
            self.mempool.add(signed, self._check_at_head)
        except OperationRefusedError as refused:
            raise OperationRefusedError(injection_failure(hash_text, refused)) from refused
        return hash_text

    def hear_of(self, signed_bytes: bytes) -> None:
        """Take in an operation that another node tells of; a refused one is kept as refused."""
        signed = read_signed(signed_bytes)
        if not self._is_included_live(signed.hash) and self._is_live(signed.group.branch):
            self.mempool.hear_of(signed, self._check_at_head)

    def simulate(self, group: OperationGroup, block: Block) -> tuple[Receipt, ...]:
        """Give the receipts that a group would have in the block after this one.

        Signature, branch and the mempool's minimal fees are not asked for. Raises
        OperationRefusedError if the group may not be in that block.
        """
        draft = self._draft(block)
        check_group(draft.account, group)
        return apply_group(draft, group)

    def preapply(self, signed: SignedGroup, block: Block) -> tuple[Receipt, ...]:
        """Give the receipts of a signed group in the block after this one; checks the signature."""
        draft = self._draft(block)
        check_signed_group(draft.account, signed)
        return apply_group(draft, signed.group)

    def bake(self, timestamp: int | None = None) -> Block:
        """Bake a block of what fits of the mempool.

        Its timestamp (seconds) follows the head's by `block_delay_seconds`, unless told.
        """
        return self._bake(self._fitting(), block_round=0, timestamp=timestamp)

    def reorg(self, depth: int) -> Block:
        """Replace the newest `depth` simulated blocks by as many empty ones of a later round.

        Their operations go back to the mempool. Gives the new head.
        """
        if not 0 < depth < len(self._blocks):
            raise ValueError(f"{depth} is not a number of blocks that were simulated")
        forgotten = [self._forget_head() for _ in range(depth)]
        for block in reversed(forgotten):
            self._bake([], block_round=block.block_round + 1, timestamp=block.timestamp)
        self._recycle([included.signed for block in forgotten for included in block.operations])
        return self.head

    def _empty_accounts(self) -> None:
        freed = sum(self.world.origin[address].balance for address in self.world.emptied)
        network = self.world.origin[self.world.network]
        changes = {
            address: _emptied(address, self.world.origin[address]) for address in self.world.emptied
        }
        changes[self.world.network] = replace(network, balance=network.balance + freed)
        self._ledger.record(self.start_level, changes)

    def _ancestor(self, level: int) -> Block:
        return Block(
            level=level,
            hash=ancestor_hash(self.chain_id, level),
            predecessor=ancestor_hash(self.chain_id, max(level - 1, 0)),
            timestamp=self._start_timestamp - (self.start_level - level) * self.block_delay_seconds,
            proposer=self.world.network,
            global_counter=self.world.global_counter,
        )

    def _hash_at(self, level: int) -> str:
        if level >= self.start_level:
            return self.block_at(level).hash
        return self._ancestor_hashes.get(level) or ancestor_hash(self.chain_id, level)

    def _draft(self, block: Block) -> Draft:
        return Draft(lambda address: self._ledger.at(address, block.level), block.global_counter)

    def _is_live(self, branch: str) -> bool:
        level = self._levels_by_hash.get(branch)
        return level is not None and level >= self.head.level - OPERATIONS_TTL

    def _is_included_live(self, hash_text: str) -> bool:
        level = self._levels_by_operation.get(hash_text)
        return level is not None and level >= self.head.level - OPERATIONS_TTL

    def _check_at_head(self, signed: SignedGroup) -> None:
        check_fee(signed)
        check_signed_group(self._draft(self.head).account, signed)

    def _fitting(self) -> list[SignedGroup]:
        gas, size = GAS_LIMIT_PER_BLOCK_MAX, MANAGER_PASS_SIZE_MAX
        fitting = []
        for signed in self.mempool.best_first():
            if signed.gas_limit <= gas and signed.size <= size:
                gas -= signed.gas_limit
                size -= signed.size
                fitting.append(signed)
        return fitting

    def _bake(self, groups: list[SignedGroup], *, block_round: int, timestamp: int | None) -> Block:
        head = self.head
        level = head.level + 1
        draft = self._draft(head)
        included = tuple(
            IncludedGroup(signed, apply_group(draft, signed.group)) for signed in groups
        )
        is_own = self.rights.may_bake(level, block_round)
        proposer = self.world.baker if is_own else self.world.network
        updates = pay_fees(draft, proposer)
        earned = self.rights.earned(level, is_own=is_own, fees=draft.fees)
        snapshot = self.rights.snapshot(self.cycle_length.cycle_of(level))
        updates += issue(draft, self.world.baker, earned, snapshot)
        following = head.timestamp + self.block_delay_seconds
        block = Block(
            level=level,
            hash=block_hash(head.hash, block_round, [signed.hash for signed in groups]),
            predecessor=head.hash,
            timestamp=following if timestamp is None else max(timestamp, head.timestamp),
            proposer=proposer,
            global_counter=draft.global_counter,
            block_round=block_round,
            operations=included,
            updates=updates,
            touched=frozenset(draft.changes),
            earned=earned,
            issued=head.issued + draft.issued,
            burned=head.burned + draft.burned,
        )
        self._ledger.record(level, draft.changes)
        self._append(block)
        return block

    def _append(self, block: Block) -> None:
        self._blocks.append(block)
        self._levels_by_hash[block.hash] = block.level
        hashes = [included.signed.hash for included in block.operations]
        self._levels_by_operation.update(dict.fromkeys(hashes, block.level))
        self.mempool.drop(hashes)
        self._recycle()

    def _forget_head(self) -> Block:
        block = self._blocks.pop()
        self._ledger.forget(block.level, block.touched)
        self.rights.forget(block.level)
        del self._levels_by_hash[block.hash]
        for included in block.operations:
            del self._levels_by_operation[included.signed.hash]
        return block

    def _recycle(self, returning: list[SignedGroup] | None = None) -> None:
        self.mempool.recycle(self._check_at_head, self._is_live, returning or ())


def _emptied(address: str, account: Account) -> Account | None:
    # Contracts and accounts with a stake stay when they have spent everything.
    if is_implicit(address) and not account.staked:
        return None
    return replace(account, balance=0)
