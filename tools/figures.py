#!/usr/bin/env python3
"""
`./quire figures [FILE]`: brings a document's figures up to date (default: docs/performance.md).

Between the lines `<!-- figures: ./quire COMMAND -->` and `<!-- end of figures -->` stands what the command prints. Each is run, and
its output replaces what was there; a command that fails leaves the document as it was.
"""
import os
import re
import subprocess

import run

DOCUMENT = os.path.join(run.ROOT, "docs", "performance.md")
BLOCK = re.compile(r"(<!-- figures: \./quire ([^\n]*) -->\n)(.*?)(<!-- end of figures -->)", re.DOTALL)
TIMEOUT = 1800


def blocks(text):
    """[(arguments of ./quire, what stands there)]"""
    return [(command, old) for _, command, old, _ in BLOCK.findall(text)]


def printed(command):
    """A Markdown table as it is, other output in a fence. Paths are given from the project's folder."""
    run.say(f"./quire {command}")
    done = subprocess.run([os.path.join(run.ROOT, "quire"), *command.split()], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          timeout=TIMEOUT, check=True)
    output = done.stdout.replace(run.ROOT + "/", "").strip("\n")
    return output + "\n" if output.startswith("|") else f"```\n{output}\n```\n"


def document(words, path):
    if len(words) > 1:
        raise run.UsageError("one document at a time")
    try:
        with open(path) as file:
            text = file.read()
    except OSError as error:
        raise run.UsageError(f"cannot read {path}: {error.strerror}")
    if not blocks(text):
        raise run.UsageError(f"{path} has no figures")
    return text


def main(words):
    if words[:1] in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    path = words[0] if words else DOCUMENT
    try:
        text = document(words, path)
    except run.UsageError as error:
        run.say(f"{error} (./quire figures --help)")
        return 2
    try:
        text = BLOCK.sub(lambda match: match[1] + printed(match[2]) + match[4], text)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        run.say(f"{error}; {path} stays as it was")
        return 1
    with open(path, "w") as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    run.as_program(main)
