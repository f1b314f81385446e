"""The remote signer: does it answer, and does it know the key that requests are signed with."""

from collections.abc import AsyncIterator

import httpx2

from bakehouse.cli.checks.finding import Finding, fail, ok, warn
from bakehouse.config import Config
from bakehouse.errors import BakehouseError
from bakehouse.tezos.key_file import read_key_address
from bakehouse.tezos.signer import authorized_addresses

_SUBJECT = "remote signer"


async def check_remote_signer(config: Config, client: httpx2.AsyncClient) -> AsyncIterator[Finding]:
    """Ask the remote signer, if one is set, whom it signs for."""
    if config.remote_signer_url is None:
        return
    try:
        authorized = await authorized_addresses(client, config.remote_signer_url)
        file = config.remote_signer_auth_key_file
        ours = None if file is None else read_key_address(file)
    except BakehouseError as error:
        yield warn(_SUBJECT, error.message, "some signers do not tell; see the wallets below")
        return
    if authorized is None:
        advice = "have it ask for authentication (octez-signer --require-authentication)"
        yield warn(_SUBJECT, "it signs for whoever can reach it", advice)
    elif file is None:
        yield fail(
            _SUBJECT,
            "it signs only for clients it knows",
            "set BAKEHOUSE_REMOTE_SIGNER_AUTH_KEY_FILE to a key that it knows",
        )
    elif ours is not None and ours not in authorized:
        yield fail(
            _SUBJECT,
            f"it does not know {ours}, with which requests are signed",
            "add its public key there (octez-signer add authorized key)",
        )
    else:
        yield ok(_SUBJECT, "it knows the key that requests are signed with")
