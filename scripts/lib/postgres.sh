#!/usr/bin/env bash
# A private PostgreSQL server for tests: in a directory of its own, by a unix socket only, with fsync on.
#
#   scripts/lib/postgres.sh start DIR [PID]   makes the cluster where there is none, starts it, prints its address;
#                                             with PID it ends and is removed when that process has ended
#   scripts/lib/postgres.sh stop DIR [MODE]   stops it: fast (the default) or immediate
#   scripts/lib/postgres.sh kill DIR          kill -9 of its processes
#   scripts/lib/postgres.sh end DIR           stops it and removes DIR
#
# As root it runs as the user nobody: PostgreSQL refuses root. EDGEORCH_POSTGRESQL_BIN names other binaries.
set -euo pipefail

usage() { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
action=$1
directory=$2
case "$directory" in /*) ;; *) printf 'error: %s: name a directory by its whole path\n' "$directory" >&2; exit 2 ;; esac

binaries=${EDGEORCH_POSTGRESQL_BIN:-}
for candidate in "$binaries" /usr/lib/postgresql/*/bin; do
    [ -n "$candidate" ] && [ -x "$candidate/initdb" ] && binaries=$candidate
done
[ -x "${binaries:-}/initdb" ] || {
    printf 'error: there is no PostgreSQL server here; install the Debian package postgresql\n' >&2
    exit 1
}

# Everything of the server runs as somebody who may do nothing else.
unprivileged() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups env HOME="$directory" TZ=UTC "$@"
    else
        env TZ=UTC "$@"
    fi
}

control() { (cd / && unprivileged "$binaries/pg_ctl" -D "$directory/data" -s "$@"); }

make() {
    mkdir -p "$directory"
    [ "$(id -u)" -ne 0 ] || chown "nobody:$(id -gn nobody)" "$directory"
    chmod 700 "$directory"
    (cd / && unprivileged "$binaries/initdb" -D "$directory/data" -U edge -A trust -E UTF8 --locale=C.UTF-8) \
        >"$directory.initdb.log" 2>&1 || { cat "$directory.initdb.log" >&2; exit 1; }
    rm -f "$directory.initdb.log"
    unprivileged tee -a "$directory/data/postgresql.conf" >/dev/null <<TEXT
listen_addresses = ''
unix_socket_directories = '$directory'
fsync = on
max_connections = 100
shared_buffers = 32MB
max_wal_size = 256MB
TEXT
}

# Ends the server with the process it was started for.
watch() {
    while kill -0 "$1" 2>/dev/null; do sleep 0.5; done
    control stop -m immediate >/dev/null 2>&1 || true
    rm -rf "$directory"
}

case "$action" in
    start)
        [ -d "$directory/data" ] || make
        control start -w -t 60 -l "$directory/server.log" >/dev/null || { tail -n 5 "$directory/server.log" >&2; exit 1; }
        [ $# -lt 3 ] || (watch "$3" </dev/null >/dev/null 2>&1 &)
        printf 'postgresql:///postgres?host=%s&user=edge\n' "$directory"
        ;;
    stop) control stop -w -t 60 -m "${3:-fast}" ;;
    kill)
        postmaster=$(head -n 1 "$directory/data/postmaster.pid")
        children=$(ps -o pid= --ppid "$postmaster" || true)
        # The postmaster first, so that it starts nobody anew.
        kill -KILL "$postmaster" $children 2>/dev/null || true
        while kill -0 "$postmaster" 2>/dev/null; do sleep 0.05; done
        ;;
    end)
        control stop -w -t 60 -m fast >/dev/null 2>&1 || true
        rm -rf "$directory"
        ;;
    *) usage ;;
esac
