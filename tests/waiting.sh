# Waiting, for the scripts that try the product with real peers; to be read by them.

# Tries a command every fifth of a second until it succeeds; fails if it has not after so many seconds.
until_within() {
    local tries=$(($1 * 5))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.2
    done
}

# Whether a tenant (process, what it said) is served, or is gone and never will be.
served_or_gone() {
    grep -q '^Ctrl-C' "$2" || ! kill -0 "$1" 2>/dev/null
}

# Waits so many seconds until a tenant says that it is served; what it said, and complained of, are two files.
until_served() {
    local seconds=$1 tenant=$2 said=$3 complaints=$4
    until_within "$seconds" served_or_gone "$tenant" "$said" || true
    if ! grep -q '^Ctrl-C' "$said"; then
        echo "the tenant was not served within $seconds s; it said:" >&2
        cat "$said" "$complaints" >&2
        return 1
    fi
}
