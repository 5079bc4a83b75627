"""Secrets of webhooks: their form, and messages that never contain them."""

from __future__ import annotations

import base64

import pytest

from ice_result.notify.webhook_secrets import WebhookSecret, webhook_secret

KEY = bytes(range(24))
TEXT = base64.b64encode(KEY).decode()


@pytest.mark.parametrize(
    ("text", "host"),
    [
        (f"example.com=whsec_{TEXT}", "example.com"),
        (f" Example.COM=whsec_{TEXT}", "example.com"),
        (f"example.com.=whsec_{TEXT}", "example.com"),
        (f"[::1]=whsec_{TEXT}", "::1"),
        (f"fc00::1=whsec_{TEXT}", "fc00::1"),
    ],
)
def test_a_secret_belongs_to_a_host(text: str, host: str) -> None:
    """The host is compared in lower case; the key is the decoded base64."""
    assert webhook_secret(text) == WebhookSecret(host, KEY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"whsec_{TEXT}", "a secret has no host: expected host=whsec_<base64>"),
        ("whsec_AAAA=", "a secret has no host"),
        (f"=whsec_{TEXT}", "a secret has no host"),
        (f".=whsec_{TEXT}", "a secret has no host"),
        (f"h.example:whsec_{TEXT}=", "a secret has no host"),
        (f"h.example:8443=whsec_{TEXT}", "the secret of h.example:8443 is invalid: the host has a port"),
        (f"[::1]:8443=whsec_{TEXT}", "the secret of [::1]:8443 is invalid: the host has a port"),
        (f"https://example.com=whsec_{TEXT}", "write only the host, as in example.com=whsec_<base64>"),
        (f"https://u:pw@Example.com/ice?a=whsec_{TEXT}", "write only the host, as in example.com=whsec_<base64>"),
        (f"hooks.example.com/ice=whsec_{TEXT}", "write only the host, as in hooks.example.com=whsec_<base64>"),
        (f"a b=whsec_{TEXT}", "write only the host"),
        (f"example.com={TEXT}", "the secret of example.com is invalid: it must begin with whsec_"),
        ("example.com=whsec_***", "the secret of example.com is invalid: the text after whsec_ is not base64"),
        ("example.com=whsec_", "0 bytes in base64, expected 24 to 64"),
        (f"example.com=whsec_{base64.b64encode(KEY[:-1]).decode()}", "23 bytes in base64, expected 24 to 64"),
        (f"example.com=whsec_{base64.b64encode(bytes(65)).decode()}", "65 bytes in base64, expected 24 to 64"),
    ],
)
def test_what_is_no_secret_is_refused_without_showing_it(text: str, message: str) -> None:
    """The line names the host, and no part of what stands for the secret."""
    with pytest.raises(ValueError, match=r".") as raised:
        webhook_secret(text)
    assert message in str(raised.value)
    assert TEXT.lower() not in str(raised.value).lower()
    assert "pw" not in str(raised.value)


def test_a_secret_is_not_shown() -> None:
    """A log of the settings has the host alone."""
    assert repr(WebhookSecret("h", KEY)) == "WebhookSecret(host='h')"
