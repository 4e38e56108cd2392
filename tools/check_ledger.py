"""Checks an exported ledger without the program that wrote it.

    python3 check_ledger.py FOLDER KEY [CHECKPOINT ...]

FOLDER is what `breakglass ledger export` wrote, KEY the public key of the ledger as it was written down elsewhere, and
each CHECKPOINT a file that was kept elsewhere. It needs Python's standard library and nothing else. What it does is in
RFC 6962 (the tree), RFC 8032 (Ed25519), and C2SP's signed-note and tlog-checkpoint.
"""

import base64
import hashlib
import pathlib
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def point(x, y):
    return (x, y, 1, x * y % P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number, p):
    sum_ = (0, 1, 1, 0)
    while number:
        if number & 1:
            sum_ = add(sum_, p)
        p, number = add(p, p), number >> 1
    return sum_


def decompressed(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    assert y < P, "no point"
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert (x * x - square) % P == 0 and (x or not sign), "no point"
    return point(P - x if x & 1 != sign else x, y)


BASE = decompressed((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def has_signed(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % L
    one, other = times(s, BASE), add(decompressed(r), times(k, decompressed(key)))
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def root_of(level):
    level = list(level) or [hashlib.sha256().digest()]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2])
        above = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
        level = above + level[len(above) * 2:]
    return level[0]


def signed(note, name, identity, key):
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    own = [line for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    own = [base64.b64decode(line.rpartition(" ")[2], validate=True) for line in own]
    own = [signature[4:] for signature in own if signature[:4] == identity]
    assert len(own) == 1 and has_signed(key, text.encode(), own[0]), "it is not signed by this key"
    origin, size, root = text.splitlines()
    assert origin == name, "it is of another ledger"
    return int(size), base64.b64decode(root, validate=True)


def main(folder, written, *elsewhere):
    folder = pathlib.Path(folder)
    name, identity, key = written.split("+", 2)
    key = base64.b64decode(key, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    assert key[0] == 1 and identity == expected.hex(), "it is no public key of a ledger"
    entries = folder.joinpath("entries.ndjson").read_bytes()
    assert not entries or entries.endswith(b"\n"), "the last entry does not end"
    leaves = [hashlib.sha256(b"\0" + line).digest() for line in entries.split(b"\n")[:-1]]
    longest = 0
    for path in sorted(folder.joinpath("checkpoints").iterdir()) + [pathlib.Path(path) for path in elsewhere]:
        try:
            size, root = signed(path.read_bytes().decode(), name, expected, key[1:])
            assert size <= len(leaves), f"entries were removed: {size} were signed, {len(leaves)} are there"
            assert root_of(leaves[:size]) == root, f"the first {size} entries are not those that were signed"
            longest = max(longest, size)
        except (AssertionError, ValueError) as error:
            sys.exit(f"{path}: {error}")
    print(f"the first {longest} of {len(leaves)} entries are as they were signed")


if __name__ == "__main__":
    main(*sys.argv[1:])
