package faults

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Serve answers the call, with the plan's faults.
func (in *Injector) Serve(call Call, w http.ResponseWriter, r *http.Request) {
	f := in.draw(call)
	if f == (fate{}) {
		call.Handler.ServeHTTP(w, r)
		return
	}
	// net/http notices a disconnect only once the whole body was read.
	body, err := wire.ReadBody(r)
	if err != nil {
		drop()
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !pause(r.Context(), f.latency) {
		drop()
	}
	switch f.kind {
	case Error, Down:
		pause(r.Context(), f.wait)
		call.refuse(w, r, f.failure)
	case Drop:
		pause(r.Context(), f.wait)
		drop()
	case Lost:
		call.Handler.ServeHTTP(newRecorder(), r)
		pause(r.Context(), f.wait)
		drop()
	case Late:
		in.late.after(f.after, r, body, call.Handler)
		pause(r.Context(), f.wait)
		drop()
	default:
		in.perform(call, f, w, r, body)
	}
}

func (in *Injector) perform(call Call, f fate, w http.ResponseWriter, r *http.Request, body []byte) {
	if !f.received {
		call.Handler.ServeHTTP(w, r)
		return
	}
	rec := newRecorder()
	call.Handler.ServeHTTP(rec, r)
	in.handOut(call, body, rec)
	rec.replay(w)
}

// drop makes net/http close the connection without an answer.
func drop() { panic(http.ErrAbortHandler) }

// pause returns false early if the client disconnects or the server closes.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// recorder stores an answer instead of sending it.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

func (rec *recorder) Header() http.Header { return rec.header }

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
}

func (rec *recorder) Write(p []byte) (int, error) {
	rec.WriteHeader(http.StatusOK)
	return rec.body.Write(p)
}

func (rec *recorder) replay(w http.ResponseWriter) {
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	rec.WriteHeader(http.StatusOK)
	w.WriteHeader(rec.status)
	_, _ = w.Write(rec.body.Bytes())
}
