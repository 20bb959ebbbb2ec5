#!/usr/bin/env python3
"""
`./quire profile CASE [PROGRAM]`: where the guest instructions of one benchmark case, or of the boot, go, by function and by stage.

    ./quire profile [options] CASE [PROGRAM]
      --svg FILE        also draw a flame graph
      --functions N     rows of the table of functions (40)
      --lines N         also the N costliest source lines
      --windows N       measured repetitions to look at (default: about 3 million instructions)
      --mem 256M        memory

CASE is the whole name of a case in tests/bench/bench.c, or boot: from the kernel's entry to the shell's prompt. PROGRAM (default: that benchmark) must be a static riscv64
executable that measures as it does: a table `cases` of {name, function, ...}, work between two reads of instret, a row `R CASE`.

QEMU logs the address of every instruction between two reads of instret (tracing.py), but for the first repetition, which
the benchmark drops as well. Here each is attributed: address (symbols.py) -> function -> space, a stack for each space, and a stage for
each stay in the kernel or in a server. With inlined functions the table names the function that has the code; the graph shows the inlined ones.
"""
import collections
import os
import sys

import flamegraph
import run
import tracing
from symbols import Functions, Image, places

SERVERS = ("pager", "proc", "fs", "blk", "console")
ENOUGH = 3_000_000  # instructions in measured repetitions
LEAST_STAGE, LEAST_FILE = 0.002, 0.02  # shares of the whole, of a stage, that get a row


class Node:
    """A function in a stack, with what ran in it: address -> times."""
    __slots__ = ("function", "parent", "children", "counts")

    def __init__(self, function, parent):
        self.function, self.parent, self.children, self.counts = function, parent, {}, collections.Counter()

    def child(self, function):
        found = self.children.get(function)
        if not found:
            found = self.children[function] = Node(function, self)
        return found


class Stage:
    def __init__(self):
        self.times, self.instructions = 0, 0
        self.functions = collections.Counter()


def _is_handler(name):
    """The first of these that runs in a stay in the kernel names that stage."""
    return name.startswith(("sys_", "fast_")) or name in ("route_call", "fault_send", "fault_own", "exception_call", "irq_deliver")


class Profile:
    """Takes the addresses of measured windows, one window after the other."""

    def __init__(self, functions, windows):
        self.wanted, self.done = windows, False  # windows: how many repetitions, 0: until ENOUGH
        self.functions = functions
        self.roots = collections.defaultdict(lambda: Node(None, None))  # a tree of calls for each space
        self.stacks = {}  # space -> Node where it is
        self.space, self.came_from = None, "program"
        self.stay, self.handler = collections.Counter(), None  # of the stay in this space
        self.stages = {}  # (name, handler) -> Stage
        self.total, self.sizes = 0, []

    def take(self, addresses):
        functions = self.functions
        of = [functions[address] for address in addresses]
        start, end = 0, len(of)
        while start < end:
            function = of[start]
            stop = start + 1
            while stop < end and of[stop] is function:
                stop += 1
            self._count(function, addresses[start:stop])
            start = stop

    def end_window(self):
        self._leave("program")
        self.space = None
        self.sizes.append(self.total - sum(self.sizes))
        self.done = len(self.sizes) >= self.wanted if self.wanted else self.total >= ENOUGH

    def _count(self, function, addresses):
        space = function.space
        if space != self.space:
            self._leave(space)
            if space == "kernel":
                self.came_from = self.space or "program"
                self.stacks.pop("kernel", None)
            self.space = space
        node = self._enter(function, addresses[0] == function.entry)
        node.counts.update(addresses)
        self.total += len(addresses)
        self.stay[function] += len(addresses)
        if self.handler is None and space == "kernel" and _is_handler(function.name):
            self.handler = function.name

    def _enter(self, function, called):
        """The function's place in its space's stack: a callee, or a caller that was returned to."""
        node = self.stacks.get(function.space) or self.roots[function.space]
        if node.function is not function:
            if not called:
                above = node
                while above.parent is not None and above.function is not function:
                    above = above.parent
                node = above
            if node.function is not function:
                node = node.child(function)
        self.stacks[function.space] = node
        return node

    def _leave(self, to):
        """Ends the stay in a space: it was a stage."""
        if self.space is not None:
            kernel = self.space == "kernel"
            key = (f"{self.came_from} > {to}", self.handler or "") if kernel else (self.space, "")
            stage = self.stages.setdefault(key, Stage())
            stage.times += 1
            stage.functions.update(self.stay)
            stage.instructions += sum(self.stay.values())
        self.stay, self.handler = collections.Counter(), None

    # ---- What was found

    def nodes(self):
        pending = list(self.roots.values())
        while pending:
            node = pending.pop()
            pending += node.children.values()
            yield node

    def by_function(self):
        """{Function: (instructions, calls)}"""
        found = collections.defaultdict(lambda: [0, 0])
        for node in self.nodes():
            if node.counts:
                found[node.function][0] += sum(node.counts.values())
                found[node.function][1] += node.counts[node.function.entry]
        return found

    def by_address(self):
        counts = collections.Counter()
        for node in self.nodes():
            counts.update(node.counts)
        return counts


