"""Every setting of a baker, once. Parsers, pages, API and files are made of it.

Defaults are those of `ledger.bakers.Baker`.
"""

from collections.abc import Mapping
from typing import Final

from bakehouse.ledger.rule_settings import RULE_SETTINGS
from bakehouse.ledger.setting import MUTEZ_MAX, Group, Kind, Setting
from bakehouse.ledger.states import Mode

_WHO: Final = (
    Setting(
        name="mode",
        group=Group.WHETHER,
        kind=Kind.CHOICE,
        choices=Mode,
        label="Mode",
        meaning="Simulation plans and shows, and signs nothing.",
        is_apart=True,
    ),
    Setting(
        name="scheduled",
        group=Group.WHETHER,
        kind=Kind.YES_NO,
        label="Schedules run",
        meaning="The chain is looked at by itself, again and again.",
        is_apart=True,
    ),
    Setting(
        name="alias",
        group=Group.WHO,
        kind=Kind.TEXT,
        label="Alias",
        meaning="A name for people.",
        none_means="no name",
    ),
    Setting(
        name="payout_address",
        group=Group.WHO,
        kind=Kind.SIGNER,
        label="Payout address",
        meaning="The wallet that pays. It needs a key file or a remote signer.",
    ),
)

_HOW: Final = (
    Setting(
        name="bond_pool_enabled",
        group=Group.SHARED,
        kind=Kind.YES_NO,
        label="Pay the bond pool",
        meaning="What the baker keeps is shared among its members, after the delegators.",
    ),
    Setting(
        name="update_freq",
        group=Group.WHEN,
        kind=Kind.NUMBER,
        label="Look for finished cycles every",
        meaning="Takes effect at once.",
        unit="minutes",
        least=1,
        most=10_080,
    ),
    Setting(
        name="payout_delay_cycles",
        group=Group.WHEN,
        kind=Kind.NUMBER,
        label="Wait after a cycle's end",
        meaning="Denunciations may come one cycle later.",
        unit="cycles",
        most=100,
    ),
    Setting(
        name="first_cycle",
        group=Group.WHEN,
        kind=Kind.NUMBER,
        label="First cycle",
        meaning="Nothing older is ever touched.",
        unit="cycle number",
    ),
    Setting(
        name="cycle_cap",
        group=Group.SAFETY,
        kind=Kind.MUTEZ,
        label="Cap of a cycle",
        meaning="A cycle that pays more is refused.",
        least=1,
        most=MUTEZ_MAX,
        none_means="no cap",
    ),
    Setting(
        name="payout_cap",
        group=Group.SAFETY,
        kind=Kind.MUTEZ,
        label="Cap of a recipient",
        meaning="Whoever would get more in a cycle is held.",
        least=1,
        most=MUTEZ_MAX,
        none_means="no cap",
    ),
    Setting(
        name="confirm_first_cycle",
        group=Group.SAFETY,
        kind=Kind.YES_NO,
        label="The first live cycle waits for a go",
        meaning="A person looks at its plan before anything is signed.",
    ),
    Setting(
        name="funding_address",
        group=Group.TOPPING_UP,
        kind=Kind.SIGNER,
        label="Funding address",
        meaning="The wallet that the payout wallet is topped up from, when it is low. It needs a "
        "key, too.",
        none_means="it is not topped up",
    ),
    Setting(
        name="target_balance",
        group=Group.TOPPING_UP,
        kind=Kind.MUTEZ,
        label="Target balance",
        meaning="What the payout wallet is filled up to.",
        least=1,
        most=MUTEZ_MAX,
        none_means="it is not topped up",
    ),
    Setting(
        name="top_up_cap",
        group=Group.TOPPING_UP,
        kind=Kind.MUTEZ,
        label="Cap of a day",
        meaning="No more is topped up in a day of UTC.",
        least=1,
        most=MUTEZ_MAX,
        none_means="it is not topped up",
    ),
    Setting(
        name="payment_retries",
        group=Group.RETRIES,
        kind=Kind.NUMBER,
        label="Retries",
        meaning="How often a failed distribution is tried again by itself.",
        unit="times",
        most=100,
    ),
    Setting(
        name="minutes_between_retries",
        group=Group.RETRIES,
        kind=Kind.NUMBER,
        label="Before the first retry",
        meaning="Doubles with each.",
        unit="minutes",
        least=1,
        most=1_440,
    ),
    Setting(
        name="num_blocks_wait",
        group=Group.RETRIES,
        kind=Kind.NUMBER,
        label="Final after",
        meaning="Blocks on top before an operation counts as final.",
        unit="blocks",
        least=2,
        most=100,
    ),
    Setting(
        name="public_page",
        group=Group.PUBLIC,
        kind=Kind.YES_NO,
        label="Public page",
        meaning="Anybody may look an address up and see what it was paid, with proofs.",
    ),
)

#: In the order of their groups.
CATALOGUE: Final[Mapping[str, Setting]] = {
    setting.name: setting
    for group in Group
    for setting in (*_WHO, *RULE_SETTINGS, *_HOW)
    if setting.group is group
}
