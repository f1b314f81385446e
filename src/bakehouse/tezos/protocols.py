"""The protocols that this version was held against: their operations, receipts and constants."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: Names by hash (octez, `src/proto_*`); in force on mainnet since September 2025 and after.
KNOWN_PROTOCOLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PtSeouLouXkxhg39oWzjxDWaCydNfR3RxCUrNe4Q9Ro8BTehcbh": "Seoul",
        "PtTALLiNtPec7mE7yY4m3k26J8Qukef3E3ehzhfXgFZKGtDdAXu": "Tallinn",
        "PsUshuai9QapM5TGj1JpuVGkdxz5GykdnEvS6Rh8SUVrARvZLCY": "Ushuaia",
    }
)
