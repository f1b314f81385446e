"""Every error Bakehouse raises on purpose, in one tree; each message is a sentence for a person.

BakehouseError
├── InputError                what a person typed or configured is wrong (exit 2, HTTP 422)
│   ├── AddressError
│   ├── PercentageError
│   └── SettingError
├── NotFoundError             the thing named does not exist (exit 2, HTTP 404)
├── ForbiddenError            known, but not allowed to do this (HTTP 403)
├── ConflictError             it exists, but not in a state that allows this (exit 1, HTTP 409)
│   ├── IllegalTransitionError
│   └── OvertakenError        another process was faster: nothing was done, the next step will see
├── RefusalError              understood, and refused because it would be unsafe (exit 1, HTTP 409)
│   ├── SplitRefusedError     an indexer's reward split that must not be paid from
│   ├── GuardRefusedError     a check before signing that did not pass
│   ├── EncodingError         bytes that do not decode to what was meant
│   └── SignerError           a key or signer that cannot, or must not, sign
└── SourceError               a node, indexer, queue or database that did not answer (retryable)
    ├── SourceUnreachableError
    │   ├── LedgerUnreachableError
    │   └── QueueUnreachableError
    ├── UndeliveredError      a channel did not take a message
    ├── HookFailedError       a baker's own program gave no answer that can be accepted
    ├── SourceBusyError
    ├── SourceMalformedError
    ├── SourceStaleError
    ├── SourcesDisagreeError
    ├── WrongChainError
    └── NodeRefusedError
"""

from enum import StrEnum
from typing import Any, ClassVar


class Outcome(StrEnum):
    """What is known about the effect of a call that raised."""

    NOT_DONE = "not-done"
    UNKNOWN = "unknown"


class BakehouseError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    #: The same call may succeed later without anybody changing anything.
    retryable: ClassVar[bool] = False
    #: UNKNOWN may never be answered by doing the same thing anew, only by looking.
    outcome: ClassVar[Outcome] = Outcome.NOT_DONE

    def __init__(self, message: str | None = None, **facts: Any) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.facts = facts
        super().__init__(self.message)


class InputError(BakehouseError):
    """What was entered is not valid."""

    code = "input"


class AddressError(InputError):
    """A Tezos address is not valid."""

    code = "address"


class PercentageError(InputError):
    """A percentage runs from 0 to 100 with at most two decimals."""

    code = "percentage"


class SettingError(InputError):
    """A setting is unknown, out of its range, or contradicts another; `setting` may name it."""

    code = "setting"


class NotFoundError(BakehouseError):
    """There is no such thing."""

    code = "not-found"


class ForbiddenError(BakehouseError):
    """Whoever asks may not do this."""

    code = "forbidden"


class ConflictError(BakehouseError):
    """The present state does not allow this."""

    code = "conflict"


class IllegalTransitionError(ConflictError):
    """A state may not be left this way."""

    code = "illegal-transition"


class OvertakenError(ConflictError):
    """Another process was faster."""

    code = "overtaken"
    retryable = True


class RefusalError(BakehouseError):
    """Refused, because going on would be unsafe."""

    code = "refused"


class SplitRefusedError(RefusalError):
    """A reward split must not be paid from."""

    code = "split-refused"


class GuardRefusedError(RefusalError):
    """A check before signing did not pass."""

    code = "guard-refused"


class EncodingError(RefusalError):
    """Bytes do not say what was meant."""

    code = "encoding"


class SignerError(RefusalError):
    """The signer cannot sign this."""

    code = "signer"


class SourceError(BakehouseError):
    """A node or indexer did not answer as it should."""

    code = "source"
    retryable = True


class SourceUnreachableError(SourceError):
    """A node or indexer did not answer: no connection, a reset, or a timeout."""

    code = "source-unreachable"
    outcome = Outcome.UNKNOWN


class LedgerUnreachableError(SourceUnreachableError):
    """The database of the ledger did not answer."""

    code = "ledger-unreachable"
    outcome = Outcome.NOT_DONE


class QueueUnreachableError(SourceUnreachableError):
    """The Redis or Valkey of the queues did not answer."""

    code = "queue-unreachable"


class UndeliveredError(SourceError):
    """A channel did not take a message."""

    code = "undelivered"
    outcome = Outcome.UNKNOWN


class HookFailedError(SourceError):
    """A hook gave no answer that can be accepted."""

    code = "hook-failed"
    outcome = Outcome.UNKNOWN


class SourceBusyError(SourceError):
    """A node or indexer answered 429 or 5xx without saying anything about the request."""

    code = "source-busy"
    outcome = Outcome.UNKNOWN


class SourceMalformedError(SourceError):
    """A node or indexer answered something that is not what its interface promises."""

    code = "source-malformed"
    outcome = Outcome.UNKNOWN


class SourceStaleError(SourceError):
    """A node or indexer lags behind the chain."""

    code = "source-stale"


class SourcesDisagreeError(SourceError):
    """Nodes and indexers contradict each other, or too few of them answer."""

    code = "sources-disagree"


class WrongChainError(SourceError):
    """A node or indexer serves another chain than the one configured."""

    code = "wrong-chain"
    retryable = False


class NodeRefusedError(SourceError):
    """A node answered with protocol or shell errors; `error_ids` names them."""

    code = "node-refused"
    outcome = Outcome.UNKNOWN

    def __init__(
        self, message: str, *, error_ids: tuple[str, ...] = (), body: Any = None, **facts: Any
    ) -> None:
        self.error_ids = error_ids
        self.body = body
        super().__init__(message, error_ids=error_ids, **facts)
