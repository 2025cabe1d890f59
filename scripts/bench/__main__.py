"""Measures talk against its alternatives. Usage: python3 scripts/bench [--quick] [<figure>...]

A run of all figures in full writes docs/BENCHMARKS.md; any other run only prints. The invariant: everything in the report
was measured in one run."""

import argparse
import signal
import sys

sys.dont_write_bytecode = True

import figures
import harness
import report

LIMIT = 1800
"""Seconds that a figure may take: a competitor that hangs must not hang the bench."""


def stop(number, _frame):
    """Ends the bench and everything that it has started."""
    raise SystemExit(f"bench: ended by {signal.Signals(number).name}")


def main():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="under two minutes, for a first look")
    parser.add_argument("figures", nargs="*", metavar="figure", help=f"one of: {', '.join(figures.ALL)}")
    options = parser.parse_args()
    if unknown := set(options.figures) - set(figures.ALL):
        parser.error(f"no figure is named {', '.join(unknown)}")
    chosen = options.figures or list(figures.ALL)
    for number in (signal.SIGALRM, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, stop)
    effort = harness.Effort(options.quick)
    setting = report.setting()
    found = []
    for key in chosen:
        signal.alarm(LIMIT)
        figure = figures.ALL[key](effort)
        print(report.section(figure), flush=True)
        found.append(figure)
    if chosen == list(figures.ALL) and not options.quick:
        report.write(setting, found)


main()
