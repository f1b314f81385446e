"""Ways to break the code in a life that was forked, each of which the auditor must notice.

Nothing is put back: the life ends soon.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from bakehouse.payments import send
from bakehouse.payments.payer import Payer
from bakehouse.payments.prepare import PreparedGroup
from bakehouse.payments.sign import sign_and_store
from bakehouse.tezos.signed_operation import seal
from bakehouse.tezos.signer import Signer


def _unbroken() -> None:
    pass


def _inject_before_persist() -> None:
    """Send first, as most tools do, and write down afterwards what was sent."""

    async def send_and_store(
        payer: Payer, lease: Any, signer: Signer, distribution: Any, prepared: PreparedGroup
    ) -> str:
        signed = await seal(prepared.group, signer)
        await payer.node.broadcast(signed.signed_bytes)
        return await sign_and_store(payer, lease, signer, distribution, prepared)

    setattr(send, "sign_and_store", send_and_store)  # noqa: B010 - mypy is right, it is not ours


def _never_look_back() -> None:
    """Trust one's own books alone about who was paid."""

    async def nobody(*_arguments: Any) -> Mapping[int, Any]:
        return {}

    setattr(send, "paid_elsewhere", nobody)  # noqa: B010 - as above


def _inject_before_persist_and_never_look_back() -> None:
    _inject_before_persist()
    _never_look_back()


MUTANTS: Final[Mapping[str, Callable[[], None]]] = {
    "none": _unbroken,
    "never look back": _never_look_back,
    "inject before persist": _inject_before_persist,
    "inject before persist, never look back": _inject_before_persist_and_never_look_back,
}
