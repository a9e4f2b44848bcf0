# SPDX-License-Identifier: MIT
"""The chart of a run: an SVG with a bar for each server under each of the main loads, readable on light and dark pages."""
from xml.sax.saxutils import escape

SHOWN = ("get", "get_random", "set_64", "set_512", "enqueue", "dequeue", "mixed")
COLOURS = {  # on light, on dark; told apart by people who see colours differently as well
    "walkv": ("#0b62c4", "#5aa9ff"), "nginx": ("#8a8f98", "#8d949e"), "webdis+redis": ("#c9481c", "#ff8a5c"),
    "etcd": ("#1f8a5b", "#4cc38a"), "beanstalkd": ("#8250a8", "#c39be0"),
}
WIDTH, LEFT, RIGHT, BAR, GAP, GROUP_GAP, TOP = 780, 270, 80, 13, 3, 13, 62


def class_of(name):
    """The servers of the chart; None is left out."""
    short = name.split(",")[0]
    if short in ("redis", "memcached"):
        return None
    return short if short in COLOURS else None


def bars(bench):
    """[(text of the load, [(server, median, least, most)])]"""
    by_name = {load["name"]: load for load in bench["loads"]}
    for name in SHOWN:
        if name in by_name:
            load = by_name[name]
            shown = [(class_of(n), of["median"], of["min"], of["max"]) for n, of in load["contenders"].items() if class_of(n)]
            text = load["text"]
            yield text + ("" if "connection" in text or "GET" in text else ", 64 connections"), shown


def nice_limit(most):
    step = 10 ** (len(str(int(most))) - 1)
    for factor in (1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10):
        if most <= factor * step:
            return factor * step
    return 10 * step


def svg(bench):
    groups = list(bars(bench))
    limit = nice_limit(max(most for _, shown in groups for *_, most in shown))
    scale = (WIDTH - LEFT - RIGHT) / limit
    height = TOP + sum(len(shown) * (BAR + GAP) + GROUP_GAP for _, shown in groups) + 26
    used = [name for name in COLOURS if any(name == bar[0] for _, shown in groups for bar in shown)]
    slug = {name: name.replace("+", "-") for name in COLOURS}
    light = " ".join(".%s { fill: %s; }" % (slug[n], COLOURS[n][0]) for n in used)
    dark = " ".join(".%s { fill: %s; }" % (slug[n], COLOURS[n][1]) for n in used)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
           'aria-labelledby="title" font-family="system-ui, sans-serif" font-size="12">' % (WIDTH, height, WIDTH, height),
           '<title id="title">Requests per second of walkv and its peers</title>',
           "<style>text { fill: #1f2328; } .quiet { fill: #59636e; } .line { stroke: #d1d9e0; } .spread { stroke: #1f2328; } %s" % light,
           "@media (prefers-color-scheme: dark) { text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .line { stroke: #3d444d; } "
           ".spread { stroke: #f0f6fc; } %s }</style>" % dark,
           '<text x="0" y="16" font-size="15" font-weight="600">Requests per second</text>',
           '<text x="0" y="34" class="quiet">%s</text>' % escape(
               "median of %d round%s, line: least to most; %s, %d cores, %s" % (
                   bench["rounds"], "" if bench["rounds"] == 1 else "s", bench["machine"]["cpu"], bench["machine"]["cores"],
                   bench["machine"]["disk"].split(",")[0]))]
    x = 0
    for name in used:
        out.append('<rect class="%s" x="%d" y="43" width="11" height="11" rx="2"/><text x="%d" y="53">%s</text>'
                   % (slug[name], x, x + 16, escape(name)))
        x += 30 + 7 * len(name)
    y = TOP + 8
    bottom = height - 20
    for i in range(6):
        at = LEFT + (WIDTH - LEFT - RIGHT) * i / 5
        out.append('<line class="line" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="quiet" x="%.1f" y="%d" '
                   'text-anchor="middle">%s</text>' % (at, at, y - 4, bottom - 6, at, bottom + 10, "{:,.0f}".format(limit * i / 5)))
    for text, shown in groups:
        out.append('<text x="0" y="%.1f">%s</text>' % (y + BAR - 2, escape(text)))
        for name, median, least, most in shown:
            middle = y + BAR / 2
            out.append('<rect class="%s" x="%d" y="%.1f" width="%.1f" height="%d" rx="2"/>' % (slug[name], LEFT, y, median * scale, BAR))
            if most > least:
                out.append('<line class="spread" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>'
                           % (LEFT + least * scale, LEFT + most * scale, middle, middle))
            out.append('<text x="%.1f" y="%.1f" class="quiet">%s</text>'
                       % (LEFT + max(median, most) * scale + 6, y + BAR - 2, "{:,.0f}".format(median)))
            y += BAR + GAP
        y += GROUP_GAP
    out.append("</svg>")
    return "\n".join(out) + "\n"
