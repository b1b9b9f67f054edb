#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: prove_cbmc.sh --get PREFIX
#        prove_cbmc.sh --version PREFIX
#        prove_cbmc.sh --run PREFIX DIR OUT [VARIANT]
#        prove_cbmc.sh --all PREFIX OUT
# Gets the bounded model checker CBMC, and runs proofs with it: tests/proof/NAME/prove_NAME.c.
#
# Debian 12 has no CBMC, and Debian 13's needs a newer libc. So its packages, signed and fetched by
# apt from the archive that this machine uses anyway, are unpacked below PREFIX together with their
# libraries, and run through that libc's loader. Nothing is installed.
#
# --get   0: usable; 77: cannot be had here, one line says why.
# --run   0: verification successful; 10: failed; 77: skipped, one line says why; else: the proof
#         itself is broken. Last line: vccs=N steps=M. The log is OUT/log.
# --all   every proof and variant, one after the other, with a table. 0: all as expected.
#
# proof.conf, one key=value a line, # for comments. Beside property, bounds, expect, seconds:
#   sources=  C files below the root that are linked to the harness
#   unwind=   bound of every loop, 1 where it is missing; flags= more for cbmc
#   nocheck=  of the checks below, those that are left out, with the reason in a comment
#   variant=NAME:EXPECT:FLAGS  a further run of the same harness
#   given=FILE SED       FILE is taken as SED changes it: a table made small. Repeatable
#   break.NAME=FILE SED  the same in that variant alone: one line that must matter
set -euf

packages="cbmc minisat libc6 libstdc++6 libgcc-s1 zlib1g"
suite=trixie
checks="bounds pointer pointer-overflow div-by-zero undefined-shift signed-overflow
unsigned-overflow"

root=$(cd "$(dirname "$0")/../.." && pwd)

skip() {
    printf '%s\n' "$1"
    exit 77
}

