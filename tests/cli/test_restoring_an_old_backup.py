"""An old backup comes back after payments were made: whom they paid is held, nobody paid twice."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.bakers_desk import Desk, open_desk
from tests.cli.chain_desk import QUICK, LivingChain, living_chain

#: Long enough that the cycle paid here is the last one over.
LONG_CYCLES = replace(QUICK, blocks_per_cycle=60)


@pytest.fixture
def chain() -> Iterator[LivingChain]:
    with living_chain(LONG_CYCLES) as opened:
        yield opened


@pytest.fixture
def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    chain: LivingChain,
) -> Iterator[Desk]:
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        chain.set_up(opened, monkeypatch)
        yield opened


def paid(chain: LivingChain) -> Counter[tuple[str, int]]:
    transfers = chain.server.transfers_from(chain.payout_address)
    return Counter((each.destination, each.amount) for each in transfers)


def test_whoever_was_paid_since_the_backup_is_held_and_not_paid_again(
    desk: Desk, chain: LivingChain
) -> None:
    desk.done(
        *("baker", "add", chain.baker, f"payout_address={chain.payout_address}", "mode=on"),
        *(f"first_cycle={chain.first_cycle}", "payout_delay_cycles=0", "confirm_first_cycle=no"),
    )
    backup = desk.folder / "before.db"
    desk.done("backup", str(backup))
    pay = ("pay", chain.baker, "--cycle", str(chain.first_cycle), "--json")
    [first] = json.loads(desk.done(*pay))["payments"]
    sent = paid(chain)
    assert first["paid"] == first["payouts"] == sent.total() > 0

    restored = json.loads(desk.done("restore", str(backup), "--replace", "--json"))
    code, out, _ = desk.run(*pay)

    assert restored["operations_lost"] == 1
    [again] = json.loads(out)["payments"]
    assert (code, again["paid"], again["held"]) == (3, 0, first["payouts"])
    assert paid(chain) == sent
    held = json.loads(desk.done("held", chain.baker, "--json"))["held"]
    assert len(held) == first["payouts"]
    assert all(each["reason"].startswith("not-paid-elsewhere") for each in held)
