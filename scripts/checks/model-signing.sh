#!/usr/bin/env bash
# Signatures both ways with the reference implementation (PyPI: model-signing): model-signing.sh PROGRAMS PYTHON.
# What edgectl signs, it verifies; what it signs, edgectl verifies; what was tampered with is refused by both.
set -euo pipefail
edgectl="$1/edgectl" reference="$(dirname "$2")/model_signing"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0
"$edgectl" key generate "$work/key" >/dev/null
"$edgectl" key generate "$work/stranger" >/dev/null

# Their and our verification of a path with its signature and a key.
theirs() { "$reference" verify key --signature "$2" --public_key "$work/$3.pub" "$1"; }
ours() { "$edgectl" model verify "$1" --pub "$work/$3.pub"; }

# Both accept a path, and refuse it under another key.
accepted() {
    local who
    for who in theirs ours; do
        "$who" "$1" "$2" key >"$work/out" 2>&1 || { cat "$work/out"; printf 'error: %s refuse %s\n' "$who" "$3" >&2; exit 1; }
        checks=$((checks + 1))
    done
    refused "$1" "$2" "$3 under another key" stranger
}

# Both refuse a path.
refused() {
    local who
    for who in theirs ours; do
        if "$who" "$1" "$2" "${4:-key}" >"$work/out" 2>&1; then
            printf 'error: %s accept %s\n' "$who" "$3" >&2
            exit 1
        fi
        checks=$((checks + 1))
    done
}

# Signs with ours or theirs; the signature lies where edgectl looks for it.
sign() {
    rm -f "$3"
    case "$1" in
        ours) "$edgectl" model sign "$2" --key "$work/key" >/dev/null ;;
        theirs)
            "$reference" sign key --private_key "$work/key" --signature "$work/new.sig" "$2" >/dev/null
            mv "$work/new.sig" "$3" ;;
    esac
}

for signer in ours theirs; do
    directory="$work/$signer"
    mkdir -p "$directory/data/deep"
    printf 'weights' >"$directory/model.bin"
    printf 'cat\ndog\n' >"$directory/data/labels.txt"
    printf 'x' >"$directory/data/deep/größe.json"
    printf '{"model":"digits","version":"v1.0.0","releaseCounter":1,"entry":"model.bin"}' \
        >"$directory/edge-version.json"
    sign "$signer" "$directory" "$directory/model.sig"
    accepted "$directory" "$directory/model.sig" "a directory signed by $signer"
    for name in model.bin data/deep/größe.json edge-version.json; do
        cp "$directory/$name" "$work/kept"
        printf '!' >>"$directory/$name"
        refused "$directory" "$directory/model.sig" "a changed $name signed by $signer"
        rm "$directory/$name"
        refused "$directory" "$directory/model.sig" "a missing $name signed by $signer"
        cp "$work/kept" "$directory/$name"
    done
    touch "$directory/extra"
    refused "$directory" "$directory/model.sig" "an extra file beside what $signer signed"
    rm "$directory/extra"
    mv "$directory/data/labels.txt" "$directory/data/Labels.txt"
    refused "$directory" "$directory/model.sig" "a renamed file of what $signer signed"
    mv "$directory/data/Labels.txt" "$directory/data/labels.txt"
    accepted "$directory" "$directory/model.sig" "the directory signed by $signer, mended"

    file="$work/$signer.onnx"
    printf 'weights' >"$file"
    sign "$signer" "$file" "$file.sig"
    accepted "$file" "$file.sig" "a file signed by $signer"
    printf 'Weights' >"$file"
    refused "$file" "$file.sig" "a changed file signed by $signer"
done
echo "$checks checks: signatures of directories and single files agree both ways; what was tampered with is refused by both"