# URI and key of the Debian archive this machine uses, in "URI KEY".
archive() {
    set +f
    for f in /etc/apt/sources.list.d/*.sources; do
        [ -s "$f" ] || continue
        awk 'BEGIN { RS = "" } {
            uri = key = ""; ok = 0; n = split($0, line, "\n")
            for (i = 1; i <= n; i++) {
                m = split(line[i], word, /[ \t]+/)
                if (word[1] == "URIs:") uri = word[2]
                if (word[1] == "Signed-By:") key = word[2]
                if (word[1] == "Suites:") for (j = 2; j <= m; j++) if (word[j] == "bookworm") ok = 1
            }
            if (ok && uri != "") { print uri, key; exit } }' "$f"
    done | head -n 1
}

archive_old() {
    set +f
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        awk '$1 == "deb" { i = 2; if ($2 ~ /^\[/) { while ($i !~ /\]$/) i++; i++ }
             if ($(i + 1) == "bookworm") { print $i, "/usr/share/keyrings/debian-archive-keyring.gpg"; exit } }'
}

usable() {
    [ -x "$1/bin/cbmc" ] && "$1/bin/cbmc" --version >/dev/null 2>&1
}

get() {
    prefix=$1
    usable "$prefix" && return 0
    [ "$(uname -m)" = x86_64 ] || skip "CBMC is fetched for x86-64 only"
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || skip "no apt-get here to get CBMC"
    set -- $(archive)
    [ $# -ge 1 ] || set -- $(archive_old)
    [ $# -ge 1 ] || skip "apt knows no Debian 12 archive here to get CBMC from"
    rm -rf "$prefix.new"
    mkdir -p "$prefix.new/apt/lists/partial" "$prefix.new/apt/archives/partial" "$prefix.new/deb"
    prefix=$(cd "$(dirname "$prefix")" && pwd)/$(basename "$prefix")
    new=$prefix.new
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n%s' "$1" "$suite" \
        "${2:+Signed-By: $2
}" >"$new/apt/$suite.sources"
    : >"$new/apt/status"
    apt="apt-get -q -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts=$new/apt
         -o Dir::Etc::PreferencesParts=/dev/null -o Dir::Etc::Preferences=/dev/null
         -o Dir::State::Lists=$new/apt/lists -o Dir::State::status=$new/apt/status
         -o Dir::Cache=$new/apt -o APT::Sandbox::User=$(id -un) -o Acquire::Retries=1
         -o Acquire::Languages=none -o Acquire::http::Timeout=20"
    echo "getting CBMC from Debian's $suite ..." >&2
    (cd "$new/deb" && $apt -o APT::Update::Error-Mode=any update && $apt download $packages) \
        >"$new/log" 2>&1 || skip "CBMC could not be fetched (see $new/log)"
    set +f
    for deb in "$new"/deb/*.deb; do
        dpkg -x "$deb" "$new/root"
    done
    rm -rf "$new/deb" "$new/apt"
    mkdir "$new/bin"
    cat >"$new/bin/cbmc" <<END
#!/bin/sh
r=$prefix/root
exec "\$r/usr/lib64/ld-linux-x86-64.so.2" --library-path "\$r/usr/lib/x86_64-linux-gnu:\$r/lib/x86_64-linux-gnu:\$r/usr/lib" "\$r/usr/bin/cbmc" "\$@"
END
    chmod +x "$new/bin/cbmc"
    rm -rf "$prefix"
    mv "$new" "$prefix"
    usable "$prefix" || skip "CBMC was fetched but does not run below $prefix"
}

# Values of a key of a proof, one a line.
conf() {
    sed -n "s/^$2=//p" "$1/proof.conf"
}

# A tree as the sources see it, with a line of a file changed, maybe not the first one of it.
overlay() {
    out=$1 file=$2
    shift 2
    mkdir -p "$out/over/$(dirname "$file")"
    # Its neighbours as well: they name each other in quotes.
    find "$root/$(dirname "$file")" -maxdepth 1 -name '*.[ch]' \
        -exec cp -n {} "$out/over/$(dirname "$file")" ';'
    sed "$*" "$out/over/$file" >"$out/changed"
    if cmp -s "$out/over/$file" "$out/changed"; then
        echo "this changes nothing in $file: $*"
        exit 2
    fi
    mv "$out/changed" "$out/over/$file"
}

overlays() {
    dir=$1 into=$2 variant=$3
    conf "$dir" given >"$into/changes"
    [ -z "$variant" ] || conf "$dir" "break\.$variant" >>"$into/changes"
    while read -r file sed; do
        overlay "$into" "$file" "$sed"
    done <"$into/changes"
}

run() {
    prefix=$1 dir=$2 out=$3 variant=${4:-}
    name=$(basename "$dir")
    usable "$prefix" || skip "no CBMC below $prefix: run --get first"
    overlays "$dir" "$out" "$variant"
    set -- "$dir/prove_$name.c"
    for file in $(conf "$dir" sources); do
        from=$root
        [ ! -e "$out/over/$file" ] || from=$out/over
        set -- "$@" "$from/$file"
    done
    if [ -n "$variant" ]; then
        set -- "$@" $(conf "$dir" variant | sed -n "s/^$variant:[A-Z]*://p")
    fi
    set -- "$@" -I "$out/over" -I "$out/over/include" -I "$root" -I "$root/include" -I "$root/include/uiommu" \
        -I "$root/core" -I "$root/backends/smmuv3" -I "$root/backends/amd" -I "$root/backends/vtd" --function prove --no-standard-checks --no-malloc-may-fail \
        --unwind "$(conf "$dir" unwind | grep . || echo 1)" --unwinding-assertions \
        $(conf "$dir" flags)
    left=$(conf "$dir" nocheck)
    for check in $checks; do
        case " $left " in
        *" $check "*) ;;
        *) set -- "$@" "--$check-check" ;;
        esac
    done
    code=0
    "$prefix/bin/cbmc" "$@" >"$out/log" 2>&1 || code=$?
    if grep -E 'no body for (function|callee) ' "$out/log" | grep -v "'\?nondet_" >"$out/nobody"; then
        sed -n '1s/^/broken proof: /p' "$out/nobody"
        exit 2
    fi
    grep -E ': FAILURE$' "$out/log" | head -n 3 || true
    case $code in
    0) grep -q '^VERIFICATION SUCCESSFUL' "$out/log" || exit 3 ;;
    10) ;;
    *)
        tail -n 3 "$out/log"
        exit "$code"
        ;;
    esac
    # Where nothing is left to ask there are no such lines.
    awk "/^[*][*] [0-9]+ of [0-9]+ failed/ { v = \$4 } /VCC.s., / { v = \$2 } /size of program expression: / { m = \$5 }
         END { printf \"vccs=%d steps=%d\\n\", v, m }" "$out/log"
    exit "$code"
}

one() {
    prefix=$1 dir=$2 out=$3 variant=$4 expect=$5
    name=$(basename "$dir")${variant:+/$variant}
    mkdir -p "$out/$name.d"
    begin=$(date +%s)
    code=0
    ("$0" --run "$prefix" "$dir" "$out/$name.d" $variant) >"$out/$name.d/said" 2>&1 || code=$?
    took=$(($(date +%s) - begin))
    case $code:$expect in
    0:SUCCESS) verdict=PROVED ;;
    10:FAILED) verdict=FOUND ;;
    77:*) verdict=SKIPPED ;;
    *) verdict=FAILED bad=1 ;;
    esac
    printf '%-28s %-8s %4ds  %s\n' "$name" "$verdict" "$took" "$(tail -n 1 "$out/$name.d/said")"
}

all() {
    bad=0
    mkdir -p "$2"
    for conf in $(find "$root/tests/proof" -name proof.conf | sort); do
        dir=$(dirname "$conf")
        one "$1" "$dir" "$2" "" "$(conf "$dir" expect | grep . || echo SUCCESS)"
        for v in $(conf "$dir" variant | cut -d: -f1,2); do
            one "$1" "$dir" "$2" "${v%%:*}" "${v#*:}"
        done
    done
    return "$bad"
}

usage() {
    sed -n 's/^# \?//; 3,/^$/p' "$0"
}

case ${1:-}:$# in
--get:2) get "$2" ;;
--version:2) "$2/bin/cbmc" --version ;;
--run:4 | --run:5) run "$2" "$3" "$4" "${5:-}" ;;
--all:3) all "$2" "$3" ;;
--help:* | -h:*) usage ;;
*)
    usage >&2
    exit 64
    ;;
esac
