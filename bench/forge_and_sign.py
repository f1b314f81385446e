"""How long it takes to forge, check, sign and seal a batch of 200 transfers (limit: 20 ms).

Run it with `python bench/forge_and_sign.py`; it exits 1 above the limit.
"""

import asyncio
import statistics
import sys
import time

from bakehouse.rewards.money import Mutez
from bakehouse.tezos.address import Address
from bakehouse.tezos.base58check import Prefix, encode
from bakehouse.tezos.keys import Curve, SecretKey
from bakehouse.tezos.operation import OperationGroup, Transaction
from bakehouse.tezos.signed_operation import seal
from bakehouse.tezos.signer import LocalSigner

TRANSFERS = 200
RUNS = 30
LIMIT_MS = 20.0

RECIPIENT_KINDS = (Prefix.TZ1, Prefix.TZ2, Prefix.TZ3, Prefix.TZ4, Prefix.KT1)


def batch_from(source: Address) -> OperationGroup:
    """Make a batch of transfers to as many accounts, of all kinds in turn."""
    transfers = (
        Transaction(
            source=source,
            fee=Mutez(300),
            counter=97_949_834 + index,
            gas_limit=2_269,
            storage_limit=0,
            amount=Mutez(1_000_003 * (index + 1)),
            destination=Address(
                encode(RECIPIENT_KINDS[index % len(RECIPIENT_KINDS)], index.to_bytes(20))
            ),
        )
        for index in range(TRANSFERS)
    )
    return OperationGroup(encode(Prefix.BLOCK_HASH, bytes(32)), tuple(transfers))


def run() -> dict[str, float]:
    """Give the median of several runs per curve, in milliseconds."""
    medians = {}
    for curve in Curve:
        signer = LocalSigner(SecretKey.from_seed(curve, bytes(range(1, 33))))
        batch = batch_from(signer.address)
        with asyncio.Runner() as runner:
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                runner.run(seal(batch, signer))
                times.append((time.perf_counter() - start) * 1_000)
        medians[f"forge_and_sign_{curve.value}_ms"] = statistics.median(times)
    return medians


def main() -> int:
    medians = run()
    for name, median in medians.items():
        print(f"{name:32} {median:7.2f} of {LIMIT_MS:.0f} ms ({median / LIMIT_MS:.0%})")
    return int(max(medians.values()) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
