// SPDX-License-Identifier: BSD-3-Clause

// Command figures computes with Go's reader what "trace-stat --json" prints, and compares.
//
//	figures TRACE JSON
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"

	"golang.org/x/exp/trace"
)

type state struct {
	NS      int64 `json:"ns"`
	OpenNS  int64 `json:"open_ns"`
	Entered int64 `json:"entered"`
}

type tally struct {
	NS    int64 `json:"ns"`
	Count int64 `json:"count"`
}

type span struct {
	Begun int64 `json:"begun"`
	Ended int64 `json:"ended"`
	NS    int64 `json:"ns"`
}

type syscalls struct {
	tally
	OpenNS int64 `json:"open_ns"`
}

type figures struct {
	Version     string           `json:"version"`
	Generations int              `json:"generations"`
	Events      int              `json:"events"`
	Kinds       map[string]int   `json:"kinds"`
	Goroutines  int              `json:"goroutines"`
	Procs       int              `json:"procs"`
	Threads     int              `json:"threads"`
	StartNS     int64            `json:"start_ns"`
	EndNS       int64            `json:"end_ns"`
	DurationNS  int64            `json:"duration_ns"`
	GStates     map[string]state `json:"goroutine_states"`
	PStates     map[string]state `json:"proc_states"`
	Waiting     map[string]tally `json:"waiting_by_reason"`
	Runnable    map[string]tally `json:"runnable_by_reason"`
	Syscalls    syscalls         `json:"syscalls"`
	Ranges      map[string]tally `json:"ranges"`
	GCCycles    int              `json:"gc_cycles"`
	Tasks       map[string]span  `json:"tasks"`
	Regions     int              `json:"regions"`
	Logs        int              `json:"logs"`
	CPUSamples  int              `json:"cpu_samples"`
}

// stay is the present state of a goroutine or processor.
type stay struct {
	state  string
	since  int64
	reason string
}

type account struct {
	start  int64
	stays  map[int64]*stay
	states map[string]state
	onEnd  func(st *stay, ns int64)
}

func newAccount(start int64, onEnd func(*stay, int64)) *account {
	return &account{start: start, stays: map[int64]*stay{}, states: map[string]state{}, onEnd: onEnd}
}

func (a *account) end(st *stay, now int64, open bool) {
	if st.state == "NotExist" {
		return
	}
	s := a.states[st.state]
	s.NS += now - st.since
	if open {
		s.OpenNS += now - st.since
	}
	a.states[st.state] = s
	a.onEnd(st, now-st.since)
}

func (a *account) transition(id int64, from, to, reason string, now int64) {
	st := a.stays[id]
	if st == nil {
		st = &stay{state: from, since: now}
		if from == "Undetermined" {
			st.since = a.start
		}
		a.stays[id] = st
	}
	if from == to {
		return
	}
	a.end(st, now, false)
	if to == "NotExist" {
		delete(a.stays, id)
		return
	}
	s := a.states[to]
	s.Entered++
	a.states[to] = s
	if reason == "" {
		reason = "(from " + from + ")"
	}
	*st = stay{state: to, since: now, reason: reason}
}

func add(m map[string]tally, key string, ns int64) {
	t := m[key]
	t.Count++
	t.NS += ns
	m[key] = t
}

type rangeKey struct {
	name  string
	scope trace.ResourceID
}

type begun struct {
	at  int64
	typ string
}

