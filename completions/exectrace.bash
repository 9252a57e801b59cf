# SPDX-License-Identifier: BSD-3-Clause
#
# Bash completion for trace-record, trace-stat, trace-cut, trace-pprof and trace-print.
#
# A command's options are those that its --help explains, so they are always the ones it has, and what an option takes is known by
# the word behind it there.  Only the words that can be a value are listed here.

# The words of $2, the long name of an option of command $1 (or "operand", the first word that is no option).
_exectrace_words()
{
	case $1:$2 in
	trace-print:--time) echo absolute relative wall ;;
	trace-print:--color) echo auto always never ;;
	trace-print:--kind)
		echo Sync Metric Label StackSample RangeBegin RangeActive RangeEnd TaskBegin TaskEnd RegionBegin RegionEnd Log \
			StateTransition Experimental ;;
	trace-stat:--by) echo function goroutine thread proc reason task region generation ;;
	trace-stat:--csv)
		echo function goroutine thread proc reason task region generation trace state latency utilization range wait sample event ;;
	trace-stat:--sort)
		echo name running runnable syscall waiting running_p50 running_p99 runnable_p50 runnable_p99 syscall_p50 syscall_p99 \
			waiting_p50 waiting_p99 ;;
	trace-pprof:--sample) echo time count ;;
	trace-pprof:--label) echo state reason goroutine thread task region lock none all ;;
	trace-pprof:operand) echo net sync syscall sched block mutex cpu wall ;;
	esac
}

# The options of command $1: a line for each, its names and what it takes: "-o --output FILE", "--color [WHEN]", "--all".
_exectrace_options()
{
	"$1" --help 2>/dev/null | sed -n '
		s/^ \{1,8\}\(-.*\)/\1/
		t option
		d
		:option
		s/  .*//
		s/, / /
		s/\[=\(.*\)\]$/ [\1]/
		s/=/ /
		p'
}

# Looks for option $2 of command $1, short or long; sets name to its long name and takes to what it takes.
_exectrace_find()
{
	local line word
	name= takes=
	while read -r line; do
		for word in $line; do
			[[ $word == "$2" ]] || continue
			for word in $line; do
				case $word in
				--*) name=$word ;;
				-*) ;;
				*) takes=$word ;;
				esac
			done
			return 0
		done
	done < <(_exectrace_options "$1")
	return 1
}

# Lets COMPREPLY be those of the words $2... that begin as $1 does; of a list with commas its last part is completed.
_exectrace_reply()
{
	local cur=$1 head=
	shift
	if [[ $cur == *,* ]]; then
		head=${cur%,*},
		cur=${cur##*,}
	fi
	mapfile -t COMPREPLY < <(compgen -P "$head" -W "$*" -- "$cur")
}

_exectrace_files()
{
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# Sets operand to how many words before the present one are no options and no options' values; ended to whether "--" is among them.
_exectrace_operands()
{
	local i word
	operand=0 ended=
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [[ -z $ended && $word == -- ]]; then
			ended=yes
		elif [[ -n $ended || $word != -?* ]]; then
			operand=$((operand + 1))
		elif [[ ${COMP_WORDS[i + 1]} == = ]]; then
			i=$((i + 2))
		elif _exectrace_find "$1" "$word" && [[ -n $takes && $takes != '['* ]]; then
			i=$((i + 1))
		fi
	done
}

_exectrace()
{
	local command=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} prev= attached= name= takes= operand ended words
	local base=${command##*/}

	COMPREPLY=()
	[[ $COMP_CWORD -lt 2 ]] || prev=${COMP_WORDS[COMP_CWORD - 1]}
	# Bash takes --option=value apart.
	if [[ $cur == = ]]; then
		attached=$prev cur=
	elif [[ $prev == = ]]; then
		attached=${COMP_WORDS[COMP_CWORD - 2]} prev=
	fi
	_exectrace_operands "$command"
	# What is recorded has options of its own.
	if [[ $base == trace-record && $operand -gt 0 ]]; then
		_exectrace_files "$cur"
		return
	fi
	if [[ -z $ended ]] && { [[ -n $attached ]] && _exectrace_find "$command" "$attached" ||
		{ [[ $prev == -* ]] && _exectrace_find "$command" "$prev" && [[ $takes != '['* ]]; }; } && [[ -n $takes ]]; then
		words=$(_exectrace_words "$base" "$name")
		if [[ -n $words ]]; then
			_exectrace_reply "$cur" $words
		elif [[ $takes == FILE || $takes == OUT || $takes == TRACE ]]; then
			_exectrace_files "$cur"
		fi
		return
	fi
	if [[ -z $ended && $cur == -* ]]; then
		words=$(_exectrace_options "$command" | tr ' ' '\n' | grep -e '^--')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		return
	fi
	words=
	[[ $operand -gt 0 ]] || words=$(_exectrace_words "$base" operand)
	if [[ -n $words ]]; then
		_exectrace_reply "$cur" $words
	elif [[ $base == trace-record && $cur != */* ]]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
	else
		_exectrace_files "$cur"
	fi
}

complete -F _exectrace trace-record trace-stat trace-cut trace-pprof trace-print
