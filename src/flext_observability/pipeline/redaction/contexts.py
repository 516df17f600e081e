"""Resources and instrumentation scopes → the same, or copies with markers. Each is examined once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flext_observability.pipeline.redaction.redactor import Hits, Redactor

if TYPE_CHECKING:
    from flext_observability.pipeline.redaction.counts import RedactionCounts

_MAX_KNOWN: Final = 256


@final
class ContextRedactor:
    """Redacts resources and scopes. Thread-safe.

    Args:
        redactor: Rules.
        counts: Counts the masked values.
    """

    __slots__ = ("_clean", "_counts", "_known", "_redactor")

    def __init__(self, redactor: Redactor, counts: RedactionCounts) -> None:
        self._redactor = redactor
        self._counts = counts
        self._clean: tuple[object, object] = self, self  # none
        # By id. The object is kept, so that no other one gets its id.
        self._known: dict[int, tuple[object, object]] = {}

    def is_clean(self, resource: object, scope: object) -> bool:
        """Return whether both have no secret. Fast for those of the previous call."""
        latest = self._clean
        if latest[0] is resource and latest[1] is scope:
            return True
        is_clean = self._redacted(resource) is resource and self._redacted(scope) is scope
        if is_clean:
            self._clean = resource, scope
        return is_clean

    def resource(self, resource: Resource) -> Resource:
        """Return a resource without secrets."""
        return cast("Resource", self._redacted(resource))

    def scope(self, scope: InstrumentationScope | None) -> InstrumentationScope | None:
        """Return a scope without secrets."""
        return cast("InstrumentationScope | None", self._redacted(scope))

    def _redacted(self, given: object) -> object:
        known = self._known.get(id(given))
        if known is not None and known[0] is given:
            return known[1]
        hits: Hits = []
        replaced: Any = given
        attributes = getattr(given, "attributes", None)
        changed = self._redactor.attributes(attributes, hits)
        if changed is not attributes and isinstance(given, Resource):
            replaced = Resource(cast("Any", changed), given.schema_url)
        elif changed is not attributes and isinstance(given, InstrumentationScope):
            replaced = InstrumentationScope(given.name, given.version, given.schema_url, cast("Any", changed))
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[id(given)] = given, replaced
        self._counts.add(hits)
        return replaced
