"""What the build of a wheel, an editable one too, does beside packing files."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """Has the front-end files in place before files are gathered."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Take them in."""
        del version, build_data
        runpy.run_path(str(Path(self.root) / "frontend" / "take_in.py"), run_name="__main__")
