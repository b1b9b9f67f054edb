# SPDX-License-Identifier: BSD-2-Clause
"""The page: plots by gnuplot as SVG within the text, tables, the machine. Nothing is fetched."""
import html
import math
import re
import subprocess

COLOURS = {"gcc": "#1d6fb8", "clang": "#7cc0ee", "floor": "#a9b1b8", "goal": "#d0342c"}
FONT = "Helvetica,Arial,sans-serif"
STYLE = """
body { font: 16px/1.5 Helvetica, Arial, sans-serif; color: #1c2329; background: #f4f6f8; margin: 0 }
main { max-width: 1120px; margin: 0 auto; padding: 2rem 1.5rem 4rem }
h1 { font-size: 1.9rem; margin: 0 0 .2rem } h2 { font-size: 1.25rem; margin: 0 0 .6rem }
.lead { color: #55606a; margin: 0 0 1.5rem; max-width: 56rem }
section { background: #fff; border: 1px solid #dfe4e8; border-radius: 10px;
  padding: 1.2rem 1.4rem; margin: 0 0 1.4rem }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; margin: 0 0 1.4rem }
.card { background: #fff; border: 1px solid #dfe4e8; border-radius: 10px; padding: .8rem 1.2rem;
  flex: 1 1 12rem } .card b { display: block; font-size: 1.7rem; line-height: 1.2 }
.card span { color: #55606a; font-size: .9rem }
svg { width: 100%; height: auto; display: block }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .86rem }
th, td { text-align: left; padding: .28rem .55rem; border-bottom: 1px solid #e8ecef;
  white-space: nowrap; font-variant-numeric: tabular-nums }
th { color: #55606a; font-weight: 600 } td.n, th.n { text-align: right }
.met { color: #1a7f4b } .missed { color: #d0342c; font-weight: 600 }
details summary { cursor: pointer; color: #1d6fb8; margin: .8rem 0 .4rem }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 0 }
dt { color: #55606a } dd { margin: 0 }
"""
HONEST = """Resolving a page takes a kernel 1.3 to 1.9 µs, and I/O page faults that others published
took 4 to 40 µs and more. Of a served fault, dispatch is 1 to 5 %. What its users notice are the shapes
in which other work grows with something: interleaved groups, many devices, an unbind beside a busy
neighbour, doorbells in batches, no hop to another thread."""


