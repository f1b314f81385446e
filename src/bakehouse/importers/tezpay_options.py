"""TezPay's options by name: which are known, and which have no place here. Nothing is read."""

from collections.abc import Iterator, Mapping
from typing import Final

from bakehouse.importers.moving_in import SECRETS_STAY, Left
from bakehouse.importers.old_document import Node
from bakehouse.importers.place import Place

EMPTY: Final = Node(Place("", 0), entries={})

#: Who bears a cost, by TezPay's name for it and by ours.
BEARERS: Final = {
    "baker_pays_transaction_fee": "transfer_fee_payer",
    "baker_pays_allocation_fee": "burn_payer",
}

#: Options that have no place here, by where they stand, and why.
_NO_PLACE: Final[Mapping[str, Mapping[str, str]]] = {
    "payouts": {
        "wallet_mode": "a key file or a remote signer: docs/wallets.md",
        **dict.fromkeys(
            (
                "transaction_gas_limit_buffer",
                "kt_transaction_gas_limit_buffer",
                "transaction_deserialization_gas_buffer",
                "transaction_fee_buffer",
                "kt_transaction_fee_buffer",
            ),
            "gas is what the simulation used and 100 more",
        ),
        "simulation_batch_size": "a recipient to blame is found in the same step",
    },
    "income_recipients": {
        "donate": "nothing is donated: give whom you like an income share",
        "donate_fees": "nothing is donated: give whom you like an income share",
        "donate_bonds": "nothing is donated: give whom you like an income share",
        "donations": "nothing is donated: give whom you like an income share",
    },
    "network": {
        "rpc_url": "BAKEHOUSE_NODE_URLS: all are used, and two must agree",
        "rpc_pool": "BAKEHOUSE_NODE_URLS: all are used, and two must agree",
        "tzkt_url": "BAKEHOUSE_INDEXER_URLS",
        "protocol_rewards_url": "rewards are read from the indexer",
        "explorer": "BAKEHOUSE_EXPLORER_URL",
        "ignore_kt": "set listing=ignored for each contract, or contract_cost_cap",
        "ignore_protocol_changes": "an unknown protocol raises an alert, and paying goes on",
    },
}
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset(
        {
            *("tezpay_config_version", "baker", "payouts", "delegators", "income_recipients"),
            *("network", "overdelegation", "notifications", "extensions"),
            *("disable_analytics", "disable_kill_switch"),
        }
    ),
    "payouts": frozenset(
        {
            *("payout_mode", "fee", *BEARERS, "minimum_payout_amount", "ignore_empty_accounts"),
            *("minimum_delay_blocks", "maximum_delay_blocks"),
        }
    ),
    "income_recipients": frozenset({"bonds", "fees"}),
    "network": frozenset(),
    "delegators": frozenset({"requirements", "prefilter", "ignore", "overrides", "fee_overrides"}),
    "overdelegation": frozenset({"protect"}),
}


def left_of_tezpay(root: Node, sharers: set[str], wallet: str) -> Iterator[Left]:
    """Name what of TezPay's settings has no place here, each with the reason."""
    for section, reasons in _NO_PLACE.items():
        for name in _section(root, section):
            if name in reasons:
                yield Left(f"{section}.{name}", reasons[name])
    if "donate" not in _section(root, "income_recipients"):
        yield Left(
            "the donation of 5 % that TezPay makes by itself", "nothing is donated by default here"
        )
    if wallet in sharers:
        yield Left(
            f"income_recipients: the shares of {wallet}",
            "it is the wallet that pays: what is its own stays in it",
        )
    yield from _secret_sections(root)
    for section, known in _KNOWN.items():
        for name in _section(root, section):
            if name not in known and name not in _NO_PLACE.get(section, {}):
                yield Left(f"{section}.{name}".lstrip(".")[:64], "TezPay does not know it either")


def _secret_sections(root: Node) -> Iterator[Left]:
    """Name sections that may hold secrets by how much is in them, and never by what."""
    for name, how in (("notifications", "bakehouse alerts"), ("extensions", "bakehouse hooks")):
        node = root.get(name)
        if node is not None and node.items:
            yield Left(
                f"{name}: {len(node.items)}", f"set them up anew with `{how}`; {SECRETS_STAY}"
            )
    for name in ("disable_analytics", "disable_kill_switch"):
        if name in root.table():
            yield Left(name, "there is no telemetry and no switch in other hands")


def _section(root: Node, section: str) -> Mapping[str, Node]:
    node = root if not section else root.get(section)
    return (node or EMPTY).table()
