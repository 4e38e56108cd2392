"""Opens what the safe sealed with other people's programs, and lets it open what they sealed.

Usage: custody.py TOOLS PEER. PEER is the example `peer` of breakglass-custody, TOOLS where run.sh
installed the peers: `shamir-mnemonic` of PyPI, `slip39` of npm; `age` is Debian's. Prints one line
for each comparison and ends with 1 when two programs differ, or when one takes what is spoiled.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import shamir_mnemonic

PEER_SECONDS_MAX = 60
SEED = 20261127
# The long form has more sets.
SET_COUNT = 300 if os.environ.get("BREAKGLASS_FULL") else 24
DOCUMENT_COUNT = 6
QUORUMS = [(2, 3), (2, 4), (3, 5), (2, 16), (5, 7)]
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class Refused(Exception):
    """Two programs differ, or one takes what it should not."""


class Lines:
    """A program that answers one line of JSON with another."""

    def __init__(self, *command):
        self.program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request):
        self.program.stdin.write(json.dumps(request) + "\n")
        self.program.stdin.flush()
        answer = self.program.stdout.readline()
        if not answer:
            raise Refused(f"{self.program.args[0]} ended over a request to {request['do']}")
        return json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.stdin.close()
        try:
            self.program.wait(PEER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.program.kill()
            self.program.wait()


class ShamirMnemonic:
    """The reference implementation, in this process."""

    def ask(self, **request):
        try:
            if request["do"] == "combine":
                return {"secret": shamir_mnemonic.combine_mnemonics(request["shares"]).hex()}
            groups = [(request["threshold"], request["count"])]
            secret = bytes.fromhex(request["secret"])
            return {"shares": shamir_mnemonic.generate_mnemonics(1, groups, secret)[0]}
        except shamir_mnemonic.MnemonicError as error:
            return {"refused": str(error)}


def split_and_combine(programs, dice):
    """Each splits, all combine, and none takes what is spoiled."""
    combined = refused = 0
    for number in range(SET_COUNT):
        threshold, count = QUORUMS[number % len(QUORUMS)]
        secret = dice.randbytes(dice.choice([16, 32, 32, 32, 64])).hex()
        for maker, program in programs.items():
            request = {"do": "split", "secret": secret, "threshold": threshold, "count": count}
            if maker == "ours":
                request["seed"] = dice.getrandbits(63)
            made = program.ask(**request)["shares"]
            chosen = dice.sample(made, threshold)
            spoiled = spoil(chosen, dice)
            for reader, other in programs.items():
                answer = other.ask(do="combine", shares=chosen)
                if answer.get("secret") != secret:
                    raise Refused(f"{reader} does not combine shares of {maker}: {answer}")
                answer = other.ask(do="combine", shares=spoiled)
                if "refused" not in answer:
                    raise Refused(f"{reader} combines spoiled shares of {maker}")
                combined += 1
                refused += 1
    print(f"SLIP-0039: {combined} sets combined alike by {', '.join(programs)}; {refused} refused")


def spoil(shares, dice):
    """The shares with one missing, one word another, or two words in each other's place."""
    at = dice.randrange(len(shares))
    words = shares[at].split()
    kind = dice.randrange(3)
    if kind == 0:
        return shares[:at] + shares[at + 1 :]
    if kind == 1:
        place = dice.randrange(len(words))
        words[place] = "yoga" if words[place] == "acid" else "acid"
    else:
        first = next(i for i in range(4, len(words) - 1) if words[i] != words[i + 1])
        words[first], words[first + 1] = words[first + 1], words[first]
    return shares[:at] + [" ".join(words)] + shares[at + 1 :]


def bech32(prefix, secret):
    """Bech32 (BIP 173), in capitals, as age writes identities."""
    def checksum(values):
        state = 1
        for value in values:
            high = state >> 25
            state = (state & 0x1FFFFFF) << 5 ^ value
            for bit, add in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
                state ^= add if high >> bit & 1 else 0
        return state

    bits = "".join(f"{byte:08b}" for byte in secret)
    bits += "0" * (-len(bits) % 5)
    data = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    sum_ = checksum(expanded + data + [0] * 6) ^ 1
    data += [sum_ >> 5 * (5 - place) & 31 for place in range(6)]
    return (prefix + "1" + "".join(BECH32[value] for value in data)).upper()


def unbech32(text):
    """The bytes of an identity, whose checksum age has checked."""
    data = text.lower().rsplit("1", 1)[1][:-6]
    bits = "".join(f"{BECH32.index(letter):05b}" for letter in data)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def age(*arguments, text):
    """What Debian's age makes of a text, or None."""
    run = subprocess.run(
        ["age", *arguments], input=text, capture_output=True, text=True,
        timeout=PEER_SECONDS_MAX, check=False,
    )
    return run.stdout if run.returncode == 0 else None


def identity_file(folder, text):
    path = Path(folder) / "identity"
    path.write_text(text + "\n", "utf-8")
    return str(path)


