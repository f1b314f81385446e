"""Rules of single delegators: to read, to set, to remove, to import."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from bakehouse.desk import rules
from bakehouse.desk.address_history import AddressChange
from bakehouse.desk.address_table import Import
from bakehouse.desk.rule_text import RULE_FIELDS, rule_document
from bakehouse.errors import SettingError
from bakehouse.ledger.delegator_rules import RuleOf
from bakehouse.ledger.roles import Role
from bakehouse.rewards.payout_rules import CostBearer, DelegatorRule, ExcludedShare, Listing
from bakehouse.web.api.etag import NOT_MODIFIED, tagged
from bakehouse.web.api.fees import Delegator, HistoryQuery, Imported, WhyQuery
from bakehouse.web.api.fields import (
    EXAMPLE_RECIPIENT,
    EXAMPLE_TIME,
    BakerOfPath,
    Body,
    MutezSent,
    NextOffset,
    OptionalWhy,
    PageQuery,
    RecipientSent,
)
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api/bakers/{baker_id}/rules",
    tags=["rules"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
)

_CHANGING: Final = refusals(HTTPStatus.FORBIDDEN)

_REDIRECT: Final = "Where its payouts are sent; null: to itself."
_LISTING: Final = "Null: on neither list."
_LEAST: Final = "Whoever delegates less is not paid, in mutez; null: as for everybody."
_MOST: Final = "More of its balance does not count, in mutez; null: as for everybody."
_FEE_PAYER: Final = "Who bears the fee of its transfer; null: as for everybody."
_BURN_PAYER: Final = "Who bears what its transfer burns; null: as for everybody."
_EXCLUDED: Final = "Where its share goes if it is excluded; null: as for everybody."


class RuleView(BaseModel):
    """What is different for one delegator; null is as for everybody."""

    address: Annotated[str, Field(examples=[EXAMPLE_RECIPIENT])]
    recipient: Annotated[str | None, Field(description=_REDIRECT, examples=[EXAMPLE_RECIPIENT])]
    listing: Annotated[Listing | None, Field(description=_LISTING, examples=[Listing.IGNORED])]
    minimum_balance: Annotated[str | None, Field(description=_LEAST, examples=["100000000"])]
    maximum_balance: Annotated[str | None, Field(description=_MOST, examples=["9000000000"])]
    transfer_fee_payer: Annotated[
        CostBearer | None, Field(description=_FEE_PAYER, examples=[CostBearer.BAKER])
    ]
    burn_payer: Annotated[
        CostBearer | None, Field(description=_BURN_PAYER, examples=[CostBearer.DELEGATOR])
    ]
    excluded_share: Annotated[
        ExcludedShare | None, Field(description=_EXCLUDED, examples=[ExcludedShare.BAKER])
    ]


class RulePage(BaseModel):
    """A page of rules by address; everybody who is not listed is treated alike."""

    rules: list[RuleView]
    count: Annotated[int, Field(description="How many fit the search.", examples=[12])]
    next_offset: NextOffset


class RuleQuery(PageQuery):
    """Which rules are wanted."""

    search: Annotated[
        str,
        Field(
            max_length=64,
            description="Part of an address, or of where it is redirected.",
            examples=[EXAMPLE_RECIPIENT[:8]],
        ),
    ] = ""


class RuleBody(Body):
    """What is to be different for a delegator; what is left out is as for everybody."""

    recipient: Annotated[RecipientSent | None, Field(description=_REDIRECT)] = None
    listing: Annotated[Listing | None, Field(description=_LISTING)] = None
    minimum_balance: Annotated[MutezSent | None, Field(description=_LEAST)] = None
    maximum_balance: Annotated[MutezSent | None, Field(description=_MOST)] = None
    transfer_fee_payer: Annotated[CostBearer | None, Field(description=_FEE_PAYER)] = None
    burn_payer: Annotated[CostBearer | None, Field(description=_BURN_PAYER)] = None
    excluded_share: Annotated[ExcludedShare | None, Field(description=_EXCLUDED)] = None

    def rule(self) -> DelegatorRule:
        """Give it as the ledger takes it."""
        return DelegatorRule(**{name: getattr(self, name) for name in RULE_FIELDS})


class OneRuleBody(RuleBody):
    """A rule, and why it is set."""

    why: OptionalWhy = None


class NamedRuleBody(RuleBody):
    """A rule, and whose it is."""

    address: RecipientSent


class RulesBody(Body):
    """All rules of single delegators."""

    rules: Annotated[list[NamedRuleBody], Field(max_length=10_000)]
    why: OptionalWhy = None

    def by_address(self) -> dict[str, DelegatorRule]:
        """Give them as the ledger takes them; raises SettingError for an address given twice."""
        by_address = {each.address: each.rule() for each in self.rules}
        if len(by_address) != len(self.rules):
            raise SettingError("an address is twice among the rules; list it once")
        return by_address


class RuleImportBody(Body):
    """Rules as CSV with a header and amounts in tez, or as JSON, address → object, in mutez."""

    how: Annotated[
        Import, Field(description="Whether rules that are not named go, or stay as they are.")
    ]
    text: Annotated[str, Field(examples=[f"address,listing\n{EXAMPLE_RECIPIENT},ignored\n"])]
    why: OptionalWhy = None


class RuleRemoved(BaseModel):
    """What was done."""

    removed: bool


class RuleChangeView(BaseModel):
    """One change of rules, as the audit trail has it; amounts are strings of mutez."""

    id: Annotated[int, Field(examples=[17])]
    at: Annotated[datetime, Field(examples=[EXAMPLE_TIME])]
    actor: Annotated[str, Field(examples=["user:anna"])]
    action: Annotated[str, Field(examples=["delegator_rules.changed"])]
    why: Annotated[str | None, Field(examples=["agreed with them on Monday"])]
    before: Annotated[
        dict[str, dict[str, str]] | None,
        Field(description="What rules said, by address; null when all were replaced."),
    ]
    after: Annotated[dict[str, dict[str, str]], Field(description="What they say, by address.")]


class RuleHistoryPage(BaseModel):
    """Changes of rules, newest first."""

    changes: list[RuleChangeView]
    next_before: Annotated[
        int | None, Field(description="The `before` of the next page, if any.", examples=[17])
    ]


@router.get("", summary="Rules of delegators", response_model=RulePage, responses=NOT_MODIFIED)
async def list_rules(
    request: Request,
    baker_id: BakerOfPath,
    services: Services,
    wanted: Annotated[RuleQuery, Query()],
) -> Response:
    """List the delegators for whom something is different, with an ETag."""
    found = await rules.list_rules(
        services.workshop.payer.ledger, baker_id, wanted.part, search=wanted.search
    )
    view = RulePage(
        rules=[_view(each) for each in found.page.rows],
        count=found.count,
        next_offset=found.page.next_offset,
    )
    return tagged(request, view)


@router.get("/history", summary="How rules changed")
async def list_rule_changes(
    baker_id: BakerOfPath, services: Services, wanted: Annotated[HistoryQuery, Query()]
) -> RuleHistoryPage:
    """List who changed which rules and when."""
    found = await rules.history(
        services.workshop.payer.ledger, baker_id, limit=wanted.limit, before=wanted.before
    )
    return RuleHistoryPage(
        changes=[_change(each) for each in found.changes], next_before=found.next_before
    )


@router.post(
    "/import",
    summary="Import rules",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def import_rules(
    baker_id: BakerOfPath, body: RuleImportBody, services: Services, caller: CallerOf
) -> Imported:
    """Take in many rules, all of them or none; a mistake is named by its line.

    Importing the same again changes nothing further. Up to 4 MiB are read.
    """
    count = await rules.import_rules(
        services.workshop.payer, baker_id, body.text, body.how, actor=caller.actor, why=body.why
    )
    return Imported(count=count)


@router.put(
    "",
    summary="Replace all rules",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def replace_rules(
    baker_id: BakerOfPath, body: RulesBody, services: Services, caller: CallerOf
) -> Imported:
    """Set the rules of single delegators to exactly these, all of them or none.

    Sending them again changes nothing further. A contradiction is a 422, and nothing is stored.
    """
    by_address = body.by_address()
    payer = services.workshop.payer
    await rules.replace_rules(payer, baker_id, by_address, actor=caller.actor, why=body.why)
    return Imported(count=len(by_address))


@router.put(
    "/{address}",
    summary="Set a rule",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def set_rule(
    baker_id: BakerOfPath,
    address: Delegator,
    body: OneRuleBody,
    services: Services,
    caller: CallerOf,
) -> RuleView:
    """Set what is different for one delegator; setting it again changes nothing further."""
    stored = await rules.set_rule(
        services.workshop.payer,
        baker_id,
        address,
        body.rule(),
        actor=caller.actor,
        why=body.why,
    )
    return _view(stored)


@router.delete(
    "/{address}",
    summary="Remove a rule",
    dependencies=[needs(Role.ADMINISTRATOR)],
    responses=_CHANGING,
)
async def remove_rule(
    baker_id: BakerOfPath,
    address: Delegator,
    services: Services,
    caller: CallerOf,
    wanted: Annotated[WhyQuery, Query()],
) -> RuleRemoved:
    """Treat a delegator as everybody again; 404 when it is treated so already."""
    payer = services.workshop.payer
    await rules.remove_rule(payer, baker_id, address, actor=caller.actor, why=wanted.why)
    return RuleRemoved(removed=True)


def _view(found: RuleOf) -> RuleView:
    return RuleView.model_validate({"address": found.address, **rule_document(found.rule)})


def _change(change: AddressChange) -> RuleChangeView:
    return RuleChangeView(
        id=change.id,
        at=change.at,
        actor=change.actor,
        action=change.action,
        why=change.why,
        before=None if change.before is None else _texts(change.before),
        after=_texts(change.after),
    )


def _texts(told: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    return {
        address: {name: str(value) for name, value in rule.items()}
        for address, rule in told.items()
    }
