// SPDX-License-Identifier: BSD-3-Clause

// Command figures computes with Go's reader what "trace-stat --json" prints, and compares.
//
//	figures [-from NS] [-to NS] [-by generation] TRACE JSON
//
// -from, -to and -by: what trace-stat was given (as @NS).  Percentiles must be those of the durations themselves, or above by an
// eighth at most.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"reflect"
	"sort"
	"strings"
	"unicode/utf8"

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
	Generation  []generation     `json:"rows"`

	// Compared in a way of their own.
	functions map[string]*function
	durations map[string]map[string][]int64 // by table and name
}

type generation struct {
	Number     int64 `json:"generation"`
	StartNS    int64 `json:"start_ns"`
	DurationNS int64 `json:"duration_ns"`
	Events     int64 `json:"events"`
	Running    int64 `json:"running_ns"`
	Runnable   int64 `json:"runnable_ns"`
	Syscall    int64 `json:"syscall_ns"`
	Waiting    int64 `json:"waiting_ns"`
}

// function is of all goroutines that started in it.
type function struct {
	goroutines int64
	durations  map[string][]int64 // by state
	rests      map[string]int64   // time of stays that began before the window, by state
}

func (fn *function) add(d done) {
	if d.rest {
		fn.rests[d.state] += d.ns
		return
	}
	fn.durations[d.state] = append(fn.durations[d.state], d.ns)
}

// window is the time that counts: [from, to).
type window struct{ from, to int64 }

func (w window) has(t int64) bool { return t >= w.from && t < w.to }

// cut returns the part of [from, to) in the window; ok: there is some.
func (w window) cut(from, to int64) (int64, int64, bool) {
	if w.from == math.MinInt64 && w.to == math.MaxInt64 {
		return from, to, true
	}
	return max(from, w.from), min(to, w.to), to > w.from && from < w.to
}

// stay is the present state of a goroutine or processor.
type stay struct {
	state  string
	since  int64
	reason string
}

// done is a stay that has ended, in the part of it that counts.
type done struct {
	stay
	id, ns int64
	open   bool
	from   int64
	rest   bool // it began before the window, so only its time counts
}

type account struct {
	start  int64
	window window
	stays  map[int64]*stay
	states map[string]state
	onEnd  func(d done)
}

func newAccount(start int64, w window, onEnd func(d done)) *account {
	return &account{start: start, window: w, stays: map[int64]*stay{}, states: map[string]state{}, onEnd: onEnd}
}

func (a *account) end(id int64, st *stay, now int64, open bool) {
	if st.state == "NotExist" {
		return
	}
	from, to, ok := a.window.cut(st.since, now)
	if !ok {
		return
	}
	s := a.states[st.state]
	s.NS += to - from
	open = open || now >= a.window.to
	if open {
		s.OpenNS += to - from
	}
	a.states[st.state] = s
	a.onEnd(done{stay: *st, id: id, ns: to - from, open: open, from: from, rest: st.since < a.window.from})
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
	a.end(id, st, now, false)
	if to == "NotExist" {
		delete(a.stays, id)
		return
	}
	if a.window.has(now) {
		s := a.states[to]
		s.Entered++
		a.states[to] = s
	}
	if reason == "" {
		reason = "(from " + from + ")"
	}
	*st = stay{state: to, since: now, reason: reason}
}

// heldMax is how many stays wait for their goroutine's function to be known.
const heldMax = 16

// goroutine is what there is to know of one but its state.
type goroutine struct {
	function string
	known    bool
	ended    int // stays that ended before it was
	touched  bool
	held     []done
}

// functions shares out the stays of goroutines by the functions that they started in.
type functions struct {
	window window
	byName map[string]*function
	gs     map[int64]*goroutine
}

func (f *functions) get(id int64) *goroutine {
	g := f.gs[id]
	if g == nil {
		g = new(goroutine)
		f.gs[id] = g
	}
	return g
}

