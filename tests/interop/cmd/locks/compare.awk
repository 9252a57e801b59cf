# SPDX-License-Identifier: BSD-3-Clause
#
# compare.awk THEIRS OURS: "pprof -raw" of two mutex profiles of one run: fails unless the totals are within a tenth and each stack above
# a twentieth of it within a fifth.  Stacks are compared by function from the first frame outside of the runtime and sync, and
# the runtime's own locks are left out.
FNR == 1 { part = ""; n = 0 }
/^Samples:/ { part = "samples"; next }
/^Locations/ { part = "locations"; next }
/^Mappings/ { part = ""; flush_file() }
part == "samples" && /^ *[0-9]+ +[0-9]+:/ {
	split($0, half, ":")
	split(half[1], value, " ")
	delay[++n] = value[2]
	stack[n] = half[2]
}
# A location has a line for each call that was inlined there.
part == "locations" {
	at = 1
	if ($1 ~ /^[0-9]+:$/) {
		id = $1
		sub(/:/, "", id)
		funcs[id] = ""
		at = 3
	}
	while ($at ~ /^M=/)
		at++
	funcs[id] = funcs[id] " " $at
}
function flush_file(    i, k, m, c, ids, f, all, own, key) {
	who = FILENAME == ARGV[1]
	for (i = 1; i <= n; i++) {
		all = ""
		m = split(stack[i], ids, " ")
		for (k = 1; k <= m; k++)
			all = all funcs[ids[k]]
		m = split(all, f, " ")
		own = f[1] ~ /^runtime\./
		key = ""
		for (k = 1; k <= m; k++)
			if (f[k] ~ /^(sync|internal\/sync)\./)
				own = 0
			else if (f[k] !~ /^runtime\./)
				key = key " " f[k]
		if (own)
			continue
		ns[who, key] += delay[i]
		total[who] += delay[i]
		keys[key]
	}
	n = 0
}
END {
	off = total[1] ? total[0] / total[1] - 1 : 9
	printf "total %.0f %.0f, %+.1f%%\n", total[1], total[0], 100 * off
	bad = off > 0.1 || off < -0.1
	for (key in keys) {
		if (ns[1, key] < total[1] / 20)
			continue
		off = ns[0, key] / ns[1, key] - 1
		printf "%+.1f%%%s\n", 100 * off, key
		bad = bad || off > 0.2 || off < -0.2
	}
	exit bad
}
