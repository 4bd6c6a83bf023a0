# shellcheck shell=bash
# Sourced after lib.sh: starts a portal with its Stripe sandbox on loopback, and stops both.

PORTAL_PIDS=

# portal_settings DATA HOST PORT: the settings of a demonstration portal that keeps all in DATA.
# The secrets are the sandbox's own and open nothing else.
portal_settings() {
    local data=$1 host=$2 port=$3 sandbox_port
    mkdir -p "$data/mail"
    export PORTICO_ADDR="$host:$port"
    export PORTICO_BASE_URL="${PORTICO_BASE_URL:-http://127.0.0.1:$port}"
    export PORTICO_DEMO=1
    export PORTICO_MAIL_DIR="$data/mail"
    export DATABASE_URL="${DATABASE_URL:-sqlite://$data/portico.db}"
    sandbox_port=$(free_port 127.0.0.1 "${4:-0}")
    export PORTICO_SANDBOX_ADDR="127.0.0.1:$sandbox_port"
    export STRIPE_API_BASE="http://$PORTICO_SANDBOX_ADDR"
    export STRIPE_SECRET_KEY=sk_test_sandbox
    export STRIPE_WEBHOOK_SECRET=whsec_sandbox_snapshot
    export STRIPE_CONNECT_WEBHOOK_SECRET=whsec_sandbox_connect
    export STRIPE_THIN_WEBHOOK_SECRET=whsec_sandbox_thin
    export PORTICO_BIN="$BUILD/portico"
}

# portal_start DATA: the sandbox, the schema, the demonstration data (if there is none), the portal.
portal_start() {
    local data=$1
    "$PORTICO_BIN" stripe-sandbox --addr "$PORTICO_SANDBOX_ADDR" --state "$data/sandbox.json" \
        --webhook-url "http://127.0.0.1:${PORTICO_ADDR##*:}/webhooks/stripe" \
        >>"$data/sandbox.log" 2>&1 </dev/null &
    export PORTICO_SANDBOX_PID=$!
    PORTAL_PIDS="$PORTICO_SANDBOX_PID"
    wait_ready "the Stripe sandbox" "$STRIPE_API_BASE/" "$PORTICO_SANDBOX_PID" "$data/sandbox.log"
    "$PORTICO_BIN" migrate
    "$PORTICO_BIN" seed demo
    "$PORTICO_BIN" serve >>"$data/portico.log" 2>&1 </dev/null &
    export PORTICO_PID=$!
    PORTAL_PIDS="$PORTICO_PID $PORTAL_PIDS"
    wait_ready "the portal" "http://127.0.0.1:${PORTICO_ADDR##*:}/readyz" "$PORTICO_PID" "$data/portico.log"
}

# portal_stop: asks, waits ten seconds, insists. Only processes that were started here.
portal_stop() {
    local pid tries
    for pid in $PORTAL_PIDS; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in $PORTAL_PIDS; do
        tries=0
        while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
            sleep 0.1
            tries=$((tries + 1))
        done
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    PORTAL_PIDS=
}

# wait_ready WHAT URL PID LOG: until the address answers 2xx; not longer than the process lives.
wait_ready() {
    node -e '
        const [url, pid] = [process.argv[1], Number(process.argv[2])];
        const end = Date.now() + 60_000;
        const again = async () => {
            try {
                if ((await fetch(url)).ok) return;
            } catch {}
            try { process.kill(pid, 0); } catch { process.exit(1); }
            if (Date.now() > end) process.exit(1);
            setTimeout(again, 50);
        };
        again();' "$2" "$3" && return
    printf 'error: %s did not start; its last words (%s):\n' "$1" "$4" >&2
    tail -n 20 "$4" >&2
    return 1
}
