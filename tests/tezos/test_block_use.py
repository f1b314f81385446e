"""What operations take of their block, told from a node's JSON: never less than it is."""

import json
import re
from pathlib import Path

import pytest

from bakehouse.errors import SourceMalformedError
from bakehouse.sandbox import node_json
from bakehouse.sandbox.chain import Chain
from bakehouse.sandbox.crowd import Crowd
from bakehouse.sandbox.protocol import GAS_LIMIT_PER_BLOCK_MAX, MANAGER_PASS_SIZE_MAX
from bakehouse.sandbox.settings import SandboxSettings
from bakehouse.tezos.block_use import parse_operation_uses


def crowded_block(crowd: Crowd) -> list[dict[str, object]]:
    chain = Chain(SandboxSettings(block_seconds=None, crowd=crowd))
    return node_json.operations_json(chain, chain.bake())[node_json.MANAGER_PASS]


@pytest.mark.parametrize("has_receipts", [True, False])
def test_gas_limits_and_bytes_of_a_block_are_told(*, has_receipts: bool) -> None:
    operations = crowded_block(Crowd(gas_percent=(75, 75), bytes_percent=(50, 50)))
    document = operations if has_receipts else node_json.without_receipts(operations)

    uses = parse_operation_uses(document)

    assert sum(each.gas_limit for each in uses) == GAS_LIMIT_PER_BLOCK_MAX * 3 // 4
    size = sum(each.size_bytes for each in uses)
    assert MANAGER_PASS_SIZE_MAX // 2 <= size <= MANAGER_PASS_SIZE_MAX // 2 * 1.02
    assert [each.source for each in uses] == [
        each["contents"][0]["source"]  # type: ignore[index]
        for each in operations
    ]


@pytest.mark.conformance
def test_octez_own_operations_are_no_longer_than_is_told(chain_fixtures: Path) -> None:
    folder = chain_fixtures / "forging" / "octez-codec" / "u025"
    text = (folder / "encoding-regression-operation.out").read_text()
    samples = sorted((folder / "operation").glob("*.sample.json"))
    assert len(samples) > 5
    for path in samples:
        name = path.name.removesuffix(".sample.json")
        (written,) = re.findall(rf"^{re.escape(name)}: ([0-9a-f]+)$", text, re.MULTILINE)
        (use,) = parse_operation_uses([json.loads(path.read_text())])
        assert use.size_bytes >= len(written) // 2, name


@pytest.mark.parametrize(
    "document",
    [
        {},
        [1],
        [{"contents": [{"source": "tz1"}]}],
        [{"contents": [{"source": "tz1", "gas_limit": "-1"}]}],
        [{"contents": [{"gas_limit": "1"}]}],
    ],
)
def test_what_makes_no_sense_is_malformed(document: object) -> None:
    with pytest.raises(SourceMalformedError):
        parse_operation_uses(document)
