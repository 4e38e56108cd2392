"""Reads what `breakglass check` wrote with other people's programs.

Usage: read_back.py TOOLS OUT. OUT holds check.json, check.sarif and check.xml, the same judgement
in three formats, and guard.sarif, the guard's answer to one change; TOOLS is where run.sh installed
the peers. Prints one line for each peer and ends with 1 when a peer refuses a file, or accepts a
spoiled one.
"""

import copy
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import jsonschema
from junitparser import JUnitXml
from junitparser.junitparser import Error, Failure, Skipped

PEER_SECONDS_MAX = 300


class Refused(Exception):
    """A peer does not accept a file, or accepts one that it should not."""


def multitool_errors(tools, sarif_path):
    """What the multitool calls an error. Its exit code is 0 whatever it finds: its report tells."""
    folder = tools / "node/node_modules/@microsoft/sarif-multitool-linux"
    program = folder / "Sarif.Multitool"
    program.chmod(0o755)
    report = sarif_path.with_suffix(".report.sarif")
    command = [
        program, "validate", sarif_path,
        "--config", Path(__file__).with_name("multitool.xml"),
        "--output", report, "--log", "ForceOverwrite",
    ]
    # The program carries its own runtime, which would ask for a library of languages otherwise.
    environment = {**os.environ, "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    run = subprocess.run(
        command, env=environment, capture_output=True, text=True,
        timeout=PEER_SECONDS_MAX, check=False,
    )
    if run.returncode != 0 or not report.exists():
        raise Refused(f"sarif-multitool could not judge: {run.stdout}{run.stderr}")
    results = json.loads(report.read_text("utf-8-sig"))["runs"][0]["results"]
    errors = [result for result in results if result.get("level", "warning") == "error"]
    return [f"{error['ruleId']}: {json.dumps(error['message'])}" for error in errors]


def schema_errors(tools, sarif):
    """What the published schema of SARIF 2.1.0 refuses."""
    folder = tools / "node/node_modules/@microsoft/sarif-multitool-linux"
    schema = json.loads((folder / "sarif-2.1.0.json").read_text("utf-8-sig"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(sarif)]


def expect_none(peer, errors):
    if errors:
        raise Refused(f"{peer} refuses:\n  " + "\n  ".join(errors))


def expect_some(peer, spoilt, errors):
    if not errors:
        raise Refused(f"{peer} accepts {spoilt}: its word is worth nothing")


def check_sarif(tools, out):
    results = accepted_results(tools, out / "check.sarif")
    check_sarif_says_the_same(out, results)
    print(f"SARIF: {len(results)} results, accepted by sarif-multitool and by the schema")


def check_guard_sarif(tools, out):
    results = accepted_results(tools, out / "guard.sarif")
    if [result["ruleId"] for result in results] != ["guard/below-floor"]:
        raise Refused(f"guard.sarif should have one result: {results}")
    print("SARIF of the guard: 1 result, accepted by sarif-multitool and by the schema")


def accepted_results(tools, sarif_path):
    """The results of a file that both peers accept, and of which they refuse spoiled copies."""
    sarif = json.loads(sarif_path.read_text("utf-8"))
    results = sarif["runs"][0]["results"]
    if not results:
        raise Refused(f"{sarif_path.name} has no result at all: the example should give some")

    expect_none("the schema of SARIF", schema_errors(tools, sarif))
    expect_none("sarif-multitool", multitool_errors(tools, sarif_path))

    # The multitool passes over a file with a wrong enumeration member without a word, and the
    # schema knows nothing of indexes: each is shown what it must notice.
    wrong_level = copy.deepcopy(sarif)
    wrong_level["runs"][0]["results"][0]["level"] = "terrible"
    expect_some("the schema of SARIF", "a wrong level", schema_errors(tools, wrong_level))

    wrong_index = copy.deepcopy(sarif)
    wrong_index["runs"][0]["results"][0]["ruleIndex"] = 100_000
    wrong_path = sarif_path.with_name(f"wrong-index-{sarif_path.name}")
    wrong_path.write_text(json.dumps(wrong_index), "utf-8")
    expect_some("sarif-multitool", "a wrong rule index", multitool_errors(tools, wrong_path))
    return results


def check_sarif_says_the_same(out, results):
    judged = json.loads((out / "check.json").read_text("utf-8"))["results"]
    kinds = {"fail": "fail", "unknown": "open"}
    expected = Counter(
        (result["rule"], kinds[result["status"]]) for result in judged if result["status"] in kinds
    )
    read = Counter((result["ruleId"], result.get("kind", "fail")) for result in results)
    if missing := expected - read:
        raise Refused(f"in JSON, not in SARIF: {sorted(missing)}")
    if added := read - expected:
        raise Refused(f"in SARIF, not in JSON: {sorted(added)}")


def check_junit(out):
    judged = json.loads((out / "check.json").read_text("utf-8"))["results"]
    expected = Counter(result["status"] for result in judged)
    read = Counter(status(case) for suite in suites(out / "check.xml") for case in suite)
    if read["pass"] != expected["pass"] or read["fail"] != expected["fail"]:
        raise Refused(f"JUnit says {dict(read)}, JSON says {dict(expected)}")
    if sum(read.values()) != len(judged):
        raise Refused(f"JUnit has {sum(read.values())} cases, JSON has {len(judged)} results")
    for suite in suites(out / "check.xml"):
        counted = Counter(status(case) for case in suite)
        if (suite.tests, suite.failures) != (sum(counted.values()), counted["fail"]):
            raise Refused(f"the counts of the suite `{suite.name}` are not those of its cases")
    print(f"JUnit: {sum(read.values())} cases read back by junitparser: {dict(read)}")


def suites(path):
    """The file may have one suite at its root or several below `testsuites`."""
    root = JUnitXml.fromfile(str(path))
    return list(root) if isinstance(root, JUnitXml) else [root]


def status(case):
    """A case with no child passed; what could not be told must be an error or skipped, no pass."""
    kinds = {Failure: "fail", Error: "error", Skipped: "skipped"}
    found = [kinds[type(entry)] for entry in case.result if type(entry) in kinds]
    if len(found) > 1:
        raise Refused(f"the case `{case.name}` has several outcomes: {found}")
    return found[0] if found else "pass"


def main():
    tools, out = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        check_sarif(tools, out)
        check_guard_sarif(tools, out)
        check_junit(out)
    except Refused as refused:
        print(f"refused: {refused}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