def print_functions(profile, operations, rows):
    print(f"\n{'function':34}{'space':10}{'instructions':>13}{'%':>7}{'calls':>9}{'each':>9}   per operation")
    found = sorted(profile.by_function().items(), key=lambda item: -item[1][0])
    for function, (count, calls) in found[:rows]:
        each = f"{count / calls:.1f}" if calls else ""
        print(f"{function.name[:33]:34}{function.space:10}{count / operations:13.1f}{100 * count / profile.total:7.1f}"
              f"{calls / operations:9.2f}{each:>9}")
    rest = sum(count for _, (count, _) in found[rows:])
    if rest:
        print(f"{f'{len(found) - rows} others':44}{rest / operations:13.1f}{100 * rest / profile.total:7.1f}")
    spaces = collections.Counter()
    for function, (count, _) in found:
        spaces[function.space] += count
    print("\n" + ", ".join(f"{space} {count / operations:.1f} ({100 * count / profile.total:.1f}%)" for space, count in spaces.most_common()))


def files_of(images, functions):
    """{Function: its source file}"""
    where = places(images, [function.entry for function in functions])
    return {function: where[function.entry][0][1].rpartition(":")[0] if where.get(function.entry) else "??" for function in functions}


def print_stages(profile, images, operations):
    """Each stage with the source files in it, and their functions."""
    files = files_of(images, profile.by_function())
    print(f"\n{'stage (kernel: from > to, call)':44}{'times':>8}{'instructions':>13}{'%':>7}   per operation")
    small = 0
    for (name, handler), stage in profile.stages.items():
        if stage.instructions < profile.total * LEAST_STAGE:
            small += stage.instructions
            continue
        print(f"{name + ('  ' + handler if handler else ''):44}{stage.times / operations:8.2f}"
              f"{stage.instructions / operations:13.1f}{100 * stage.instructions / profile.total:7.1f}")
        inside = collections.defaultdict(list)
        for function, count in stage.functions.most_common():
            inside[files[function]].append((function.name, count))
        rest = 0
        for file, found in sorted(inside.items(), key=lambda item: -sum(count for _, count in item[1])):
            cost = sum(count for _, count in found)
            if cost < stage.instructions * LEAST_FILE:
                rest += cost
                continue
            largest = ", ".join(f"{name} {count / operations:.0f}" for name, count in found[:5])
            print(f"    {file:48}{cost / operations:13.1f}          {largest}")
        if rest:
            print(f"    {'other files':48}{rest / operations:13.1f}")
    if small:
        print(f"{'smaller stages':52}{small / operations:13.1f}{100 * small / profile.total:7.1f}")


def print_lines(profile, images, operations, rows):
    counts = profile.by_address()
    where = places(images, counts)
    lines = collections.Counter()
    for address, count in counts.items():
        chain = where.get(address)
        if chain:
            lines[chain[-1][1] + " " + " < ".join(name for name, _ in reversed(chain))] += count
    print(f"\n{'instructions':>12}   source line, function < inlined into")
    for line, count in lines.most_common(rows):
        print(f"{count / operations:12.1f}   {line}")


def graph(profile, images, operations):
    """The tree for the picture: {name: [own, children]}: space, then functions, inlined ones as well."""
    where = places(images, profile.by_address())
    tree = {}

    def place(children, name):
        return children.setdefault(name, [0, {}])

    def walk(node, children):
        for address, count in node.counts.items():
            entry, names = None, [node.function.name] + [name for name, _ in where.get(address, [])[1:]]
            level = children
            for name in names:
                entry = place(level, name)
                level = entry[1]
            entry[0] += count / operations
        inner = place(children, node.function.name)[1]
        for child in node.children.values():
            walk(child, inner)

    for space, root in profile.roots.items():
        level = place(tree, space)[1]
        for child in root.children.values():
            walk(child, level)
    return tree


