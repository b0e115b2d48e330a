"""All options of an investigation in one `VoyageConfig`, which round-trips TOML.

A value out of bounds, or a name that no rule has, is a `RuleError`.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from pathlib import Path

from darkvoyage.errors import ReadError, RuleError
from darkvoyage.options import refuse_unknown
from darkvoyage.rules.history import HistoryRule
from darkvoyage.rules.integrity import IntegrityRule
from darkvoyage.rules.linking import LinkRule
from darkvoyage.rules.meetings import LoiteringRule, MeetingRule
from darkvoyage.rules.reach import PortRule
from darkvoyage.rules.reception import ReceptionRule
from darkvoyage.rules.scoring import CargoRule, ScoreRule
from darkvoyage.rules.tracks import CleanRule, GapRule

__all__ = ["VoyageConfig"]

_RULES: dict[str, type] = {
    "clean": CleanRule, "integrity": IntegrityRule, "gap": GapRule, "reception": ReceptionRule,
    "history": HistoryRule, "loitering": LoiteringRule, "meeting": MeetingRule, "port": PortRule, "link": LinkRule,
    "score": ScoreRule, "cargo": CargoRule,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class VoyageConfig:
    """All options of an investigation.

    Parameters
    ----------
    clean, integrity, gap, reception, history, loitering, meeting, port, link, score, cargo
        The rule of each stage.
    cap_bbl : float
        Yearly cap the ledger is held against [bbl]. 500,000: refined products to North Korea from all suppliers, UN
        Security Council resolution 2397 (2017), paragraph 5.

    Raises
    ------
    RuleError
        A value is out of its bounds.
    """

    clean: CleanRule = CleanRule()
    integrity: IntegrityRule = IntegrityRule()
    gap: GapRule = GapRule()
    reception: ReceptionRule = ReceptionRule()
    history: HistoryRule = HistoryRule()
    loitering: LoiteringRule = LoiteringRule()
    meeting: MeetingRule = MeetingRule()
    port: PortRule = PortRule()
    link: LinkRule = LinkRule()
    score: ScoreRule = ScoreRule()
    cargo: CargoRule = CargoRule()
    cap_bbl: float = 500_000.0

    def __post_init__(self) -> None:
        """Check the parts."""
        for name, kind in _RULES.items():
            if not isinstance(getattr(self, name), kind):
                raise RuleError(f"VoyageConfig.{name} = {getattr(self, name)!r}: expected a {kind.__name__}")
        cap = self.cap_bbl
        if isinstance(cap, bool) or not isinstance(cap, (int, float)) or not 0 < cap < math.inf:
            raise RuleError(f"VoyageConfig.cap_bbl = {cap!r}: must be a finite number greater than 0")

    def to_toml(self) -> str:
        """Return the options as TOML, one table per rule."""
        import tomli_w

        return tomli_w.dumps(dataclasses.asdict(self))

    @classmethod
    def from_toml(cls, text: str) -> VoyageConfig:
        """Read options from TOML; what is not named keeps its default.

        Raises
        ------
        RuleError
            Not TOML, an unknown name, or a value out of its bounds.
        """
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise RuleError(f"configuration is not TOML: {error}") from error
        refuse_unknown("VoyageConfig", data, [*_RULES, "cap_bbl"])
        for name, kind in _RULES.items():
            if name in data:
                if not isinstance(data[name], dict):
                    raise RuleError(f"VoyageConfig.{name} = {data[name]!r}: expected a table of options")
                data[name] = kind(**data[name])
        return cls(**data)

    def save(self, path: str | Path) -> None:
        """Write the options to a TOML file."""
        Path(path).write_text(self.to_toml(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> VoyageConfig:
        """Read the options from a TOML file.

        Raises
        ------
        ReadError
            The file cannot be read.
        RuleError
            See `from_toml`.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ReadError(f"{path}: cannot be read ({error})") from error
        return cls.from_toml(text)
