"""What the web works with, handed in, and how a route gets at it."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from bakehouse.errors import SettingError
from bakehouse.jobs.scheduler import Scheduler
from bakehouse.jobs.workshop import Workshop
from bakehouse.observability.instruments import Instruments
from bakehouse.observability.tracing import UNTRACED, Tracer
from bakehouse.secret_box import SecretKeyFile
from bakehouse.web.network import Network
from bakehouse.web.passwords import Passwords


@dataclass(frozen=True, slots=True, kw_only=True)
class WebServices:
    """Everything below the web. Raises SettingError for a token or an explorer that cannot be."""

    workshop: Workshop
    scheduler: Scheduler
    version: str
    #: Seals what has to be read again, such as URLs of channels.
    secret_key: SecretKeyFile
    #: A token from the settings, beside those in the ledger: whoever shows it may do everything.
    api_token: str | None = field(default=None, repr=False)
    #: Anybody on this machine may use the pages (never the API) as the demo's administrator.
    pages_are_open: bool = False
    #: Where an operation can be looked up: its hash is put after it.
    explorer_url: str | None = None
    #: Without them nothing is counted, and `/metrics` is not there.
    instruments: Instruments | None = None
    #: Whether anybody may scrape `/metrics`.
    metrics_are_open: bool = False
    tracer: Tracer = UNTRACED
    passwords: Passwords = field(default_factory=Passwords)
    #: The public name of the chain, or its id.
    network: str = "mainnet"

    def __post_init__(self) -> None:
        if self.api_token is not None and not self.api_token.strip():
            raise SettingError("the API token is empty: anybody would have it")
        if self.explorer_url and not self.explorer_url.startswith(("https://", "http://")):
            raise SettingError("the explorer's URL begins with https:// or http://")

    @property
    def network_shown(self) -> Network:
        """Which chain the money is on, as pages say it."""
        return Network.of(self.network, is_demo=self.pages_are_open)

    def operation_url(self, operation_hash: str) -> str | None:
        """Give where people can look an operation up, or None when no explorer is set."""
        if self.explorer_url is None:
            return None
        return f"{self.explorer_url.rstrip('/')}/{operation_hash}"


def services_of(request: Request) -> WebServices:
    """Give what the application was made with."""
    services: WebServices = request.app.state.services
    return services


Services = Annotated[WebServices, Depends(services_of)]
