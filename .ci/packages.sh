# SPDX-License-Identifier: BSD-2-Clause
# Sourced by examples/run, tests/run and .ci/run: see that Debian packages are there.
#
#   uiommu_need PACKAGE...
#
# Returns 0 when all are installed. What is missing is installed where that is possible: as root
# on Debian 12. Elsewhere it says what is missing and ends the script with 2.

# Prints those of its arguments that are not installed.
uiommu_missing() {
    for uiommu_p in "$@"; do
        if command -v dpkg-query >/dev/null 2>&1; then
            # A package may be there for this architecture or for all of them.
            dpkg-query -W -f '${db:Status-Status}\n' "$uiommu_p" 2>/dev/null |
                grep -qx installed || printf '%s ' "$uiommu_p"
        else
            uiommu_tool "$uiommu_p" || printf '%s ' "$uiommu_p"
        fi
    done
}

# Without dpkg: is what the package is wanted for there? By its program or pkg-config file.
uiommu_tool() {
    case $1 in
        ninja-build) command -v ninja ;;
        clang) command -v clang ;;
        lld) command -v ld.lld ;;
        libcriterion-dev) pkg-config --exists criterion ;;
        libuv1-dev) pkg-config --exists libuv ;;
        libjson-c-dev) pkg-config --exists json-c ;;
        gcc-*-linux-gnu) command -v "${1#gcc-}-gcc" ;;
        graphviz) command -v dot ;;
        gnuplot-nox) command -v gnuplot ;;
        pkg-config | meson | gcc | g++ | doxygen | gcovr | valgrind | clang-format-14 | python3)
            command -v "$1" ;;
        *) return 1 ;;
    esac >/dev/null 2>&1
}

# Is this Debian 12?
uiommu_debian12() {
    [ -r /etc/os-release ] && (
        . /etc/os-release
        [ "${ID:-}" = debian ] && [ "${VERSION_ID:-}" = 12 ]
    )
}

uiommu_need() {
    uiommu_miss=$(uiommu_missing "$@")
    [ -z "$uiommu_miss" ] && return 0
    if ! uiommu_debian12 || [ "$(id -u)" != 0 ]; then
        echo "missing packages: $uiommu_miss" >&2
        echo "install them, or run this as root on Debian 12, where it does so itself" >&2
        exit 2
    fi
    echo "installing: $uiommu_miss"
    export DEBIAN_FRONTEND=noninteractive
    # gcc-multilib is never asked for: it removes the cross compilers. What -m32 needs comes in
    # through libc6-dev-i386 and lib32gcc-12-dev, without recommendations.
    # shellcheck disable=SC2086
    if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $uiommu_miss; } \
        >/tmp/uiommu-apt.$$ 2>&1; then
        tail -n 20 /tmp/uiommu-apt.$$ >&2
        rm -f /tmp/uiommu-apt.$$
        echo "could not install: $uiommu_miss" >&2
        exit 2
    fi
    rm -f /tmp/uiommu-apt.$$
}