class Arguments:
    def __init__(self, words):
        self.svg, self.functions, self.lines, self.windows, self.memory = None, 40, 0, 0, "256M"
        plain = []
        words = list(words)
        while words:
            name, equals, value = words.pop(0).partition("=")
            if not name.startswith("-"):
                plain.append(name)
                continue
            if name not in ("--svg", "--functions", "--lines", "--windows", "--mem"):
                raise run.UsageError(f"unknown option {name}")
            if not equals and not words:
                raise run.UsageError(f"{name} needs a value")
            value = value if equals else words.pop(0)
            if name in ("--svg", "--mem"):
                setattr(self, "svg" if name == "--svg" else "memory", value)
            elif value.isdigit():
                setattr(self, name[2:], int(value))
            else:
                raise run.UsageError(f"{name} takes a number, not {value!r}")
        if not 1 <= len(plain) <= 2:
            raise run.UsageError("profile takes a case's name and perhaps a program")
        self.case = plain[0]
        self.program = plain[1] if len(plain) > 1 else None


def images_with(*more):
    spaces = [Image("kernel", os.path.join(run.BUILD, "quire.elf"))]
    return spaces + [Image(name, os.path.join(run.BUILD, "servers", name)) for name in SERVERS] + list(more)


def measure_boot(arguments):
    """(Profile, images, (1, what break points counted))."""
    if arguments.program or arguments.windows:
        raise run.UsageError("boot takes no program and is one window")
    images = images_with(Image("init", os.path.join(run.BUILD, "servers", "init")), Image("program", os.path.join(run.BUILD, "programs", "sh")))
    profile = Profile(Functions(images), 1)
    options = run.parse(["--icount", "--mem", arguments.memory, "--timeout", "600"])
    return profile, images, (1, tracing.trace_boot(options, profile))


def _executable(path):
    if not os.path.isfile(path):
        raise run.UsageError(f"there is no file {path}")
    with open(path, "rb") as file:
        if not run.RISCV_ELF.match(file.read(20)):
            raise run.UsageError(f"{path} is no riscv64 executable")
    return Image("program", path)


def measure(arguments):
    """(Profile, images, (operations of a repetition, the benchmark's own figure))."""
    if arguments.case == "boot":
        return measure_boot(arguments)
    path = arguments.program or os.path.join(run.BUILD, "tests", "bench")
    program = _executable(path)
    rows = [row for row, name, _ in program.cases() if program.bytes_at(name, len(arguments.case) + 1) == arguments.case.encode() + b"\0"]
    if not rows:
        raise run.UsageError(f"{path} has no case {arguments.case} (tests/bench/bench.c lists them)")
    images = images_with(program)
    profile = Profile(Functions(images), arguments.windows)
    options = run.parse(["--icount", "--mem", arguments.memory, "--timeout", "600", "--put", f"{path}:/tests/profiled",
                         "/tests/profiled", arguments.case])
    return profile, images, tracing.trace(options, program, rows[0], profile, arguments.case)


def main(words):
    if words[:1] in (["--help"], ["-h"], []):
        print(__doc__.split("\n\n", 1)[1], end="")
        return 0 if words else 2
    try:
        arguments = Arguments(words)
        if arguments.svg:
            run.check_writable(arguments.svg)
        profile, images, row = measure(arguments)
    except (run.UsageError, tracing.TraceError) as error:
        run.say(str(error))
        return 2 if isinstance(error, run.UsageError) else 125
    operations_each, minimum = row
    if not profile.sizes:
        run.say("no measured repetition was seen")
        return 125
    operations = operations_each * len(profile.sizes)
    per = profile.total / operations
    least = min(profile.sizes) / operations_each
    if arguments.case == "boot":
        print(f"boot: {per:.0f} instructions; break points said {minimum:.0f} ({100 * (per - minimum) / minimum:+.1f}%)")
    else:
        print(f"{arguments.case}: {per:.1f} instructions per operation, mean of {len(profile.sizes)} repetitions of {operations_each} operations; "
              f"the least {least:.1f}; the benchmark itself said {minimum:.1f} ({100 * (least - minimum) / minimum:+.1f}%)")
    print_functions(profile, operations, arguments.functions)
    print_stages(profile, images, operations)
    if arguments.lines:
        print_lines(profile, images, operations, arguments.lines)
    if arguments.svg:
        flamegraph.write(arguments.svg, graph(profile, images, operations), f"{arguments.case}: {per:.0f} instructions per operation")
    return 0


if __name__ == "__main__":
    run.as_program(main)