def gnuplot(script):
    try:
        done = subprocess.run(["gnuplot"], input=script, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
    except OSError:
        return "<p>No plot: gnuplot is missing.</p>"
    if done.returncode != 0 or "<svg" not in done.stdout:
        return "<p>No plot: %s</p>" % html.escape(done.stderr[-300:])
    return done.stdout[done.stdout.index("<svg"):]


def quoted(text):
    """A mark's text is a format; the terminal is told to read no markup."""
    return '"%s"' % text.replace("\\", "/").replace('"', "'").replace("%", "%%")


def value(number):
    """Short: three digits, thousands and millions as k and M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size * (10 if letter == "k" else 1):
            return "%.3g%s" % (number / size, letter)
    return "%.0f" % number if number >= 100 else "%.3g" % number


def steps(axis, values):
    """Marks of a logarithmic axis: 1, 2, 5 of each decade, or the decades, if those are many."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    digits = (1, 2, 5) if high - low < 4 else (1,)
    return "set %stics (%s)" % (axis, ", ".join(
        '"%s" %g' % (value(d * 10.0 ** e), d * 10.0 ** e) for e in range(low, high + 1)
        for d in digits))


class Plot:
    """A script for gnuplot: data blocks, what is plotted of them, and the rest."""
    count = 0

    def __init__(self, height):
        Plot.count += 1
        self.lines = ['set term svg size 1060,%d dynamic noenhanced font "%s,13" name "plot%d"' % (
            height, FONT, Plot.count),
            'set border 0', 'set tics scale 0', 'set grid xtics lc rgb "#e3e7ea" lt 1 lw 1',
            'set key outside top right horizontal reverse Left samplen 1.5']
        self.parts = []

    def block(self, rows):
        name = "$d%d" % len(self.lines)
        self.lines += [name + " << EOD"] + [" ".join(map(str, row)) for row in rows] + ["EOD"]
        return name

    def draw(self, rows, how):
        if rows:
            self.parts.append(self.block(rows) + " " + how)

    def svg(self):
        if not self.parts:
            return ""
        return gnuplot("\n".join(self.lines) + "\nplot " + ", \\\n".join(self.parts) + "\n")


def goal_ns(row):
    """Where the mark stands: the stricter goal; that of a ratio counts from gcc's floor."""
    goals = [row["goal_ns"]] if row["goal_ns"] else []
    for compiler in ("gcc", "clang"):
        floor = row.get(compiler, {}).get("floor")
        if row["goal_ratio"] and floor:
            goals.append(row["goal_ratio"] * floor["median"])
            break
    return min(goals) if goals else None


def bars(names, series, goals, label):
    """Names from top to bottom; series: (title, colour, [(value, until) or None])."""
    values = [v for _, _, column in series for pair in column if pair for v in pair if v > 0]
    values += [goal for goal in goals if goal]
    if not values:
        return ""
    low = 10.0 ** math.floor(math.log10(min(values))) / 2
    plot = Plot(110 + len(names) * (18 + 16 * len(series)))
    plot.lines += ['set logscale x', 'set xrange [%g:%g]' % (low, max(values) * 1.6),
                   'set yrange [-0.5:%g]' % (len(names) - 0.5),
                   'set xlabel "%s" textcolor rgb "#55606a"' % label,
                   'set ytics (%s)' % ", ".join("%s %d" % (quoted(name), len(names) - 1 - i)
                                                for i, name in enumerate(names)),
                   'set format x "%g"', 'set bmargin 4', 'set tmargin 3', steps("x", values)]
    thick, texts = 0.8 / len(series), []
    for s, (title, colour, column) in enumerate(series):
        boxes, spans = [], []
        for i, pair in enumerate(column):
            if not pair or pair[0] <= 0:
                continue
            top = len(names) - 1 - i + 0.4 - s * thick
            middle = top - thick / 2
            boxes.append((pair[0], middle, low, pair[0], top - thick * 0.9, top))
            spans.append((pair[0], middle, pair[0], max(pair)))
            texts.append((max(pair), middle, '"%s"' % value(pair[0])))
        plot.draw(boxes, 'using 1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb "%s" title "%s"'
                  % (colour, title))
        plot.draw(spans, 'using 1:2:3:4 with xerrorbars pt 0 lw 1 lc rgb "#37424b" notitle')
    plot.draw([(goal, len(names) - 1.42 - i, 0, 0.84) for i, goal in enumerate(goals) if goal],
              'using 1:2:3:4 with vectors nohead lw 2.5 lc rgb "%s" title "goal"' % COLOURS["goal"])
    plot.draw(texts, 'using 1:2:3 with labels left offset 0.6,0 font ",10" '
              'textcolor rgb "#1c2329" notitle')
    return plot.svg()


def compilers_of(results):
    return [c for c in ("gcc", "clang") if c in results["compilers"]]


LABEL = "ns per operation: bar best, whisker the slowest run's median; logarithmic"
NO_TIME = re.compile(r"\(no ns\)|\bbytes of\b")


def speed_bars(results, rows, label):
    series = []
    for compiler in compilers_of(results):
        column = [row.get(compiler, {}).get("library") for row in rows]
        series.append(("library, " + compiler, COLOURS[compiler],
                       [c and (c["best"], c["run_high"]) for c in column]))
    first = compilers_of(results)[0]
    column = [row.get(first, {}).get("floor") for row in rows]
    series.append(("floor, " + first, COLOURS["floor"], [c and (c["best"], c["run_high"])
                                                         for c in column]))
    return bars([row["name"] for row in rows], series, [goal_ns(row) for row in rows],
                label)


SIZE = re.compile(r"(\d[\d,]*)(?= (?:devices?|functions?|bonds?|PASIDs?)\b)")


def curves_of(rows):
    """Rows whose names differ in one number before "devices" or its like only: name to points."""
    curves = {}
    for row in rows:
        for found in SIZE.finditer(row["name"]):
            name = row["name"][:found.start()] + "N" + row["name"][found.end():]
            name = re.sub(r"\bN (device|function|bond|PASID)s?\b", r"N \1s", name)
            curves.setdefault(name, []).append((int(found.group(1).replace(",", "")), row))
    return {name: sorted(points, key=lambda p: p[0]) for name, points in curves.items()
            if len({size for size, _ in points}) >= 3}


def curve(results, name, points):
    sides = [row[c][side]["median"] for _, row in points for c in compilers_of(results) if c in row
             for side in ("library", "floor") if side in row[c]]
    values = [value for value in sides if value > 0]
    if not values:
        return ""
    plot = Plot(420)
    plot.lines += ['set logscale xy', 'set format x "%.0f"', steps("y", values),
                   'set yrange [%g:%g]' % (min(values) / 2, max(values) * 2), 'set grid ytics lc rgb "#e3e7ea" lt 1 lw 1',
                   'set ylabel "ns per operation, median" textcolor rgb "#55606a"',
                   'set xlabel %s textcolor rgb "#55606a"' % quoted(name),
                   steps("x", [size for size, _ in points])]
    for compiler in compilers_of(results):
        plot.draw([(size, row[compiler]["library"]["median"]) for size, row in points
                   if compiler in row], 'using 1:2 with linespoints pt 7 ps 0.6 lw 2.2 lc rgb "%s" '
                  'title "library, %s"' % (COLOURS[compiler], compiler))
    first = compilers_of(results)[0]
    floors = [(size, row[first]["floor"]["median"], row["goal_ratio"]) for size, row in points
              if "floor" in row.get(first, {})]
    plot.draw([floor[:2] for floor in floors], 'using 1:2 with linespoints pt 7 ps 0.6 lw 2.2 '
              'lc rgb "%s" title "floor, %s"' % (COLOURS["floor"], first))
    plot.draw([(size, floor * ratio) for size, floor, ratio in floors if ratio],
              'using 1:2 with lines dt 2 lw 1.6 lc rgb "%s" title "goal"' % COLOURS["goal"])
    return plot.svg()


def is_latency(row):
    """Rounds of one operation each: their percentiles are those of operations."""
    sides = [row[c]["library"] for c in ("gcc", "clang") if c in row]
    return any(side["operations"] == side["rounds"] for side in sides)


def latencies(results, rows):
    values = [row[c]["library"][key] for row in rows for c in compilers_of(results) if c in row
              for key in ("median", "p99")]
    if not values:
        return ""
    sides = [(c, "library") for c in compilers_of(results)] + [(compilers_of(results)[0], "floor")]
    plot = Plot(110 + 60 * len(rows))
    plot.lines += ['set logscale x', 'set yrange [-0.5:%g]' % (len(rows) - 0.5),
                   'set xlabel "ns: p50, p90, p99; logarithmic" textcolor rgb "#55606a"',
                   'set offsets graph 0.05, graph 0.15, 0, 0', steps("x", values),
                   'set ytics (%s)' % ", ".join("%s %d" % (quoted(row["name"]), len(rows) - 1 - i)
                                                for i, row in enumerate(rows))]
    for s, (compiler, which) in enumerate(sides):
        lines, points, texts = [], [], []
        for i, row in enumerate(rows):
            side = row.get(compiler, {}).get(which)
            if side is None or side["median"] <= 0:
                continue
            at = len(rows) - 1 - i + 0.25 - 0.25 * s
            lines.append((side["median"], at, side["p99"] - side["median"], 0))
            points += [(side[key], at) for key in ("median", "p90", "p99")]
            texts.append((side["p99"], at, '"%s – %s"' % (value(side["median"]), value(side["p99"]))))
        colour = COLOURS[compiler if which == "library" else "floor"]
        plot.draw(lines, 'using 1:2:3:4 with vectors nohead lw 2 lc rgb "%s" notitle' % colour)
        plot.draw(points, 'using 1:2 with points pt 7 ps 0.7 lc rgb "%s" title "%s, %s"' %
                  (colour, which, compiler))
        plot.draw(texts, 'using 1:2:3 with labels left offset 1,0 font ",10" notitle')
    return plot.svg()


def table(head, rows):
    """Cells are text, or (text, class)."""
    out = ["<div class=wide><table><tr>"] + ["<th>%s</th>" % html.escape(h) for h in head] + ["</tr>"]
    for row in rows:
        out.append("<tr>")
        for cell in row:
            text, kind = cell if isinstance(cell, tuple) else (cell, "")
            out.append("<td%s>%s</td>" % (' class="%s"' % kind if kind else "", html.escape(text)))
        out.append("</tr>\n")
    return "".join(out) + "</table></div>"


def rows_table(results, rows, cells, goal_of, verdict):
    lines = []
    for row in rows:
        for compiler in compilers_of(results):
            if compiler in row or compiler in row["failed"]:
                judged = verdict(row, compiler)
                kind = "met" if judged == "met" else "missed"
                lines.append([row["name"], compiler] + [(cell, "n") for cell in cells(row, compiler)] +
                             [goal_of(row), (judged, kind)])
    return table(["shape", "compiler", "library, ns: best / median (runs)", "floor, ns", "ratio",
                  "goal", ""], lines)


def counts_section(counts):
    if not counts:
        return ""
    keys = ("instructions", "timed", "accesses", "l1", "l2", "atomics", "mmio", "allocations")
    series = [("instructions of the library", COLOURS["gcc"],
               [(row["instructions"],) * 2 for row in counts]),
              ("its accesses to memory", COLOURS["clang"], [(row["accesses"],) * 2 for row in counts])]
    plot = bars([row["name"] for row in counts], series, [None] * len(counts),
                "per operation, counted by callgrind; logarithmic")
    return "<section><h2>Counted, the same on every run</h2>%s%s</section>" % (plot, table(
        ["per operation", "instructions", "with host, handler", "accesses", "L1 misses", "L2 misses",
         "atomics", "MMIO", "allocations"],
        [[row["name"]] + [("%.2f" % row[key], "n") for key in keys] for row in counts]))


def card(big, small):
    return "<div class=card><b>%s</b><span>%s</span></div>" % (html.escape(big), html.escape(small))


def page_of(results, tables, cells, goal_of, verdict):
    cards = []
    for compiler in compilers_of(results):
        judged = [verdict(row, compiler) for row in results["rows"]]
        with_goal = sum(1 for v in judged if v)
        if with_goal:
            cards.append(card("%d of %d" % (judged.count("met"), with_goal),
                              "goals met with " + compiler))
    cards.append(card(str(len(results["rows"])), "shapes, each beside a floor in turns"))
    cards.append(card(results["machine"]["commit"][:14], results["machine"]["date"]))
    sections = []
    for title, rows in tables:
        curves = curves_of(rows)
        drawn = [row["name"] for points in curves.values() for _, row in points]
        left = [row for row in rows if row["name"] not in drawn and not is_latency(row)]
        plots = [speed_bars(results, [row for row in left if not NO_TIME.search(row["name"])], LABEL),
                 speed_bars(results, [row for row in left if NO_TIME.search(row["name"])],
                            "not a time, but what the name says; logarithmic")]
        plots += [curve(results, name, points) for name, points in curves.items()]
        plots.append(latencies(results, [row for row in rows if is_latency(row)]))
        sections.append("<section><h2>%s</h2>%s<details><summary>Figures</summary>%s</details>"
                        "</section>" % (html.escape(title), "".join(plots),
                                        rows_table(results, rows, cells, goal_of, verdict)))
    facts = "".join("<dt>%s</dt><dd>%s</dd>" % (html.escape(key), html.escape(str(fact)))
                    for key, fact in results["machine"].items())
    return ("<!doctype html><html lang=en><head><meta charset=utf-8><title>uiommu: speed</title>"
            "<meta name=viewport content='width=device-width'><style>%s</style></head><body><main>"
            "<h1>uiommu: how fast, beside a floor</h1><p class=lead>The floor is the least work that "
            "still does the job: flat tables, no locks, no lifetimes, a direct call. %s</p>"
            "<div class=cards>%s</div>%s%s<section><h2>Measured on</h2><dl>%s</dl>"
            "</section></main></body></html>\n") % (STYLE, html.escape(HONEST), "".join(cards),
                                                    "".join(sections),
                                                    counts_section(results["counts"]), facts)
