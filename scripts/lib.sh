# shellcheck shell=bash
# Sourced by the other scripts: where things are kept, which tools are used, how a step speaks.
# Runs on bash 3.2 and later; quotes everything, because a checkout may lie in a path with a space.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${PORTICO_CACHE:-${HOME:?HOME is not set, so there is no place for the cache: set PORTICO_CACHE}/.cache/portico}
mkdir -p "$CACHE"
CACHE=$(cd "$CACHE" && pwd -P)

# What belongs to this checkout and to no other: the site, the binary, the demo's data.
CHECKOUT_KEY=$(printf '%s' "$ROOT" | cksum | cut -d ' ' -f 1)
BUILD=$CACHE/build/$CHECKOUT_KEY

# Which compiler was found, and whether it can make WebAssembly (written by scripts/setup). What
# the caller sets beforehand wins.
if [ -r "$CACHE/env" ]; then
    while IFS='=' read -r name value; do
        case $name in
            RUSTUP_TOOLCHAIN) export RUSTUP_TOOLCHAIN="$value" ;;
            PORTICO_WASM) export PORTICO_WASM="${PORTICO_WASM:-$value}" ;;
        esac
    done <"$CACHE/env"
fi

# Shared by all checkouts, so that a second clone finds every dependency compiled.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$CACHE/target}"
export PORTICO_SITE="${PORTICO_SITE:-$BUILD/site}"
export PATH="$CACHE/tools/bin:$PATH"

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command with a limit in seconds, where the system can do that.
limit() {
    local seconds=$1
    shift
    if have timeout; then timeout "$seconds" "$@"; else "$@"; fi
}

# The version of a package in Cargo.lock, so that a tool and its library are always in step.
locked_version() {
    awk -v name="\"$1\"" '$1 == "name" && $3 == name { found = 1 }
        found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' "$ROOT/Cargo.lock"
}

# Where the npm packages of a folder with a package-lock.json are installed: named by the lock, so
# that two checkouts with different locks do not undo each other's work.
node_home() {
    printf '%s/node/%s-%s' "$CACHE" "$1" "$(cksum <"$ROOT/$2/package-lock.json" | cut -d ' ' -f 1)"
}

find_chromium() {
    local name
    if [ -n "${PORTICO_CHROMIUM:-}" ]; then
        printf '%s' "$PORTICO_CHROMIUM"
        return
    fi
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        if have "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# The newest PostgreSQL server's programs; distributions keep them off the PATH.
find_postgres() {
    local dir best=
    for dir in $(printf '%s\n' /usr/lib/postgresql/*/bin /usr/pgsql-*/bin | sort -V); do
        if [ -x "$dir/initdb" ]; then best=$dir; fi
    done
    if [ -z "$best" ] && have initdb; then best=$(dirname "$(command -v initdb)"); fi
    [ -n "$best" ] && printf '%s' "$best"
}

# The first port from the given one on that nobody listens on; 0 takes any.
free_port() {
    node -e '
        const net = require("node:net");
        const [host, first] = [process.argv[1], Number(process.argv[2])];
        const attempt = (port, left) => {
            const server = net.createServer();
            server.once("error", (error) => {
                if (error.code !== "EADDRINUSE" || left === 0) {
                    console.error(`error: cannot listen on ${host}:${port}: ${error.message}`);
                    process.exit(1);
                }
                attempt(port + 1, left - 1);
            });
            server.listen(port, host, () => {
                const found = server.address().port;
                // As text: a number would be coloured where FORCE_COLOR is set.
                server.close(() => console.log(String(found)));
            });
        };
        attempt(first, 100);' "$1" "$2"
}