func (f *functions) of(name string) *function {
	fn := f.byName[name]
	if fn == nil {
		fn = &function{durations: map[string][]int64{}, rests: map[string]int64{}}
		f.byName[name] = fn
	}
	return fn
}

func (f *functions) learn(id int64, st trace.Stack) {
	g := f.get(id)
	if g.known {
		return
	}
	root, any := "", false
	for frame := range st.Frames() {
		// Where the runtime found no caller, it says so with a frame that says nothing.
		if frame.PC != 0 || frame.Func != "" || frame.File != "" || frame.Line != 0 {
			root, any = frame.Func, true
		}
	}
	if any {
		f.set(g, root)
	}
}

func (f *functions) set(g *goroutine, name string) {
	g.function, g.known = name, true
	fn := f.of(name)
	for _, d := range g.held {
		fn.add(d)
	}
	g.held = nil
}

func (f *functions) take(d done) {
	g := f.get(d.id)
	g.touched = true
	if !g.known {
		g.held = append(g.held, d)
		return
	}
	f.of(g.function).add(d)
}

// moved counts the transitions of one that is not known.
func (f *functions) moved(id int64) {
	g := f.get(id)
	if g.ended++; !g.known && g.ended > heldMax {
		f.set(g, "")
	}
}

func (f *functions) end(id int64) {
	g := f.get(id)
	if !g.known {
		f.set(g, "")
	}
	if g.touched || f.window.from == math.MinInt64 && f.window.to == math.MaxInt64 {
		f.of(g.function).goroutines++
	}
	delete(f.gs, id)
}

