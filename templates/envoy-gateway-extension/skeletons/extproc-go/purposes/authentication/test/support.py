"""What the cases of authentication need: secrets, signatures that are made when they are sent, and an introspection server.

All keys, secrets and tokens here are for tests and good for nothing else.
"""
from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
import secrets
import time
from pathlib import Path
from typing import Any, AsyncIterator
from urllib.parse import quote_plus

from aiohttp import web

ROOT = Path(__file__).resolve().parent.parent

API_KEYS = """\
# identity:SHA-256 of the key
alpha:db0d5713160379e9f51fda91a44e3e68ecf39c2859ce0bf145a534786374b136
beta:fdf46be61109d22e6f0ddc09af650e78aac8bb6d821d7384cc3f5bb66fe63f20
"""
HMAC_KEYS = {"alpha": "test-secret-of-alpha-0123456789abcdef", "beta": "test-secret:of-beta/0123456789+abcdef="}
CLIENT = ("test client", "test:secret/of the client")
SECRETS = {
    "api-keys": API_KEYS,
    "hmac-keys": "".join(f"{key}:{secret}\n" for key, secret in HMAC_KEYS.items()),
    "introspection-client-id": CLIENT[0],
    "introspection-client-secret": CLIENT[1],
}

# --- Signatures: docs/purpose.md describes the scheme ---------------------------------------------------------------

sent: dict[str, tuple[str, str]] = {}  # nonce and header by the name that a case gave them


def prepare(message: Any, data: dict[str, Any]) -> Any:
    """Adds the signature that a case asks for, which can be a wrong one."""
    if "again" in data:
        return with_header(message, data["header"], sent[data["again"]][1])
    nonce = sent[data["nonceOf"]][0] if "nonceOf" in data else secrets.token_hex(16)
    body = data["body"].encode() if "body" in data else message.body or b""
    value = signed(
        key=data["key"],
        secret=data.get("secret", HMAC_KEYS.get(data["key"], "a secret that nobody knows, and so on")),
        method=data.get("method", message.method),
        path=data.get("path", message.path),
        timestamp=int(time.time()) - data.get("age", 0),
        nonce=nonce,
        body=body,
    )
    if "as" in data:
        sent[data["as"]] = (nonce, value)
    return with_header(message, data["header"], value, times=2 if data.get("twice") else 1)


def signed(key: str, secret: str, method: str, path: str, timestamp: int, nonce: str, body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    text = "\n".join(["HMAC-SHA256", method, path, str(timestamp), nonce, digest])
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"HMAC-SHA256 key={key}, timestamp={timestamp}, nonce={nonce}, digest={digest}, signature={signature}"


def with_header(message: Any, name: str, value: str, times: int = 1) -> Any:
    return dataclasses.replace(message, headers=[*message.headers, *[(name, value)] * times])


# --- The introspection server ---------------------------------------------------------------------------------------

ACTIVE = {"active": True, "sub": "alpha", "username": "Alpha", "client_id": "alpha-client"}


def tokens(audience: str) -> dict[str, dict[str, Any]]:
    """What each token is worth; `audience` is that of the settings."""
    for_us = {**ACTIVE, "aud": [audience, "other"]}
    return {
        "active-for-all": for_us,
        "active-once": for_us,  # revoked once it has been asked for
        "active-new": for_us,
        "active-after": for_us,
        "active-no-audience": ACTIVE,
        "active-other-audience": {**ACTIVE, "aud": f"not {audience}"},
        "active-expired": {**for_us, "exp": 1_000_000_000},
        "active-no-identity": {"active": True, "aud": audience, "exp": 9_999_999_999},
        "active-strange-identity": {**for_us, **{name: "zwei\nZeilen" for name in ("sub", "username", "client_id")}},
    }


class IntrospectionServer:
    """Answers as in RFC 7662, to the client that it knows."""

    def __init__(self, audience: str) -> None:
        self.tokens = tokens(audience)
        # application/x-www-form-urlencoded first, as RFC 6749, section 2.3.1, wants client credentials.
        self.authorization = "Basic " + base64.b64encode(":".join(map(quote_plus, CLIENT)).encode()).decode()

    async def respond(self, request: web.Request) -> web.Response:
        token = str((await request.post()).get("token", ""))
        if request.headers.get("authorization") != self.authorization:
            return web.json_response({"error": "invalid_client"}, status=401)
        if token == "answers-late":
            await asyncio.sleep(30)
        if token == "answers-no-json":
            return web.Response(text="<html>", content_type="text/html")
        if token.startswith("refused-"):  # some servers do so instead of saying that it is not active
            return web.json_response({"error": "invalid_token"}, status=int(token.split("-")[1]))
        if token.startswith("answers-"):
            return web.json_response({"error": "server_error"}, status=500)
        answer = self.tokens.get(token, {"active": False})
        if token == "active-once":
            self.tokens.pop(token, None)
        return web.json_response(answer)


def audience() -> str:
    """The audience of the settings, where there is one."""
    settings = json.loads((ROOT / "k8s/settings.json").read_text(encoding="utf-8"))
    return settings["method"].get("audience", "")


@contextlib.asynccontextmanager
async def services(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Writes the secrets, and runs the introspection server."""
    target = ROOT / "build/secrets"
    target.mkdir(parents=True, exist_ok=True)
    for name, value in SECRETS.items():
        (target / name).write_text(value, encoding="utf-8")
    app = web.Application()
    app.router.add_post("/introspect", IntrospectionServer(audience()).respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield {"INTROSPECTION_URL": f"http://127.0.0.1:{runner.addresses[0][1]}/introspect"}
    finally:
        await runner.cleanup()
