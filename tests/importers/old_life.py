"""A baker whose cycle was paid by another tool, and the files which that tool left behind."""

import hashlib
import json
import re
import shutil
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bakehouse.importers.moving import Choice, Look, look_offline, look_on_chain, move_in
from bakehouse.importers.moving_in import MovingIn
from bakehouse.importers.operation_hash import ZERO
from bakehouse.ledger.states import DistributionKind, Mode
from bakehouse.payments import tezpay_report
from bakehouse.payments.payer import PaymentLimits
from bakehouse.rewards.money import Mutez, format_tez
from bakehouse.sandbox.app import sandbox_app
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed
from tests.payments.chain_front import ChainFront, served
from tests.payments.paying_baker import PayingBaker
from tests.payments.registered_baker import RegisteredBaker
from tests.payments.surroundings import Surroundings, client_of_one_machine, small_chain

DAY = "2024-01-15"

CONFIG_TEZPAY = """\
tezpay_config_version: 0
# the baker
baker: {baker}
payouts: {{
  wallet_mode: local-private-key
  fee: 0.075  # as a part of 1
  baker_pays_transaction_fee: true
  minimum_delay_blocks: 0
  maximum_delay_blocks: 0
}}
notifications: [
  {{
    type: telegram
    api_token: s3cret-token
    receivers: [
      -1234
    ]
  }}
]
"""

CONFIG_TRD = """\
version: 1.0
baking_address: {baker}
payment_address: {wallet}
rewards_type: actual
service_fee: 4.5
reactivate_zeroed: True
delegator_pays_xfer_fee: False
delegator_pays_ra_fee: False
plugins:
  enabled:
  - email
  email:
    smtp_user: user@example.com
    smtp_pass: horsebatterystaple2
"""


