# shellcheck shell=bash
# What the scripts with tables of whole jobs share, for `source`: the project's root, the binary, and medians.
set -euo pipefail
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
MILLSTREAM=${MILLSTREAM:-${CARGO_TARGET_DIR:-$ROOT/target}/release/millstream}
die() { echo "$*" >&2; exit 1; }
[ -x "$MILLSTREAM" ] || die "no binary at $MILLSTREAM; build it with:  cargo build --release"
/usr/bin/time -f %M true 2>/dev/null || die "GNU time is needed at /usr/bin/time (package: time)"

median() { # of the numbers of standard input, one a line
  sort -g | awk -v OFMT=%.12g '{ value[NR] = $1 } END { if (NR % 2) print value[(NR + 1) / 2]; else if (NR) { a = value[NR / 2]; b = value[NR / 2 + 1]; print a == b ? a : (a + b) / 2 } }'
}
