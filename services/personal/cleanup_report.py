"""What a clean-up did, or would do."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from integrations.model_storage import VersionPath
from services.personal.cleanup import Finding, Found


@dataclass(frozen=True, slots=True)
class CleanUpReport:
    """Everything a run found so far."""

    dry_run: bool
    unused_days: int
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding | None) -> None:
        """Keep what a step of `clean_up` gave; some give nothing."""
        if finding is not None:
            self.findings.append(finding)

    def of(self, what: Found) -> list[Finding]:
        """The findings of one sort."""
        return [finding for finding in self.findings if finding.what is what]

    @property
    def freed_bytes(self) -> int:
        """What was removed; rows without files take nothing."""
        return sum(f.size_bytes for f in self.findings if f.what in {Found.ORPHAN, Found.MARKED, Found.UNUSED})

    def counts(self) -> dict[str, int]:
        """How many there are of every sort."""
        return {what.name.lower(): len(self.of(what)) for what in Found}

    def removed_by_kind(self) -> dict[str, int]:
        """How many models were removed because nobody used them; none in a dry run."""
        return dict(Counter(VersionPath.parse(f.path).kind for f in self.of(Found.UNUSED) if not self.dry_run))

    def as_json(self) -> dict[str, Any]:
        """Count, bytes and paths of every sort."""
        return {
            "dry_run": self.dry_run,
            "unused_days": self.unused_days,
            "freed_bytes": self.freed_bytes,
            **{what.name.lower(): self._summary(self.of(what)) for what in Found},
        }

    def _summary(self, findings: list[Finding]) -> dict[str, Any]:
        return {
            "count": len(findings),
            "bytes": sum(finding.size_bytes for finding in findings),
            "paths": [finding.path for finding in findings],
        }
