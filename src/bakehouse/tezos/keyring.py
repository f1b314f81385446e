"""Which signer signs for which payout address: keys of this machine first, then a remote signer."""

from collections.abc import Iterable

import httpx2

from bakehouse.errors import SignerError
from bakehouse.tezos.address import Address
from bakehouse.tezos.keys import SecretKey
from bakehouse.tezos.signer import LocalSigner, RemoteSigner, Signer


class Keyring:
    """Signers by address; a remote one is asked for its public key on first use."""

    def __init__(
        self,
        local: Iterable[LocalSigner] = (),
        *,
        remote_url: str | None = None,
        client: httpx2.AsyncClient | None = None,
        authentication_key: SecretKey | None = None,
    ) -> None:
        self._signers: dict[Address, Signer] = {signer.address: signer for signer in local}
        self._remote_url = remote_url
        self._client = client
        self._authentication_key = authentication_key

    async def of(self, address: Address) -> Signer:
        """Give the signer of a payout address; raises SignerError when there is none."""
        signer = self._signers.get(address)
        if signer is not None:
            return signer
        if self._remote_url is None or self._client is None:
            raise SignerError(
                f"there is no key for the payout address {address}: "
                "name its key file or a remote signer, or change the baker's payout_address"
            )
        remote = await RemoteSigner.connect(
            self._client, self._remote_url, address, self._authentication_key
        )
        self._signers[address] = remote
        return remote
