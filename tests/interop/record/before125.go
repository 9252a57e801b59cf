// SPDX-License-Identifier: BSD-3-Clause

//go:build !go1.25

package main

import (
	"io"
	"time"

	"golang.org/x/exp/trace"
)

// Before the runtime had one, the flight recorder was outside of it.
type recorder struct{ *trace.FlightRecorder }

func newSnapshotter(age time.Duration) snapshotter {
	r := trace.NewFlightRecorder()
	r.SetPeriod(age)
	return recorder{r}
}

func (r recorder) start() error { return r.Start() }

func (r recorder) write(w io.Writer) error {
	_, err := r.WriteTo(w)
	return err
}

func (r recorder) stop() { r.Stop() }
