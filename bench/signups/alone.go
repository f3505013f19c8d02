package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

// waited is the time from the click until the 202, and until the portal showed success.
type waited struct {
	accepted, visible time.Duration
}

const (
	// The first people are not counted: processes still connect and fill their memory.
	warmUps = 3
	// Everything that processes read at most once a second is stale after idleTime.
	idleTime = 1200 * time.Millisecond
	// A poll does not wait for the answer to the last one.
	pollEvery = 5 * time.Millisecond
)

// countRoundTrips delays every call to AWS for every other person. The time that this adds,
// divided by the delay, is the number of round trips one after the other, including the read
// that shows the operation.
func (s *site) countRoundTrips(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	var plain, delayed []waited
	for i := range warmUps + 2*s.alone {
		plan := faults.Plan{}
		slow := i >= warmUps && (i-warmUps)%2 == 1
		if slow {
			plan = s.faults()
		}
		w, err := s.timeAlone(ctx, "alone-"+strconv.Itoa(i), plan)
		switch {
		case err != nil:
			return err
		case i < warmUps:
		case slow:
			delayed = append(delayed, w)
		default:
			plain = append(plain, w)
		}
	}
	accepted := func(w waited) time.Duration { return w.accepted }
	visible := func(w waited) time.Duration { return w.visible }
	_, err := fmt.Fprintf(out, "machine        %s\npeople         %d alone, %d of them with %s added to every call of AWS; medians\n%s%s", machine(), 2*s.alone, s.alone, s.latency,
		roundTrips("accepted", plain, delayed, accepted, s.latency), roundTrips("visible", plain, delayed, visible, s.latency))
	return err
}

func roundTrips(what string, plain, delayed []waited, of func(waited) time.Duration, latency time.Duration) string {
	without, with := median(plain, of), median(delayed, of)
	return fmt.Sprintf("%-14s after %s, delayed after %s: %.1f round trips in sequence\n", what, without.Round(100*time.Microsecond), with.Round(100*time.Microsecond), float64(with-without)/float64(latency))
}

func median(list []waited, of func(waited) time.Duration) time.Duration {
	var all []time.Duration
	for _, w := range list {
		all = append(all, of(w))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// timeAlone registers a person, pauses, and times their subscription.
func (s *site) timeAlone(ctx context.Context, name string, plan faults.Plan) (waited, error) {
	token, err := s.issuer.Token(name)
	if err != nil {
		return waited{}, err
	}
	p, quiet := &person{name: name, token: token}, &report{}
	op, err := s.ask(ctx, 0, p, http.MethodPost, "/api/v1/register", quiet)
	if err != nil {
		return waited{}, err
	}
	if _, err := s.waitUntilShown(ctx, token, op.ID); err != nil {
		return waited{}, err
	}
	if err := s.aws.SetFaults(plan); err != nil {
		return waited{}, err
	}
	pause(ctx, idleTime)
	began := time.Now()
	if op, err = s.ask(ctx, 0, p, http.MethodPut, "/api/v1/subscriptions/"+s.demo.FreePlanID, quiet); err != nil {
		return waited{}, err
	}
	accepted := time.Since(began)
	at, err := s.waitUntilShown(ctx, token, op.ID)
	if err != nil {
		return waited{}, err
	}
	if err := s.aws.SetFaults(faults.Plan{}); err != nil {
		return waited{}, err
	}
	pause(ctx, idleTime/2)
	return waited{accepted, at.Sub(began)}, nil
}

func (s *site) waitUntilShown(ctx context.Context, token, id string) (time.Time, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found := make(chan time.Time, 1)
	var asked sync.WaitGroup
	defer asked.Wait()
	every := time.NewTicker(pollEvery)
	defer every.Stop()
	for {
		select {
		case at := <-found:
			cancel()
			return at, nil
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("operation %s has not ended: %w", id, ctx.Err())
		case <-every.C:
			asked.Go(func() {
				var op operation
				if _, err := s.send(ctx, 0, token, http.MethodGet, "/api/v1/operations/"+id, "", &op); err != nil || op.Status != "succeeded" {
					return
				}
				select {
				case found <- time.Now():
				default:
				}
			})
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
