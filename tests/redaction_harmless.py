"""Harmless values that resemble secrets: none of them is masked."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from typing import Final

_random: Final = random.Random(11)
_bytes: Final = _random.randbytes

IDS: Final = (
    *(str(uuid.UUID(bytes=_bytes(16), version=4)) for _ in range(12)),
    *(hashlib.sha1(bytes([each])).hexdigest() for each in range(8)),
    *(hashlib.sha256(bytes([each])).hexdigest() for each in range(6)),
    *(hashlib.md5(bytes([each])).hexdigest() for each in range(4)),
    *(f"sha256:{hashlib.sha256(bytes([each])).hexdigest()}" for each in range(3)),
    *("a1b2c3d", "v1.2.3-4-gdeadbee", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "507f1f77bcf86cd799439011", "cus_NffrFeUfNV2Hib"),
    *("pi_3MtwBwLkdIwHu7ix28a3tqPa", "arn:aws:s3:::bucket/key", "arn:aws:iam::123456789012:role/Admin", "AKIA"),
    *(
        "i-0abcd1234efgh5678",
        "vol-049df61146c4d7901",
        "projects/p/secrets/db-password/versions/3",
        "xoxo",
        "sk-",
        "ghp_",
    ),
    *("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "cache-key-d41d8cd98f00b204e9800998ecf8427e"),
    *(
        "order-2024-000123",
        "INV-0004111",
        "1234567890123456",
        "4111111111111112",
        "9999999999999999",
        "0000000000000000",
    ),
    *(
        "4111 1111 1111 1112",
        "1111222233334444",
        "20240131123456",
        "1706700000000",
        "1706700000123456789",
        "35209900176148",
    ),
    *("490154203237518", "978-3-16-148410-0", "4006381333931", "DE89370400440532013000", "GB82 WEST 1234 5698 7654 32"),
    *(
        "+49 30 901820",
        "(555) 010-9999",
        "+1-202-555-0173",
        "0049 171 2345678",
        "192.168.178.21",
        "2001:db8::ff00:42:8329",
    ),
    *("52.5200066,13.404954", "3.14159265358979", "0.4111111111111111", "1e-16", "00:1B:44:11:3A:B7", "10.0.0.0/16"),
)
TIMES: Final = (
    *("2024-01-31", "2024-01-31T12:34:56Z", "2024-01-31T12:34:56.789012+01:00", "Wed, 31 Jan 2024 12:34:56 GMT"),
    *(
        "12:30@office",
        "P3DT4H",
        "1.2.3",
        "v2.0.0-rc.1+build.5",
        "Python 3.11.7",
        "Linux-6.1.0-18-amd64-x86_64-with-glibc2.36",
    ),
    *("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",),
)
ADDRESSES: Final = (
    *(
        "https://shop.example.com/products/12345?color=red&size=42",
        "http://localhost:8080/health",
        "/api/v1/users/{id}",
    ),
    *(
        "https://example.com/reset-password?step=2",
        "https://auth.example.com/oauth/token",
        "/token",
        "/secrets",
        "/login",
    ),
    *("postgresql://db.internal:5432/shop", "redis://cache:6379/0", "mongodb://h1:27017,h2:27017/?replicaSet=rs0"),
    *("http://host:8080/path?email=a@b.com", "https://example.com/@user/post", "git@github.com:org/repo.git"),
    *("ssh://git@github.com/org/repo.git", "mailto:bob@example.com", "bob@example.com", "https://user@example.com/x"),
    *(
        "https://example.com/a?page_size=20&sort=name&q=token",
        "https://example.com/cookie-policy",
        "urn:isbn:0451450523",
    ),
    *("postgresql://app:***@db/shop", "postgresql://app:${DB_PASSWORD}@db/shop", "https://{user}:{password}@host/"),
    *("docker.io/library/python:3.11-slim@sha256:" + hashlib.sha256(b"x").hexdigest(), "npm:react@18.2.0", "s3://b/k"),
    *("file:///etc/passwd", "unix:///var/run/docker.sock", "jdbc:postgresql://db:5432/shop?ssl=true", "data:,Hello"),
)
IMAGE: Final = base64.b64encode(b"\x89PNG\r\n\x1a\n" + _bytes(3000)).decode()
DATA: Final = (
    f"data:image/png;base64,{IMAGE}",
    *(base64.b64encode(_bytes(size)).decode() for size in (6, 12, 24, 48, 300)),
    *('{"id": 7, "name": "Bob", "tags": ["a", "b"]}', '{"token": null, "password": ""}', '{"max_tokens": 4096}'),
    *('{"token_type": "bearer", "expires_in": 3600}', '{"type": "string", "format": "password"}', "[1, 2, 3]", "{}"),
    *('{"password": {"type": "string", "minLength": 8}}', '{"usage": {"prompt_tokens": 12, "completion_tokens": 34}}'),
    *("<name>Bob</name>", "<token/>", "key: value", "a=1&b=2", "k1=v1;k2=v2", "Content-Type: application/json"),
    *("Accept: */*", "Cookie policy: accepted", "X-Request-ID: 7f3a", "theme=dark; lang=de", "secret=", "password="),
)
CODE: Final = (
    *("SELECT id, name FROM users WHERE email = ?", "SELECT password FROM users WHERE token = ?", "token = $1"),
    *("UPDATE users SET password = %s WHERE id = %s", "INSERT INTO tokens (token, user_id) VALUES (:token, :user_id)"),
    *("ALTER TABLE users ADD COLUMN password VARCHAR(255)", "SELECT a.token = b.token FROM a JOIN b ON a.id = b.id"),
    *("password = get_password()", "token: Optional[str] = None", "token = next_token", "token=self.token"),
    *("api_key=os.environ['API_KEY']", "def login(user: str, password: str) -> Token:", "secret = settings.SECRET"),
    *("if token is None: raise ValueError('token missing')", "const token = await getToken();", "password: string;"),
    *(
        "KeyError: 'password'",
        "TypeError: login() missing 1 required positional argument: 'password'",
        "secrets.choice(x)",
    ),
    *(
        "assert response.cookies == {}",
        "headers['Authorization']",
        "for token in tokenizer.tokens(text):",
        "token_count=17",
    ),
    *('  File "app/auth.py", line 12, in check_password', "password=***", "password=${DB_PASSWORD}", "token=<token>"),
    *("PASSWORD=", "api_key=None", "token=null", "password=%(password)s", "password={password}", "secret: !vault"),
    *(
        "git commit -m 'rotate the token'",
        "kubectl get secrets",
        "docker login --password-stdin",
        "ssh -i key -p 22 host",
    ),
)
PROSE: Final = (
    *("The user asked for a password reset.", "Your token has expired, please sign in again.", "Token: expired"),
    *("password: must be at least 8 characters", "Password: required", "Invalid token: expired", "secret: none"),
    *(
        "token: the opaque string that the server returns",
        "The bearer token is missing",
        "Bearer authentication required",
    ),
    *(
        "Basic authentication is disabled",
        "basic training: done",
        "Basic plan, 5 seats",
        "Cookies are used on this site.",
    ),
    *("The secret to good coffee is patience.", "Author: Jane Doe", "The key is under the mat", "Session expired"),
    *("Login failed: wrong password", "Authorization failed for bob", "authorization: denied", "auth: failed"),
    *("Credentials are invalid", "credentials: missing", "No API key given", "API key: not set", "api key: unknown"),
    *(
        "The pass rate is 98 %",
        "pass: 12, fail: 3",
        "The passport office is open",
        "password unchanged",
        "Keyboard: QWERTZ",
    ),
    *(
        "Card ending in 1111 was declined",
        "Visa ****1111",
        "Please call +49 30 901820 about order 4711",
        "50 % off: use SAVE50",
    ),
    *(
        "Retrying in 5 s: connection refused (db:5432)",
        "Sent 3 of 5 items",
        "état: prêt",
        "パスワードを忘れた",
        "密码错误",
    ),
    *("cookie: accepted", "session id: none", "jwt: invalid signature", "The JWT is malformed", "dsn: not configured"),
    *('He said: "the token ring network is old"', "Tokens: 42", "1,234 tokens used", "secretary: Ms. Jones", "a" * 300),
)
HARMLESS: Final = (*IDS, *TIMES, *ADDRESSES, *DATA, *CODE, *PROSE)
