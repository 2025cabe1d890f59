"""Draws a figure: a bar for each median, a line from the lowest to the highest round. The invariant: every bar begins at
the left edge of its scale, and a scale that is not linear is labelled."""

import math
from html import escape

from result import show

WIDTH, NAMES, VALUES = 760, 240, 90
ROW, HEADING, MARGIN = 22, 34, 12
OURS, OTHERS, LINE, TEXT = "#c2410c", "#94a3b8", "#334155", "#1e293b"
SPAN = WIDTH - NAMES - VALUES - 2 * MARGIN


def scale(panel):
    """The position of a value between the edges of a panel, from 0 to 1."""
    high = max(row.high for row in panel.rows.values()) or 1
    if not panel.logarithmic:
        return lambda value: max(0, value) / high
    low = 10 ** math.floor(math.log10(min(row.low for row in panel.rows.values())))
    return lambda value: math.log(value / low) / math.log(high / low)


def bar(name, row, place, top):
    left, middle = MARGIN + NAMES, top + ROW / 2
    from_, to = left + SPAN * place(row.low), left + SPAN * place(row.high)
    colour = OURS if name.startswith("talk") else OTHERS
    return [
        f'<text x="{left - 8}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{left}" y="{top + 4}" width="{SPAN * place(row.median):.1f}" height="{ROW - 8}" fill="{colour}"/>',
        f'<path d="M{from_:.1f} {middle}H{to:.1f}" stroke="{LINE}" stroke-width="2"/>',
        f'<text x="{left + SPAN + 8}" y="{middle + 4}">{show(row.median)}</text>',
    ]


def svg(figure):
    parts, top = [], MARGIN
    for panel in figure.panels:
        kind = ", logarithmic" if panel.logarithmic else ""
        title = escape(f"{panel.title} ({panel.unit}{kind})")
        parts.append(f'<text x="{MARGIN}" y="{top + 20}" font-weight="bold">{title}</text>')
        top += HEADING
        place = scale(panel)
        for name, row in panel.rows.items():
            parts += bar(name, row, place, top)
            top += ROW
        top += MARGIN
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" font-family="sans-serif"'
    ground = f'<rect width="{WIDTH}" height="{top}" fill="white"/>'
    return "\n".join([f'{opening} font-size="13" fill="{TEXT}">', ground, *parts, "</svg>", ""])
