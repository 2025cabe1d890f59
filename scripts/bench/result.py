"""The results of a figure. The invariant: plain values; `report` and `plot` format them."""

from dataclasses import dataclass, field

from harness import Series


@dataclass
class Panel:
    """One comparison: the values of every contestant, in one unit."""

    title: str
    unit: str
    rows: dict[str, Series]
    reference: str | None = None
    """The contestant that the others are compared with."""
    logarithmic: bool = False

    def ratio(self, name):
        return self.rows[name].median / self.rows[self.reference].median


@dataclass
class Claim:
    """A target, what was measured, and whether that holds."""

    target: str
    measured: str
    holds: bool


@dataclass
class Figure:
    key: str
    title: str
    how: str
    panels: list[Panel]
    claims: list[Claim] = field(default_factory=list)


def at_most(what, value, limit, unit):
    """A claim that a value stays within a limit."""
    return Claim(f"{what} at most {show(limit)} {unit}", f"{show(value)} {unit}", value <= limit)


def ahead(panel, ours, others, higher=False):
    """A claim that one contestant beats each of the others."""
    value, values = panel.rows[ours].median, [panel.rows[other].median for other in others]
    behind = [
        other for other, theirs in zip(others, values) if (value <= theirs if higher else value >= theirs)
    ]
    said = f"behind {', '.join(behind)}" if behind else "ahead of each"
    return Claim(f"{panel.title}: {ours} ahead of {', '.join(others)}", said, not behind)


def show(value):
    """A number with three significant digits."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
