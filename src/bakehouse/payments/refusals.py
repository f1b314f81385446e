"""Why nodes refuse a transfer, in words for a person. Decides nothing."""

from collections.abc import Mapping, Sequence
from typing import Final

#: By the end of the protocol's id of an error (octez): what it says of the recipient.
_WORDS: Final[Mapping[str, str]] = {
    "contract.non_existing_contract": "there is no such contract any more",
    "contract.empty_transaction": "nothing is transferred",
    "michelson_v1.script_rejected": "its code refuses the transfer",
    "michelson_v1.runtime_error": "its code fails",
    "michelson_v1.bad_contract_parameter": "its code takes no plain transfer",
    "michelson_v1.no_such_entrypoint": "its code takes no plain transfer",
    "michelson_v1.bad_return": "its code fails",
    "gas_exhausted.operation": "its code takes more gas than a transfer may",
    "storage_exhausted.operation": "its code takes more storage than a transfer may",
    "contract.balance_too_low": "it would spend more than there is",
    "contract.cannot_pay_storage_fee": "its storage could not be paid for",
    "operations.invalid_transfer_to_smart_rollup_from_implicit_account": (
        "it is a smart rollup, which takes no transfer from an account"
    ),
}


def why_refused(error_ids: Sequence[str]) -> str:
    """Name the errors of a simulated transfer, and say in words what those that are known mean."""
    if not error_ids:
        return "no reason given"
    told = {words for each in error_ids for end, words in _WORDS.items() if each.endswith(end)}
    ids = ", ".join(error_ids)
    return f"{ids} ({'; '.join(sorted(told))})" if told else ids
