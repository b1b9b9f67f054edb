#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks of uiommu-sva from outside: what it copies, how it ends, what it refuses, its traces.

usage: sva_checks.py PROGRAM [--seeds N] [--keep DIR]
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile

BLOCK = 64 * 1024
PAGE = 4096
passed = 0
failed = 0


def check(name, good, detail=""):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print(f"FAILED {name}: {detail}"[:2000], flush=True)


def run(program, *args, **more):
    return subprocess.run([program, *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=600, **more)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def make_input(path, size):
    """Different in every page, compressible nowhere."""
    with open(path, "wb") as f:
        n = 0
        while n < size:
            part = hashlib.shake_256(n.to_bytes(8, "little")).digest(min(1 << 16, size - n))
            f.write(part)
            n += len(part)


def pattern_word(index):
    """What OUT is filled with before a run that will end early."""
    return ((index + 1) * 0x9E3779B97F4A7C15 & (2**64 - 1)).to_bytes(8, "little")


def untouched(data, offset):
    return all(data[i:i + 8] == pattern_word((offset + i) // 8)[:len(data) - i]
               for i in range(0, len(data), 8))


class Room:
    """A folder with an input, and a counter for outputs."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.count = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def built(self):
        """The backends that the program was built with, as --help tells."""
        text = run(self.program, "--help").stdout
        return text[text.index("built with, of") + 14:].split(")")[0].split()

    def out(self):
        self.count += 1
        return self.path(f"out{self.count}")


# ---- copies ---------------------------------------------------------------------------------

def copies(room):
    for size in (1, PAGE - 1, PAGE, PAGE + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 4097):
        source, out = room.path(f"in{size}"), room.out()
        make_input(source, size)
        r = run(room.program, source, out)
        check(f"copy {size}", r.returncode == 0 and read(out) == read(source), r.stdout + r.stderr)
    source, out = room.path("empty"), room.out()
    make_input(source, 0)
    r = run(room.program, source, out)
    check("copy empty", r.returncode == 0 and read(out) == b"", r.stdout + r.stderr)
    check("verdict is a line", r.stdout.splitlines()[-1].startswith("verdict: good"), r.stdout)


def least_queue(room):
    """Of the backend that is the default."""
    return {"smmuv3": 16, "vtd": 128, "amd": 256}[room.built()[0]]


def shapes(room):
    source = room.path("input")
    want = read(source)
    for args in (("--devices", 1), ("--devices", 1, "--credits", 1), ("--credits", 2),
                 ("--devices", 8, "--block", 4), ("--block", 256), ("--devices", 16),
                 ("--queue-entries", least_queue(room), "--devices", 2), ("--credits", 64),
                 ("--devices", 64, "--queue-entries", 1024, "--block", 16),
                 ("--queue-entries", 4096, "--credits", 100)):
        out = room.out()
        r = run(room.program, *args, source, out)
        check(f"copy {args}", r.returncode == 0 and read(out) == want, r.stdout + r.stderr)
        os.unlink(out)
    out = room.out()
    with open(out, "wb") as f:
        f.write(b"x" * (len(want) + 100000))
    r = run(room.program, "--quiet", source, out)
    check("longer OUT is cut", r.returncode == 0 and read(out) == want, r.stdout + r.stderr)
    check("quiet", r.stdout == "verdict: good: OUT equals FILE\n" and r.stderr == "", r.stdout)


def broken(room):
    source = room.path("input")
    for how in ("success-without-map", "wrong-page"):
        for seed in range(1, 4):
            r = run(room.program, "--break", how, "--seed", seed, source, room.out())
            check(f"break {how} {seed}",
                  r.returncode == 1 and "verdict: FAILED: " in r.stdout and
                  "moves" not in r.stderr, r.stdout + r.stderr)
    r = run(room.program, "--break", "wrong-page", source, room.out())
    check("wrong page is seen in OUT", "is not FILE's" in r.stdout, r.stdout)


# ---- other IOMMUs, and several at once ------------------------------------------------------

def columns(text, name):
    """The numbers of a row, a unit a column, the sum last."""
    for line in text.splitlines():
        if line.strip().startswith(name):
            return [int(word) for word in line.split()[len(name.split()):]]
    return []


def one_backend(room, backend, units):
    source = room.path("input")
    want = read(source)
    for args in ((), ("--devices", units), ("--devices", 16, "--block", 16), ("--credits", 2),
                 ("--devices", 8, "--block", 4), ("--devices", 4, "--credits", 1),
                 ("--devices", 64, "--queue-entries", 1024, "--block", 16),
                 ("--queue-entries", 4096, "--credits", 100)):
        out = room.out()
        r = run(room.program, "--backend", backend, *args, source, out)
        check(f"{backend}: copy {args}", r.returncode == 0 and read(out) == want,
              r.stdout + r.stderr)
    for size in (0, 1, PAGE + 1, BLOCK - 1, BLOCK + 1):
        small, out = room.path(f"small{size}"), room.out()
        make_input(small, size)
        r = run(room.program, "--backend", backend, small, out)
        check(f"{backend}: copy {size}", r.returncode == 0 and read(out) == read(small),
              r.stdout + r.stderr)
    for how in ("success-without-map", "wrong-page"):
        r = run(room.program, "--backend", backend, "--break", how, source, room.out())
        check(f"{backend}: break {how}", r.returncode == 1 and "verdict: FAILED: " in r.stdout,
              r.stdout + r.stderr)


def early_backend(room, backend, units, option, seed):
    source = room.path("input")
    out, trace = room.out(), room.path("trace.json")
    name = f"{backend} {option} 50 seed {seed}"
    r = run(room.program, "--backend", backend, "--devices", 8, option, 50, "--seed", seed,
            "--trace", trace, source, out)
    text = r.stdout + r.stderr
    check(f"{name}: verdict", r.returncode == 0, text)
    blocks = judge_blocks(read(source), read(out))
    check(f"{name}: blocks", blocks is not None and blocks[0] > 0 and blocks[1] > 0, text)
    for what in ("entries in the ring", "partial groups", "pending groups", "blocks written"):
        met = columns(r.stdout, what)
        check(f"{name}: {what} behind each unit",
              len(met) == (units if units == 1 else units + 1) and min(met, default=0) > 0, text)
    check_trace(name, trace)
    names = {e["args"]["name"] for e in json.loads(read(trace))["traceEvents"]
             if e["ph"] == "M" and e["name"] == "process_name"}
    check(f"{name}: units in the trace", sum(n.startswith("unit ") for n in names) == units,
          str(names))


def backends(room, seeds):
    built = room.built()
    check("built with something", built != [])
    for backend in built + ["all"]:
        units = len(built) if backend == "all" else 1
        one_backend(room, backend, units)
        for option in ("--kill-at", "--unbind-at"):
            for seed in range(1, seeds + 1):
                early_backend(room, backend, units, option, seed)
    out = room.out()
    r = run(room.program, "--backend", "all", room.path("input"), out)
    shares = columns(r.stdout, "blocks copied")
    check("every unit copies", min(shares, default=0) > 0 and
          (len(built) == 1 or sum(shares[:-1]) == shares[-1]), r.stdout)
    r = run(room.program, "--backend", "all", "--devices", 8, "--unbind-at", 30, "--unbind", 5,
            room.path("input"), out)
    check("the others copy the rest", r.returncode == 0 and read(out) == read(room.path("input")),
          r.stdout + r.stderr)
    for backend in {"smmuv3", "amd", "vtd"} - set(built):
        r = run(room.program, "--backend", backend, room.path("input"), room.out())
        refusal(f"{backend} is not there", r)
        check(f"{backend} is not there: says what to do", "-Dbackends" in r.stderr, r.stderr)
    if len(built) > 1:
        refusal("too few devices", run(room.program, "--backend", "all", "--devices", 1,
                                       room.path("input"), room.out()))
    for backend, entries in (("smmuv3", 8), ("amd", 128), ("vtd", 64), ("vtd", 32768)):
        if backend in built:
            refusal(f"{backend} with {entries} entries",
                    run(room.program, "--backend", backend, "--queue-entries", entries,
                        room.path("input"), room.out()))


# ---- early ends -----------------------------------------------------------------------------

def judge_blocks(want, got):
    """Every block is FILE's or untouched; how many of each."""
    copied = rest = 0
    if len(want) != len(got):
        return None
    for at in range(0, len(want), BLOCK):
        if got[at:at + BLOCK] == want[at:at + BLOCK]:
            copied += 1
        elif untouched(got[at:at + BLOCK], at):
            rest += 1
        else:
            return None
    return copied, rest


def row(text, name):
    for line in text.splitlines():
        if line.strip().startswith(name):
            return int(line.split()[-1].split(".")[0])
    return None


def early(room, seeds):
    source = room.path("input")
    want = read(source)
    traces = {"--kill-at": set(), "--unbind-at": set()}
    for option in traces:
        for seed in range(1, seeds + 1):
            out, trace = room.out(), room.path("trace.json")
            r = run(room.program, "--devices", 8, option, 50, "--seed", seed, "--trace", trace,
                    source, out)
            name = f"{option} 50 seed {seed}"
            text = r.stdout + r.stderr
            check(f"{name}: verdict", r.returncode == 0, text)
            blocks = judge_blocks(want, read(out))
            check(f"{name}: blocks", blocks is not None and blocks[0] > 0 and blocks[1] > 0,
                  f"{blocks} {text}")
            check(f"{name}: exercised", all((row(r.stdout, k) or 0) > 0 for k in
                  ("entries in the ring", "partial groups", "pending groups")), text)
            traces[option].add(check_trace(name, trace))
            os.unlink(out)
        least = (seeds * 9 + 9) // 10
        check(f"{option}: different traces", len(traces[option]) >= least,
              f"{len(traces[option])} of {seeds}")
    for percent in (1, 10, 90, 99):
        for option in traces:
            r = run(room.program, option, percent, "--seed", percent, source, room.out())
            check(f"{option} {percent}", r.returncode == 0, r.stdout + r.stderr)
    for devices in (1, 2, 3):
        for option in traces:
            r = run(room.program, option, 50, "--devices", devices, source, room.out())
            check(f"{option} with {devices} devices", r.returncode == 0, r.stdout + r.stderr)
    for count in (1, 3, 7):
        out = room.out()
        r = run(room.program, "--devices", 8, "--unbind-at", 30, "--unbind", count, source, out)
        check(f"unbind {count} of 8", r.returncode == 0 and read(out) == want, r.stdout + r.stderr)
    for size in (0, 100, PAGE):
        small = room.path(f"small{size}")
        make_input(small, size)
        r = run(room.program, "--kill-at", 50, small, room.out())
        check(f"not exercised {size}", r.returncode == 1 and "not exercised" in r.stdout,
              r.stdout + r.stderr)


def same_seed(room):
    """However fast the disk is."""
    digests = []
    for threads in ("1", "4", "16"):
        trace = room.path("again.json")
        run(room.program, "--kill-at", 50, "--seed", 7, "--trace", trace, room.path("input"),
            room.out(), env={**os.environ, "UV_THREADPOOL_SIZE": threads})
        digests.append(hashlib.sha256(read(trace)).digest())
    check("one seed, one run", len(set(digests)) == 1, "the traces differ")


# ---- traces ---------------------------------------------------------------------------------

def check_trace(name, path):
    """Parses, time is monotonic per row, every span is closed. Returns a digest."""
    data = read(path)
    try:
        events = json.loads(data)["traceEvents"]
    except (ValueError, KeyError, TypeError) as e:
        check(f"{name}: trace parses", False, str(e))
        return None
    check(f"{name}: trace parses", True)
    last, stack, groups, shutdown, devices = {}, {}, 0, set(), set()
    sound, why = True, ""
    for e in events:
        if e["ph"] == "M":
            if e["name"] == "process_name" and e["args"]["name"].startswith("device"):
                devices.add(e["pid"])
            continue
        at = (e["pid"], e["tid"])
        if e["ts"] < last.get(at, 0):
            sound, why = False, f"time goes back: {e}"
        last[at] = e["ts"]
        spans = stack.setdefault(at, [])
        if e["ph"] == "B":
            spans.append(e["name"])
            groups += e["name"] == "group"
            if e["name"].startswith("D"):
                shutdown.add((e["pid"], e["name"]))
        elif e["ph"] == "E":
            if not spans:
                sound, why = False, f"nothing to end: {e}"
            elif spans.pop() != e["name"]:
                sound, why = False, f"ends another: {e}"
        elif e["ph"] != "i":
            sound, why = False, f"unknown phase: {e}"
    for at, spans in stack.items():
        if spans:
            sound, why = False, f"left open in {at}: {spans}"
    check(f"{name}: spans and times", sound, why)
    check(f"{name}: groups", groups > 50, str(groups))
    check(f"{name}: a row for each device", len(devices) == 8, str(devices))
    for pid in devices:
        for step in ("D1", "D2", "D3", "D4"):
            check(f"{name}: {step} of {pid}",
                  any(p == pid and n.startswith(step) for p, n in shutdown), str(shutdown))
    return hashlib.sha256(data).digest()


# ---- bad input ------------------------------------------------------------------------------

def refusal(name, r, code=2):
    lines = r.stderr.splitlines()
    check(name, r.returncode == code and len(lines) == 1 and
          lines[0].startswith("uiommu-sva: ") and (code == 1 or r.stdout == ""),
          f"{r.returncode}\n{r.stdout}\n{r.stderr}")


def bad_input(room):
    program, source = room.program, room.path("input")
    want = read(source)
    refusal("no arguments", run(program))
    refusal("one argument", run(program, source))
    refusal("three arguments", run(program, source, room.out(), "more"))
    refusal("missing FILE", run(program, room.path("nowhere"), room.out()))
    refusal("FILE is a directory", run(program, room.folder, room.out()))
    refusal("FILE is a device", run(program, "/dev/zero", room.out()))
    refusal("OUT is a directory", run(program, source, room.folder))
    refusal("OUT in no folder", run(program, source, room.path("no/where")))
    refusal("OUT is FILE", run(program, source, source))
    soft, hard = room.path("soft"), room.path("hard")
    os.symlink(source, soft)
    os.link(source, hard)
    refusal("OUT links to FILE", run(program, source, soft))
    refusal("OUT is FILE by another name", run(program, hard, source))
    refusal("trace is FILE", run(program, "--trace", hard, source, room.out()))
    out = room.out()
    refusal("trace is OUT", run(program, "--trace", out, source, out))
    refusal("trace in no folder", run(program, "--trace", room.path("no/where"), source, out))
    check("FILE is as it was", read(source) == want)
    for args in (("--devices", 0), ("--devices", 65), ("--devices", "x"), ("--devices", "4x"),
                 ("--devices", ""), ("--devices", "-1"), ("--credits", 0), ("--credits", 513),
                 ("--queue-entries", 100), ("--queue-entries", 8), ("--block", 0), ("--block", 6),
                 ("--block", 2048), ("--kill-at", 0), ("--kill-at", 100), ("--kill-at", "half"),
                 ("--unbind-at", 101), ("--kill-at", 50, "--unbind-at", 50), ("--unbind", 1),
                 ("--unbind-at", 50, "--unbind", 5), ("--seed", "1.5"),
                 ("--seed", "99999999999999999999"), ("--backend", "none"), ("--nonsense",),
                 ("--break", "else"), ("-x",), ("--devices", 64, "--queue-entries", 16)):
        refusal(f"options {args}", run(program, *args, source, room.out()))
    refusal("option without value", run(program, source, room.out(), "--seed"))
    if os.geteuid() != 0:
        os.chmod(hard, 0)
        refusal("unreadable FILE", run(program, hard, room.out()))
        os.chmod(hard, 0o600)
    r = run(program, "--help")
    check("help", r.returncode == 0 and "Usage: uiommu-sva" in r.stdout and r.stderr == "")


def full_disk(room):
    program, source = room.program, room.path("input")
    r = run(program, source, "/dev/full")
    refusal("full disk", r)
    check("full disk: says so", "no space left" in r.stderr and "/dev/full" in r.stderr, r.stderr)
    r = run(program, "--kill-at", 50, source, "/dev/full")
    refusal("full disk from the start", r)

    def small_files():
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    r = run(program, source, room.out(), preexec_fn=small_files)
    refusal("OUT may not grow", r)
    r = run(program, "--trace", "/dev/full", source, room.out())
    refusal("full disk for the trace", r)
    check("full disk for the trace: says so", "cannot be written" in r.stderr, r.stderr)


def progress(room):
    """On a terminal there is a bar; elsewhere there is none."""
    import pty
    source = room.path("input")
    master, slave = pty.openpty()
    p = subprocess.Popen([room.program, source, room.out()], stdout=subprocess.DEVNULL,
                         stderr=slave)
    os.close(slave)
    seen = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    p.wait()
    os.close(master)
    check("bar on a terminal", p.returncode == 0 and b"100%" in seen and b"ETA" in seen, str(seen))
    r = run(room.program, source, room.out())
    check("none elsewhere", r.stderr == "", r.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--keep")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        room = Room(os.path.abspath(args.program), args.keep or folder)
        make_input(room.path("input"), 5 * (1 << 20) + 12345)
        copies(room)
        shapes(room)
        broken(room)
        early(room, args.seeds)
        backends(room, max(1, args.seeds // 3))
        same_seed(room)
        bad_input(room)
        full_disk(room)
        progress(room)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
