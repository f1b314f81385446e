"""How the ledger keeps secrets that only have to be recognised: as hashes. Pure."""

import hashlib
import secrets


def new_secret() -> str:
    """Make a secret that nobody guesses: 256 random bits, fit for URLs and headers."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Give what is stored of a secret of `new_secret`.

    A plain hash is enough: with so many random bits there is nothing to try out.
    """
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
