"""A fault's cost grows no worse than logarithmically, a call's and a native round trip's not at all: a few points of `./quire scaling`, in guest instructions."""
import scaling
from harness import expect

MEMORY = "256M"
PER_DOUBLING = 30  # a tree's level costs about ten; the steps from few, found where the last was, to many are 170 in all; a list: 3,900
CALL_NOISE = 1.01


def judge(axis, numbers):
    found = scaling.points(axis, numbers, MEMORY)
    rise = scaling.growth([(number, fault) for number, fault, _, _ in found])
    calls, trips = [call for _, _, call, _ in found], [trip for _, _, _, trip in found]
    expect(rise <= PER_DOUBLING, f"a fault costs {rise:.0f} instructions more per doubling of {axis}: {found}")
    expect(max(calls) <= min(calls) * CALL_NOISE, f"a call's cost depends on the number of {axis}: {found}")
    expect(max(trips) - min(trips) < 1, f"a native round trip's cost depends on the number of {axis}: {found}")


def test_mappings(_):
    judge("vmas", [1, 100, 10000])


def test_resident_pages(_):
    judge("pages", [1, 1000, 20000])


def test_processes(_):
    judge("processes", [1, 10, 100])
