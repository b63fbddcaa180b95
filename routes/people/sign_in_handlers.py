"""Sign in, stay signed in, sign out."""

from datetime import datetime
from typing import Any

from litestar import Request, delete, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from routes.http.dependencies import OPEN, STRANGERS_BYTES, Services
from schemas.people.sign_ins import RefreshIn, SignInIn, SignInOut
from service.foundation.database.connection import Begin
from service.people.refresh_sign_in import refresh_sign_in
from service.people.sign_in import sign_in
from service.people.sign_ins import SignIn
from service.people.sign_out import sign_out


@post(
    "/sign-in",
    operation_id="sign_in",
    summary="Sign in",
    tags=["sign-in"],
    status_code=200,
    opt=OPEN,
    request_max_body_size=STRANGERS_BYTES,
)
async def post_sign_in(
    data: JSONBody[SignInIn],
    services: NamedDependency[Services],
    now: NamedDependency[datetime],
    request: Request[Any, Any, Any],
) -> SignInOut:
    """Exchange email and password for an access token and a refresh token."""
    sent = data.to_request(services.client_network(request))
    return SignInOut.from_tokens(await sign_in(services.pool, services.keyring, services.hasher, sent, now))


@post(
    "/sign-in/refresh",
    operation_id="refresh_sign_in",
    summary="Refresh a sign-in",
    tags=["sign-in"],
    status_code=200,
    opt=OPEN,
    request_max_body_size=STRANGERS_BYTES,
)
async def post_refresh(
    data: JSONBody[RefreshIn], services: NamedDependency[Services], now: NamedDependency[datetime]
) -> SignInOut:
    """Exchange a refresh token for new tokens. Refresh once at a time.

    Where the answer is lost, send the same again within 24 hours: it is answered with the same tokens until
    one of them is first used. After that, or from another device, the token counts as stolen and the whole
    sign-in ends.
    """
    return SignInOut.from_tokens(await refresh_sign_in(services.pool, data.to_request(), now))


@delete("/sign-in", operation_id="sign_out", summary="Sign out", tags=["sign-in"])
async def delete_sign_in(
    begin: NamedDependency[Begin], sign_in: NamedDependency[SignIn], now: NamedDependency[datetime]
) -> None:
    """End this sign-in: its tokens are refused from now on."""
    await sign_out(begin, sign_in, now)


HANDLERS = [post_sign_in, post_refresh, delete_sign_in]
