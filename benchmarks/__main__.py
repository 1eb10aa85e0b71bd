"""Benchmarks of Longwire and comparable projects, in one run.

    make bench                                     ten minutes
    make bench ARGS="--quick"                      one minute, for a first impression
    make bench ARGS="--only fan-out --rounds 5"

The measured process runs alone on the first core, the load on the second. The projects take turns,
round after round; the smallest figure of all rounds counts, because other processes on the machine
can only increase it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from benchmarks.plot import plot
from benchmarks.process import LOAD_CORE, pin
from benchmarks.results import Results
from benchmarks.scenario import Scenario
from benchmarks.scenarios import SCENARIOS

RESULTS = Path(__file__).with_name("results")
CHARTS = Path(__file__).parents[1] / "docs/project/charts"


def run(scenario: Scenario, *, quick: bool, rounds: int | None) -> Results:
    """Measure every peer in each round."""
    results = Results(scenario)
    for _ in range(1 if quick else rounds or scenario.rounds):
        for peer in scenario.peers:
            results.add(peer.name, scenario.measure(peer, quick))
    return results


def main() -> None:
    """Run the requested scenarios; print tables, write JSON and plots."""
    arguments = argparse.ArgumentParser(prog="make bench", description=__doc__)
    arguments.formatter_class = argparse.RawDescriptionHelpFormatter
    arguments.add_argument(
        "--quick", action="store_true", help="one round with a fifth of the work"
    )
    arguments.add_argument("--rounds", type=int, help="rounds of each scenario")
    arguments.add_argument(
        "--out", type=Path, help="directory for the results; not written with --quick"
    )
    names = [scenario.name for scenario in SCENARIOS]
    arguments.add_argument("--only", nargs="+", choices=names, default=names, metavar="SCENARIO")
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the `with` blocks stop the servers
    pin(os.getpid(), LOAD_CORE)
    print(f"load average before: {os.getloadavg()[0]:.2f} (should be below 0.5)", flush=True)
    out = options.out or (None if options.quick else RESULTS)
    began = time.monotonic()
    for scenario in SCENARIOS:
        if scenario.name in options.only:
            results = run(scenario, quick=options.quick, rounds=options.rounds)
            print(f"\n{results.table()}", flush=True)
            if out is not None:
                out.mkdir(exist_ok=True)
                (out / f"{scenario.name}.json").write_text(results.to_json())
                charts = options.out or CHARTS
                (charts / f"{scenario.name}.svg").write_text(plot(results))
    print(f"\n{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
