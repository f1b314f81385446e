"""What an import writes, and what it refuses to: once, all of it, and never a secret."""

from collections import Counter
from pathlib import Path

import pytest

from bakehouse.errors import ConflictError, InputError, RefusalError
from bakehouse.importers.moving import look_on_chain, move_in
from bakehouse.importers.report import report_document, report_text
from bakehouse.importers.taps_files import read_taps
from bakehouse.ledger import audit, bakers, distributions
from bakehouse.payments.payer import Payer
from bakehouse.payments.verify import verify
from tests.importers.old_life import OldLife, Paid
from tests.importers.reading import failed, read

# One loop for the module, which the shared chain is served in.
pytestmark = pytest.mark.asyncio(loop_scope="module")

SECRETS = ("S4LT", "segredo", "A3F5C9D1E7B2", "W4LLET", "s3cret", "horsebattery", "54f345ecc1bf")


@pytest.mark.parametrize("tool", ["taps-1.3", "taps-1.4", "trd", "tezpay"])
async def test_importing_twice_is_importing_once(
    seen: OldLife, tool: str, taps_scripts: dict[str, Path]
) -> None:
    moving = read(seen, tool, taps_scripts)
    first = await seen.move_in(moving)
    async with seen.new.payer.ledger.read() as tx:
        before = await audit.latest(tx, 1_000)

    again = await seen.move_in(moving)

    assert first.written.changes_anything
    assert not again.written.changes_anything
    assert "All of it is here already: nothing changes." in report_text(again)
    async with seen.new.payer.ledger.read() as tx:
        assert await audit.latest(tx, 1_000) == before


@pytest.mark.parametrize("tool", ["taps-1.4", "trd", "tezpay"])
async def test_no_secret_of_the_old_files_is_shown_or_kept(
    seen: OldLife, tool: str, taps_scripts: dict[str, Path]
) -> None:
    told = await seen.move_in(read(seen, tool, taps_scripts))

    shown = report_text(told) + repr(report_document(told)) + repr(told)
    assert "secrets are neither read nor shown" in shown
    kept = (seen.folder / "new-ledger.db").read_bytes().decode(errors="ignore")
    for secret in SECRETS:
        assert secret not in shown
        assert secret not in kept


