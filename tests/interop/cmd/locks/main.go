// SPDX-License-Identifier: BSD-3-Clause

// Locks records a trace and a mutex profile of itself while goroutines fight for locks.
//
//	locks SCENE TRACE PROFILE [MILLISECONDS]
package main

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"sync"
	"time"
)

// Work keeps the processor busy.
//
//go:noinline
func work(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// Each runs n goroutines until the end and waits for them.
func each(n int, end time.Time, f func(i int, rng *rand.Rand)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rng := rand.New(rand.NewSource(int64(i)))
			for time.Now().Before(end) {
				f(i, rng)
			}
		}()
	}
	wg.Wait()
}

// Three ways to hold a lock, so that there are three stacks.

//go:noinline
func holdShort(l sync.Locker, d time.Duration) { l.Lock(); work(d / 4); l.Unlock() }

//go:noinline
func holdLong(l sync.Locker, d time.Duration) { l.Lock(); work(d); l.Unlock() }

//go:noinline
func holdAsleep(l sync.Locker, d time.Duration) { l.Lock(); time.Sleep(d); l.Unlock() }

// Fight has n goroutines hold one lock for about d and leave it alone for gap times as long.
func fight(n int, d time.Duration, gap int) func(time.Time) {
	return func(end time.Time) {
		var mu sync.Mutex
		each(n, end, func(i int, rng *rand.Rand) {
			switch rng.Intn(3) {
			case 0:
				holdShort(&mu, d)
			case 1:
				holdLong(&mu, d)
			case 2:
				holdAsleep(&mu, d)
			}
			if gap > 0 {
				time.Sleep(time.Duration(rng.Int63n(int64(d) * int64(gap))))
			}
		})
	}
}

// Spin is a fight in which nobody ever leaves the processor of his own accord.
func spin(end time.Time) {
	var mu sync.Mutex
	each(4, end, func(i int, rng *rand.Rand) {
		holdShort(&mu, 20*time.Microsecond)
		work(10 * time.Microsecond)
		holdLong(&mu, 20*time.Microsecond)
		work(10 * time.Microsecond)
	})
}

// Shards has goroutines choose among many locks, all taken at the same places.
func shards(end time.Time) {
	var mus [8]sync.Mutex
	each(24, end, func(i int, rng *rand.Rand) {
		if rng.Intn(3) == 0 {
			holdAsleep(&mus[rng.Intn(len(mus))], 400*time.Microsecond)
		} else {
			holdLong(&mus[rng.Intn(len(mus))], 50*time.Microsecond)
		}
	})
}

// Nested has an outer and an inner lock, both contended.
func nested(end time.Time) {
	var outer, inner sync.Mutex
	each(8, end, func(i int, rng *rand.Rand) {
		if i < 3 {
			outer.Lock()
			work(20 * time.Microsecond)
			holdAsleep(&inner, 100*time.Microsecond)
			work(20 * time.Microsecond)
			outer.Unlock()
		} else {
			holdLong(&inner, 100*time.Microsecond)
			time.Sleep(200 * time.Microsecond)
		}
	})
}

// Readers has many readers and a few writers at one lock.
func readers(end time.Time) {
	var rw sync.RWMutex
	each(10, end, func(i int, rng *rand.Rand) {
		if i < 2 {
			holdAsleep(&rw, 300*time.Microsecond)
			time.Sleep(500 * time.Microsecond)
		} else {
			holdLong(rw.RLocker(), 30*time.Microsecond)
			time.Sleep(50 * time.Microsecond)
		}
	})
}

// Writers has many writers and a few readers at one lock.
func writers(end time.Time) {
	var rw sync.RWMutex
	each(8, end, func(i int, rng *rand.Rand) {
		if i < 6 {
			holdAsleep(&rw, 100*time.Microsecond)
		} else {
			holdAsleep(rw.RLocker(), 200*time.Microsecond)
			time.Sleep(100 * time.Microsecond)
		}
	})
}

// Crowd has very many wait for one who holds the lock for long, again and again.
func crowd(end time.Time) {
	var mu sync.Mutex
	for time.Now().Before(end) {
		var wg sync.WaitGroup
		mu.Lock()
		for range 100 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				holdLong(&mu, 10*time.Microsecond)
			}()
		}
		time.Sleep(10 * time.Millisecond)
		mu.Unlock()
		wg.Wait()
	}
}

// Pair has one holder and one waiter, never more.
func pair(end time.Time) {
	var mu sync.Mutex
	each(2, end, func(i int, rng *rand.Rand) {
		if i == 0 {
			holdAsleep(&mu, 300*time.Microsecond)
		} else {
			holdLong(&mu, 100*time.Microsecond)
		}
		work(20 * time.Microsecond)
	})
}

// Cond has consumers wait on a condition under a contended lock.
func cond(end time.Time) {
	var mu sync.Mutex
	c := sync.NewCond(&mu)
	n, done := 0, false
	go func() {
		time.Sleep(time.Until(end))
		mu.Lock()
		done = true
		c.Broadcast()
		mu.Unlock()
	}()
	each(8, end, func(i int, rng *rand.Rand) {
		mu.Lock()
		if i < 4 {
			n++
			work(20 * time.Microsecond)
			c.Signal()
			mu.Unlock()
			time.Sleep(50 * time.Microsecond)
			return
		}
		for n == 0 && !done {
			c.Wait()
		}
		n--
		work(20 * time.Microsecond)
		mu.Unlock()
	})
}

var scenes = map[string]func(time.Time){
	"pair":    pair,
	"few":     fight(3, 200*time.Microsecond, 1),
	"many":    fight(16, 200*time.Microsecond, 2),
	"short":   fight(8, 10*time.Microsecond, 2),
	"long":    fight(5, 10*time.Millisecond, 1),
	"full":    fight(8, 200*time.Microsecond, 0),
	"rare":    fight(4, 200*time.Microsecond, 20),
	"spin":    spin,
	"shards":  shards,
	"nested":  nested,
	"readers": readers,
	"writers": writers,
	"crowd":   crowd,
	"cond":    cond,
}

func create(name string) *os.File {
	f, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	return f
}

func main() {
	if len(os.Args) < 4 || scenes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: locks SCENE TRACE PROFILE [MILLISECONDS]")
		os.Exit(2)
	}
	ms := 300
	if len(os.Args) > 4 {
		ms, _ = strconv.Atoi(os.Args[4])
	}
	out, prof := create(os.Args[2]), create(os.Args[3])
	runtime.SetMutexProfileFraction(1)
	if err := trace.Start(out); err != nil {
		panic(err)
	}
	scenes[os.Args[1]](time.Now().Add(time.Duration(ms) * time.Millisecond))
	trace.Stop()
	if err := pprof.Lookup("mutex").WriteTo(prof, 0); err != nil {
		panic(err)
	}
	out.Close()
	prof.Close()
}
