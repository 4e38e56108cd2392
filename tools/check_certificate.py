#!/usr/bin/env python3
"""Checks a proof that `breakglass lockout --certificate FILE` wrote, from the file alone.

What is checked: the file is whole and unchanged, to the byte (its form, its own SHA-256); the cut has as many members as the order says, none
twice, and touches every way; and no smaller set of failures touches every way, which is shown by failing each
component of an untouched way in turn. What is not checked: that each way is a way in the tenant. For that, read the
sign-in that stands beside it and try it.

Usage: check_certificate.py FILE        exit 0: it holds, 1: it does not, 2: the file cannot be read
"""
import hashlib
import json
import sys

FORMAT = "breakglass-certificate/1"
MEMBERS = {"format", "tenantId", "judgedAt", "goal", "horizon", "assumptions", "order", "survives", "cut", "ways", "sha256"}
WAY = {"user", "name", "needs", "context", "steps"}
CONTEXT = {"tool", "location", "device", "combination"}


class Refused(Exception):
    """The certificate does not hold."""


def once(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused("a member stands twice in one object")
    return members


def read(path):
    with open(path, "rb") as file:
        text = file.read().decode("utf-8")
    document = json.loads(text, object_pairs_hook=once)
    if text != json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n":
        raise Refused("the file was changed: it is not written as a certificate is")
    return document


def check_whole(document):
    if not isinstance(document, dict) or set(document) != MEMBERS:
        raise Refused("the members are not those of a certificate")
    if document["format"] != FORMAT:
        raise Refused(f"the format is not {FORMAT}")
    rest = {name: value for name, value in document.items() if name != "sha256"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if hashlib.sha256(text.encode("utf-8")).hexdigest() != document["sha256"]:
        raise Refused("the file was changed: its SHA-256 is another")


def ids(value, what):
    if not isinstance(value, list) or not all(isinstance(one, str) and ":" in one for one in value):
        raise Refused(f"{what} is not a list of component ids")
    if len(set(value)) != len(value):
        raise Refused(f"{what} names a component twice")
    return frozenset(value)


def needs(way):
    """What a way needs, if it says whose it is and by which sign-in."""
    if set(way) != WAY or set(way["context"]) != CONTEXT:
        raise Refused("a way does not say by whose sign-in, and by which")
    words = [way["user"], way["name"], way["context"]["tool"]]
    if not all(isinstance(word, str) and word for word in words) or not way["steps"]:
        raise Refused("a way names nobody, no tool or no steps")
    return ids(way["needs"], "what a way needs")


def number(value, what):
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused(f"{what} is not a number")
    return value


def untouched(ways, failed):
    """The shortest way that none of the failures touches."""
    open_ways = [way for way in ways if not way & failed]
    return min(open_ways, key=lambda way: (len(way), sorted(way)), default=None)


def check_survives(ways, failed, left):
    """Whatever `left` more components fail, a way is untouched."""
    way = untouched(ways, failed)
    if way is None:
        raise Refused(f"these failures leave no way: {sorted(failed)}")
    if left:
        for component in sorted(way):
            check_survives(ways, failed | {component}, left - 1)


def check(document):
    check_whole(document)
    ways = [needs(way) for way in document["ways"]]
    survives = number(document["survives"], "survives")
    if document["order"] is None:
        if document["cut"] is not None:
            raise Refused("there is a cut and no order")
        check_survives(ways, frozenset(), survives)
        return f"holds: any {survives} failures leave one of {len(ways)} ways"
    order = number(document["order"], "order")
    cut = ids(document["cut"], "the cut")
    if len(cut) != order:
        raise Refused(f"the cut has {len(cut)} members and the order is {order}")
    if order == 0:
        if ways or survives:
            raise Refused("the order is 0, and there are ways or failures that are survived")
        return "holds, and proves nothing: order 0 lists no way in, and a list cannot show that there is none"
    if survives != order - 1:
        raise Refused(f"the order is {order}, and {survives} failures are said to be survived")
    missed = [way for way in ways if not way & cut]
    if missed:
        raise Refused(f"the cut leaves a way: {sorted(missed[0])}")
    check_survives(ways, frozenset(), survives)
    return f"holds: order {order}; any {survives} failures leave one of {len(ways)} ways"


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        document = read(arguments[0])
    except (OSError, ValueError, RecursionError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    except Refused as error:
        print(f"refused: {error}")
        return 1
    try:
        print(check(document))
        return 0
    except Refused as error:
        print(f"refused: {error}")
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        print(f"refused: a part is not what it must be ({error})")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
