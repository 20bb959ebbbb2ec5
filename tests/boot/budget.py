"""What each operation may cost in guest instructions: tests/bench/budget.tsv. The counts are exact, so a slowdown fails here."""
import os

import bench
from harness import expect

SLACK = 1.03


def test_no_operation_has_become_slower(_):
    with open(os.path.join(bench.TABLES, "budget.tsv")) as file:
        rows = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")][1:]
    measured = bench.measure([name for name, _, _ in rows])
    missing = [name for name, _, _ in rows if measured.get(name) is None]
    slower = [f"{name}: {measured[name][0]} instead of {budget}" for name, budget, _ in rows
              if name not in missing and measured[name][0] > float(budget) * SLACK]
    expect(rows and not missing and not slower, "\n".join(["slower or missing:", *slower, *missing]))
