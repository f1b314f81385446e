"""How the API's document says that the token is wanted. The check itself is `web.access.Guard`."""

from typing import Final

from fastapi import Security
from fastapi.security import HTTPBearer

#: Declared only: by the time a route runs, the guard has let the request pass.
TOKEN: Final = Security(HTTPBearer(auto_error=False, description="The API token."))

#: A baker in the document's examples.
EXAMPLE_BAKER: Final = "tz1fwnfJNgiDACshK9avfRfFbMaXrs3ghoJa"
