"""Made-up secrets of many kinds, and harmless values that resemble them, for the tests of the redaction."""

from __future__ import annotations

import base64
import random
import string
from typing import Final, NamedTuple

_CHARACTERS: Final = string.ascii_letters
_HEX: Final = "0123456789abcdef"
_random: Final = random.Random(7)


def _any(count: int, alphabet: str = _CHARACTERS + string.digits) -> str:
    """Return text of a fixed sequence, with capitals, small letters and digits if the alphabet has them."""
    return "".join(_random.choice(alphabet) for _ in range(count))


class Secret(NamedTuple):
    """A secret.

    Attributes:
        kind: What it is.
        secret: The part that must not leave.
        text: A text with it, which is recognised without a name.
    """

    kind: str
    secret: str
    text: str


def _token(kind: str, secret: str, text: str = "value {} end") -> Secret:
    return Secret(kind, secret, text.format(secret))


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


_UPPER: Final = string.ascii_uppercase + "234567"
_MIXED: Final = f"aB3{_any(40)}"
_KEY_LINES: Final = "\n".join(_any(64) for _ in range(4))

FORMATS: Final = (
    _token("jwt", f"eyJ{_any(30)}.eyJ{_any(60)}.{_any(43)}"),
    _token("jwt cut off", f"eyJ{_any(30)}.eyJ{_any(20)}"),
    _token("jwt encrypted", f"eyJ{_any(30)}..{_any(16)}.{_any(40)}.{_any(22)}"),
    _token("aws", f"AKIA{_any(16, _UPPER)}"),
    _token("aws temporary", f"ASIA{_any(16, _UPPER)}", "id={}&x"),
    _token("gcp key", f"AIza{_any(35)}", "https://maps.example.com/?key={}"),
    _token("gcp access", f"ya29.{_any(60)}"),
    _token("gcp client", f"GOCSPX-{_any(28)}"),
    _token("gcp refresh", f"1//0{_any(40)}"),
    _token("azure client", f"{_any(3)}8Q~{_any(34)}"),
    _token("azure devops", f"{_any(76)}AZDO{_any(4)}"),
    *(_token(f"github {each}", f"gh{each}_{_any(36)}") for each in "pousr"),
    _token("github fine-grained", f"github_pat_{_any(22)}_{_any(59)}"),
    _token("gitlab", f"glpat-{_any(20)}", "https://oauth2:{}@gitlab.example.com/a.git"),
    _token("gitlab runner", f"glrt-{_any(20)}"),
    _token("slack bot", f"xoxb-{_any(12, string.digits)}-{_any(24)}"),
    _token("slack app", f"xapp-1-{_any(11)}-{_any(12, string.digits)}-{_any(30)}"),
    _token("slack webhook", f"T{_any(8)}/B{_any(8)}/{_any(24)}", "https://hooks.slack.com/services/{}"),
    _token("discord webhook", _any(68), "https://discord.com/api/webhooks/123456789012345678/{}"),
    _token("discord bot", f"M{_any(23)}.{_any(6)}.{_any(38)}"),
    _token("stripe", f"sk_live_{_any(24)}"),
    _token("stripe restricted", f"rk_test_{_any(24)}"),
    _token("stripe webhook", f"whsec_{_any(32)}"),
    _token("anthropic", f"sk-ant-api03-{_any(90)}"),
    _token("openai", f"sk-proj-{_MIXED}"),
    _token("openai old", f"sk-{_MIXED}"),
    _token("npm", f"npm_{_any(36)}"),
    _token("pypi", f"pypi-AgEIcHlwaS5vcmc{_any(60)}"),
    _token("rubygems", f"rubygems_{_any(48, _HEX)}"),
    _token("docker", f"dckr_pat_{_any(27)}"),
    _token("sendgrid", f"SG.{_any(22)}.{_any(43)}"),
    _token("twilio", f"SK{_any(32, _HEX)}"),
    _token("mailgun", f"key-{_any(32, _HEX)}"),
    _token("mailchimp", f"{_any(32, _HEX)}-us12"),
    _token("huggingface", f"hf_{_any(34)}"),
    _token("digitalocean", f"dop_v1_{_any(64, _HEX)}"),
    _token("shopify", f"shpat_{_any(32, _HEX)}"),
    _token("square", f"sq0atp-{_any(22)}"),
    _token("databricks", f"dapi{_any(32, _HEX)}"),
    _token("vault", f"hvs.{_any(90)}"),
    _token("terraform", f"{_any(14)}.atlasv1.{_any(67)}"),
    _token("linear", f"lin_api_{_any(40)}"),
    _token("notion", f"ntn_{_any(46)}"),
    _token("newrelic", f"NRAK-{_any(27, _UPPER)}"),
    _token("grafana", f"glsa_{_any(32)}_{_any(8, _HEX)}"),
    _token("grafana cloud", f"glc_{_any(60)}"),
    _token("sentry", f"sntrys_{_any(60)}"),
    _token("telegram", f"{_any(9, '123456789')}:AA{_any(33)}", "https://api.telegram.org/bot {}"),
    _token("facebook", f"EAA{_any(170)}"),
    _token("postman", f"PMAK-{_any(24, _HEX)}-{_any(34, _HEX)}"),
    _token("age", f"AGE-SECRET-KEY-1{_any(58, _UPPER)}"),
    _token("perplexity", f"pplx-{_any(48)}"),
    _token("groq", f"gsk_{_any(52)}"),
    _token("xai", f"xai-{_any(80)}"),
    _token("replicate", f"r8_{_any(37)}"),
    _token("supabase", f"sbp_{_any(40, _HEX)}"),
    _token("planetscale", f"pscale_tkn_{_any(43)}"),
    _token("fly", f"fm2_{_any(100)}"),
    _token("doppler", f"dp.pt.{_any(43)}"),
    _token("pulumi", f"pul-{_any(40, _HEX)}"),
    _token("airtable", f"pat{_any(14)}.{_any(64, _HEX)}"),
    _token("atlassian", f"ATATT3{_any(180)}"),
    _token("dropbox", f"sl.{_any(130)}"),
    _token("figma", f"figd_{_any(40)}"),
    _token("hubspot", f"pat-na1-{_any(8, _HEX)}-{_any(4, _HEX)}-{_any(4, _HEX)}-{_any(4, _HEX)}-{_any(12, _HEX)}"),
    _token("artifactory", f"AKC{_any(70)}"),
    _token("token in a percent-encoded text", f"ghp_{_any(36)}", "next=%2Fa%3Fx%3D{}"),
    _token("token in escaped JSON", f"ghp_{_any(36)}", '{{"log": "a\\n{}\\n"}}'),
)
"""Secrets that are recognised by their format."""

