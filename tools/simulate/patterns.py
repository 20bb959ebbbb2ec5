#!/usr/bin/env python3
"""
Textbook traces for ./quire simulate, on standard output: `tools/simulate/patterns.py zipf --pages 10000 --count 100000 > zipf.trace`.

    sequential   pages 0, 1, 2, ... once, then from the beginning if COUNT says so
    loop         the same (a loop larger than memory is what LRU, clock and fifo do worst)
    random       each page as likely as any other
    zipf         page number k of a shuffled order as likely as 1/k**SKEW: a few pages take most of the uses
    scan         zipf, and after every PAGES uses a pass over another file of as many pages: what a backup does to a cache

The same seed gives the same trace on every machine. --touch: loads of a mapping instead of reads. --writes 0.3: so many of the uses write.
"""
import argparse
import bisect
import itertools
import random


def zipf(options, numbers):
    """Endless page numbers: inversion of the cumulative distribution."""
    pages = list(range(options.pages))
    numbers.shuffle(pages)
    sums = list(itertools.accumulate(1 / rank ** options.skew for rank in range(1, options.pages + 1)))
    while True:
        yield "hot", pages[bisect.bisect_left(sums, numbers.random() * sums[-1])]


def loop(options, numbers):
    return (("hot", page) for page in itertools.cycle(range(options.pages)))


def uniform(options, numbers):
    while True:
        yield "hot", int(numbers.random() * options.pages)


def scan(options, numbers):
    hot = zipf(options, numbers)
    while True:
        yield from itertools.islice(hot, options.pages)
        yield from (("cold", page) for page in range(options.pages))


PATTERNS = {"sequential": loop, "loop": loop, "random": uniform, "zipf": zipf, "scan": scan}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", choices=PATTERNS)
    parser.add_argument("--pages", type=int, default=1000, help="of each file (1000)")
    parser.add_argument("--count", type=int, default=10000, help="uses (10000)")
    parser.add_argument("--skew", type=float, default=1.0, help="of zipf and scan (1.0)")
    parser.add_argument("--writes", type=float, default=0.0, help="share of the uses that write (0)")
    parser.add_argument("--touch", action="store_true", help="loads and stores of a shared mapping instead of read and write")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    numbers = random.Random(options.seed)
    use, change = ("load", "store") if options.touch else ("read", "write")
    print("#", options.pattern, " ".join(f"--{name} {value}" for name, value in vars(options).items() if name != "pattern"))
    for name in ("hot", "cold") if options.pattern == "scan" else ("hot",):
        print(f"open {name} {options.pages}")
        if options.touch:
            print(f"map {name} {name} 0 {options.pages} shared")
    for name, page in itertools.islice(PATTERNS[options.pattern](options, numbers), options.count):
        print(change if options.writes and numbers.random() < options.writes else use, name, page)


if __name__ == "__main__":
    main()
