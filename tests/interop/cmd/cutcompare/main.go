// SPDX-License-Identifier: BSD-3-Clause

// Cutcompare compares slices of a trace with their windows of it, as Go's reader sees both.
//
//	cutcompare TRACE SLICE...
//
// A slice's name is NUMBER_FROM_TO.slice, the window in nanoseconds of the trace's clock.  Every event of the window must be in the
// slice, in its place, and print the same; what the slice has beyond may only stand outside the window and tell what is alive.
// The slice's Syncs show the experimental batches of the generations that the window has a part of.
package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/exp/trace"
)

type seen struct {
	time         int64
	text         string
	border       bool // it may stand outside the window
	loose        bool // it may say less in a slice
	syscallEnd   bool // the end of a goroutine in a syscall
	newProcessor bool
}

func see(ev trace.Event) seen {
	s := seen{time: int64(ev.Time()), text: ev.String()}
	switch ev.Kind() {
	case trace.EventStateTransition:
		st := ev.StateTransition()
		if st.Resource.Kind == trace.ResourceGoroutine {
			from, to := st.Goroutine()
			s.border = from == trace.GoUndetermined
			s.syscallEnd = from == trace.GoSyscall && to == trace.GoNotExist
		} else {
			from, _ := st.Proc()
			s.border = from == trace.ProcUndetermined
			s.newProcessor = from == trace.ProcNotExist
		}
	case trace.EventRangeActive:
		s.border = true
	case trace.EventRangeBegin:
		s.border = strings.HasPrefix(ev.Range().Name, "stop-the-world")
	case trace.EventTaskEnd:
		s.loose = true
	}
	return s
}

// generation is what a Sync shows: when, and the experimental batches.
type generation struct {
	time    int64
	batches string
}

func read(path string) (list []seen, gens []generation, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r, err := trace.NewReader(f)
	if err != nil {
		return nil, nil, err
	}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			return list, gens, nil
		}
		if err != nil {
			return list, gens, err
		}
		if ev.Kind() != trace.EventSync {
			list = append(list, see(ev))
			continue
		}
		g := generation{time: int64(ev.Time())}
		for name, batches := range ev.Sync().ExperimentalBatches {
			for _, b := range batches {
				g.batches += fmt.Sprintf("%s %d %q\n", name, b.Thread, b.Data)
			}
		}
		gens = append(gens, g)
	}
}

// batches are those of the generations that a window has a part of; a slice ends with a Sync or two that begin none.
func batches(gens []generation, from, to int64) (list []string) {
	for i, g := range gens {
		if g.time < to && (i+1 == len(gens) || gens[i+1].time > from) && g.batches != "" {
			list = append(list, g.batches)
		}
	}
	return list
}

func agrees(whole, slice seen) bool {
	if whole.text == slice.text {
		return true
	}
	if whole.time != slice.time {
		return false
	}
	return whole.loose && slice.loose || whole.syscallEnd && slice.syscallEnd || whole.newProcessor && slice.border
}

func compare(whole []seen, gens []generation, path string) (int, error) {
	parts := strings.Split(strings.TrimSuffix(filepath.Base(path), ".slice"), "_")
	from, _ := strconv.ParseInt(parts[1], 10, 64)
	to, _ := strconv.ParseInt(parts[2], 10, 64)
	slice, sliceGens, err := read(path)
	if err != nil {
		return 0, err
	}
	want, got := batches(gens, from, to), batches(sliceGens, 0, math.MaxInt64)
	if !slices.Equal(want, got) {
		return 0, fmt.Errorf("experimental batches of %d generations, not %d, or others", len(got), len(want))
	}
	compared += len(want)
	n := 0
	for len(slice) > 0 && slice[0].time < from {
		if !slice[0].border {
			return n, fmt.Errorf("before the window: %s", slice[0].text)
		}
		slice = slice[1:]
	}
	for _, w := range whole {
		if w.time < from || w.time >= to {
			continue
		}
		if len(slice) == 0 {
			return n, fmt.Errorf("missing: %s", w.text)
		}
		if !agrees(w, slice[0]) {
			return n, fmt.Errorf("differs:\n%s\n%s", w.text, slice[0].text)
		}
		slice = slice[1:]
		n++
	}
	for _, s := range slice {
		if s.time < to || !s.border {
			return n, fmt.Errorf("too many: %s", s.text)
		}
	}
	return n, nil
}

var compared int

func main() {
	whole, gens, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "cutcompare:", os.Args[1], err)
		os.Exit(1)
	}
	events := 0
	for _, path := range os.Args[2:] {
		n, err := compare(whole, gens, path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "cutcompare: %s of %s: %v\n", path, os.Args[1], err)
			os.Exit(1)
		}
		events += n
	}
	fmt.Printf("%d windows, %d events in them, %d generations with experiments\n", len(os.Args)-2, events, compared)
}