func add(m map[string]tally, key string, ns int64, rest bool) {
	t := m[key]
	if !rest {
		t.Count++
	}
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

func compute(r io.Reader, w window, byGeneration bool) (*figures, error) {
	f := &figures{Kinds: map[string]int{}, Waiting: map[string]tally{}, Runnable: map[string]tally{},
		Ranges: map[string]tally{}, Tasks: map[string]span{},
		durations: map[string]map[string][]int64{"waiting_by_reason": {}, "runnable_by_reason": {}, "ranges": {}, "tasks": {}}}
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
	fns := &functions{window: w, byName: map[string]*function{}, gs: map[int64]*goroutine{}}
	var g, p *account
	var starts []int64
	end := int64(math.MinInt64)
	lasting := func(table, name string, d done) {
		if !d.rest {
			f.durations[table][name] = append(f.durations[table][name], d.ns)
		}
	}
	for {
		ev, err := reader.ReadEvent()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		now := int64(ev.Time())
		counts := w.has(now)
		if g == nil {
			f.StartNS = max(now, w.from)
			g = newAccount(now, w, func(d done) {
				fns.take(d)
				switch d.state {
				case "Waiting":
					add(f.Waiting, d.reason, d.ns, d.rest)
					lasting("waiting_by_reason", d.reason, d)
				case "Runnable":
					add(f.Runnable, d.reason, d.ns, d.rest)
					lasting("runnable_by_reason", d.reason, d)
				case "Syscall":
					if !d.rest {
						f.Syscalls.Count++
					}
					f.Syscalls.NS += d.ns
				}
				for i := range f.Generation {
					row := &f.Generation[i]
					until := int64(math.MaxInt64)
					if i+1 < len(f.Generation) {
						until = starts[i+1]
					}
					ns := min(d.from+d.ns, until) - max(d.from, starts[i])
					if ns <= 0 {
						continue
					}
					switch d.state {
					case "Running":
						row.Running += ns
					case "Runnable":
						row.Runnable += ns
					case "Syscall":
						row.Syscall += ns
					case "Waiting":
						row.Waiting += ns
					}
				}
			})
			p = newAccount(now, w, func(done) {})
		}
		end = now
		if ev.Kind() == trace.EventSync && byGeneration {
			if n := len(f.Generation); n > 0 {
				f.Generation[n-1].DurationNS = now - f.Generation[n-1].StartNS
			}
			f.Generation = append(f.Generation, generation{Number: int64(len(f.Generation) + 1), StartNS: now})
			starts = append(starts, now)
		}
		if byGeneration {
			f.Generation[len(f.Generation)-1].Events++
		}
		if counts {
			f.Events++
			f.Kinds[ev.Kind().String()]++
			if ev.Kind() != trace.EventSync {
				gs[ev.Goroutine()], ps[ev.Proc()], ms[ev.Thread()] = true, true, true
			}
		}
		switch ev.Kind() {
		case trace.EventStateTransition:
			st := ev.StateTransition()
			switch st.Resource.Kind {
			case trace.ResourceGoroutine:
				id := st.Resource.Goroutine()
				from, to := st.Goroutine()
				if counts {
					gs[id] = true
				}
				fns.learn(int64(id), st.Stack)
				g.transition(int64(id), from.String(), to.String(), st.Reason, now)
				if from != to {
					fns.moved(int64(id))
				}
				if from != to && to == trace.GoNotExist {
					fns.end(int64(id))
				}
			case trace.ResourceProc:
				id := st.Resource.Proc()
				if counts {
					ps[id] = true
				}
				from, to := st.Proc()
				p.transition(int64(id), from.String(), to.String(), st.Reason, now)
			}
		case trace.EventRangeBegin:
			ranges[rangeKey{ev.Range().Name, ev.Range().Scope}] = now
			if counts && ev.Range().Name == "GC concurrent mark phase" {
				f.GCCycles++
			}
		case trace.EventRangeEnd:
			k := rangeKey{ev.Range().Name, ev.Range().Scope}
			if at, ok := ranges[k]; ok {
				delete(ranges, k)
				if counts {
					add(f.Ranges, k.name, now-at, false)
					lasting("ranges", k.name, done{ns: now - at})
				}
			}
		case trace.EventTaskBegin:
			t := ev.Task()
			if counts {
				s := f.Tasks[t.Type]
				s.Begun++
				f.Tasks[t.Type] = s
			}
			tasks[t.ID] = begun{now, t.Type}
		case trace.EventTaskEnd:
			t := ev.Task()
			s := f.Tasks[t.Type]
			s.Ended++
			b, ok := tasks[t.ID]
			delete(tasks, t.ID)
			if ok {
				s.NS += now - b.at
			}
			if counts {
				f.Tasks[t.Type] = s
			}
			if counts && ok {
				lasting("tasks", t.Type, done{ns: now - b.at})
			}
		}
	}
	if n := len(f.Generation); n > 1 {
		// The Sync that ends the trace belongs to the last one.
		f.Generation[n-2].Events++
		f.Generation = f.Generation[:n-1]
		starts = starts[:n-1]
	}
	f.EndNS = min(end, w.to)
	for _, a := range []*account{g, p} {
		for id, st := range a.stays {
			a.end(id, st, end, true)
		}
	}
	for id := range g.stays {
		fns.end(id)
	}
	f.functions = fns.byName
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

// percentile is the duration that a part of them do not exceed.
func percentile(sorted []int64, part float64) int64 {
	wanted := int(part*float64(len(sorted)) + 0.9999999)
	return sorted[max(wanted, 1)-1]
}

// compareDurations holds the figures that are named prefix+... against durations; it returns how many differ.
func compareDurations(what, prefix string, durations []int64, got map[string]int64) int {
	if len(durations) == 0 {
		return 0
	}
	sort.Slice(durations, func(i, j int) bool { return durations[i] < durations[j] })
	bad := 0
	for suffix, part := range map[string]float64{"p50_ns": 0.5, "p90_ns": 0.9, "p99_ns": 0.99, "max_ns": 1} {
		want := percentile(durations, part)
		most := want + want/8
		if len(durations) <= 8 || suffix == "max_ns" {
			most = want
		}
		if v, ok := got[prefix+suffix]; !ok || v < want || v > most {
			fmt.Printf("%s %s%s: %d, not %d to %d\n", what, prefix, suffix, v, want, most)
			bad++
		}
	}
	return bad
}

func compareTables(f *figures, text []byte) int {
	var tables map[string]json.RawMessage
	if err := json.Unmarshal(text, &tables); err != nil {
		return 1
	}
	bad := 0
	// What is not UTF-8 has no name of its own in JSON.
	for table, names := range f.durations {
		var rows map[string]map[string]int64
		if err := json.Unmarshal(tables[table], &rows); err != nil {
			fmt.Println(table, err)
			return 1
		}
		for name, durations := range names {
			if !utf8.ValidString(name) {
				continue
			}
			bad += compareDurations(table+" "+name, "", durations, rows[name])
		}
	}
	var rows map[string]map[string]int64
	if err := json.Unmarshal(tables["functions"], &rows); err != nil {
		fmt.Println("functions", err)
		return 1
	}
	for name, fn := range f.functions {
		row := rows[name]
		delete(rows, name)
		if !utf8.ValidString(name) {
			continue
		}
		if len(fn.durations) == 0 && len(fn.rests) == 0 && fn.goroutines == 0 {
			continue
		}
		if row["goroutines"] != fn.goroutines {
			fmt.Printf("%s: %d goroutines, not %d\n", name, row["goroutines"], fn.goroutines)
			bad++
		}
		words := map[string]string{"Running": "running_", "Runnable": "runnable_", "Syscall": "syscall_", "Waiting": "waiting_"}
		states := map[string]bool{}
		for st := range fn.durations {
			states[st] = true
		}
		for st := range fn.rests {
			states[st] = true
		}
		for st := range states {
			durations, sum := fn.durations[st], fn.rests[st]
			for _, ns := range durations {
				sum += ns
			}
			prefix, tabled := words[st]
			if row[st] != sum || tabled && row[prefix+"count"] != int64(len(durations)) {
				fmt.Printf("%s %s: %d ns in %d, not %d in %d\n", name, st, row[st], row[prefix+"count"], sum, len(durations))
				bad++
			}
			if tabled {
				bad += compareDurations(name, prefix, durations, row)
			}
		}
	}
	for name := range rows {
		if !strings.ContainsRune(name, utf8.RuneError) {
			fmt.Printf("%s: no such function\n", name)
			bad++
		}
	}
	return bad
}

func run(path, jsonPath string, w window, byGeneration bool) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	computed, err := compute(in, w, byGeneration)
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
	wv, gv := reflect.ValueOf(*want), reflect.ValueOf(*got)
	bad := compareTables(computed, text)
	// Go's reader does not tell the numbers of generations.
	for i := range got.Generation {
		got.Generation[i].Number = int64(i + 1)
	}
	for i := 0; i < wv.NumField(); i++ {
		if !wv.Type().Field(i).IsExported() {
			continue
		}
		// A window has no number of generations of its own.
		if wv.Type().Field(i).Name == "Generations" && (w.from != math.MinInt64 || w.to != math.MaxInt64) {
			continue
		}
		if !reflect.DeepEqual(wv.Field(i).Interface(), gv.Field(i).Interface()) {
			bad++
			fmt.Printf("%s:\n  Go's reader: %+v\n  trace-stat:  %+v\n", wv.Type().Field(i).Name, wv.Field(i), gv.Field(i))
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d figures differ", bad)
	}
	return nil
}

func main() {
	from := flag.Int64("from", math.MinInt64, "what trace-stat was given as --from @NS")
	to := flag.Int64("to", math.MaxInt64, "likewise")
	by := flag.String("by", "", "likewise: generation")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: figures [-from NS] [-to NS] [-by generation] TRACE JSON")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), window{*from, *to}, *by == "generation"); err != nil {
		fmt.Fprintf(os.Stderr, "figures: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}
