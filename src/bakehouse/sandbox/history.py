"""The blocks of a chain: by level, by hash, and by the operations in them.

Which block comes next is `chain`'s; what accounts held after each is `ledger`'s.
"""

from bakehouse.sandbox.block import Block, ancestor_hash, ancestor_level


class History:
    """The blocks since `first.level`, which was baked before the simulation, and those before it.

    Blocks before the first have hashes, times and nothing else, and are made when asked for.
    """

    __slots__ = ("_ancestors", "_blocks", "_chain_id", "_levels_by_hash", "_levels_by_operation")

    def __init__(self, chain_id: str, first: Block, block_delay_seconds: int) -> None:
        self._chain_id = chain_id
        self._ancestors = _Ancestors(chain_id, first, block_delay_seconds)
        self._blocks = [first]
        self._levels_by_hash = {first.hash: first.level}
        self._levels_by_operation: dict[str, int] = {}

    @property
    def head(self) -> Block:
        """The newest block."""
        return self._blocks[-1]

    @property
    def first_level(self) -> int:
        """The level of the newest block that was not simulated."""
        return self._blocks[0].level

    @property
    def simulated_count(self) -> int:
        """How many blocks were simulated."""
        return len(self._blocks) - 1

    def copy(self) -> "History":
        """Give a history that can go on in another way."""
        twin = object.__new__(History)
        twin._chain_id = self._chain_id
        twin._ancestors = self._ancestors
        twin._blocks = self._blocks.copy()
        twin._levels_by_hash = self._levels_by_hash.copy()
        twin._levels_by_operation = self._levels_by_operation.copy()
        return twin

    def at(self, level: int) -> Block:
        """Give the block of a level; LookupError if there is none."""
        if not 0 <= level <= self.head.level:
            raise LookupError(f"there is no block of level {level}")
        if level < self.first_level:
            return self._ancestors.block(level)
        return self._blocks[level - self.first_level]

    def level_of(self, hash_text: str) -> int | None:
        """Give the level of a block of this history by its hash."""
        level = self._levels_by_hash.get(hash_text)
        return self._ancestors.level_of(hash_text) if level is None else level

    def simulated(self, first_level: int = 0, last_level: int | None = None) -> list[Block]:
        """Give the blocks of some levels, oldest first, as far as they were simulated."""
        end = None if last_level is None else max(last_level - self.first_level + 1, 0)
        return self._blocks[max(first_level - self.first_level, 1) : end]

    def level_including(self, operation_hash: str) -> int | None:
        """Give the level of the block that an operation is in."""
        return self._levels_by_operation.get(operation_hash)

    def hashes(self, first_level: int, last_level: int) -> list[str]:
        """Give the hashes of some levels, the newest first."""
        start = self.first_level
        blocks = self._blocks[max(first_level - start, 0) : max(last_level - start + 1, 0)]
        ancestors = range(min(last_level, start - 1), first_level - 1, -1)
        return [block.hash for block in reversed(blocks)] + [
            self._ancestors.hash_of(level) for level in ancestors
        ]

    def append(self, block: Block) -> None:
        """Add a block on top of the head."""
        self._blocks.append(block)
        self._levels_by_hash[block.hash] = block.level
        for included in block.operations:
            self._levels_by_operation[included.signed.hash] = block.level

    def forget_head(self) -> Block:
        """Take the head off, and give it."""
        block = self._blocks.pop()
        del self._levels_by_hash[block.hash]
        for included in block.operations:
            del self._levels_by_operation[included.signed.hash]
        return block


class _Ancestors:
    """The blocks from before the simulation; a hash is computed when it is first asked for."""

    __slots__ = ("_chain_id", "_delay_seconds", "_first", "_hashes", "_levels")

    def __init__(self, chain_id: str, first: Block, delay_seconds: int) -> None:
        self._chain_id = chain_id
        self._first = first
        self._delay_seconds = delay_seconds
        self._hashes: dict[int, str] = {}
        self._levels: dict[str, int] = {}

    def hash_of(self, level: int) -> str:
        known = self._hashes.get(level)
        if known is None:
            known = self._hashes[level] = ancestor_hash(self._chain_id, level)
            self._levels[known] = level
        return known

    def level_of(self, hash_text: str) -> int | None:
        known = self._levels.get(hash_text)
        if known is not None:
            return known
        level = ancestor_level(self._chain_id, hash_text)
        return level if level is not None and level < self._first.level else None

    def block(self, level: int) -> Block:
        first = self._first
        return Block(
            level=level,
            hash=self.hash_of(level),
            predecessor=self.hash_of(max(level - 1, 0)),
            timestamp=first.timestamp - (first.level - level) * self._delay_seconds,
            proposer=first.proposer,
            global_counter=first.global_counter,
            operations_ttl=first.operations_ttl,
        )
