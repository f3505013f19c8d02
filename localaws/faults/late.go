package faults

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// effects are late calls not yet executed.
type effects struct {
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
}

func newEffects() *effects {
	ctx, cancel := context.WithCancel(context.Background())
	return &effects{ctx: ctx, cancel: cancel}
}

// after executes the request after d, even if the client disconnects, unless close
// prevents it.
func (e *effects) after(d time.Duration, r *http.Request, body []byte, handler http.Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	stop := context.AfterFunc(e.ctx, cancel)
	again := r.Clone(ctx)
	again.Body = io.NopCloser(bytes.NewReader(body))
	e.running.Go(func() {
		defer cancel()
		defer stop()
		if pause(ctx, d) {
			execute(handler, again)
		}
	})
}

// execute ignores http.ErrAbortHandler, since nobody gets the answer.
func execute(handler http.Handler, r *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
		}
	}()
	handler.ServeHTTP(newRecorder(), r)
}

func (e *effects) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.running.Wait()
}
