#!/usr/bin/env bash
# Real clients: the Azure CLI, MSAL, azure-identity and the Graph SDKs sign in to the embedded tenant and use it.
#
# The scenarios are those of the acceptance suite in ../shared/suites/clients. The clients are installed by name into
# target/clients and kept there between runs. The tenant listens on free loopback ports and is gone afterwards.
# Skipped, with the reason, where the suite is not there or the registries cannot be reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

suite=$PWD/../shared/suites/clients
clients=$PWD/target/clients
program=$PWD/target/debug/breakglass
# Longest times, in seconds: to install everything, until the tenant says that it is served, for all scenarios.
install_seconds_max=900
start_seconds_max=120
scenarios_seconds_max=600

skipped() {
    echo "skipped: $1; nothing of the embedded tenant was tried with real clients"
    exit 0
}

# Whether the registries answer at all; a failure to install from one that does is a failure.
registries_answer() {
    timeout 60 pip index versions msal >/dev/null 2>&1 && timeout 60 npm view @azure/msal-node version >/dev/null 2>&1
}

install_clients() {
    local wanted
    wanted=$(sha256sum <"$suite/install.sh")
    if [ "$(cat "$clients/installed" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    registries_answer || skipped 'PyPI or the npm registry cannot be reached'
    rm -rf "$clients"
    mkdir -p "$clients"
    # What it leaves out needs the names of Microsoft's hosts, which the tenant does not have.
    if ! SKIP='m365 rust' timeout "$install_seconds_max" bash "$suite/install.sh" "$clients" >/dev/null; then
        echo "the clients could not be installed into $clients within $install_seconds_max s" >&2
        return 1
    fi
    echo "$wanted" >"$clients/installed"
}

# The address behind a word of what the tenant says.
address() {
    sed -n "s|^  $1  *\(http.*\)$|\1|p" "$work/served"
}

[ -f "$suite/run.sh" ] || skipped 'there is no ../shared/suites/clients'
install_clients
# The profile that the tests were built with, so that nothing is built twice.
cargo build --quiet --locked --workspace --bins --profile test

work=$(mktemp -d)
tenant=
ended() {
    if [ -n "$tenant" ]; then kill "$tenant" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap ended EXIT

export ET_APP_CERT_PEM=$work/app.pem
# shellcheck source=/dev/null
. "$suite/seed.env.example"
python3 "$suite/make-seed.py" "$work/seed.json"

"$program" tenant serve --listen 127.0.0.1:0 --listen-manager 127.0.0.1:0 --connect-proxy 127.0.0.1:0 \
    --data "$work/data" --seed "$work/seed.json" >"$work/served" 2>"$work/complaints" &
tenant=$!
waited=0
until grep -q '^Ctrl-C' "$work/served"; do
    if ! kill -0 "$tenant" 2>/dev/null || [ "$waited" -ge $((start_seconds_max * 5)) ]; then
        echo "the tenant was not served within $start_seconds_max s; it said:" >&2
        cat "$work/served" "$work/complaints" >&2
        exit 1
    fi
    sleep 0.2
    waited=$((waited + 1))
done

code=0
ET_CLIENTS=$clients ET_PROXY=$(address 'CONNECT proxy') ET_ARM=$(address 'Azure Resource Manager') VERBOSE=1 \
    timeout "$scenarios_seconds_max" bash "$suite/run.sh" "$(address 'Login and Microsoft Graph')" "$work/data/ca.pem" \
    >"$work/scenarios" || code=$?
cat "$work/scenarios"
if [ "$code" -eq 124 ]; then
    echo "the scenarios took more than $scenarios_seconds_max s" >&2
fi
# The suite's own count has to be there, with something in it.
if [ "$code" -ne 0 ] || ! grep -qE '^[1-9][0-9]* passed, 0 failed' "$work/scenarios"; then
    exit 1
fi
