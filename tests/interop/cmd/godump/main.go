// SPDX-License-Identifier: BSD-3-Clause

// Godump prints a trace with Go's reader in the form of trace-print.
//
//	godump [-stacks] [-count] TRACE...
//
//	godump -cases
//
// With -cases it reads traces from standard input, each with its length before it as four bytes, low one first, and answers each
// with a line "EVENTS HASH VERDICT": how many events there were, FNV-1a over what would be printed with -stacks, and "ok", "error"
// or "panic".
//
// With -count it prints one line for each trace: its name, the number of delivered events, and "ok" or "error".
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"

	"golang.org/x/exp/trace"
)

func escape(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < 0x21 || c > 0x7e || c == '\\' {
			b = append(b, '\\', 'x', digits[c>>4], digits[c&15])
		} else {
			b = append(b, c)
		}
	}
	return b
}

func str(b []byte, name, s string) []byte {
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, '=')
	return escape(b, s)
}

func u64(b []byte, name string, v uint64) []byte {
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, '=')
	return strconv.AppendUint(b, v, 10)
}

func i64(b []byte, name string, v int64) []byte {
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, '=')
	return strconv.AppendInt(b, v, 10)
}

func task(b []byte, name string, id trace.TaskID) []byte {
	if id == trace.NoTask {
		return append(append(append(b, ' '), name...), "=-1"...)
	}
	return u64(b, name, uint64(id))
}

// Stack prints the frames of s, "-" for none.  A CPU sample's stack id is not checked while reading, and panics when it is used
// and names nothing: that is none, too.
func stack(b []byte, name string, s trace.Stack) (out []byte) {
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, '=')
	none := append(b, '-')
	defer func() {
		if recover() != nil {
			out = none
		}
	}()
	n := 0
	for f := range s.Frames() {
		if n > 0 {
			b = append(b, ';')
		}
		n++
		b = strconv.AppendUint(b, f.PC, 16)
		b = append(b, ':')
		b = escape(b, f.Func)
		b = append(b, ':')
		b = escape(b, f.File)
		b = append(b, ':')
		b = strconv.AppendUint(b, f.Line, 10)
	}
	if n == 0 {
		b = append(b, '-')
	}
	return b
}

func sync(b []byte, s trace.Sync) []byte {
	b = i64(b, "n", int64(s.N))
	if c := s.ClockSnapshot; c != nil {
		b = i64(b, "trace", int64(c.Trace))
		b = u64(b, "mono", c.Mono)
		b = append(b, fmt.Sprintf(" wall=%d.%09d", c.Wall.Unix(), c.Wall.Nanosecond())...)
	}
	var names []string
	for name := range s.ExperimentalBatches {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		sum := 0
		for _, batch := range s.ExperimentalBatches[name] {
			sum += len(batch.Data)
		}
		b = str(b, "exp", name)
		b = i64(b, "batches", int64(len(s.ExperimentalBatches[name])))
		b = i64(b, "bytes", int64(sum))
	}
	return b
}

