"""The role `web`: dashboard, API and health. It signs nothing and runs no job."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bakehouse import __version__
from bakehouse.asgi_server import serving
from bakehouse.config import Config
from bakehouse.roles.foundation import Foundation, Hands, lay_foundation, require_shared
from bakehouse.web.app import create_app
from bakehouse.web.services import WebServices


@asynccontextmanager
async def web(config: Config) -> AsyncIterator[tuple[Foundation, str]]:
    """Serve the pages while the block runs; gives their URL. Raises SettingError, ConflictError."""
    require_shared(config, "web")
    async with AsyncExitStack() as stack:
        hands = Hands(with_keys=False)
        foundation = await lay_foundation(stack, config, hands, alone=False)
        yield foundation, await open_pages(stack, foundation)


async def open_pages(
    stack: AsyncExitStack, foundation: Foundation, *, are_open: bool = False
) -> str:
    """Serve pages and API until `stack` is closed; gives their URL.

    `are_open` lets anybody on this machine use the pages, as a demo does.
    """
    config = foundation.config
    app = create_app(
        WebServices(
            workshop=foundation.workshop,
            scheduler=foundation.scheduler,
            api_token=config.api_token.get_secret_value() if config.api_token else None,
            pages_are_open=are_open,
            explorer_url=config.explorer_url or None,
            network=config.network_name,
            version=__version__,
            secret_key=config.secret_key,
            instruments=foundation.instruments,
            metrics_are_open=config.metrics_open,
            tracer=foundation.tracer,
        )
    )
    url = await stack.enter_async_context(serving(app, host=config.host, port=config.port))
    # Else the server would wait for those who listen.
    stack.callback(app.state.changes.close)
    return url
