"""What waits for a person, to read."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from bakehouse.ledger import alerts
from bakehouse.ledger.alerts import Alert
from bakehouse.ledger.roles import Role
from bakehouse.web.api.security import TOKEN
from bakehouse.web.caller import CallerOf
from bakehouse.web.permission import needs
from bakehouse.web.problems import refusals
from bakehouse.web.services import Services

router = APIRouter(
    prefix="/api",
    tags=["alerts"],
    dependencies=[TOKEN, needs(Role.VIEWER)],
    responses=refusals(),
)


class AlertView(BaseModel):
    """Something that waits for a person."""

    code: str
    subject: str
    message: str
    baker_id: str | None
    raised_at: datetime
    times: int


class AlertList(BaseModel):
    """Every open alert, newest first."""

    alerts: list[AlertView]


@router.get("/alerts", summary="Open alerts")
async def list_alerts(services: Services, caller: CallerOf) -> AlertList:
    """List what waits for a person."""
    async with services.workshop.payer.ledger.read() as tx:
        found = await alerts.unacknowledged(tx)
    return AlertList(alerts=[_alert(each) for each in found if caller.may_see(each.baker_id)])


def _alert(alert: Alert) -> AlertView:
    return AlertView(
        code=alert.code,
        subject=alert.subject,
        message=alert.message,
        baker_id=alert.baker_id,
        raised_at=alert.raised_at,
        times=alert.times,
    )
