"""Styles, scripts and the mark, read once; each under a name that changes with its content."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from bakehouse.errors import SettingError
from bakehouse.web.permission import open_to_all

router: Final = APIRouter(include_in_schema=False, dependencies=[open_to_all()])

_FOLDER: Final = Path(__file__).with_name("static")
#: Taken from npm packages when Bakehouse is built.
_VENDOR: Final = _FOLDER / "vendor"
_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOREVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file as it is served."""

    name: str
    content: bytes
    #: Only of files that everybody gets alike: how small a page is would tell of its secrets.
    compressed: bytes
    media_type: str

    @property
    def path(self) -> str:
        """Where it is served."""
        return f"/static/{self.name}"


@cache
def read_static_files() -> Mapping[str, StaticFile]:
    """Read every file, by its plain name, once. Raises SettingError if some were not built."""
    if not _VENDOR.is_dir():
        raise SettingError(
            "this installation lacks the files of its pages: install Bakehouse's wheel, or run "
            "`make install` in its repository"
        )
    paths = (*_FOLDER.iterdir(), *_VENDOR.iterdir())
    return {path.name: _read(path) for path in paths if path.suffix in _MEDIA_TYPES}


@router.get("/static/{name}")
async def static_file(request: Request, name: str) -> Response:
    """Serve a file; only the ones that were read exist."""
    files: Mapping[str, StaticFile] = request.app.state.static_files
    for file in files.values():
        if file.name == name:
            headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
            if "gzip" not in request.headers.get("accept-encoding", ""):
                return Response(file.content, media_type=file.media_type, headers=headers)
            headers["Content-Encoding"] = "gzip"
            return Response(file.compressed, media_type=file.media_type, headers=headers)
    raise HTTPException(404)


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:8]
    return StaticFile(
        name=f"{path.stem}.{digest}{path.suffix}",
        content=content,
        compressed=gzip.compress(content, mtime=0),
        media_type=_MEDIA_TYPES[path.suffix],
    )
