#!/usr/bin/env python3
"""
The table of Linux calls in docs/linux.md, made from abi/linux.h, which is the truth: `tools/calltable.py` rewrites it in
place, `tools/calltable.py --check` only says whether it is up to date (exit status 1: no).
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADER = os.path.join(ROOT, "abi", "linux.h")
CHAPTER = os.path.join(ROOT, "docs", "linux.md")
BEGIN, END = "<!-- calls: tools/calltable.py -->\n", "<!-- end of calls -->\n"
WIDTH = 110


def rows():
    """[(number, name, server)] in the order of the numbers."""
    with open(HEADER, encoding="utf-8") as header:
        text = header.read()
    text = text[text.index("#define LINUX_CALL_LIST"):text.index("enum linux_call")]
    return sorted((int(number), name, server) for number, name, server in re.findall(r"X\((\d+), (\w+), (\w+)\)", text))


def lines(words):
    line = ""
    for word in words:
        if len(line) + 1 + len(word) > WIDTH:
            yield line
            line = ""
        line += (" " if line else "") + word
    if line:
        yield line


def table():
    calls = rows()
    out = []
    for server in ("FS", "PAGER", "PROC"):
        mine = [f"{name}({number})" for number, name, place in calls if place == server]
        out.append(f"**{server.lower()}** meets {len(mine)}:\n```\n" + "\n".join(lines(mine)) + "\n```\n")
    return "".join(out)


def main():
    with open(CHAPTER, encoding="utf-8") as chapter:
        text = chapter.read()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    fresh = head + BEGIN + table() + END + tail
    if "--check" in sys.argv[1:]:
        if fresh != text:
            sys.exit("docs/linux.md does not agree with abi/linux.h: run tools/calltable.py")
        return
    with open(CHAPTER, "w", encoding="utf-8") as chapter:
        chapter.write(fresh)


if __name__ == "__main__":
    main()
