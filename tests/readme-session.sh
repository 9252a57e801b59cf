#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# readme-session.sh - the commands of README.md's session do what it says: the statistics have the tables it shows, the mutex profile
# finds the lock that slows examples/pargrep down, and without it the output is the same.  Figures are not compared.
set -u
src=$(cd "${top_srcdir:-.}" && pwd)
bin=$(cd "${top_builddir:-.}" && pwd)
[ -x "$bin/examples/pargrep" ] && [ -x "$bin/trace-pprof" ] || { echo "not everything is built here"; exit 77; }
[ -d /usr/include ] || exit 77
# All of /usr/include takes sanitizers many minutes, and what they would see there is in smaller tests.
[ -z "${SANITIZERS:-}" ] || { echo "too slow with sanitizers"; exit 77; }
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 99
LC_ALL=C COLUMNS=100
export LC_ALL COLUMNS
bad=0
fail() { echo "FAIL: $*"; bad=1; }

sed -n '/^## A session/,/^## /p' "$src/README.md" >session
sed -n 's/^    \$ //p' session >commands
[ "$(wc -l <commands)" -ge 6 ] || fail "the session has few commands: $(cat commands)"
# The shell stands in the build folder there; its first line sets PATH.
sed -i "1s|\$PWD|$bin|g" commands
grep -q "^PATH=$bin:$bin/examples:" commands || fail "PATH is not set"
n=0
while read -r line; do
	n=$((n + 1))
	echo "$line" >>script
	case $line in
	trace-*) sh script >out 2>err || fail "$line: $(cat err)" ;;
	esac
	sed -i '/^trace-/d' script
	case $line in
	trace-*) cp out "$(echo "$line" | sed -n 's/^\(trace-[a-z]* [-a-z]*\).*/\1/p' | tr -d ' ')" ;;
	esac
done <commands
# What is in backquotes, and what ./bootstrap runs.
sed -n 's/.*`\(trace-cut [^`]*\)`.*/\1/p; s/.*`\(trace-pprof wall [^`]*\)`.*/\1/p' session >more
[ "$(wc -l <more)" -eq 2 ] || fail "other commands in the text: $(cat more)"
while read -r line; do
	{ cat script; echo "$line"; } >one
	sh one >out 2>err || fail "$line: $(cat err)"
done <more
"$bin/trace-stat" slice.trace >/dev/null || fail "the slice"
grep -q '<svg' wall.svg || fail "the flame graph"
while read -r line; do
	case $line in
	trace-*) grep -qF "$(echo "$line" | sed 's| /usr/include.*||')" "$src/bootstrap" || fail "./bootstrap demo does not have: $line" ;;
	esac
done <commands

# The headings that README shows.
sed -n '/\$ trace-stat pargrep/,/\$ trace-pprof/p' session | sed -n 's/^    \([A-Z][A-Za-z ,]*\).*/\1/p' >headings
[ "$(wc -l <headings)" -ge 4 ] || fail "headings: $(cat headings)"
while read -r heading; do
	grep -q "^$heading" trace-statpargrep || fail "no $heading"
done <headings
sed -n 's/^    \(  count  running .*\)/\1/p' session >head
grep -qxF "$(cat head)" trace-statpargrep || fail "other columns of functions: $(grep '^  count  running' trace-statpargrep)"
# Whose lock it is, if anybody had to wait for it this time.
case $(sed -n 1p trace-pprofmutex) in
"mutex: 0 "*) ;;
*) grep -q ' table_add$' trace-pprofmutex || fail "the lock is not found: $(cat trace-pprofmutex)" ;;
esac
grep -q '^[0-9]* changed, ' trace-stat--diff || fail "no comparison"
[ -s matches.txt ] && cmp matches.txt once.txt || fail "pargrep -s prints something else"
exit $bad
