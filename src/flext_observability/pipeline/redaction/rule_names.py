"""Names of the built-in rules. Their patterns are loaded later: a start needs only the names."""

from __future__ import annotations

from typing import Final

KEY: Final = "key"
"""Rule of values whose own name is a secret one."""
EMAIL: Final = "email"
DEFAULT: Final = "default"
"""Stands for all rules but ``email``."""
FORMAT_RULES: Final = (
    *("jwt", "aws", "gcp", "azure", "github", "gitlab", "slack", "discord", "stripe", "anthropic", "openai", "npm"),
    *("pypi", "rubygems", "docker", "sendgrid", "twilio", "mailgun", "mailchimp", "huggingface", "digitalocean"),
    *("shopify", "square", "databricks", "hashicorp", "linear", "notion", "newrelic", "grafana", "sentry"),
    *("telegram", "facebook", "postman", "age", "perplexity", "groq", "xai", "replicate", "supabase"),
    *("planetscale", "fly", "doppler", "pulumi", "airtable", "atlassian", "dropbox", "figma", "hubspot"),
    "artifactory",
)
"""Rules of keys and tokens that are recognised by their format."""
RULE_NAMES: Final = (
    *(KEY, "pair", "private-key", "bearer", "basic", "url-password", "card", EMAIL),
    *FORMAT_RULES,
)
DEFAULT_RULES: Final = tuple(name for name in RULE_NAMES if name != EMAIL)
