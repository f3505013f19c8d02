package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// changing is how often an account changes its mind.
	changing = time.Second
	// arriving is how often a newcomer arrives; the first does when the accounts have changed
	// their minds a few times. Before that they are a crowd of newcomers themselves.
	arriving = 3 * time.Second
	// calming is how long newcomers still arrive after the flapping has ended.
	calming = time.Minute
	// servedWithin is the most that a newcomer may wait.
	servedWithin = 10 * time.Second
)

// flaps is what came of accounts that subscribe and leave all the time.
type flaps struct {
	mu sync.Mutex
	// answers counts the answers to the flapping accounts, by status.
	answers map[int]int
	// during and after are the newcomers, by when they arrived.
	during, after []newcomer
}

// newcomer is how long somebody took from the click to the key, and when they clicked.
type newcomer struct {
	took, arrived time.Duration
}

// flapping has accounts subscribe and leave once a second each, and times the newcomers
// beside them and after them.
func (s *site) flapping(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	s.aws.SetLimits(s.limits())
	if err := s.aws.SetFaults(s.faults()); err != nil {
		return err
	}
	before := s.aws.Counts()
	f := &flaps{answers: map[int]int{}}
	s.tell("%d accounts subscribe and leave once a second each for %s; newcomers arrive every %s", s.flap, s.lasting, arriving)
	began := time.Now()
	var everybody sync.WaitGroup
	failed := make(chan error, s.flap+int((s.lasting+calming)/arriving)+1)
	for i := range s.flap {
		everybody.Go(func() { failed <- s.flapOne(ctx, i, f) })
	}
	newcomers := 0
	for pause(ctx, arriving); time.Since(began) < s.lasting+calming && ctx.Err() == nil; newcomers++ {
		everybody.Go(func() { failed <- s.newcomer(ctx, newcomers, time.Since(began), f) })
		pause(ctx, arriving)
	}
	everybody.Wait()
	close(failed)
	var err error
	for e := range failed {
		err = errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	refused := s.aws.Counts()["apigateway"]
	throttled := 0
	for operation, n := range refused {
		throttled += n.Faults["throttled"] - before.Of("apigateway", operation).Faults["throttled"]
	}
	if err := s.calm(); err != nil {
		return err
	}
	found, err := s.compare(ctx)
	if err != nil {
		return err
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	doubled := 0
	for _, n := range keys {
		if n > 1 {
			doubled++
		}
	}
	worst := slices.MaxFunc(slices.Concat(f.during, f.after), byTook).took
	kept := "kept"
	if !found.kept(s.flap+newcomers) || doubled > 0 || worst > servedWithin {
		kept = "NOT KEPT"
		err = errors.New("the promises were not kept")
	}
	_, wrote := fmt.Fprintf(out, `machine        %s
flapping       %d accounts for %s; answers %v (status: count), so %d requests were refused with 429
newcomers      while it lasts: %s
               afterwards:     %s
control plane  %d calls refused by AWS's quotas
in the end     %d accounts with more than one key; %s
promises       %s (a newcomer has a key within %s)
`, machine(), s.flap, s.lasting, f.answers, f.answers[http.StatusTooManyRequests], spread(f.during), spread(f.after), throttled, doubled, found, kept, servedWithin)
	return errors.Join(err, wrote)
}

func byTook(a, b newcomer) int { return cmp.Compare(a.took, b.took) }

func spread(list []newcomer) string {
	sorted := slices.SortedFunc(slices.Values(list), byTook)
	worst := sorted[len(sorted)-1]
	return fmt.Sprintf("%d, served in %s (median), %s (worst, of who arrived after %s)", len(sorted), round(sorted[len(sorted)/2].took), round(worst.took), round(worst.arrived))
}

// flapOne registers an account, which then subscribes and leaves in turn.
func (s *site) flapOne(ctx context.Context, i int, f *flaps) error {
	token, err := s.issuer.token("flapping-" + strconv.Itoa(i))
	if err != nil {
		return err
	}
	p := &person{token: token}
	if _, err := s.ask(ctx, i, p, http.MethodPost, "/api/v1/register", &report{}); err != nil {
		return err
	}
	every := time.NewTicker(changing)
	defer every.Stop()
	over := time.After(s.lasting)
	for n := 0; ; n++ {
		method := http.MethodPut
		if n%2 == 1 {
			method = http.MethodDelete
		}
		var op operation
		status, _ := s.send(ctx, i, token, method, "/api/v1/subscriptions/"+s.demo.FreePlanID, "", &op)
		f.mu.Lock()
		f.answers[status]++
		f.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over:
			return nil
		case <-every.C:
		}
	}
}

// newcomer signs up and subscribes, and waits for the key.
func (s *site) newcomer(ctx context.Context, i int, arrived time.Duration, f *flaps) error {
	took, err := s.served(ctx, "newcomer-"+strconv.Itoa(i))
	f.mu.Lock()
	defer f.mu.Unlock()
	if arrived < s.lasting {
		f.during = append(f.during, newcomer{took, arrived})
	} else {
		f.after = append(f.after, newcomer{took, arrived})
	}
	return err
}
