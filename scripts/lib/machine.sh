# What scripts need of the machine: packages, a Swift toolchain, a Python environment, Prometheus and Alertmanager.
# To be sourced; `root` is the checkout. Everything that is made stays below .build-tools in it.

tools="$root/.build-tools"

say() { printf '%s\n' "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Debian packages to build with, each with its reason.
build_packages="
libmicrohttpd-dev     the controller's HTTP server
libgnutls28-dev       its TLS
libcurl4-openssl-dev  every outgoing request of agent and edgectl
libssl-dev            digests, signatures and keys
libsqlite3-dev        the embedded database
libpq-dev             PostgreSQL as the database instead
zlib1g-dev            compressed answers
libyaml-dev           the configuration of an agent
pkg-config            finds the libraries above
git                   fetches the Swift packages
python3               the example runtime, the scripts
"

# Debian packages that only tests need.
test_packages="
softhsm2              a PKCS #11 token that keys are made and used in
postgresql            a private database server; Debian's own cluster is neither used nor needed
"

# Debian packages that only checks need.
check_packages="
chromium              opens reports as their readers do
"

is_installed() { dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# A command that comes from elsewhere than its package is as good.
is_there() {
    case "$1" in
        git | python3 | chromium) command -v "$1" >/dev/null ;;
        python3-venv) python3 -c 'import venv, ensurepip' 2>/dev/null ;;
        *) is_installed "$1" ;;
    esac
}

# Installs what is missing of a list "package  reason"; without root says the one command that does it, and stops.
need_packages() {
    command -v dpkg-query >/dev/null || fail "this script installs Debian packages, and there is no dpkg here; see README.md"
    local name reason missing=() told=()
    while read -r name reason; do
        [ -n "$name" ] || continue
        is_there "$name" && continue
        missing+=("$name")
        told+=("$(printf '  %-22s %s' "$name" "$reason")")
    done <<<"$1"
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Debian packages that are missing:"
    printf '%s\n' "${told[@]}"
    local command="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        say "" "Installing them needs root. Run this once, then this script again:"
        say "" "  sudo sh -c '$command'"
        exit 1
    fi
    say "installing them ..."
    DEBIAN_FRONTEND=noninteractive sh -c "$command" >"$tools/apt.log" 2>&1 ||
        fail "apt-get failed; $tools/apt.log ends with: $(tail -n 2 "$tools/apt.log")"
}

need_swift() {
    command -v swift >/dev/null ||
        fail "there is no Swift toolchain; install Swift 6.2 or newer (swift.org/install) and put it on PATH"
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+)\.([0-9]+).*/\1 \2/p' | head -n 1)
    set -- $version
    [ "${1:-0}" -gt 6 ] || { [ "${1:-0}" -eq 6 ] && [ "${2:-0}" -ge 2 ]; } ||
        fail "Swift ${1:-?}.${2:-?} is too old; install Swift 6.2 or newer (swift.org/install)"
}

# A Python environment of its own with the packages of these requirements files; `python` is its interpreter.
python_environment() {
    need_packages "python3-venv  an environment of its own for the Python packages"
    python="$tools/python/bin/python"
    if [ ! -x "$python" ]; then
        say "making a Python environment ..."
        python3 -m venv "$tools/python" || fail "python3 -m venv failed"
    fi
    local requirements stamp
    for requirements in "$@"; do
        stamp="$tools/python/$(printf '%s' "${requirements#"$root"/}" | tr / _)"
        cmp -s "$requirements" "$stamp" && continue
        say "installing the Python packages of ${requirements#"$root"/} into it ..."
        "$python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >"$tools/pip.log" 2>&1 ||
            fail "pip failed; $tools/pip.log ends with: $(tail -n 2 "$tools/pip.log")"
        cp "$requirements" "$stamp"
    done
}

# Prometheus and Alertmanager, unpacked from their packages and never installed: no service comes with them.
# `servers` is the directory of prometheus, promtool, prometheus-alertmanager and amtool.
monitoring_servers() {
    servers="$tools/monitoring/usr/bin"
    [ -x "$servers/prometheus" ] && [ -x "$servers/prometheus-alertmanager" ] && return 0
    say "unpacking Prometheus and Alertmanager from their Debian packages (nothing is installed, no service starts) ..."
    rm -rf "$tools/monitoring"
    mkdir -p "$tools/monitoring/packages"
    if ! (cd "$tools/monitoring/packages" && apt-get download prometheus prometheus-alertmanager) >"$tools/apt.log" 2>&1; then
        [ "$(id -u)" -eq 0 ] || fail "apt-get has no package lists; run: sudo apt-get update"
        apt-get update >"$tools/apt.log" 2>&1 &&
            (cd "$tools/monitoring/packages" && apt-get download prometheus prometheus-alertmanager) >>"$tools/apt.log" 2>&1 ||
            fail "apt-get failed; $tools/apt.log ends with: $(tail -n 2 "$tools/apt.log")"
    fi
    local package
    for package in "$tools"/monitoring/packages/*.deb; do dpkg -x "$package" "$tools/monitoring"; done
    # Debian's Alertmanager reads its templates from a fixed place that only an installation has. The copy gets a relative
    # path of the same length instead, and is started in usr/share/prometheus.
    LC_ALL=C sed -i 's|/usr/share/prometheus/alertmanager|./././././././././././alertmanager|g' \
        "$servers/prometheus-alertmanager"
    rm -rf "$tools/monitoring/packages"
}

# Builds the three programs and leaves their directory in `programs`.
build_programs() {
    local configuration="$1" log="$tools/build-$1.log" started=$SECONDS
    say "building edge-controller, edge-agent and edgectl ($configuration; the first time takes some minutes) ..."
    if [ -t 1 ]; then
        swift build --package-path "$root" -c "$configuration" || fail "the build failed"
    else
        swift build --package-path "$root" -c "$configuration" >"$log" 2>&1 ||
            { grep -E 'error:' "$log" | sort -u | head -n 20 >&2; fail "the build failed; see $log"; }
    fi
    programs=$(swift build --package-path "$root" -c "$configuration" --show-bin-path)
    say "built in $((SECONDS - started)) s"
}

mkdir -p "$tools"