def opened_by_others(ours, combiners, dice, folder):
    """What was sealed here opens with a SLIP-0039 tool and age, and with nothing of ours."""
    for number in range(DOCUMENT_COUNT):
        threshold, count = QUORUMS[number % len(QUORUMS)]
        password = "".join(dice.choice("Aa2#Xk7m9b?=Qr%Rz@cd") for _ in range(28))
        seed = dice.getrandbits(63)
        made = ours.ask(do="seal", password=password, threshold=threshold, count=count, seed=seed)
        sealed = json.loads(made["document"])["sealed"]
        for name, combiner in combiners.items():
            shares = dice.sample(made["shares"], threshold)
            secret = bytes.fromhex(combiner.ask(do="combine", shares=shares)["secret"])
            path = identity_file(folder, bech32("age-secret-key-", secret))
            if age("-d", "-i", path, text=sealed) != password:
                raise Refused(f"age does not open with the key that {name} combined")
            lines = sealed.splitlines()
            lines[-2] = ("B" if lines[-2][0] == "A" else "A") + lines[-2][1:]
            if age("-d", "-i", path, text="\n".join(lines) + "\n") is not None:
                raise Refused("age opens a spoiled file: its word is worth nothing")
    print(f"age: {DOCUMENT_COUNT} documents opened with keys combined by {' and '.join(combiners)}")


def new_identity(folder):
    """A new identity of age-keygen, and its recipient."""
    run = subprocess.run(
        ["age-keygen"], capture_output=True, text=True, timeout=PEER_SECONDS_MAX, check=True
    )
    identity = next(line for line in run.stdout.splitlines() if line.startswith("AGE-SECRET-KEY-"))
    path = identity_file(folder, identity)
    recipient = subprocess.run(
        ["age-keygen", "-y", path], capture_output=True, text=True,
        timeout=PEER_SECONDS_MAX, check=True,
    )
    return identity, recipient.stdout.strip(), path


def opened_here(ours, splitters, dice, folder):
    """What age sealed opens here, with shares that another tool made."""
    for number in range(DOCUMENT_COUNT):
        threshold, count = QUORUMS[number % len(QUORUMS)]
        identity, recipient, _ = new_identity(folder)
        if bech32("age-secret-key-", unbech32(identity)) != identity:
            raise Refused("an identity of age-keygen is not written as it was read")
        password = f"Sealed-by-age-{number}#"
        sealed = age("-a", "-r", recipient, text=password)
        for name, splitter in splitters.items():
            secret = unbech32(identity).hex()
            made = splitter.ask(do="split", secret=secret, threshold=threshold, count=count)["shares"]
            members = {
                "account": {"id": "1", "userPrincipalName": "emergency-1@contoso.example"},
                "credential": "password", "envelope": "00" * 16, "format": "breakglass-sealed/1",
                "recipient": recipient, "sealed": sealed, "sealedOn": "2026-11-27T03:00:00Z",
                "set": "-".join(made[0].split()[:2]), "shares": count, "threshold": threshold,
                "version": 1,
            }
            document = ours.ask(do="sign", members=members)
            answer = ours.ask(do="open", shares=dice.sample(made, threshold), **document)
            if answer.get("password") != password:
                raise Refused(f"what age sealed does not open here with shares of {name}: {answer}")
            other = splitter.ask(do="split", secret="07" * 32, threshold=threshold, count=count)
            answer = ours.ask(do="open", shares=other["shares"][:threshold], **document)
            if "refused" not in answer:
                raise Refused("other shares open a document")
    print(f"age: {DOCUMENT_COUNT} files opened here with shares of {' and '.join(splitters)}")


def shares_for_custodians(ours, dice, folder):
    """A share that is sealed for a custodian's own key comes out of age as it was, on a line of its own."""
    made = ours.ask(do="split", secret="5a" * 32, threshold=2, count=3, seed=dice.getrandbits(63))
    for share in made["shares"]:
        _, recipient, path = new_identity(folder)
        sealed = ours.ask(do="share", words=share, custodian=recipient)["sealed"]
        if age("-d", "-i", path, text=sealed) != share + "\n":
            raise Refused("age does not open a share that is a custodian's own")
    print(f"age: {len(made['shares'])} shares opened by the custodians that they are for")


def main():
    tools, peer = Path(sys.argv[1]), sys.argv[2]
    dice = random.Random(SEED)
    script = Path(__file__).with_name("slip39.js")
    print(f"custody: seed {SEED}")
    try:
        with (
            Lines(peer) as ours,
            Lines("node", str(script), str(tools / "node")) as npm,
            tempfile.TemporaryDirectory() as folder,
        ):
            others = {"shamir-mnemonic": ShamirMnemonic(), "npm slip39": npm}
            split_and_combine({"ours": ours, **others}, dice)
            opened_by_others(ours, others, dice, folder)
            opened_here(ours, others, dice, folder)
            shares_for_custodians(ours, dice, folder)
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
