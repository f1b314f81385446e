"""Fields that several resources share: what they may be, and an example of each."""

import re
from typing import Annotated, Any, Final

from fastapi import Depends, Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from bakehouse.errors import BakehouseError
from bakehouse.ledger.audit import WHY_LENGTH_MAX
from bakehouse.ledger.page import LIMIT_MAX, OFFSET_MAX, Slice
from bakehouse.rewards.money import WHOLE, BasisPoints, Mutez
from bakehouse.tezos.address import Address, parse_implicit, parse_recipient
from bakehouse.web.api.security import EXAMPLE_BAKER

EXAMPLE_RECIPIENT: Final = "tz1Ysx7W3sNGBijnkpjCvaaJSdKqSAAAiNz2"
EXAMPLE_OPERATION: Final = "ooGx1Tn4yPhB4Z4JcGU5v1LhFq9Nn1TyuVSPyTQDGCtgB8BzpEg"
EXAMPLE_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
EXAMPLE_TIME: Final = "2026-11-24T12:00:00Z"

_DIGITS: Final = re.compile("[0-9]{1,19}")
_MUTEZ_MAX: Final = 2**63 - 1


def _baker_address(
    baker_id: Annotated[str, Path(description="The baker's address.", examples=[EXAMPLE_BAKER])],
) -> Address:
    return parse_implicit(baker_id)


#: The baker that a path names; AddressError for what is no address.
BakerOfPath = Annotated[Address, Depends(_baker_address)]


def _recipient(text: str) -> Address:
    # So that the answer names the field.
    try:
        return parse_recipient(text)
    except BakehouseError as error:
        raise ValueError(error.message) from error


def _implicit(text: str) -> Address:
    try:
        return parse_implicit(text)
    except BakehouseError as error:
        raise ValueError(error.message) from error


def _mutez(value: Any) -> int:
    if not isinstance(value, str) or not _DIGITS.fullmatch(value):
        raise ValueError("write mutez as a string of digits, such as '1500000' for 1.5 tez")
    if int(value) > _MUTEZ_MAX:
        raise ValueError("there are not so many mutez")
    return int(value)


#: Amounts in answers.
MutezText = Annotated[str, Field(description="In mutez.", examples=["28056046"])]

#: Amounts that are sent.
MutezSent = Annotated[
    Mutez,
    BeforeValidator(_mutez),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[0-9]{1,18}$",
            "description": "In mutez, as a string.",
            "examples": ["1500000"],
        }
    ),
]

FeeSent = Annotated[
    BasisPoints,
    Field(ge=0, le=WHOLE, description="In basis points: 995 is 9.95 %.", examples=[995]),
]

RecipientSent = Annotated[
    str,
    AfterValidator(_recipient),
    Field(description="An address that can be paid.", examples=[EXAMPLE_RECIPIENT]),
]

ImplicitSent = Annotated[
    str,
    AfterValidator(_implicit),
    Field(description="An address that holds a key.", examples=[EXAMPLE_BAKER]),
]

Why = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="The reason; it is kept in the audit trail.",
        examples=["paid by hand on Monday"],
    ),
]

Sha256 = Annotated[
    str, Field(pattern="^[0-9a-f]{64}$", description="A SHA-256.", examples=[EXAMPLE_SHA256])
]

NextOffset = Annotated[
    int | None, Field(description="Where the next page begins, if any.", examples=[100])
]


#: Why something is changed that can be changed back: it may be left out.
OptionalWhy = Annotated[
    str | None,
    Field(
        max_length=WHY_LENGTH_MAX,
        description="The reason, if there is one; it is kept in the audit trail.",
        examples=["agreed with them on Monday"],
    ),
]


class Body(BaseModel):
    """What is sent; fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(Body):
    """Which part of a list is wanted."""

    offset: Annotated[int, Field(ge=0, le=OFFSET_MAX, description="Rows to leave out.")] = 0
    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, description="Rows at most.")] = 100

    @property
    def part(self) -> Slice:
        """Give the part as the ledger names it."""
        return Slice(self.offset, self.limit)
