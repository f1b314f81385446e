"""An alert that a wallet is low names address and amount everywhere; a mail has the QR code too."""

import pytest

from bakehouse.alerts.channels import ChannelDesk
from bakehouse.alerts.codes import AlertCode
from bakehouse.alerts.raising import alert, close_alert
from bakehouse.alerts.rules import wallet_low
from bakehouse.alerts.sending import deliver
from bakehouse.ledger import alert_deliveries, bakers
from bakehouse.ledger.alert_channels import ChannelSettings
from bakehouse.ledger.bakers import Baker
from bakehouse.payments.payer import Payer
from bakehouse.rewards.money import Mutez
from bakehouse.secret_box import SecretKeyFile
from bakehouse.tezos.address import Address
from bakehouse.tezos.qr import qr_png
from tests.alerts.conftest import NOW
from tests.alerts.mail_server import MailServer
from tests.alerts.webhook import Webhook
from tests.web.scenes import address

BAKER, WALLET = address(7), address(8)
PAGES = "https://bakehouse.example.org/"


@pytest.fixture
async def baker(payer: Payer) -> Baker:
    entered = Baker(
        baker_id=BAKER, network="N", payout_address=WALLET, first_cycle=1, alias="Corner"
    )
    async with payer.ledger.write() as tx:
        await bakers.add(tx, entered, actor="test", at=NOW)
    return entered


async def add(desk: ChannelDesk, name: str, url: str) -> None:
    await desk.add(ChannelSettings(name=name, severity_min="info"), url, actor="test")


async def deliver_all(payer: Payer, secret_key: SecretKeyFile) -> None:
    async with payer.ledger.read() as tx:
        due = await alert_deliveries.due(tx, payer.clock(), 9)
    for each in due:
        await deliver(payer, secret_key, each.id, pages_url=PAGES)


@pytest.mark.usefixtures("baker")
async def test_a_low_wallet_is_told_with_address_amount_link_and_in_a_mail_with_its_qr_code(
    payer: Payer, secret_key: SecretKeyFile, desk: ChannelDesk, webhook: Webhook
) -> None:
    server = MailServer()
    message = wallet_low(WALLET, Mutez(1_000_000), Mutez(3_500_000))
    assert message is not None
    async with server.up(), webhook.up():
        await add(desk, "mail", server.url)
        await add(desk, "hook", webhook.url)
        await alert(payer, AlertCode.WALLET_LOW, BAKER, message, baker_id=BAKER)
        await deliver_all(payer, secret_key)
        await close_alert(payer, AlertCode.WALLET_LOW, BAKER)
        await deliver_all(payer, secret_key)

    mail, over = server.received
    plain = mail.get_body(("plain",))
    assert plain is not None
    text = plain.get_content()
    hooked = str(webhook.received[0]["message"])
    for told in (text, hooked):
        assert f"2.500000 tez are missing there (tezos:{WALLET})" in told
        assert f"Where to look: {PAGES}bakers/{BAKER}/fund" in told
    (picture,) = mail.iter_attachments()
    assert (picture.get_content_type(), picture.get_filename()) == (
        "image/png",
        "payout-wallet.png",
    )
    assert picture.get_content() == qr_png(Address(WALLET))
    assert not webhook.received[0]["attachments"]
    assert list(over.iter_attachments()) == []


@pytest.mark.usefixtures("baker")
async def test_other_alerts_have_no_picture_and_lead_to_their_own_page(
    payer: Payer, secret_key: SecretKeyFile, desk: ChannelDesk
) -> None:
    server = MailServer()
    async with server.up():
        await add(desk, "mail", server.url)
        await alert(payer, AlertCode.PAYOUT_HELD, "a", "1 payout is held", baker_id=BAKER)
        await alert(payer, AlertCode.PROTOCOL_UNKNOWN, "b", "a new protocol", baker_id=None)
        await deliver_all(payer, secret_key)

    held, unknown = server.received
    assert held.get_content().rstrip().endswith(f"Where to look: {PAGES}bakers/{BAKER}")
    assert unknown.get_content().rstrip().endswith(f"Where to look: {PAGES}waiting")
    # A mail of one text, with nothing beside it.
    assert not held.is_multipart()
