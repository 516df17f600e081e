from __future__ import annotations

import pytest

from flext_observability.values.secret_names import is_secret_name


@pytest.mark.parametrize(
    "name",
    [
        *("password", "passwords", "db_api_key", "X-Token", "tokens", "pass", "smtp_pass", "passwd", "pwd"),
        *("MYSQL_PWD", "dbPassword", "apiKey", "apiKeys", "accessToken", "clientSecret", "privateKey"),
        *("authToken", "XApiKey", "APIKey", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "PASSWORD", "cookie"),
        *("Set-Cookie", "authorization", "Proxy-Authorization", "credential", "credentials"),
        *("userCredentials", "connectionString", "conn_str", "dsn", "SENTRY_DSN", "db.password"),
        *("client-secret", "userPassword1", "oauth2Token", "secretkey", "licenseKey", "passphrase", "jwt"),
        *("basic_auth", "token_value", "inputToken", "db.Pass Word", "tokens_total"),
    ],
)
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "name", "tokenizer", "tokens_used", "max_tokens", "token_count", "gen_ai.input_tokens"),
        *("maxToken", "keyboard", "monkey", "primary_key", "primaryKey", "key", "author", "authority"),
        *("authentication", "auth_type", "compass", "passed", "bypass", "unauthorized", "secretary"),
        *("client_key", "certificate", "queue", "état", "…"),
    ],
)
def test_other_names(name: str) -> None:
    assert not is_secret_name(name)
