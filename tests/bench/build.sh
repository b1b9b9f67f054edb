#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# usage: build.sh COMPILER DIR
# Builds the program speed in DIR, at -O2 and with lines for callgrind, which change no code.
# Exit code: 0 built, 2 not; what tools said is shown then.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd) || exit 2
[ $# = 2 ] || { sed -n 's/^# usage/usage/p' "$0" >&2; exit 2; }
mkdir -p "$2" || exit 2
log=$2/build.log
{
    if [ -f "$2/build.ninja" ]; then
        true
    else
        CC=$1 meson setup "$2" "$here" -Dtests=enabled -Dtestkit=enabled -Dcriterion=false \
            -Dbuildtype=release -Doptimization=2 -Ddebug=true
    fi && ninja -C "$2" tests/bench/speed
} >"$log" 2>&1 && exit 0
tail -n 20 "$log" >&2
echo "tests/bench: the build in $2 failed; is it of another compiler or tree? Then remove it" >&2
exit 2