CREDENTIALS: Final = (
    _token("bearer", f"{_any(40)}", "got Bearer {} from the client"),
    _token("bearer header", f"{_any(20)}-{_any(10)}", "Authorization: Bearer {}"),
    _token("bearer in JSON", f"{_any(40)}", '{{"headers": {{"Authorization": "Bearer {}"}}}}'),
    _token("basic", _basic("bob", "correct horse"), "proxy said Basic {} is wrong"),
    _token("basic header", _basic("svc", "p4ss"), "Authorization: Basic {}"),
    _token("digest header", f"{_any(32, _HEX)}", 'Authorization: Digest username="bob", response="{}"'),
    _token("private key", _KEY_LINES, "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----"),
    _token("RSA key", _KEY_LINES, "key: -----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY----- ok"),
    _token("OpenSSH key cut off", _KEY_LINES, "-----BEGIN OPENSSH PRIVATE KEY-----\n{}"),
    _token("PGP key", _KEY_LINES, "-----BEGIN PGP PRIVATE KEY BLOCK-----\n{}\n-----END PGP PRIVATE KEY BLOCK-----"),
    _token("escaped key", _any(64), '{{"k": "-----BEGIN EC PRIVATE KEY-----\\n{}\\n-----END EC PRIVATE KEY-----"}}'),
    _token("PuTTY key", _KEY_LINES, "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 4\n{}\nPrivate-MAC: 0a1b"),
    _token("postgres", "s3cr3t!x9", "cannot connect to postgresql://app:{}@db.internal:5432/shop"),
    _token("redis", "s3cr3tx10", "redis://:{}@cache:6379/0"),
    _token("mongodb", "s3cr3t-x11", "mongodb+srv://root:{}@cluster0.abc.mongodb.net/?retryWrites=true"),
    _token("password with signs", "p@ss/w0rd#12", "amqp://guest:{}@rabbit:5672/%2F"),
    _token("two addresses", "s3cr3tx13", "tried http://a:{}@h1/ and http://h2/"),
    _token("percent-encoded address", "s3cr3tx14", "url=https%3A%2F%2Fbob%3A{}%40example.com%2F"),
    _token("Go DSN", "s3cr3tx15", "root:{}@tcp(127.0.0.1:3306)/shop?parseTime=true"),
    _token("user and host", "s3cr3tx16", "bob:{}@db.internal:5432"),
    _token("curl", "s3cr3tx17", "curl -u bob:{} https://example.com"),
    _token("card", "4111111111111111", "paid with {} today"),
    _token("card with blanks", "5555 5555 5555 4444"),
    _token("card with hyphens", "6011-1111-1111-1117"),
    _token("American Express", "378282246310005"),
    _token("American Express with blanks", "3714 496353 98431"),
    _token("Diners", "30569309025904"),
    _token("JCB", "3530111333300000"),
    _token("Mastercard of the new range", "2223003122003222"),
)
"""Credentials of HTTP and addresses, private keys, cards."""