func line(b []byte, e trace.Event, stacks bool) []byte {
	tstack := trace.NoStack
	b = strconv.AppendInt(b, int64(e.Time()), 10)
	b = append(b, ' ')
	b = append(b, e.Kind().String()...)
	b = i64(b, "g", int64(e.Goroutine()))
	b = i64(b, "p", int64(e.Proc()))
	b = i64(b, "m", int64(e.Thread()))
	switch e.Kind() {
	case trace.EventSync:
		b = sync(b, e.Sync())
	case trace.EventMetric:
		b = str(b, "name", e.Metric().Name)
		b = u64(b, "value", e.Metric().Value.Uint64())
	case trace.EventLabel:
		b = str(b, "label", e.Label().Label)
		b = str(b, "res", e.Label().Resource.String())
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		b = str(b, "name", e.Range().Name)
		b = str(b, "scope", e.Range().Scope.String())
		if e.Kind() == trace.EventRangeEnd {
			for _, a := range e.RangeAttributes() {
				b = append(b, " attr:"...)
				b = escape(b, a.Name)
				b = append(b, '=')
				b = strconv.AppendUint(b, a.Value.Uint64(), 10)
			}
		}
	case trace.EventTaskBegin, trace.EventTaskEnd:
		t := e.Task()
		b = task(b, "id", t.ID)
		b = task(b, "parent", t.Parent)
		b = str(b, "type", t.Type)
	case trace.EventRegionBegin, trace.EventRegionEnd:
		r := e.Region()
		b = task(b, "task", r.Task)
		b = str(b, "type", r.Type)
	case trace.EventLog:
		l := e.Log()
		b = task(b, "task", l.Task)
		b = str(b, "category", l.Category)
		b = str(b, "message", l.Message)
	case trace.EventStateTransition:
		t := e.StateTransition()
		b = str(b, "res", t.Resource.String())
		if t.Resource.Kind == trace.ResourceGoroutine {
			from, to := t.Goroutine()
			b = str(b, "from", from.String())
			b = str(b, "to", to.String())
		} else {
			from, to := t.Proc()
			b = str(b, "from", from.String())
			b = str(b, "to", to.String())
		}
		b = str(b, "reason", t.Reason)
		tstack = t.Stack
	case trace.EventExperimental:
		x := e.Experimental()
		b = str(b, "name", x.Name)
		b = str(b, "experiment", x.Experiment)
		for i, arg := range x.Args {
			b = u64(b, "arg:"+arg, x.ArgValue(i).Uint64())
		}
	}
	if stacks {
		b = stack(b, "stack", e.Stack())
		b = stack(b, "tstack", tstack)
	}
	return append(b, '\n')
}

// Dump prints the events of one trace to w, if that is not nil, and returns how many there were.
func dump(name string, w *bufio.Writer, stacks bool) (n int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r, err := trace.NewReader(bufio.NewReaderSize(f, 1<<20))
	if err != nil {
		return 0, err
	}
	// Printing what Go's reader let pass unchecked may panic.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var b []byte
	for {
		e, err := r.ReadEvent()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		n++
		if w != nil {
			b = line(b[:0], e, stacks)
			if _, err := w.Write(b); err != nil {
				return n, err
			}
		}
	}
}

// OneCase reads a trace from memory.
func oneCase(data []byte) (n int, hash uint64, verdict string) {
	defer func() {
		if p := recover(); p != nil {
			verdict = "panic"
		}
	}()
	hash = 14695981039346656037
	r, err := trace.NewReader(bytes.NewReader(data))
	if err != nil {
		return 0, hash, "error"
	}
	var b []byte
	for {
		e, err := r.ReadEvent()
		if err == io.EOF {
			return n, hash, "ok"
		}
		if err != nil {
			return n, hash, "error"
		}
		n++
		b = line(b[:0], e, true)
		for _, c := range b {
			hash = (hash ^ uint64(c)) * 1099511628211
		}
	}
}

func cases(in *bufio.Reader, out *bufio.Writer) {
	var head [4]byte
	var data []byte
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return
		}
		size := int(binary.LittleEndian.Uint32(head[:]))
		if cap(data) < size {
			data = make([]byte, size)
		}
		if _, err := io.ReadFull(in, data[:size]); err != nil {
			return
		}
		n, hash, verdict := oneCase(data[:size])
		fmt.Fprintf(out, "%d %016x %s\n", n, hash, verdict)
		out.Flush()
	}
}

func main() {
	stacks := flag.Bool("stacks", false, "add stacks")
	count := flag.Bool("count", false, "count events only; names of traces are read from standard input where none is given")
	many := flag.Bool("cases", false, "read many traces from standard input, and tell of each")
	flag.Parse()
	if *many {
		cases(bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriter(os.Stdout))
		return
	}
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	status := 0
	one := func(name string) {
		if *count {
			n, err := dump(name, nil, false)
			verdict := "ok"
			if err != nil {
				verdict = "error"
			}
			fmt.Fprintf(w, "%s %d %s\n", name, n, verdict)
			return
		}
		if _, err := dump(name, w, *stacks); err != nil {
			w.Flush()
			fmt.Fprintf(os.Stderr, "godump: %s: %v\n", name, err)
			status = 1
		}
	}
	for _, name := range flag.Args() {
		one(name)
	}
	if flag.NArg() == 0 {
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			one(lines.Text())
		}
	}
	w.Flush()
	os.Exit(status)
}
