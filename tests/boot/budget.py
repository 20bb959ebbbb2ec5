"""What each operation may cost in guest instructions: tests/bench/budget.tsv. The counts are exact, so a slowdown fails here."""
import measure
from harness import expect

SLACK = 1.03
STORES_PER_PAGE = 4096 // 8
PROCESS_KIB = 40  # a small process, beside its own pages


def test_no_operation_has_become_slower(_):
    budgets = {name: float(row["budget"]) for name, row in measure.table("budget.tsv").items()}
    measured = measure.on_quire(list(budgets))
    missing = [name for name in budgets if measured.get(name) is None]
    slower = [f"{name}: {measured[name][0]} instead of {budget}" for name, budget in budgets.items()
              if name not in missing and measured[name][0] > budget * SLACK]
    expect(budgets and not missing and not slower, "\n".join(["slower or missing:", *slower, *missing]))


def test_a_rest_saves_clearing_and_nothing_else_does(_):
    measured = measure.on_quire(["anon_write", "anon_rested"])
    expect(measured["anon_write"][0] - measured["anon_rested"][0] > STORES_PER_PAGE * 0.9, f"{measured}")


def test_a_small_process_needs_little_memory(_):
    memory = measure.memory()
    expect(0 < memory["objects_kib"] + memory["records_kib"] < PROCESS_KIB, f"limit {PROCESS_KIB} KiB: {memory}")
