"""A client of the sandbox's application that needs no socket."""

import httpx2

from bakehouse.sandbox.app import sandbox_app
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.head_feed import HeadFeed


def client_of(chain: Chain) -> httpx2.AsyncClient:
    """Ask a chain's node and indexer."""
    transport = httpx2.ASGITransport(app=sandbox_app(chain, HeadFeed()))
    return httpx2.AsyncClient(transport=transport, base_url="http://sandbox")
