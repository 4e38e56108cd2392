"""Tries tools/check_certificate.py on certificates, and on every changed copy of them.

Usage: refuse.py CHECKER SEED FILE...

Of each FILE it makes copies with one change each: every scalar, every element of a list, every member of an object,
single bytes. The checker must refuse all of them. Then it makes changes to what is proved (order, cut, ways) and works
the SHA-256 out again, so that nothing but the sets can tell: the checker must say what trying every set of failures
says. Prints how many of each kind there were; ends with 1 at the first that went wrong.
"""

import contextlib
import copy
import hashlib
import importlib.util
import io
import itertools
import json
import math
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

BYTES_FLIPPED_COUNT = 300
REPLACED_BY_COUNT = 8
SETS_TRIED_COUNT_MAX = 40_000


class Wrong(Exception):
    """The checker said something else than it should."""


def load(path):
    spec = importlib.util.spec_from_file_location("check_certificate", path)
    checker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checker)
    return checker


def written(document):
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def sealed(document):
    """The document with the SHA-256 that it should have."""
    rest = {name: value for name, value in document.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return {**rest, "sha256": hashlib.sha256(text.encode("utf-8")).hexdigest()}


def places(value, path=()):
    """Every value of a document with the path that leads there."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*path, at))


def changed(document, path, change):
    """A copy in which what stands at the path is another; `change` takes what holds it, and its place."""
    result = copy.deepcopy(document)
    holder = result
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return result


def put(new):
    def change(holder, place):
        holder[place] = new

    return change


def drop(holder, place):
    del holder[place]


def rename(holder, place):
    holder[place + "x"] = holder.pop(place)


def repeat(holder, place):
    holder.insert(place, copy.deepcopy(holder[place]))


def swap(holder, place):
    holder[place], holder[place + 1] = holder[place + 1], holder[place]


def others_of(value):
    """Values that are nearly this one."""
    if value is None:
        return [0, ""]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value - 1, value + 1, float(value), str(value)]
    return [value + "x", value[1:], value.swapcase(), value.replace("0", "1")]


def single_changes(document):
    """Copies with one change each, and what kind of change it is."""
    for path, value in places(document):
        if not path:
            yield "member added", {**document, "more": 1}
            continue
        if not isinstance(value, (dict, list)):
            for other in others_of(value):
                if type(other) is not type(value) or other != value:
                    yield "scalar", changed(document, path, put(other))
        if isinstance(path[-1], str):
            yield "member renamed", changed(document, path, rename)
            yield "member dropped", changed(document, path, drop)
            continue
        yield "element dropped", changed(document, path, drop)
        yield "element repeated", changed(document, path, repeat)
        holder = document
        for step in path[:-1]:
            holder = holder[step]
        if path[-1] + 1 < len(holder) and holder[path[-1]] != holder[path[-1] + 1]:
            yield "elements swapped", changed(document, path, swap)


def byte_changes(data, rng):
    """Copies of a file in which one byte is another."""
    for at in rng.sample(range(len(data)), min(BYTES_FLIPPED_COUNT, len(data))):
        yield "byte flipped", data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
    blanks = [at for at, byte in enumerate(data) if byte in b" \n"]
    for at in rng.sample(blanks, min(40, len(blanks))):
        yield "blank replaced", data[:at] + rng.choice([b"\t", b"\r", b"", b"  "]) + data[at + 1 :]
    yield "byte added", data + b"\n"
    yield "byte added", b"\xef\xbb\xbf" + data
    yield "byte dropped", data[:-1]


def proof_changes(document, rng):
    """Copies with another proof, and what kind of change it is."""
    def copied(**members):
        return {**copy.deepcopy(document), **members}

    order, survives, cut, ways = (document[name] for name in ("order", "survives", "cut", "ways"))
    yield "nothing", copied()
    yield "survives raised", copied(survives=survives + 1)
    for at in range(len(ways)):
        yield "way dropped", copied(ways=ways[:at] + ways[at + 1 :])
        for members in ({"user": ""}, {"steps": []}, {"context": {}}, {"context": {**ways[at]["context"], "tool": ""}}):
            yield "way without a sign-in", copied(ways=[*ways[:at], {**ways[at], **members}, *ways[at + 1 :]])
    if order is None:
        return
    yield "order raised", copied(order=order + 1, survives=order)
    yield "order raised", copied(order=order + 1, survives=order, cut=[*cut, "svc:none"])
    if order > 0:
        yield "order lowered", copied(order=order - 1, survives=max(order - 2, 0))
    everything = sorted({need for way in ways for need in way["needs"]} - set(cut))
    for at in range(len(cut)):
        rest = cut[:at] + cut[at + 1 :]
        yield "cut element dropped", copied(cut=rest, order=order - 1, survives=max(order - 2, 0))
        for other in ["svc:none", *rng.sample(everything, min(REPLACED_BY_COUNT, len(everything)))]:
            yield "cut element replaced", copied(cut=sorted([*rest, other]))


def holds(document):
    """Whether the proof holds, by trying every set of failures; `None` where there are too many of them."""
    order, survives, cut = (document[name] for name in ("order", "survives", "cut"))
    ways = [frozenset(way["needs"]) for way in document["ways"]]
    if not all(way["user"] and way["steps"] and way["context"].get("tool") for way in document["ways"]):
        return False
    if order is not None:
        if len(set(cut)) != order or len(cut) != order or survives != max(order - 1, 0):
            return False
        if any(not way & set(cut) for way in ways):
            return False
        if order == 0:
            return not ways
    components = sorted(frozenset().union(*ways))
    size = min(survives, len(components))
    if math.comb(len(components), size) > SETS_TRIED_COUNT_MAX:
        return None
    bits = {component: 1 << at for at, component in enumerate(components)}
    masks = [sum(bits[need] for need in way) for way in ways]
    for failed in itertools.combinations(bits.values(), size):
        everything = sum(failed)
        if all(mask & everything for mask in masks):
            return False
    return bool(ways)


class Trial:
    """A checker, and a file that it is given again and again."""

    def __init__(self, checker, folder):
        self.checker = checker
        self.path = Path(folder) / "certificate.json"
        self.counts = Counter()

    def code(self, data):
        self.path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            return self.checker.main([str(self.path)])

    def must_refuse(self, name, what, data):
        self.counts[what] += 1
        if self.code(data) not in (1, 2):
            raise Wrong(f"{name}: accepted after a change ({what}), see {self.path}")

    def certificate(self, file, rng):
        data = file.read_bytes()
        document = json.loads(data)
        self.counts["accepted as written"] += 1
        if self.code(data) != 0:
            raise Wrong(f"{file}: refused as it was written")
        for what, other in single_changes(document):
            self.must_refuse(file, what, written(other))
        for what, other in byte_changes(data, rng):
            self.must_refuse(file, what, other)
        for what, other in proof_changes(document, rng):
            expected = holds(other)
            if expected is None:
                self.counts["too many sets"] += 1
                continue
            self.counts[f"resealed, {what}: {'holds' if expected else 'refused'}"] += 1
            if (self.code(written(sealed(other))) == 0) != expected:
                raise Wrong(f"{file}: {what}, resealed: should hold: {expected}, see {self.path}")


def main(arguments):
    checker, seed, files = load(arguments[0]), int(arguments[1]), arguments[2:]
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        trial = Trial(checker, folder)
        try:
            for file in files:
                trial.certificate(Path(file), rng)
        except Wrong as wrong:
            print(f"wrong: {wrong}", file=sys.stderr)
            print(trial.path.read_text("utf-8", errors="replace")[:4000], file=sys.stderr)
            return 1
    for what, count in sorted(trial.counts.items()):
        print(f"{count:>8} {what}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
