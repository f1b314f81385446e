"""A node or an indexer with everything that may happen on the way to it, in process or not."""

from collections import Counter
from typing import Final

from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.hostile.fault import Fault
from bakehouse.sandbox.hostile.network import Network, Strike
from bakehouse.sandbox.hostile.pages import PageFaults
from bakehouse.sandbox.hostile.view import ForkedView, View
from bakehouse.sandbox.indexer_api import add_indexer
from bakehouse.sandbox.node_api import add_node
from bakehouse.sandbox.node_error import ProtocolError
from bakehouse.sandbox.routing import Question, Reply, Routes
from bakehouse.sandbox.service import Service

_FEES_TOO_LOW: Final = ProtocolError.FEES_TOO_LOW().text.encode()


class Source:
    """Somebody who can be asked, by the name of `name`."""

    def __init__(self, name: str, chain: Chain, network: Network) -> None:
        self.name = name
        self.view = View(chain)
        self._honest = self.view
        self._network = network

    @property
    def chain(self) -> Chain:
        """The chain as it is seen from here."""
        return self.view.chain

    def ask(self, question: Question) -> Reply | Strike:
        """Ask a question over a network that may fail; gives the reply, or how it failed."""
        strike = self._network.strike(self.name, question)
        if strike is None:
            return self.answer(question)
        if strike.arrives:
            self.answer(question)
        return strike

    def answer(self, question: Question) -> Reply:
        """Answer a question that has arrived."""
        raise NotImplementedError

    def see(self, view: View) -> None:
        """See the chain otherwise from now."""
        self.view.rejoin()
        self.view = view

    def heal(self) -> None:
        """See the chain as it is."""
        self.see(self._honest)


class NodeSource(Source):
    """A node."""

    def __init__(self, name: str, chain: Chain, network: Network, struck: Counter[Fault]) -> None:
        super().__init__(name, chain, network)
        self._struck = struck
        routes = Routes()
        add_node(routes, lambda: self.view.chain)
        self._service = Service(routes)

    def answer(self, question: Question) -> Reply:
        """Answer from what this node sees, and gossip as nodes do."""
        reply = self._honest_or_not(question)
        if self.view.leader.fee_factor > 1 and _tells_prices(question, reply):
            self._struck[Fault.FEE_SPIKE] += 1
        return reply

    def _honest_or_not(self, question: Question) -> Reply:
        if self.view is self._honest:
            return self._service.answer(question)
        if not self.view.is_honest:
            forked = isinstance(self.view, ForkedView)
            self._struck[Fault.MINORITY_FORK if forked else Fault.LAGGING_NODE] += 1
        self.view.gossip()
        reply = self._service.answer(question)
        self.view.gossip()
        return reply


class IndexerSource(Source):
    """The indexer."""

    def __init__(
        self, chain: Chain, network: Network, struck: Counter[Fault], pages: PageFaults
    ) -> None:
        super().__init__("indexer", chain, network)
        self._struck = struck
        self._pages = pages
        routes = Routes()
        add_indexer(routes, lambda: self.view.chain, lambda: chain.head.level)
        self._service = Service(routes)

    def answer(self, question: Question) -> Reply:
        """Answer from what the indexer has taken in."""
        if not self.view.is_honest:
            self._struck[Fault.INDEXER_LAG] += 1
        return self._pages.alter(question, self._service.answer(question))


def _tells_prices(question: Question, reply: Reply) -> bool:
    return question.path.endswith("/mempool/filter") or (
        question.path.startswith("/injection/") and _FEES_TOO_LOW in reply.body
    )
