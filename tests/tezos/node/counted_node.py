"""A client in front of a simulated node in this process, and what was asked of it."""

from collections import Counter

import httpx2

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.routing import Question
from bakehouse.sandbox.service import honest_service


def counted_client(chain: Chain) -> tuple[httpx2.AsyncClient, Counter[str]]:
    """Give a client, and how often each path was asked for."""
    service, asked = honest_service(chain), Counter[str]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked[request.url.path] += 1
        query = request.url.query.decode("ascii")
        reply = service.answer(Question(request.method, request.url.path, query, request.content))
        return httpx2.Response(reply.status, content=reply.body)

    return httpx2.AsyncClient(transport=httpx2.MockTransport(answer)), asked
