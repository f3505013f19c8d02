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
	flapEvery = time.Second
	// The first newcomer comes after the flapping accounts have changed their minds a few times.
	newcomerEvery = 3 * time.Second
	// afterwards is how long newcomers go on arriving once the flapping is over.
	afterwards   = time.Minute
	servedWithin = 10 * time.Second
)

type flaps struct {
	mu            sync.Mutex
	answers       map[int]int
	during, after []newcomer
}

type newcomer struct {
	took, arrived time.Duration
}

func (s *site) flapping(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	s.aws.SetLimits(s.limits())
	if err := s.aws.SetFaults(s.faults()); err != nil {
		return err
	}
	before := s.aws.Counts()
	f := &flaps{answers: map[int]int{}}
	s.tell("%d accounts subscribe and leave once a second each for %s; newcomers arrive every %s", s.flap, s.lasting, newcomerEvery)
	began := time.Now()
	var everybody sync.WaitGroup
	failed := make(chan error, s.flap+int((s.lasting+afterwards)/newcomerEvery)+1)
	for i := range s.flap {
		everybody.Go(func() { failed <- s.flapOne(ctx, i, f) })
	}
	newcomers := 0
	for pause(ctx, newcomerEvery); time.Since(began) < s.lasting+afterwards && ctx.Err() == nil; newcomers++ {
		everybody.Go(func() { failed <- s.timeNewcomer(ctx, newcomers, time.Since(began), f) })
		pause(ctx, newcomerEvery)
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
	counts := s.aws.Counts()["apigateway"]
	throttled := 0
	for operation, n := range counts {
		throttled += n.Faults["throttled"] - before.Of("apigateway", operation).Faults["throttled"]
	}
	if err := s.stopFaults(); err != nil {
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
	return fmt.Sprintf("%d, served in %s (median), %s (worst; arrived after %s)", len(sorted), round(sorted[len(sorted)/2].took), round(worst.took), round(worst.arrived))
}

func (s *site) flapOne(ctx context.Context, i int, f *flaps) error {
	token, err := s.issuer.Token("flapping-" + strconv.Itoa(i))
	if err != nil {
		return err
	}
	p := &person{token: token}
	if _, err := s.ask(ctx, i, p, http.MethodPost, "/api/v1/register", &report{}); err != nil {
		return err
	}
	every := time.NewTicker(flapEvery)
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

func (s *site) timeNewcomer(ctx context.Context, i int, arrived time.Duration, f *flaps) error {
	took, err := s.timeSignUp(ctx, "newcomer-"+strconv.Itoa(i))
	f.mu.Lock()
	defer f.mu.Unlock()
	if arrived < s.lasting {
		f.during = append(f.during, newcomer{took, arrived})
	} else {
		f.after = append(f.after, newcomer{took, arrived})
	}
	return err
}
