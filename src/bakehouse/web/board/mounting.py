"""Putting the board into the application. No route of its own."""

from fastapi import FastAPI

from bakehouse.web.board import changing, page, reading, refusing


def add_board_routes(app: FastAPI) -> None:
    """Have the board and all it loads served; `state.board_files` says what its page loads."""
    # First what names a queue's route in full, then what takes any job's id there.
    for router in (changing.router, refusing.router, reading.router, page.router):
        app.include_router(router)
    app.mount(f"{page.PATH}/static", page.StaticBoardFiles())
