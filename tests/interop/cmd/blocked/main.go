// SPDX-License-Identifier: BSD-3-Clause

// blocked TRACE: the block profile of a trace as its definition says it, as lines "COUNT NS FUNC:0 FUNC:0 ...": waits for channels,
// selects and what sync has, from the event that begins one to when the goroutine runs again, at that event's stack, of goroutines
// that ran before.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"golang.org/x/exp/trace"
)

type goroutine struct {
	ran, waits bool
	since      trace.Time
	stack      string
}

type sum struct{ count, ns int64 }

func stackText(s trace.Stack) string {
	var text strings.Builder
	for f := range s.Frames() {
		fmt.Fprintf(&text, " %s:0", f.Func)
	}
	return text.String()
}

func isSync(reason string) bool {
	return strings.Contains(reason, "chan") || strings.Contains(reason, "sync") || strings.Contains(reason, "select")
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	r, err := trace.NewReader(file)
	if err != nil {
		log.Fatal(err)
	}
	all := map[trace.GoID]*goroutine{}
	sums := map[string]sum{}
	for {
		ev, err := r.ReadEvent()
		if err == io.EOF {
			break
		} else if err != nil {
			log.Fatal(err)
		}
		if ev.Kind() != trace.EventStateTransition || ev.StateTransition().Resource.Kind != trace.ResourceGoroutine {
			continue
		}
		st := ev.StateTransition()
		from, to := st.Goroutine()
		g := all[st.Resource.Goroutine()]
		if g == nil || from == trace.GoNotExist {
			g = &goroutine{}
			all[st.Resource.Goroutine()] = g
		}
		switch {
		case to == trace.GoRunning:
			if g.waits && g.ran && ev.Time() > g.since {
				s := sums[g.stack]
				sums[g.stack] = sum{s.count + 1, s.ns + int64(ev.Time().Sub(g.since))}
			}
			g.ran, g.waits = true, false
		case to == trace.GoWaiting && !g.waits && isSync(st.Reason):
			*g = goroutine{g.ran, true, ev.Time(), stackText(ev.Stack())}
		}
	}
	for stack, s := range sums {
		fmt.Printf("%d %d%s\n", s.count, s.ns, stack)
	}
}