PAIRS: Final = (
    _token("query", "hunter2-1", "/login?user=bob&password={}&next=/"),
    _token("encoded query", "hunter2%2D2", "user=bob&api_key={}"),
    _token("encoded pair", "hunter2-3", "redirect=%2Fx%3Ftoken%3D{}%26a%3Db"),
    _token("array in a query", "hunter2-4", "user[password]={}&user[name]=bob"),
    _token("environment", "hunter2-5", "export DB_PASSWORD={}"),
    _token("settings file", "hunter2-6", "secret_key = {}\ndebug = false"),
    _token("prose with a colon", "hunter2-7", "Wrong password: {}"),
    _token("YAML", "hunter2-8", "db:\n  user: app\n  password: {}\n  port: 5432"),
    _token("quoted", "hunter2 9 with blanks", "password='{}'"),
    _token("JSON", "hunter2-10", '{{"user": "bob", "password": "{}"}}'),
    _token("JSON with a number", "918273", '{{"otp": {}}}'),
    _token("JSON in JSON", "hunter2-11", '{{"body": "{{\\"password\\": \\"{}\\"}}"}}'),
    _token("JSON in JSON in JSON", "hunter2-12", '{{\\\\\\"clientSecret\\\\\\": \\\\\\"{}\\\\\\"}}'),
    _token("dict", "hunter2-13", "{{'api_key': '{}', 'n': 1}}"),
    _token("repr", "hunter2-14", "User(name='bob', password='{}')"),
    _token("connection string", "hunter2+14/==", "Server=tcp:db;User ID=sa;Password={};Encrypt=true"),
    _token("storage account", f"{_any(86)}==", "DefaultEndpointsProtocol=https;AccountKey={};EndpointSuffix=x"),
    _token("libpq", "hunter2-16", "host=db port=5432 user=app password={} sslmode=require"),
    _token("flag", "hunter2-17", "tool --user bob --password {} --verbose"),
    _token("flag with a sign", "hunter2-18", "tool --api-key={} run"),
    _token("header", "hunter2-19", "GET / HTTP/1.1\r\nX-API-Key: {}\r\nHost: a"),
    _token("cookie", "hunter2-20", "Cookie: theme=dark; sid={}; lang=de"),
    _token("set-cookie", "hunter2-21", "Set-Cookie: session={}; Path=/; HttpOnly"),
    _token("session", "hunter2-22", "PHPSESSID={}"),
    _token("session id", "hunter2-23", "sessionId={}"),
    _token("XML", "hunter2-24", "<user><name>bob</name><password>{}</password></user>"),
    _token("XML with CDATA", "hunter2-37", "<password><![CDATA[{}]]></password>"),
    _token("form", "hunter2-25", 'Content-Disposition: form-data; name="password"\r\n\r\n{}\r\n--x'),
    _token("SQL", "hunter2-26", "UPDATE users SET password = '{}' WHERE id = 7"),
    _token("arrow", "hunter2-27", "params: {{ :password => '{}' }}"),
    _token("AWS secret", f"{_any(40)}", "aws_secret_access_key = {}"),
    _token("signed address", _any(64, _HEX), "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature={}"),
    _token("shared access signature", f"{_any(43)}%3D", "https://x.blob.core.windows.net/c/f?sv=2022-11-02&sig={}"),
    _token("camel case", "hunter2-30", "accessToken={}"),
    _token("letters alone", "correcthorsebattery", "password={}"),
    _token("constant", "hunter2-31", 'PASSWORD = "{}"'),
    _token("with a comma", "hunter2,32", "password={}"),
    _token("in brackets", "hunter2-33", "(password={})"),
    _token("pgpassword", "hunter2-34", "PGPASSWORD={} psql"),
    _token("npmrc", f"{_any(36)}", "//registry.example.com/:_authToken={}"),
    _token("netrc", "hunter2-36", "passwd: {}"),
)
"""Secrets beside a name."""

SECRETS: Final = (*FORMATS, *CREDENTIALS, *PAIRS)

SECRET_NAMES: Final = (
    *("password", "user.password", "userPassword", "passwd", "pwd", "db.pwd", "secret", "client_secret", "token"),
    *("access_token", "accessToken", "X-API-Key", "api_key", "apikey", "authorization", "http.request.header.cookie"),
    *("cookie", "set-cookie", "session_id", "sessionId", "session.id", "credentials", "private_key", "privateKey"),
    *("PGPASSWORD", "aws.secret.access.key", "jwt", "bearer", "dsn", "passphrase", "otp", "card.cvv", "x-auth-token"),
)
HARMLESS_NAMES: Final = (
    *("token_count", "passwordless", "cookie_policy", "tokenizer", "author", "authority", "http.route", "passenger"),
    *("gen_ai.usage.input_tokens", "llm.max_tokens", "token_type", "secretary", "key", "cache.key", "primary_key"),
    *("messaging.kafka.message.key", "password_reset_at", "password_policy", "auth_method", "keyboard", "compass"),
    *("db.query.text", "aws.s3.key", "token_url", "cookie.domain", "session.duration", "authenticated", "tokens_used"),
)
