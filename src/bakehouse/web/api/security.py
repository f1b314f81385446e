"""How the API's document says that the token is wanted. The check itself is `web.access.Guard`."""

from fastapi import Security
from fastapi.security import HTTPBearer

#: Declared only: by the time a route runs, the guard has let the request pass.
TOKEN = Security(HTTPBearer(auto_error=False, description="The API token."))
