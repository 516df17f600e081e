"""Formats of keys and tokens that are recognised by themselves, by rule (standard library only).

Sources: the vendors' documentation of their token formats, such as
https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, final

from flext_observability.values.lazy_pattern import lazy_pattern
from flext_observability.values.named_tuple import NamedTuple


class Format(NamedTuple):
    """Format of a secret.

    Attributes:
        rule: Name of the rule.
        what: What the secret is, for the documentation.
        start: Expression of a part of every such secret, which is searched first.
        pattern: Expression of the whole secret. The group ``secret``, if there is one, is the part to mask.
    """

    rule: str
    what: str
    start: str
    pattern: str


_MIXED: Final = r"(?=[\w-]{0,200}[A-Z])(?=[\w-]{0,200}\d)"
FORMATS: Final = (
    Format("jwt", "JSON Web Token, signed or encrypted", "eyJ", r"eyJ[\w-]{8,}(?:(?:\.[\w-]*){2,4}|\.eyJ[\w-]*)"),
    Format("aws", "AWS access key id", "AKIA|ASIA|ABIA|ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    Format("gcp", "Google API key", "AIza", r"AIza[\w-]{35}"),
    Format("gcp", "Google OAuth access token", r"ya29\.", r"ya29\.[\w-]{20,}"),
    Format("gcp", "Google OAuth client secret", "GOCSPX-", r"GOCSPX-[\w-]{20,}"),
    Format("gcp", "Google OAuth refresh token", "1//0", r"1//0[\w-]{30,}"),
    Format("azure", "Azure client secret", "Q~", r"[\w.~-]{3}\dQ~[\w.~-]{31,34}"),
    Format("azure", "Azure DevOps token", "AZDO", r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    Format("github", "GitHub token", "gh[pousr]_", r"gh[pousr]_[A-Za-z0-9]{30,255}"),
    Format("github", "GitHub fine-grained token", "github_pat_", r"github_pat_\w{22,255}"),
    Format("gitlab", "GitLab token", "gl[a-z]{2,5}-", r"gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|imt|agent|ffct)-[\w-]{20,}"),
    Format("slack", "Slack token", "xox", r"xox[abceoprs][.-][\w.-]{10,}"),
    Format("slack", "Slack app token", "xapp-", r"xapp-\d-[\w-]{10,}"),
    Format("slack", "Slack webhook", r"hooks\.slack", r"hooks\.slack(?:-gov)?\.com/\w+/(?P<secret>[\w/-]{20,})"),
    Format("discord", "Discord webhook", "/webhooks/", r"discord(?:app)?\.com/api/webhooks/\d+/(?P<secret>[\w-]{30,})"),
    Format("discord", "Discord bot token", r"\.[\w-]{6}\.", r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"),
    Format("stripe", "Stripe secret or restricted key", "k_", r"[sr]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    Format("stripe", "Stripe webhook secret", "whsec_", r"whsec_[\w+/=-]{24,}"),
    Format("anthropic", "Anthropic API key", "sk-ant-", r"sk-ant-[a-z0-9]+-[\w-]{20,}"),
    Format("openai", "OpenAI API key", "sk-", rf"sk-{_MIXED}[\w-]{{20,}}"),
    Format("npm", "npm token", "npm_", r"npm_[A-Za-z0-9]{36,}"),
    Format("pypi", "PyPI token", "pypi-", r"pypi-AgE[\w-]{30,}"),
    Format("rubygems", "RubyGems key", "rubygems_", r"rubygems_[a-f0-9]{48}"),
    Format("docker", "Docker token", "dckr_", r"dckr_(?:pat|oat)_[\w-]{20,}"),
    Format("sendgrid", "SendGrid key", r"SG\.", r"SG\.[\w-]{16,32}\.[\w-]{16,64}"),
    Format("twilio", "Twilio API key", "SK[0-9a-f]", r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    Format("mailgun", "Mailgun key", "key-", r"(?<![\w-])key-[0-9a-f]{32}(?![A-Za-z0-9])"),
    Format("mailchimp", "Mailchimp key", "-us", r"[0-9a-f]{32}-us\d{1,2}(?![A-Za-z0-9])"),
    Format("huggingface", "Hugging Face token", "hf_", r"hf_[A-Za-z0-9]{30,}"),
    Format("digitalocean", "DigitalOcean token", "_v1_", r"do[opr]_v1_[a-f0-9]{64}"),
    Format("shopify", "Shopify token", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    Format("square", "Square token", "sq0", r"sq0(?:atp|csp|idp)-[\w-]{22,}"),
    Format("databricks", "Databricks token", "dapi", r"dapi[0-9a-f]{32}"),
    Format("hashicorp", "Vault token", r"hv[sbr]\.", r"hv[sbr]\.[\w-]{24,}"),
    Format("hashicorp", "Terraform token", r"\.atlasv1\.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}"),
    Format("linear", "Linear key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    Format("notion", "Notion token", "ntn_", r"ntn_[A-Za-z0-9]{40,}"),
    Format("newrelic", "New Relic key", "NR[AJI]", r"NR(?:AK|JS|II|IQ)-[A-Za-z0-9_-]{19,}"),
    Format("grafana", "Grafana token", "gl(?:c|sa)_", r"gl(?:c_[\w+/=-]{32,}|sa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8})"),
    Format("sentry", "Sentry token", "sntry", r"sntry[su]_[\w+/=-]{40,}"),
    Format("telegram", "Telegram bot token", ":AA", r"\d{8,10}:AA[\w-]{32,}"),
    Format("facebook", "Facebook token", "EAA", r"(?<![+/])EAA[A-Za-z0-9]{150,}"),
    Format("postman", "Postman key", "PMAK-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    Format("age", "age private key", "AGE-SECRET", r"AGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    Format("perplexity", "Perplexity key", "pplx-", r"pplx-[A-Za-z0-9]{40,}"),
    Format("groq", "Groq key", "gsk_", r"gsk_[A-Za-z0-9]{40,}"),
    Format("xai", "xAI key", "xai-", r"xai-[A-Za-z0-9]{60,}"),
    Format("replicate", "Replicate token", "r8_", r"r8_[A-Za-z0-9]{37}"),
    Format("supabase", "Supabase token", "sbp_", r"sbp_[a-f0-9]{40}"),
    Format("planetscale", "PlanetScale password or token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[\w.-]{32,}"),
    Format("fly", "Fly.io token", r"fm[12]\w?_", r"fm[12]\w?_[\w+/=-]{60,}"),
    Format("doppler", "Doppler token", r"dp\.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,}"),
    Format("pulumi", "Pulumi token", "pul-", r"pul-[a-f0-9]{40}"),
    Format("airtable", "Airtable token", r"pat\w{14}\.", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    Format("atlassian", "Atlassian token", "ATATT3|ATBB|ATCTT3", r"AT(?:ATT3|BB|CTT3)[\w=-]{24,}"),
    Format("dropbox", "Dropbox token", r"sl\.", r"sl\.[\w-]{80,}"),
    Format("figma", "Figma token", "figd_", r"figd_[\w-]{36,}"),
    Format("hubspot", "HubSpot token", "pat-(?:na|eu)", r"pat-(?:na|eu)\d-[0-9a-f]{8}-[0-9a-f-]{27}"),
    Format("artifactory", "Artifactory key", "AKC", r"(?<![+/])AKC[A-Za-z0-9]{60,}"),
)
# Not inside a longer word, but after a percent-encoded character, and after an escaped one of JSON.
_BEGIN: Final = r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt])|(?<=\\u[0-9A-Fa-f]{4}))"
_LONG_RUN: Final = lazy_pattern(r"[\w.~+/=:-]{16}", re.ASCII)


def may_have_formats(text: str) -> bool:  # measured: benchmarks, redaction
    """Return False for texts without a long word. Fast."""
    return _LONG_RUN.search(text) is not None


@final
class FormatFinder:
    """Finds secrets of the formats of some rules.

    Args:
        rules: Names of the rules.
    """

    __slots__ = ("_pattern", "_rules", "_starts")

    def __init__(self, rules: Collection[str]) -> None:
        formats = [each for each in FORMATS if each.rule in rules]
        self._rules = {f"f{number}": each.rule for number, each in enumerate(formats)}
        parts = (
            f"(?P<f{number}>{each.pattern.replace('(?P<secret>', f'(?P<s{number}>')})"
            for number, each in enumerate(formats)
        )
        starts = "|".join(sorted({each.start for each in formats}))
        # Compiled on first use, on the thread of a worker: it takes longer than the whole start.
        self._pattern = lazy_pattern(f"{_BEGIN}(?:{'|'.join(parts)})", re.ASCII) if formats else None
        self._starts = lazy_pattern(starts)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and rule of each secret."""
        if self._pattern is None or not self._starts.search(text):
            return
        for match in self._pattern.finditer(text):
            group = match.lastgroup or ""
            # Of a format with a part to mask, the last group to end is the whole one.
            inner = f"s{group[1:]}"
            start, end = match.span(inner if inner in match.re.groupindex else group)
            yield start, end, self._rules[group]
