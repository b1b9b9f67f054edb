#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: prove_cbmc.sh --get PREFIX | --version PREFIX | --run PREFIX DIR OUT [VARIANT] | --all PREFIX OUT
# Gets the bounded model checker CBMC, and runs proofs (tests/proof/<name>/harness.c, proof.conf) with it.
#
# Debian 12 has no CBMC, and Debian 13's needs a newer libc. So its packages, signed and fetched by
# apt from the archive that this machine uses anyway, are unpacked below PREFIX together with their
# libraries, and run through that libc's loader. Nothing is installed.
#
# --get      0: usable; 77: cannot be had here, one line says why.
# --run      0: verification successful; 10: failed; 77: skipped, one line says why; else: the
#            proof itself is broken. Last line: vccs=N steps=M.
# --all      every proof and variant below tests/proof one after the other, with a table.
#
# proof.conf: key=value a line, # comments; keys that count here:
#   sources=   C files below the root that are proved, beside harness.c; "" if the harness includes them
#   unwind=    bound of every loop (default 1); unwindset=  loop:bound,... ; flags=  more for cbmc
#   checks=    which of the checks below, "default" or a list without dashes; nocheck= left out
#   variant=   NAME:EXPECT:-DDEFINES...  another run of the same harness
set -eu

packages="cbmc minisat libc6 libstdc++6 libgcc-s1 zlib1g"
suite=trixie
# -conversion- is for proofs that ask: cutting values is what encoders do.
default_checks="bounds pointer signed-overflow unsigned-overflow div-by-zero undefined-shift pointer-overflow"

root=$(cd "$(dirname "$0")/../.." && pwd)

skip() {
    printf '%s\n' "$1"
    exit 77
}

# URI and key of the Debian archive this machine uses, in "URI KEY".
archive() {
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

case ${1:-} in
--get) get "$2" ;;
--version) "$2/bin/cbmc" --version ;;
esac
