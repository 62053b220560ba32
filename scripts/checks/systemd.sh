#!/usr/bin/env bash
# The agent's systemd unit: understood without a complaint, and as closed as it says.
#
#   scripts/checks/systemd.sh EDGE_AGENT
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v systemd-analyze >/dev/null || { echo "skipped: there is no systemd-analyze here"; exit 0; }
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
# systemd wants to see the program, which is not installed here.
unit="$directory/edge-agent.service"
sed "s|^ExecStart=/usr/bin/edge-agent|ExecStart=$1|" "$root/packaging/edge-agent.service" >"$unit"
told=$(systemd-analyze verify --man=no "$unit" 2>&1)
[ -z "$told" ] || { echo "$told"; exit 1; }
systemd-analyze security --offline=true --no-pager --threshold=20 "$unit" | tail -n 1
