"""A simulated server: its routes, and how it words what it refuses."""

from http import HTTPStatus

from bakehouse.errors import EncodingError
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.indexer_api import add_indexer
from bakehouse.sandbox.node_api import add_node
from bakehouse.sandbox.node_error import OperationRefusedError
from bakehouse.sandbox.routing import (
    Question,
    RefusedQuestionError,
    Reply,
    Routes,
    json_reply,
    text_reply,
)


class Service:
    """Answers questions; errors look as they do at a node."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def answer(self, question: Question) -> Reply:
        """Answer any question."""
        try:
            return self._routes.answer(question)
        except RefusedQuestionError as refused:
            return text_reply(str(refused), refused.status)
        except OperationRefusedError as refused:
            # A node answers 500 to what the protocol refuses, as if the fault were its own.
            errors = [error.json() for error in refused.errors]
            return json_reply(errors, HTTPStatus.INTERNAL_SERVER_ERROR)
        except EncodingError as error:
            message = f"Failed to parse the request body: {error}"
            return text_reply(message, HTTPStatus.BAD_REQUEST)


def honest_service(chain: Chain) -> Service:
    """Serve a chain as a node and, below /v1, as an indexer."""
    routes = Routes()
    add_node(routes, lambda: chain)
    add_indexer(routes, lambda: chain, lambda: chain.head.level)
    return Service(routes)
