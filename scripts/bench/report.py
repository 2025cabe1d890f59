"""The report: the machine and programs, a verdict on every target, and each figure with its tables, its plot and its
note (notes.md). The invariant: only the notes are written by hand."""

import re

import plot
import programs
from result import show

DOCUMENT = programs.ROOT / "docs" / "BENCHMARKS.md"
PLOTS = programs.ROOT / "docs" / "bench"
NOTES = programs.BENCH / "notes.md"

INTRODUCTION = """# Benchmarks

`make bench` takes these measurements and writes this page; do not edit it. `make bench-quick` prints the same figures
from fewer rounds. All contestants take turns within each round, so that a disturbance of the machine affects all of
them. A table gives the median of the rounds, the lowest and the highest round, and the ratio of the medians. No round is
left out."""


def setting():
    """The machine, and the programs that are compared."""
    rows = [f"| {key} | {value} |" for key, value in {**programs.machine(), **programs.versions()}.items()]
    return "\n".join(["| machine and programs | |", "|---|---|", *rows])


def verdict(claim):
    return "holds" if claim.holds else "**misses**"


def targets(figures):
    """Every target, what was measured, and the verdict."""
    rows = [
        f"| [{figure.title}](#{anchor(figure.title)}) | {claim.target} | {claim.measured} | {verdict(claim)} |"
        for figure in figures
        for claim in figure.claims
    ]
    return "\n".join(["| figure | target | measured | verdict |", "|---|---|---|---|", *rows])


def anchor(title):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def table(panel):
    rounds = max(len(row.values) for row in panel.rows.values())
    compared = f" × {panel.reference} |" if panel.reference else ""
    lines = [
        f"**{panel.title}** ({panel.unit}; rounds: {rounds})",
        "",
        f"| | median | min – max |{compared}",
        "|---|--:|--:|" + ("--:|" if compared else ""),
    ]
    for name, row in panel.rows.items():
        ratio = f" {panel.ratio(name):.2f} |" if compared else ""
        lines.append(f"| {name} | {show(row.median)} | {show(row.low)} – {show(row.high)} |{ratio}")
    return "\n".join(lines)


def note(key):
    """The note about a figure."""
    parts = re.split(r"^## (\S+)$", NOTES.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2])).get(key, "").strip()


def section(figure, picture=""):
    claims = "\n".join(f"- {claim.target}: {claim.measured}, {verdict(claim)}" for claim in figure.claims)
    tables = "\n\n".join(map(table, figure.panels))
    parts = [f"## {figure.title}", figure.how, claims, note(figure.key), picture, tables]
    return "\n\n".join(part for part in parts if part) + "\n"


def write(setting, figures):
    PLOTS.mkdir(exist_ok=True)
    parts = [INTRODUCTION, setting, "## Targets", targets(figures)]
    for figure in figures:
        path = PLOTS / f"{figure.key}.svg"
        path.write_text(plot.svg(figure))
        parts.append(section(figure, f"![{figure.title}](bench/{path.name})").strip())
    DOCUMENT.write_text("\n\n".join(parts) + "\n")
