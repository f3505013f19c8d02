package app

import (
	"context"
	"time"
)

// flushEvery is the period of a metric in CloudWatch.
const flushEvery = time.Minute

// flushEveryMinute writes metrics until ctx ends, and at its end. Then it closes the channel.
func (w *Worker) flushEveryMinute(ctx context.Context) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.flushMetrics()
		if w.metrics == nil {
			return
		}
		for wait(ctx, flushEvery) == nil {
			w.flushMetrics()
		}
	}()
	return done
}

func (w *Worker) flushMetrics() {
	if err := w.metrics.Flush(); err != nil {
		w.log.Warn().Err(err).Msg("metrics for CloudWatch are lost")
	}
}
