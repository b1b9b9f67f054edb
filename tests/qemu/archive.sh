# SPDX-License-Identifier: BSD-2-Clause
# Sourced by qemu10 and qemu11: where this machine's apt gets its own release from, so that no host
# is named here.
#
#   uiommu_archive   sets release, uri and key; 1 where there is none: why is in uiommu_why

uiommu_archive() {
    uiommu_why=
    # shellcheck disable=SC1091
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    if [ -z "$release" ]; then
        uiommu_why="/etc/os-release has no VERSION_CODENAME"
        return 1
    fi
    read -r uri key <<END || true
$(uiommu_stanza "$release" | head -n 1)
END
    if [ -z "$uri" ]; then
        uiommu_why="apt here has no archive of $release to derive another suite's from"
        return 1
    fi
    [ -n "$key" ] || key=/usr/share/keyrings/debian-archive-keyring.gpg
    if [ ! -r "$key" ]; then
        uiommu_why="no keyring $key"
        return 1
    fi
}

# URI and keyring. In .sources files a stanza, in .list files a line; the first that is the
# release's main part (no -security, no -updates alone, nobody else's).
uiommu_stanza() {
    cat /dev/null /etc/apt/sources.list.d/*.sources 2>/dev/null | awk -v r="$1" 'BEGIN { RS = "" } {
        uri = key = ""; ok = 0; n = split($0, line, "\n")
        for (i = 1; i <= n; i++) {
            m = split(line[i], word, /[ \t]+/)
            if (word[1] == "URIs:") uri = word[2]
            if (word[1] == "Signed-By:") key = word[2]
            if (word[1] == "Suites:") for (j = 2; j <= m; j++) if (word[j] == r) ok = 1
        }
        if (ok && uri != "") { print uri, key; exit }
    }'
    cat /dev/null /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | awk -v r="$1" '
        $1 == "deb" {
            i = 2; key = ""
            if ($2 ~ /^\[/) {
                while ($i !~ /\]$/) i++
                i++
                if (match($0, /signed-by=[^] ]*/)) key = substr($0, RSTART + 10, RLENGTH - 10)
            }
            if ($(i + 1) == r) { print $i, key; exit }
        }'
}
