#!/usr/bin/env bash
# Signatures both ways with the reference implementation (PyPI: model-signing): model-signing.sh PROGRAMS PYTHON.
# What edgectl signs, it verifies; what it signs, edgectl verifies; a changed file is refused by both.
set -euo pipefail
edgectl="$1/edgectl" reference="$(dirname "$2")/model_signing"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version="$work/version"
mkdir "$version"
printf 'weights' >"$version/model.bin"
printf '{"model":"digits","version":"v1.0.0","releaseCounter":1,"entry":"model.bin"}' >"$version/edge-version.json"
"$edgectl" key generate "$work/key" >/dev/null

theirs() { "$reference" verify key --signature "$version/model.sig" --public_key "$work/key.pub" "$version"; }
ours() { "$edgectl" model verify "$version" --pub "$work/key.pub"; }
refuses() {
    if "$1" >"$work/out" 2>&1; then
        printf 'error: %s accepts a changed file\n' "$1" >&2
        exit 1
    fi
}

"$edgectl" model sign "$version" --key "$work/key" >/dev/null
theirs
ours
printf 'Weights' >"$version/model.bin"
refuses theirs
refuses ours
printf 'weights' >"$version/model.bin"
rm "$version/model.sig"
"$reference" sign key --private_key "$work/key" --signature "$work/model.sig" "$version"
mv "$work/model.sig" "$version/model.sig"
ours
echo "signatures agree both ways; changed files are refused by both"
