"""What the cases of authentication need: secrets, and signatures that are made when they are sent.

All keys and secrets here are for tests and good for nothing else.
"""
from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import hmac
import secrets
import time
from pathlib import Path
from typing import Any, AsyncIterator

API_KEYS = """\
# identity:SHA-256 of the key
alpha:db0d5713160379e9f51fda91a44e3e68ecf39c2859ce0bf145a534786374b136
beta:fdf46be61109d22e6f0ddc09af650e78aac8bb6d821d7384cc3f5bb66fe63f20
"""
HMAC_KEYS = {"alpha": "test-secret-of-alpha-0123456789abcdef", "beta": "test-secret:of-beta/0123456789+abcdef="}

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


# --- Secrets --------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def services(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Gives the secrets to the module as variables of Envoy."""
    yield {
        "API_KEYS": API_KEYS,
        "HMAC_KEYS": "".join(f"{key}:{secret}\n" for key, secret in HMAC_KEYS.items()),
    }
