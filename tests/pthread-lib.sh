# SPDX-License-Identifier: BSD-3-Clause
# Sourced by the tests that record pthread programs: a folder of their own, what they call, and how they fail.
: "${top_srcdir:?}" "${top_builddir:?}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/exectrace-test.XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
record=$top_builddir/trace-record
stat=$top_builddir/trace-stat
ptload=$top_builddir/tests/ptload
# The recorder that was built, not an installed one.
EXECTRACE_PRELOAD=$top_builddir/.libs/exectrace-pthread.so
export EXECTRACE_PRELOAD
unset EXECTRACE LD_PRELOAD
failures=0
cd "$tmp" || exit 99

[ -f "$EXECTRACE_PRELOAD" ] || { echo "no recorder for this machine was built"; exit 77; }

# A sanitizer's runtime has to be the program's own: test-pthost and test-ptslots stand in for these tests then.
if nm -D "$EXECTRACE_PRELOAD" | grep -q 'U __[at]san_'; then
	echo "a recorder built with a sanitizer cannot be preloaded"
	exit 77
fi

fail() {
	echo "FAIL: $*"
	failures=$((failures + 1))
}

# expect STATUS COMMAND...: its output goes to out and err.  Nothing here takes a minute: that is a hang.
expect() {
	want=$1
	shift
	timeout 60 "$@" >out 2>err
	got=$?
	[ "$got" = "$want" ] || { fail "exit status $got, not $want: $*"; cat out err; }
}

# says TEXT: the last command's messages have it.
says() {
	grep -qF -- "$1" err || { fail "not said: $1"; cat err; }
}

# Builds Go's reader once, or leaves accept empty where it cannot be had.
accept=
if [ -n "${GO:-}" ]; then
	if (cd "$top_srcdir/tests/interop" && GOFLAGS="-mod=readonly -buildvcs=false" "$GO" build -o "$tmp/accept" ./cmd/accept) >go.log 2>&1; then
		accept=$tmp/accept
	fi
fi

# accepted TRACE...: by our reader and, where there is Go, by Go's.
accepted() {
	for trace in "$@"; do
		"$stat" "$trace" >stat.out 2>stat.err || { fail "$trace: $(cat stat.err)"; keep "$trace"; }
	done
	[ -z "$accept" ] || "$accept" "$@" >accept.out || { fail "$(cat accept.out)"; keep "$@"; }
}

# A trace that was refused is worth looking at.
keep() {
	mkdir -p "$top_builddir/tests/refused" && cp "$@" "$top_builddir/tests/refused/"
}

finish() {
	[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
	exit 0
}