func compute(r io.Reader) (*figures, error) {
	f := &figures{Kinds: map[string]int{}, Waiting: map[string]tally{}, Runnable: map[string]tally{},
		Ranges: map[string]tally{}, Tasks: map[string]span{}}
	var header [16]byte
	br := bufio.NewReaderSize(r, 1<<20)
	if h, err := br.Peek(16); err == nil {
		copy(header[:], h)
		f.Version = string(header[:7])
	}
	reader, err := trace.NewReader(br)
	if err != nil {
		return nil, err
	}
	gs, ps, ms := map[trace.GoID]bool{}, map[trace.ProcID]bool{}, map[trace.ThreadID]bool{}
	ranges := map[rangeKey]int64{}
	tasks := map[trace.TaskID]begun{}
	var g, p *account
	for {
		ev, err := reader.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		now := int64(ev.Time())
		if g == nil {
			f.StartNS = now
			g = newAccount(now, func(st *stay, ns int64) {
				switch st.state {
				case "Waiting":
					add(f.Waiting, st.reason, ns)
				case "Runnable":
					add(f.Runnable, st.reason, ns)
				case "Syscall":
					f.Syscalls.Count++
					f.Syscalls.NS += ns
				}
			})
			p = newAccount(now, func(*stay, int64) {})
		}
		f.EndNS = now
		f.Events++
		f.Kinds[ev.Kind().String()]++
		if ev.Kind() != trace.EventSync {
			gs[ev.Goroutine()], ps[ev.Proc()], ms[ev.Thread()] = true, true, true
		}
		switch ev.Kind() {
		case trace.EventStateTransition:
			st := ev.StateTransition()
			switch st.Resource.Kind {
			case trace.ResourceGoroutine:
				id := st.Resource.Goroutine()
				gs[id] = true
				from, to := st.Goroutine()
				g.transition(int64(id), from.String(), to.String(), st.Reason, now)
			case trace.ResourceProc:
				id := st.Resource.Proc()
				ps[id] = true
				from, to := st.Proc()
				p.transition(int64(id), from.String(), to.String(), st.Reason, now)
			}
		case trace.EventRangeBegin:
			ranges[rangeKey{ev.Range().Name, ev.Range().Scope}] = now
			if ev.Range().Name == "GC concurrent mark phase" {
				f.GCCycles++
			}
		case trace.EventRangeEnd:
			k := rangeKey{ev.Range().Name, ev.Range().Scope}
			if at, ok := ranges[k]; ok {
				add(f.Ranges, k.name, now-at)
				delete(ranges, k)
			}
		case trace.EventTaskBegin:
			t := ev.Task()
			s := f.Tasks[t.Type]
			s.Begun++
			f.Tasks[t.Type] = s
			tasks[t.ID] = begun{now, t.Type}
		case trace.EventTaskEnd:
			t := ev.Task()
			s := f.Tasks[t.Type]
			s.Ended++
			if b, ok := tasks[t.ID]; ok {
				s.NS += now - b.at
				delete(tasks, t.ID)
			}
			f.Tasks[t.Type] = s
		}
	}
	for _, a := range []*account{g, p} {
		for _, st := range a.stays {
			a.end(st, f.EndNS, true)
		}
	}
	delete(gs, trace.NoGoroutine)
	delete(ps, trace.NoProc)
	delete(ms, trace.NoThread)
	f.Goroutines, f.Procs, f.Threads = len(gs), len(ps), len(ms)
	f.Generations = f.Kinds["Sync"] - 1
	f.DurationNS = f.EndNS - f.StartNS
	f.GStates, f.PStates = g.states, p.states
	f.Syscalls.OpenNS = g.states["Syscall"].OpenNS
	f.Regions, f.Logs, f.CPUSamples = f.Kinds["RegionBegin"], f.Kinds["Log"], f.Kinds["StackSample"]
	return f, nil
}

func run(path, jsonPath string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	computed, err := compute(in)
	if err != nil {
		return err
	}
	// There and back: JSON has no bytes that are not UTF-8.
	plain, err := json.Marshal(computed)
	if err != nil {
		return err
	}
	want := new(figures)
	if err := json.Unmarshal(plain, want); err != nil {
		return err
	}
	text, err := os.ReadFile(jsonPath)
	if err != nil {
		return err
	}
	got := new(figures)
	if err := json.Unmarshal(text, got); err != nil {
		return err
	}
	w, g := reflect.ValueOf(*want), reflect.ValueOf(*got)
	bad := 0
	for i := 0; i < w.NumField(); i++ {
		if !reflect.DeepEqual(w.Field(i).Interface(), g.Field(i).Interface()) {
			bad++
			fmt.Printf("%s:\n  Go's reader: %+v\n  trace-stat:  %+v\n", w.Type().Field(i).Name, w.Field(i), g.Field(i))
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d figures differ", bad)
	}
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: figures TRACE JSON")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintf(os.Stderr, "figures: %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}
