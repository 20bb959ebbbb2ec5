#!/usr/bin/env python3
"""
Makes a trace for ./quire simulate from what valgrind's lackey writes about a program of this machine:

    valgrind --tool=lackey --trace-mem=yes --log-file=ls.lackey ls
    tools/simulate/lackey.py ls.lackey > ls.trace

Lackey names each instruction fetch, load and store. Each page that the program touches becomes a page of one file `memory`, numbered in the order of
first use; a touch becomes a read of it, a store a write. So the trace asks what the program's memory would cost if all of it went through the page
cache. Uses of a page that directly follow each other are one: no policy can tell them apart.
"""
import re
import sys

LINE = re.compile(r"^(I | L| S| M) +([0-9a-f]+),([0-9]+)$", re.IGNORECASE)
PAGE_BYTES = 4096


def uses(lines):
    """(page of the address, is it a store) of each access, two for one that crosses a page's end."""
    for line in lines:
        access = LINE.match(line)
        if not access:
            continue  # valgrind's own messages
        first, bytes_ = int(access[2], 16), int(access[3])
        for page in range(first // PAGE_BYTES, (first + max(bytes_, 1) - 1) // PAGE_BYTES + 1):
            yield page, access[1] in (" S", " M")


def convert(lines):
    """The trace's lines."""
    numbers, operations, last = {}, [], None
    for page, store in uses(lines):
        use = numbers.setdefault(page, len(numbers)), store
        if use != last and (store or last is None or use[0] != last[0]):
            operations.append(f"{'write' if store else 'read'} memory {use[0]}")
            last = use
    return [f"open memory {len(numbers)}", *operations]


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("--"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with open(sys.argv[1], errors="replace") as file:
        lines = convert(file)
    if len(lines) == 1:
        print(f"quire: {sys.argv[1]} has no line that lackey --trace-mem=yes writes", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
