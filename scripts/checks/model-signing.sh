#!/usr/bin/env bash
# Signatures both ways with the reference implementation (PyPI: model-signing): model-signing.sh PROGRAMS PYTHON.
# What edgectl signs, it verifies; what it signs, edgectl verifies; what was tampered with is refused by both. A bundle of
# its is pushed as it is; a key in a PKCS #11 token (SoftHSM) signs like one in a file.
set -euo pipefail
edgectl="$1/edgectl" reference="$(dirname "$2")/model_signing"
work=$(mktemp -d)
controller=
trap '[ -z "$controller" ] || kill "$controller"; rm -rf "$work"' EXIT
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
# Fails unless a command fails and says so.
fails() {
    local words="$1"
    shift
    if "$@" >"$work/out" 2>&1; then
        printf 'error: this was accepted: %s\n' "$*" >&2
        exit 1
    fi
    grep -qF -- "$words" "$work/out" || { cat "$work/out"; printf 'error: it does not say: %s\n' "$words" >&2; exit 1; }
    checks=$((checks + 1))
}

# --- A key in a token: made there, never outside, with its PIN from a file or the environment. ---
export SOFTHSM2_CONF="$work/softhsm2.conf"
mkdir "$work/tokens"
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >"$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label release --pin 73194 --so-pin 91473 >/dev/null
printf '73194\n' >"$work/pin"
printf '11111\n' >"$work/wrong"
token="pkcs11:token=release;object=publisher"
"$edgectl" key generate "$token?pin-source=$work/pin" --pub "$work/token.pub" >/dev/null
[ "$("$edgectl" key public "$token?pin-source=$work/pin")" = "$(cat "$work/token.pub")" ]
"$edgectl" model sign "$work/ours" --key "$token?pin-source=$work/pin" >/dev/null
theirs "$work/ours" "$work/ours/model.sig" token >/dev/null
ours "$work/ours" "$work/ours/model.sig" token >/dev/null
refused "$work/ours" "$work/ours/model.sig" "a token's signature under another key" key
EDGECTL_PIN=73194 "$edgectl" model sign "$work/ours" --key "$token" >/dev/null
checks=$((checks + 4))
fails "refused the PIN" "$edgectl" model sign "$work/ours" --key "$token?pin-source=$work/wrong"
fails "asks for a PIN" "$edgectl" model sign "$work/ours" --key "$token"
fails "no token is there" "$edgectl" model sign "$work/ours" --key "pkcs11:token=x;object=y?pin-source=$work/pin"
fails "holds no private key" "$edgectl" model sign "$work/ours" \
    --key "pkcs11:token=release;object=y?pin-source=$work/pin"
fails "seen by others" "$edgectl" model sign "$work/ours" --key "$token?pin-value=73194"
fails "cannot be loaded" "$edgectl" model sign "$work/ours" --key "$token?module-path=/nowhere.so"
fails "never overwritten" "$edgectl" key generate "$token?pin-source=$work/pin" --pub "$work/other.pub"
! grep -qE '73194|11111' "$work/out"

# --- A bundle made elsewhere is pushed as it is, or refused with the reason. ---
export EDGECTL_SERVER=http://127.0.0.1:18090
"$1/edge-controller" init --data "$work/controller" --key-file "$work/admin" >/dev/null
EDGECTL_KEY=$(cat "$work/admin")
export EDGECTL_KEY
"$1/edge-controller" serve --data "$work/controller" --listen 127.0.0.1:18090 >"$work/log" 2>&1 &
controller=$!
for _ in $(seq 100); do "$edgectl" model list >/dev/null 2>&1 && break || sleep 0.1; done
mv "$work/theirs/model.sig" "$work/bundle"
push() { "$edgectl" model push digits v1.0.0 "$work/theirs" --bundle "$work/bundle" --pub "$work/key.pub" "$@"; }
printf '!' >>"$work/theirs/model.bin"
fails "model.bin" push
printf 'weights' >"$work/theirs/model.bin"
fails "signature_unknown_key" "$edgectl" model push digits v1.0.0 "$work/theirs" --bundle "$work/bundle" \
    --pub "$work/stranger.pub"
fails "not digits v2" "$edgectl" model push digits v2 "$work/theirs" --bundle "$work/bundle" --pub "$work/key.pub"
push >/dev/null 2>&1
"$edgectl" model show digits v1.0.0 -o json |
    "$2" -c 'import json, sys; sys.exit(json.load(sys.stdin)["bundle"] != open(sys.argv[1]).read())' "$work/bundle"
checks=$((checks + 1))

# --- A recovery key in the token signs key sets; the controller relays them. ---
recovery="pkcs11:token=release;object=recovery?pin-source=$work/pin"
"$edgectl" key generate "$recovery" --pub "$work/recovery.pub" >/dev/null
"$edgectl" key rotate "$work/keys" --recovery-key "$recovery" --add "$work/key.pub" --add "$work/token.pub" >/dev/null 2>&1
"$edgectl" key revoke "$work/keys" --recovery-key "$recovery" --key "$work/key.pub" >/dev/null 2>&1
"$edgectl" key publish "$work/keys" >/dev/null
fails "publishers revoked" "$edgectl" model push digits v1.0.0 "$work/theirs" --key "$work/key"
"$edgectl" key export "$work/exported" >/dev/null
cmp "$work/keys" "$work/exported"
checks=$((checks + 1))

echo "$checks checks: signatures of directories and single files agree both ways; what was tampered with is refused by both"