async def test_hashes_and_exact_amounts_are_those_of_the_chain(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    # The old version of TAPS kept two decimals and no hash.
    told = await seen.move_in(read(seen, "taps-1.3", taps_scripts))

    found = {each.payment.address: each.payment for each in told.checked if each.payment.amount}
    for paid in seen.paid:
        assert (found[paid.address].amount, found[paid.address].operation_hash) == (
            paid.amount,
            paid.operation_hash,
        )


async def test_what_failed_and_was_sent_all_the_same_is_closed(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    unsure = [Paid(each.address, each.amount, None, "not available") for each in seen.paid]

    await seen.move_in(read(seen, "taps-1.4", taps_scripts, *unsure))

    assert set((await seen.states()).values()) == {"paid"}


async def test_what_is_unsure_names_what_else_the_recipient_got(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    rows = [failed(seen.paid[0]), *seen.paid[1:]]

    told = await seen.look(read(seen, "taps-1.4", taps_scripts, *rows))

    (held,) = [each for each in told.checked if not each.is_paid]
    assert held.held_because is not None
    assert "unsure: no transfer has this amount" in held.held_because
    assert str(seen.paid[0].operation_hash) in held.held_because


async def test_a_hash_that_is_not_on_chain_is_not_believed(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    invented = "onsGPqNx2TJNFvDaXqBgmqrwVuSCb2nkrmCiLTFi1D7kRE1rmVH"
    other = Paid(seen.old.baker_id, 55_555, invented)
    with pytest.raises(InputError, match="is no hash of an operation"):
        read(seen, "taps-1.4", taps_scripts, *seen.paid, other)
    # A real one of another payment.
    other = Paid(seen.old.baker_id, 55_555, seen.paid[0].operation_hash)

    told = await seen.look(read(seen, "taps-1.4", taps_scripts, *seen.paid, other))

    (held,) = [each for each in told.checked if not each.is_paid]
    assert "which has not paid it" in str(held.held_because)


async def test_newer_files_add_what_is_new_and_settle_what_was_held(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    first, second, *rest = seen.paid
    script = taps_scripts["1.4"]
    older = read_taps(
        seen.taps(script, Paid(first.address, 7, None, "failed"), *rest),
        payout_address=seen.old.payout_address,
    )
    await seen.move_in(older)
    assert (await seen.states())[first.address] == "held"

    newer = await seen.move_in(read(seen, "taps-1.4", taps_scripts, first, second, *rest))

    assert (newer.written.paid, newer.written.settled, newer.written.is_new_baker) == (1, 1, False)
    states = await seen.states()
    assert (states[first.address], states[second.address]) == ("dropped", "paid")


async def test_another_amount_for_what_is_here_is_refused_and_nothing_is_written(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    await seen.move_in(read(seen, "taps-1.4", taps_scripts))
    first, *rest = seen.paid
    changed = read(
        seen, "taps-1.4", taps_scripts, Paid(first.address, 7, first.operation_hash), *rest
    )

    with pytest.raises(ConflictError, match=r"and these files say 0\.000007: nothing was imported"):
        await seen.look_offline(changed)


async def test_a_cycle_that_is_paid_here_as_well_is_refused(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    with pytest.raises(ConflictError, match="two tools have worked on one cycle"):
        await look_on_chain(seen.old.payer, read(seen, "taps-1.4", taps_scripts), seen.choice())


async def test_many_open_cycles_are_not_paid_because_of_a_default(
    seen: OldLife, taps_scripts: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bakehouse.importers.moving.OPEN_CYCLES_MAX", 0)

    with pytest.raises(RefusalError, match="say which is the first, with --first-cycle"):
        await seen.look(read(seen, "taps-1.4", taps_scripts))
    chosen = seen.choice(seen.cycle + 2)
    told = await look_on_chain(seen.new.payer, read(seen, "taps-1.4", taps_scripts), chosen)
    assert told.first_cycle == seen.cycle + 2
    with pytest.raises(InputError, match="is not after"):
        await look_on_chain(
            seen.new.payer, read(seen, "taps-1.4", taps_scripts), seen.choice(seen.cycle)
        )


async def test_the_chain_is_read_again_and_says_what_was_imported(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    await seen.move_in(read(seen, "taps-1.4", taps_scripts))
    payer: Payer = seen.new.payer
    async with payer.ledger.read() as tx:
        baker = await bakers.get(tx, seen.old.baker_id)
        imported = await distributions.get(tx, seen.new.key(seen.cycle))
        assert await distributions.unverified(tx, 10) == []

    found = await verify(payer, baker, [imported])

    assert found.differences == []
    assert (found.payouts, found.unproven) == (len(seen.paid), 0)


async def test_offline_the_files_are_taken_at_their_word_and_it_is_said(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    told = await seen.look_offline(
        read(seen, "taps-1.3", taps_scripts, *seen.paid[1:], failed(seen.paid[0]))
    )
    assert "THE CHAIN WAS NOT ASKED" in report_text(told)
    await move_in(seen.new.payer.ledger, told)
    assert Counter((await seen.states()).values())["held"] == 1
    # Nobody knows what paid them: with the chain at hand, that is added.
    proven = await seen.move_in(
        read(seen, "taps-1.3", taps_scripts, *seen.paid[1:], failed(seen.paid[0]))
    )
    assert proven.written.proven == len(seen.paid) - 1


async def test_a_wallet_that_paid_before_is_found_by_what_it_has_signed(
    seen: OldLife, taps_scripts: dict[str, Path]
) -> None:
    # TAPS keeps a key, not an address: without a word, the baker's own is taken.
    moving = read_taps(seen.taps(taps_scripts["1.4"]))

    told = await seen.look(moving)

    assert told.wallets == (seen.old.baker_id, seen.old.payout_address)
    assert all(each.is_paid for each in told.checked)
    assert "if that wallet pays on, name it with --payout-address" in report_text(told)
    without_hashes = read_taps(seen.taps(taps_scripts["1.3"]))
    lost = await seen.look(without_hashes)
    assert "if another wallet has paid them, name it" in report_text(lost)
