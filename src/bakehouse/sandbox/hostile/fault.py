"""Everything that can go wrong, by name. How each of it is done lives beside this."""

from enum import StrEnum


class Fault(StrEnum):
    """One way in which a network, a node, an indexer, a clock or somebody else gets in the way."""

    #: The request did what it asks for, and the connection broke before the reply came.
    REPLY_LOST_AFTER_ACCEPTANCE = "reply lost after acceptance"
    #: The connection broke before the request arrived.
    REPLY_LOST_BEFORE_ACCEPTANCE = "reply lost before acceptance"
    #: The connection is refused or reset; the request does not arrive.
    CONNECTION_RESET = "connection reset"
    #: No reply ever comes, whether or not the request arrived.
    HANG = "hang"
    #: A proxy allows fewer requests and answers 429 in HTML, without Retry-After.
    HTML_429 = "HTML 429"
    #: A proxy answers 502 in HTML, whether or not the request arrived.
    BAD_GATEWAY = "bad gateway"
    #: A node's view ends some blocks below the head.
    LAGGING_NODE = "lagging node"
    #: A node follows blocks that nobody else has.
    MINORITY_FORK = "minority fork"
    #: The newest one or two blocks are replaced by empty ones; their operations wait again.
    REORG = "reorg"
    #: Two blocks in a row, each with a group of the payout account, are replaced by empty ones.
    REORG_OF_TWO_GROUPS = "reorg of two groups"
    #: Others take almost all of each block.
    CROWDED_BLOCKS = "crowded blocks"
    #: Every node forgets what waits in its mempool.
    MEMPOOL_DROP = "mempool drop"
    #: The payout account's waiting operation is taken into no block until it has expired.
    STUCK_UNTIL_EXPIRY = "stuck until expiry"
    #: Blocks take, and nodes let in, only what pays many times the minimal fee.
    FEE_SPIKE = "fee spike"
    #: A group of the payout account is in a block, and one of its transfers fails.
    INCLUDED_BUT_FAILED = "included but failed"
    #: Somebody else who has the payout key uses the next counter.
    FOREIGN_COUNTER = "foreign counter"
    #: Somebody else who has the payout key replaces the waiting operation by a better fee.
    REPLACED_BY_FEE = "replaced by fee"
    #: The money of the payout account goes elsewhere, and comes back when all is healed.
    BALANCE_DRAINED = "balance drained"
    #: A payee's account is emptied in the block that pays it, before it is paid.
    DESTINATION_EMPTIED = "destination emptied"
    #: Another protocol comes into force: other constants, hash, and ids of errors.
    PROTOCOL_CHANGE = "protocol change"
    #: The indexer's view ends some blocks below the head, and it says so.
    INDEXER_LAG = "indexer lag"
    #: A page of the indexer comes short, or its JSON is cut.
    TRUNCATED_PAGES = "truncated pages"
    #: What the indexer says of a cycle differs between two reads.
    CHANGING_PAGES = "changing pages"
    #: The clock of the machine is wrong.
    CLOCK_SKEW = "clock skew"


#: Faults of the way to a node or indexer; the rest is of what stands there, or of the chain.
NETWORK_FAULTS = frozenset(
    {
        Fault.REPLY_LOST_AFTER_ACCEPTANCE,
        Fault.REPLY_LOST_BEFORE_ACCEPTANCE,
        Fault.CONNECTION_RESET,
        Fault.HANG,
        Fault.HTML_429,
        Fault.BAD_GATEWAY,
    }
)
