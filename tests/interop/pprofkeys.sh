#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# pprofkeys.sh PROFILE: its samples as lines "COUNT NS FUNC:LINE FUNC:LINE ...", labels apart, sorted.
"${GO:-go}" tool pprof -raw "$1" 2>/dev/null | awk '
	/^Locations$/ { locations = 1; next }
	/^Mappings$/ { locations = 0; next }
	locations {
		id = $1; sub(/:$/, "", id)
		at = 3
		while ($at ~ /^M=/) at++
		n = split($(at + 1), part, ":")
		name[id] = $at ":" part[n]
		next
	}
	/^ *[0-9]+ +[0-9]+:/ {
		line = $0
		sub(/^ */, "", line)
		split(line, half, ":")
		split(half[1], value, " ")
		key = half[2]
		if (!(key in count)) order[++keys] = key
		count[key] += value[1]
		ns[key] += value[2]
	}
	END {
		for (i = 1; i <= keys; i++) {
			n = split(order[i], ids, " ")
			text = ""
			for (k = 1; k <= n; k++) text = text " " name[ids[k]]
			gsub(/ :0:0:s=0/, "", text)	# a frame that says nothing
			sumc[text] += count[order[i]]
			sumn[text] += ns[order[i]]
		}
		for (text in sumc) printf "%d %d%s\n", sumc[text], sumn[text], text
	}' | LC_ALL=C sort
