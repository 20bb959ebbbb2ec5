"""Draws a tree of costs as an SVG flame graph: as wide as the cost, callers below, a title to point at for each box."""
import html
import zlib

WIDTH, ROW, MARGIN, LETTER = 1400, 17, 10, 6.6
LEAST = 0.4  # pixels; narrower boxes are left out


def _total(entry):
    return entry[0] + sum(_total(child) for child in entry[1].values())


def _depth(children):
    return 1 + max((_depth(entry[1]) for entry in children.values()), default=0)


def _color(name, space):
    """A hue for each space, a shade for each name."""
    hue = {"program": 120, "kernel": 10, "pager": 45, "fs": 210, "proc": 280, "blk": 180, "console": 320}.get(space, 0)
    shade = zlib.crc32(name.encode())
    return f"hsl({hue + shade % 17 - 8},{60 + shade // 17 % 20}%,{62 + shade // 340 % 14}%)"


def write(path, tree, title):
    """tree: {space: [own cost, {function: [own cost, {...}]}]}"""
    whole = sum(_total(entry) for entry in tree.values())
    height = ROW * _depth(tree) + 3 * MARGIN + ROW
    scale = (WIDTH - 2 * MARGIN) / whole if whole else 0
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           'font-family="monospace" font-size="11">',
           f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
           f'<text x="{WIDTH / 2}" y="{MARGIN + 10}" text-anchor="middle" font-size="14">{html.escape(title)}</text>']

    def draw(children, x, level, space):
        for name, entry in sorted(children.items(), key=lambda item: -_total(item[1])):
            cost = _total(entry)
            width = cost * scale
            if width < LEAST:
                continue
            own = space or name
            y = height - MARGIN - ROW * (level + 1)
            label = name if len(name) * LETTER < width - 4 else name[:max(0, int((width - 4) / LETTER) - 1)]
            out.append(f'<g><title>{html.escape(f"{name} ({own}): {cost:.1f}, {100 * cost / whole:.1f}%, own {entry[0]:.1f}")}</title>'
                       f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}" fill="{_color(name, own)}"/>'
                       f'<text x="{x + 2:.1f}" y="{y + 12}">{html.escape(label) if len(label) > 2 else ""}</text></g>')
            draw(entry[1], x, level + 1, own)
            x += width

    draw(tree, MARGIN, 0, None)
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n</svg>\n")