async def _old_tool(folder: Path, stack: AsyncExitStack) -> PayingBaker:
    """Play the old tool by a ledger that pays in two groups."""
    settings = small_chain(delegator_count=4)
    chain = Chain(settings, start_timestamp=int(time.time()))
    front = ChainFront(sandbox_app(chain, HeadFeed()))
    url = await stack.enter_async_context(served(front))
    client = await stack.enter_async_context(client_of_one_machine())
    database = folder / "old-tool.db"
    shutil.copy(folder / "empty.db", database)
    surroundings = Surroundings(chain, database, url, has_rivals=False)
    limits = PaymentLimits(transfers_max=3)
    payer = await stack.enter_async_context(surroundings.payer(client, limits))
    old = PayingBaker(chain, payer, surroundings, front, stack)
    await old.register()
    return old


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of the old tool, as the chain has it."""

    address: str
    amount: int
    operation_hash: str | None
    said: str = "applied"


@dataclass(frozen=True, slots=True)
class OldLife:
    """The other tool, played by another ledger with the same wallet, and a new ledger beside."""

    old: PayingBaker
    new: RegisteredBaker
    paid: tuple[Paid, ...]
    folder: Path

    @property
    def cycle(self) -> int:
        """The cycle that the old tool has paid."""
        return self.old.first_cycle

    @classmethod
    async def live(cls, folder: Path, empty_ledger: Path, stack: AsyncExitStack) -> "OldLife":
        """Have the old tool pay its cycle only after the next is over, as TAPS does."""
        shutil.copy(empty_ledger, folder / "empty.db")
        old = await _old_tool(folder, stack)
        old.finish_cycle()
        old.finish_cycle()
        await old.notice()
        assert (await old.pay()).is_settled
        for _ in range(3):
            old.bake()
        hashes = {}
        for operation in await old.operations():
            for transfer in await old.transfers_of(operation):
                hashes[transfer.destination] = (transfer.amount, operation.hash)
        paid = tuple(Paid(address, *told) for address, told in sorted(hashes.items()))
        return cls(old, RegisteredBaker(old.chain, old.payer), paid, folder)

    async def with_new_ledger(self, folder: Path, stack: AsyncExitStack) -> "OldLife":
        """Give this life with a ledger in which nothing is yet."""
        database = folder / "new-ledger.db"
        shutil.copy(self.folder / "empty.db", database)
        surroundings = replace(self.old.surroundings, database=database)
        client = await stack.enter_async_context(client_of_one_machine())
        payer = await stack.enter_async_context(surroundings.payer(client))
        return replace(self, new=RegisteredBaker(self.old.chain, payer), folder=folder)

    # Moving in

    def choice(self, first_cycle: int | None = None) -> Choice:
        return Choice(self.old.chain.chain_id, "test", datetime.now(UTC), first_cycle)

    async def look(self, moving: MovingIn) -> Look:
        return await look_on_chain(self.new.payer, moving, self.choice())

    async def look_offline(self, moving: MovingIn) -> Look:
        return await look_offline(self.new.payer.ledger, moving, self.choice())

    async def move_in(self, moving: MovingIn) -> Look:
        seen = await self.look(moving)
        await move_in(self.new.payer.ledger, seen)
        return seen

    async def switch_on(self) -> None:
        await self.new.change(mode=Mode.ON, confirm_first_cycle=False, payout_delay_cycles=0)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    # What each tool would have written

    def taps(self, recorded: Path, *paid: Paid) -> Path:
        """Put payments into a script that H2 wrote of a real TAPS."""
        text = recorded.read_text()
        (baker,) = set(re.findall(r"tz1VSUr8\w+", text))
        rows = ",\n".join(self._taps_row(text, each) for each in paid or self.paid)
        text = re.sub(
            r'(INSERT INTO "?PUBLIC"?\."?DELEGATORSPAYMENTS"?[^;]*?VALUES\n)[^;]*;',
            lambda match: f"{match[1]}{rows};",
            text,
        )
        text = re.sub(
            r"-- 3 \+/- (SELECT COUNT\(\*\) FROM PUBLIC.DELEGATORSPAYMENTS)",
            rf"-- {len(paid or self.paid)} +/- \1",
            text,
        )
        text = text.replace("499, DATE", f"{self.cycle}, DATE")
        text = text.replace("500, DATE", f"{self.cycle + 1}, DATE")
        known = {"onvX8vBGFcJtwvpFHnyMhoZnCVCbSPTUPYPTHmzXHTHqfjqqLhx": self.paid[0].operation_hash}
        for index, invented in enumerate(
            ("tz1RLNfVUUvzCcAkTHsFrEZH1Kg7cCbNNy4M", "tz1gjaF81ZRRvdzjobyfVNsAeSC6PScjfQwN")
        ):
            known[invented] = self.paid[index].address
        for invented, real in {**known, baker: self.old.baker_id}.items():
            text = text.replace(invented, real or "")
        return self.write("taps-export.sql", text)

    def _taps_row(self, text: str, each: Paid) -> str:
        is_old = "TRANSACTION_HASH" not in text
        tez = format_tez(Mutez(each.amount)).replace(",", "")
        total = f"{round(each.amount / 10_000) / 100:.2f}" if is_old else tez
        named = "NULL" if each.operation_hash is None else f"'{each.operation_hash}'"
        tail = "" if is_old else f", {named}"
        return (
            f"('{self.old.baker_id}', {self.cycle}, '{each.address}', DATE '{DAY}', "
            f"'{each.said}', {total}{tail})"
        )

    def trd(self, *paid: Paid, failed: tuple[Paid, ...] = ()) -> tuple[Path, Path]:
        """Write a settings file and reports as TRD's csv_payment_file_parser does."""
        config = self.write(
            "cfg/baker.yaml",
            CONFIG_TRD.format(baker=self.old.baker_id, wallet=self.old.payout_address),
        )
        reports = f"reports/{self.old.baker_id}/payments"
        for name, rows in (("done", paid or self.paid), ("failed", failed)):
            lines = ["address,type,amount,hash,paid,description"]
            for each in rows:
                said = "paid" if each.said == "applied" else each.said
                named = each.operation_hash or "None"
                lines.append(f"{each.address},D,{each.amount},{named},{said},")
            if rows:
                path = f"{reports}/{name}/{self.cycle}.csv"
                self.write(path, "\r\n".join(lines) + "\r\n")
        return config, self.folder / "reports"

    def tezpay(self, *paid: Paid) -> tuple[Path, Path]:
        """Write a settings file and a cycle's reports as TezPay's file reporter does."""
        config = self.write("config.hjson", CONFIG_TEZPAY.format(baker=self.old.baker_id))
        lines = [",".join(tezpay_report.COLUMNS)]
        for each in paid or self.paid:
            digest = hashlib.sha256(each.address.encode()).hexdigest()[:16]
            named = each.operation_hash or ZERO
            lines.append(
                f"{digest},{self.old.baker_id},2026-06-26T20:16:20.123456789Z,{self.cycle},"
                f"delegator reward,tez,,0,,0,{each.address},5000000,0,{each.address},"
                f"{each.amount},0.075,1,478,{named},{str(each.said == 'applied').lower()},"
            )
        self.write(f"reports/{self.cycle}/payouts.csv", "\n".join(lines) + "\n")
        summary = json.dumps({"cycle_earned_total": "1", "timestamp": "2026-06-26T20:16:20Z"})
        self.write(f"reports/{self.cycle}/summary.json", summary)
        return config, self.folder / "reports"

    # What became of it

    async def states(self) -> dict[str, str]:
        """What became of each recipient's payout of the old cycle, in the new ledger."""
        rows = await self.new.payouts(self.new.key(self.cycle))
        return {row.owed_to: row.state.value for row in rows}

    async def both_kinds_are_closed(self) -> bool:
        kinds = [
            await self.new.distribution(self.new.key(self.cycle, kind)) for kind in DistributionKind
        ]
        return all(each.state == "paid" and each.is_imported for each in kinds)
