"""What transfers cost, who bears it, and which are not worth their cost. Nothing is sent here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bakehouse.payments.batch import TransferIntent
from bakehouse.payments.payer import Payer
from bakehouse.payments.prepare import PreparedGroup
from bakehouse.rewards.money import NO_MUTEZ, WHOLE, Mutez
from bakehouse.rewards.payout_rules import CostBearer, PayoutRules
from bakehouse.rewards.plan_values import NO_COSTS, TransferCosts
from bakehouse.tezos.address import Address, is_contract
from bakehouse.tezos.fees import minimum_fee
from bakehouse.tezos.operation import Content, Transaction

#: Gas of a transfer to an account without code, the usual margin included; measured, rounded up.
_PLAIN_TRANSFER_GAS: Final = 2_300
#: Bytes of such a transfer of up to 268 tez, at a counter of up to 2^35.
_PLAIN_TRANSFER_BYTES: Final = 60


@dataclass(frozen=True, slots=True)
class NotWorthwhile:
    """Transfers whose recipients bear a cost that leaves them nothing."""

    intents: tuple[TransferIntent, ...]


@dataclass(frozen=True, slots=True)
class TooCostly:
    """A transfer to a contract that costs more (mutez) than the baker allows for one."""

    intent: TransferIntent
    cost: Mutez


async def expected_costs(payer: Payer, rules: PayoutRules) -> TransferCosts:
    """Estimate what a plain transfer costs now, in mutez; nothing where no rule depends on it.

    Only for deciding what waits for a later cycle: what a transfer does cost is known once its
    group has been simulated. Raises SourceError.
    """
    if not _depends_on_costs(rules):
        return NO_COSTS
    prices = replace(await payer.node.fee_filter(), minimal_fees=NO_MUTEZ)
    fee = minimum_fee(prices, gas=_PLAIN_TRANSFER_GAS, size_bytes=_PLAIN_TRANSFER_BYTES)
    with_margin = -(-fee * (WHOLE + payer.limits.fee_margin) // WHOLE)
    constants = await payer.node.constants()
    return TransferCosts(fee=Mutez(with_margin), burn=constants.allocation_burn)


def bear_costs(
    prepared: PreparedGroup, contract_cost_cap: Mutez | None
) -> PreparedGroup | NotWorthwhile | TooCostly:
    """Take what recipients bear of its cost off each transfer, or say which are not to be sent.

    The fees were reckoned for the larger amounts: they cover these as well.
    """
    contents = prepared.group.contents
    # What the group shares is not the cost of whoever happens to come first in it.
    shared = NO_MUTEZ if prepared.reveal_count else prepared.shared_fee
    transfers = contents[prepared.reveal_count :]
    borne: list[TransferIntent] = []
    lowered: list[Content] = []
    hopeless: list[TransferIntent] = []
    for content, intent in zip(transfers, prepared.intents, strict=True):
        if not isinstance(content, Transaction):
            raise TypeError(f"{content} is no transfer")
        burn = Mutez(content.storage_limit * prepared.context.constants.cost_per_byte)
        cost = Mutez(content.fee + burn)
        if _is_over(contract_cost_cap, intent, cost):
            return TooCostly(intent, cost)
        fee, shared = Mutez(content.fee - shared), NO_MUTEZ
        withheld = share_costs(intent, fee=fee, burn=burn)
        left = Mutez(content.amount - sum(withheld.values()))
        if left <= 0:
            hopeless.append(intent)
        lowered.append(replace(content, amount=left))
        borne.append(replace(intent, withheld=withheld))
    if hopeless:
        return NotWorthwhile(tuple(hopeless))
    group = replace(prepared.group, contents=(*contents[: prepared.reveal_count], *lowered))
    return replace(prepared, group=group, intents=tuple(borne))


def _is_over(cap: Mutez | None, intent: TransferIntent, cost: Mutez) -> bool:
    if cap is None or cost <= cap or all(part.is_released for part in intent.parts):
        return False
    return is_contract(Address(intent.destination))


def share_costs(intent: TransferIntent, *, fee: Mutez, burn: Mutez) -> Mapping[int, Mutez]:
    """Give what each payout of a transfer bears, by row: the first first, none more than it is.

    As TezPay charges it: a cost empties one part before it touches the next.
    """
    withheld: dict[int, Mutez] = {}
    for cost, bearers in (
        (fee, [(part.payout_id, part.net) for part in intent.parts if part.bears_fee]),
        (burn, [(part.payout_id, part.net) for part in intent.parts if part.bears_burn]),
    ):
        left = cost
        for payout_id, net in bearers:
            if payout_id is None:
                continue
            taken = min(left, net - withheld.get(payout_id, 0))
            if taken > 0:
                withheld[payout_id] = Mutez(withheld.get(payout_id, 0) + taken)
                left = Mutez(left - taken)
    return withheld


def _depends_on_costs(rules: PayoutRules) -> bool:
    single: Sequence[CostBearer | None] = [
        bearer
        for rule in rules.delegators.values()
        for bearer in (rule.transfer_fee_payer, rule.burn_payer)
    ]
    bearers = {rules.transfer_fee_payer, rules.burn_payer, *single}
    return rules.minimum_fee_multiple > 0 or CostBearer.DELEGATOR in bearers
