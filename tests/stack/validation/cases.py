"""Cases of the checks: one change of a file, and the fault that the program of the file must find."""

from __future__ import annotations

from dataclasses import dataclass

from tests.monitoring.validation.copies import Copy


@dataclass(frozen=True, slots=True)
class Case:
    """A change of one file, and its fault."""

    file: str
    old: str
    new: str
    what: str
    """Part of the name or the reason."""
    action: str
    """Part of the fix."""
    offset: int = 0
    """Lines from the changed line to the faulty one."""

    def __str__(self) -> str:
        """Return the name of the test."""
        return f"{self.file.rpartition('/')[2]}: {self.new.strip()[-40:]}".replace("\n", " ")

    def check(self, copy: Copy, *only: str) -> None:
        """Break the copy, and assert that all faults are in the changed file, one of them in the changed line."""
        line = copy.change(self.file, self.old, self.new) + self.offset
        faults = copy.faults(*only)
        assert faults
        assert {fault.file for fault in faults} == {self.file}
        texts = [str(fault) for fault in faults]
        matching = [text for text in texts if self.what in text and self.action in text]
        assert any(text.startswith(f"{self.file}:{line}: ") for text in matching), (line, texts)
        assert all("\n" not in text and text.endswith(".") for text in texts)
