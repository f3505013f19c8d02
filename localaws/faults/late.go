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

// effects are calls whose clients were turned away and that are still to be
// carried out.
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

// after carries out the request when d has passed. Neither its client's leaving
// nor the end of its connection keeps it from happening; closing does.
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
			carryOut(handler, again)
		}
	})
}

// carryOut lets the handler abort its answer, which nobody gets.
func carryOut(handler http.Handler, r *http.Request) {
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
