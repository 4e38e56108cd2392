#!/usr/bin/env bash
# Real clients: the Azure CLI, MSAL, azure-identity and the Graph SDKs sign in to the embedded tenant and use it.
#
# The scenarios are those of the acceptance suite in ../shared/suites/clients, on a tenant that it has seeded; and what
# README.md says of the Azure CLI, as it stands there, on the company of the demo; and there the Azure CLI signs in with a
# password that two custodians have opened. The clients are installed by name into target/clients and kept there between runs. Each tenant listens on free loopback ports and is gone afterwards.
# Skipped, with the reason, where the suite is not there or the registries cannot be reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/waiting.sh

suite=$PWD/../shared/suites/clients
clients=$PWD/target/clients
program=$PWD/target/debug/breakglass
# Longest times, in seconds: to install everything, until a tenant says that it is served, for what README.md says, for all
# scenarios.
install_seconds_max=900
start_seconds_max=120
readme_seconds_max=120
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

# Serves a tenant in the folder $work/NAME/box, with more arguments if they are given, and waits until it says so.
serve() {
    local name=$1 seed=$2
    shift 2
    mkdir "$work/$name"
    : >"$work/$name/served"
    "$program" tenant serve --listen 127.0.0.1:0 --listen-manager 127.0.0.1:0 \
        --data "$work/$name/box" --seed "$seed" "$@" >"$work/$name/served" 2>"$work/$name/complaints" &
    tenants+=("$!")
    until_served "$start_seconds_max" "$!" "$work/$name/served" "$work/$name/complaints"
}

# The address behind a word of what a tenant says.
address() {
    sed -n "s|^  $2  *\(http.*\)$|\1|p" "$work/$1/served"
}

scenarios() {
    local code=0
    ET_CLIENTS=$clients ET_PROXY=$(address suite 'CONNECT proxy') ET_ARM=$(address suite 'Azure Resource Manager') \
        VERBOSE=1 timeout "$scenarios_seconds_max" bash "$suite/run.sh" \
        "$(address suite 'Login and Microsoft Graph')" "$work/suite/box/ca.pem" >"$work/scenarios" || code=$?
    cat "$work/scenarios"
    if [ "$code" -eq 124 ]; then
        echo "the scenarios took more than $scenarios_seconds_max s" >&2
    fi
    # The suite's own count has to be there, with something in it.
    [ "$code" -eq 0 ] && grep -qE '^[1-9][0-9]* passed, 0 failed' "$work/scenarios"
}

# The lines for the other shell, as README.md has them but for the ports.
readme_lines() {
    local lines
    lines=$(sed -n '/^From another shell/,/^```$/p' README.md | sed '1,/^```sh$/d; /^```$/d')
    if [ "$(grep -c '^az ' <<<"$lines")" -ne 3 ]; then
        echo 'README.md has other lines for the Azure CLI than this expects' >&2
        return 1
    fi
    lines=${lines//https:\/\/127.0.0.1:8443/$(address demo 'Login and Microsoft Graph')}
    printf '%s\n' "${lines//https:\/\/127.0.0.1:8444/$(address demo 'Azure Resource Manager')}"
}

# Runs lines of a shell in the folder of the demo, with the Azure CLI on the path, and shows what they said if they fail.
in_demo() {
    if ! (cd "$work/demo" && PATH=$clients/azcli/bin:$PATH timeout "$readme_seconds_max" bash -euc "$1" 2>"$work/demo/said"); then
        cat "$work/demo/said" >&2
        return 1
    fi
}

readme() {
    local lines created
    lines=$(readme_lines)
    created=$(in_demo "$lines")
    grep -q '"userPrincipalName": "emergency-access-3@contoso.onmicrosoft.com"' <<<"$created"
    echo "PASS az as README.md says (demo)"
}

# A password that the administrator of README.md sets when it is sealed; two people agree to open it, two custodians open it
# from their age files, and whoever has it then signs in. Nothing of it is typed, and nothing shown.
opened() {
    local environment
    environment=$(readme_lines | head -n 1)
    in_demo "$environment"'
        breakglass() { "'"$program"'" "$@"; }
        account=emergency-access-2@contoso.onmicrosoft.com
        id=$(az ad user show --id "$account" --query id --output tsv)
        before=$PWD && mkdir desk && cd desk
        printf "[tenant]\nid = \"%s\"\n[[account]]\nid = \"%s\"\n[custody]\n" \
            "$(az account show --query tenantId --output tsv)" "$id" >breakglass.toml
        for person in eva max ida; do
            age-keygen -o "$person.age" 2>/dev/null
            printf "[[custody.custodian]]\nid = \"%s\"\nname = \"%s\"\nkey = \"%s\"\nage = \"%s\"\n" "$person" "$person" \
                "$(breakglass custody generate signing-key --person "$person")" "$(age-keygen -y "$person.age")" >>people
        done
        cat people >>breakglass.toml
        breakglass custody new-set --threshold 2
        shares() { for person; do age -d -i "$person.age" shares/*"$person"*; echo; done; }
        shares eva max ida | breakglass custody rehearse --acknowledge --share -
        password=$(breakglass custody seal --account "$account" --id "$id" --generate)
        az ad user update --id "$account" --password "$password" --force-change-password-next-sign-in false
        breakglass checkout request --account "$account" --person eva --reason "locked out"
        breakglass checkout approve --account "$account" --person max --yes
        opened=$(shares max ida | breakglass checkout open --account "$account" --share -)
        [ "$opened" = "$password" ]
        az logout
        az login --username "$account" --password "$opened" --allow-no-subscriptions --output none
        az ad signed-in-user show --query userPrincipalName --output tsv
        breakglass checkout return --account "$account" --person ida
        if grep -rlF -e "$password" . "$before/box" >&2; then exit 1; fi
    ' >"$work/demo/opened"
    grep -qx 'emergency-access-2@contoso.onmicrosoft.com' "$work/demo/opened"
    echo 'PASS az with a password that two custodians have opened (demo)'
}

[ -f "$suite/run.sh" ] || skipped 'there is no ../shared/suites/clients'
install_clients
# The profile that the tests were built with, so that nothing is built twice.
cargo build --quiet --locked --workspace --bins --profile test

work=$(mktemp -d)
tenants=()
ended() {
    if [ ${#tenants[@]} -ne 0 ]; then kill "${tenants[@]}" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap ended EXIT

export ET_APP_CERT_PEM=$work/app.pem
# shellcheck source=/dev/null
. "$suite/seed.env.example"
python3 "$suite/make-seed.py" "$work/seed.json"

serve demo demo
readme
opened
serve suite "$work/seed.json" --connect-proxy 127.0.0.1:0
scenarios
