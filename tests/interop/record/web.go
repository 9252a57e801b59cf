// SPDX-License-Identifier: BSD-3-Clause

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/trace"
	"sync"
	"time"
)

// Web has clients ask a server on the loopback interface, each request a task.
func web(end time.Time) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var mu sync.Mutex
	hits := map[string]int{}
	work := make(chan func())
	go func() {
		for f := range work {
			f()
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, req *http.Request) {
		ctx, task := trace.NewTask(req.Context(), "request")
		defer task.End()
		answer := make(chan []byte)
		work <- func() {
			defer trace.StartRegion(ctx, "work").End()
			mu.Lock()
			hits[req.URL.Path]++
			b, _ := json.Marshal(hits)
			mu.Unlock()
			answer <- b
		}
		trace.Log(ctx, "path", req.URL.Path)
		w.Write(<-answer)
	})
	server := &http.Server{Handler: mux}
	stopped := make(chan bool)
	go func() { server.Serve(l); close(stopped) }()
	each(3, func(i int) {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i == 0}, Timeout: time.Second}
		defer client.CloseIdleConnections()
		for n := 0; time.Now().Before(end); n++ {
			resp, err := client.Get(fmt.Sprintf("http://%s/%d", l.Addr(), n%4))
			if err != nil {
				continue
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	server.Shutdown(context.Background())
	<-stopped
	close(work)
}
