"""`bakehouse verify`: what it prints, its exit codes, and that silence is never called the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bakehouse.ledger.database import Ledger
from bakehouse.rewards.money import Mutez, format_tez
from tests.cli.bakers_desk import ANN, Desk, open_desk
from tests.payments.chain_front import served
from tests.payments.hostile_baker import HostileBaker, hostile_baker
from tests.payments.lives import SHORT_LIVES
from tests.payments.provocations import tamper


@pytest.fixture
async def baker(tmp_path: Path) -> AsyncIterator[HostileBaker]:
    """One that has paid its first cycle."""
    database = tmp_path / "data" / "ledger.db"
    await (await Ledger.open(f"sqlite:///{database}")).close()
    async with hostile_baker(database, limits=SHORT_LIVES, node_count=1) as opened:
        assert (await opened.pay()).is_settled
        yield opened


@pytest.fixture
async def desk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    baker: HostileBaker,
) -> AsyncIterator[Desk]:
    """One at which the baker's chain is set up."""
    with open_desk(tmp_path, monkeypatch, capsys) as opened:
        async with (
            served(baker.sandbox.node_app(0)) as node,
            served(baker.sandbox.indexer_app()) as indexer,
        ):
            monkeypatch.setenv("BAKEHOUSE_NETWORK", baker.chain.chain_id)
            monkeypatch.setenv("BAKEHOUSE_NODE_URLS", node)
            monkeypatch.setenv("BAKEHOUSE_INDEXER_URLS", indexer)
            monkeypatch.setenv("BAKEHOUSE_HEAD_AGE_SECONDS_MAX", "100000000")
            yield opened
            baker.sandbox.close()


async def run(desk: Desk, *arguments: str) -> tuple[int, str, str]:
    # What was said before is nothing that the command said.
    desk.capsys.readouterr()
    return await asyncio.to_thread(desk.run, "verify", *arguments)


async def test_what_was_paid_is_the_same_as_the_chain(desk: Desk, baker: HostileBaker) -> None:
    code, out, err = await run(desk)

    rows = await baker.payouts()
    paid = format_tez(Mutez(sum(row.net for row in rows)))
    count = len(rows)
    assert (code, err) == (0, "")
    assert out == (
        f"{baker.baker_id}: 1 distributions, {count} payouts of {paid} tez, "
        f"{count} transfers in blocks\n"
        "  ledger and chain are the same\n"
    )


async def test_programs_are_told_the_same_in_json(desk: Desk, baker: HostileBaker) -> None:
    code, out, _ = await run(desk, "--json", "--baker", baker.baker_id)

    rows = await baker.payouts()
    assert code == 0
    assert json.loads(out) == {
        baker.baker_id: {
            "distributions": 1,
            "payouts": len(rows),
            "transfers": len(rows),
            "mutez": str(sum(row.net for row in rows)),
            "other_transfers": 0,
            "unproven": 0,
            "differences": [],
        }
    }


async def test_a_difference_is_named_and_the_exit_code_is_1(
    desk: Desk, baker: HostileBaker
) -> None:
    tamper(baker, "UPDATE distributions SET total_net = total_net + 1, dust = dust - 1")

    code, out, err = await run(desk)

    assert (code, err) == (1, "")
    assert f"  DIFFERS (plan) cycle {baker.first_cycle}: the payouts add up to" in out
    assert "the same" not in out
    code, out, _ = await run(desk, "--json")
    assert code == 1
    [difference] = json.loads(out)[baker.baker_id]["differences"]
    assert (difference["kind"], difference["cycle"]) == ("plan", baker.first_cycle)


@pytest.mark.parametrize("which", ["NODE", "INDEXER"])
async def test_a_chain_that_cannot_be_read_is_not_called_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setenv(f"BAKEHOUSE_{which}_URLS", "http://127.0.0.1:1")

    code, out, err = await run(desk)

    assert code == 1
    assert "the same" not in out
    assert "cannot be reached" in err + out


async def test_a_cycle_or_baker_of_which_nothing_was_paid_is_refused(
    desk: Desk, baker: HostileBaker
) -> None:
    code, out, err = await run(desk, "--cycle", str(baker.first_cycle + 1))

    assert (code, out) == (2, "")
    assert err == "bakehouse: nothing was paid yet that could be verified\n"
    code, _, err = await run(desk, "--baker", ANN)
    assert code == 2
    assert ANN in err


async def test_without_sources_it_says_what_to_set(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BAKEHOUSE_NODE_URLS")

    code, out, err = await run(desk)

    assert (code, out) == (2, "")
    assert "BAKEHOUSE_NODE_URLS" in err
