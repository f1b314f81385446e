"""A funding wallet on the simulated chain, and a baker that is topped up from it."""

from dataclasses import replace

from bakehouse.payments.payer import Payer
from bakehouse.sandbox.account import Account
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.receipt import Status
from bakehouse.sandbox.transfer_record import transfers_from
from bakehouse.tezos.keyring import Keyring
from bakehouse.tezos.keys import SEED_SIZE, Curve, SecretKey
from bakehouse.tezos.signer import LocalSigner

FUNDING_KEY = SecretKey.from_seed(Curve.ED25519, b"f" * SEED_SIZE)
FUNDING = FUNDING_KEY.public_key.address


def fund(chain: Chain, balance: int) -> None:
    """Have the funding wallet own this; its key is not revealed before it pays."""
    before = chain.account(FUNDING, chain.head.level) or Account(counter=7)
    account = replace(before, balance=balance)
    chain._ledger.record(chain.head.level, {FUNDING: account})


def with_both_keys(payer: Payer, chain: Chain) -> Payer:
    """Give the payer the keys of payout wallet and funding wallet."""
    keys = (chain.world.payout_key, FUNDING_KEY)
    return replace(payer, signers=Keyring([LocalSigner(key) for key in keys]))


def topped_up(chain: Chain) -> list[int]:
    """Give the amounts that the funding wallet has sent to the payout wallet."""
    wallet = chain.world.payout_key.public_key.address
    return [
        each.amount
        for each in transfers_from(chain, FUNDING)
        if each.status is Status.APPLIED and each.destination == wallet
    ]
