// SPDX-License-Identifier: BSD-3-Clause

//go:build go1.25

package main

import (
	"io"
	"runtime/trace"
	"time"
)

type recorder struct{ *trace.FlightRecorder }

func newSnapshotter(age time.Duration) snapshotter {
	return recorder{trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: age, MaxBytes: 1 << 24})}
}

func (r recorder) start() error { return r.Start() }

func (r recorder) write(w io.Writer) error {
	_, err := r.WriteTo(w)
	return err
}

func (r recorder) stop() { r.Stop() }
