// SPDX-License-Identifier: BSD-3-Clause

// Record records traces of itself doing one thing or another.  It is a module of its own so that every toolchain since Go 1.22 builds
// it; what a toolchain or machine cannot do (coroutines, cgo) is not among its kinds there.
//
//	record KIND OUT [MILLISECONDS]
//	record            lists the kinds
//
// The kinds "flight" and "loop" record several traces, OUT and OUT.2, OUT.3 and so on.
package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sort"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// A kind is work that ends soon after the given time.
type kind struct {
	work  func(end time.Time)
	debug string // GODEBUG that it is recorded with
}

var kinds = map[string]kind{
	"short":   {work: func(time.Time) {}},
	"storm":   {work: storm},
	"many":    {work: many},
	"web":     {work: web},
	"syscall": {work: syscalls},
	"user":    {work: user, debug: "traceadvanceperiod=4000000"},
	"gc":      {work: collect},
	"procs":   {work: procs},
	"cpu":     {work: profiled},
	"loop":    {work: storm},
	"flight":  {work: storm, debug: "traceadvanceperiod=4000000"},
}

func fatal(args ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"record:"}, args...)...)
	os.Exit(1)
}

func create(name string) *os.File {
	out, err := os.Create(name)
	if err != nil {
		fatal(err)
	}
	return out
}

func done(out *os.File) {
	if err := out.Close(); err != nil {
		fatal(err)
	}
}

// Numbered is the name of the nth trace.
func numbered(out string, n int) string {
	if n == 1 {
		return out
	}
	return out + "." + strconv.Itoa(n)
}

// Loop starts and stops recording under a load that goes on.
func loop(work func(time.Time), name string, d time.Duration) {
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	wg.Add(1)
	go func() { defer wg.Done(); work(end) }()
	for n := 1; n <= 6; n++ {
		out := create(numbered(name, n))
		if err := trace.Start(out); err != nil {
			fatal(err)
		}
		time.Sleep(d / 16)
		trace.Stop()
		done(out)
		time.Sleep(d / 16)
	}
	wg.Wait()
}

// A snapshotter keeps the last of a recording, and writes it on demand.
type snapshotter interface {
	start() error
	write(w io.Writer) error
	stop()
}

// Flight takes snapshots of a flight recorder under load.
func flight(work func(time.Time), name string, d time.Duration) {
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	wg.Add(1)
	go func() { defer wg.Done(); work(end) }()
	r := newSnapshotter(d / 4)
	if err := r.start(); err != nil {
		fatal(err)
	}
	for n := 1; n <= 3; n++ {
		time.Sleep(d / 4)
		out := create(numbered(name, n))
		if err := r.write(out); err != nil {
			fatal(err)
		}
		done(out)
	}
	r.stop()
	wg.Wait()
}

// One records one trace of work.
func one(work func(time.Time), name string, d time.Duration, profile bool) {
	out := create(name)
	if profile {
		pprof.StartCPUProfile(io.Discard)
	}
	if err := trace.Start(out); err != nil {
		fatal(err)
	}
	work(time.Now().Add(d))
	trace.Stop()
	if profile {
		pprof.StopCPUProfile()
	}
	done(out)
}

// It mentions the kinds itself.
func init() { kinds["all"] = kind{work: all} }

func main() {
	if len(os.Args) < 3 {
		var names []string
		for name := range kinds {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Println(name)
		}
		return
	}
	what, name, ms := os.Args[1], os.Args[2], 200
	if len(os.Args) > 3 {
		ms, _ = strconv.Atoi(os.Args[3])
	}
	k, ok := kinds[what]
	if !ok {
		fatal("cannot record", what)
	}
	if k.debug != "" && os.Getenv("GODEBUG") != k.debug {
		// The runtime reads it once, at its start.
		os.Setenv("GODEBUG", k.debug)
		fatal(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(4)
	}
	d := time.Duration(ms) * time.Millisecond
	switch what {
	case "loop":
		loop(k.work, name, d)
	case "flight":
		flight(k.work, name, d)
	default:
		one(k.work, name, d, what == "cpu" || what == "all")
	}
}
