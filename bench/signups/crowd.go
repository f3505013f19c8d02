package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

type person struct {
	name, token string
	operation   string
	status      string
}

type operation struct {
	ID, Status string
}

func (o operation) over() bool {
	return o.Status == "succeeded" || o.Status == "rejected" || o.Status == "failed"
}

func (s *site) crowd(ctx context.Context) (*report, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	people := make([]*person, s.users)
	for i := range people {
		name := "person-" + strconv.Itoa(i)
		token, err := s.issuer.Token(name)
		if err != nil {
			return nil, fmt.Errorf("issuing a token: %w", err)
		}
		people[i] = &person{name: name, token: token}
	}
	s.aws.SetLimits(s.limits())
	if err := s.aws.SetFaults(s.faults()); err != nil {
		return nil, err
	}
	before, used := s.aws.Counts(), ownTime()
	rows := s.rows.snapshot()
	chaos, stop := context.WithCancel(ctx)
	defer stop()
	var killing sync.WaitGroup
	killing.Go(func() { s.killAtRandom(chaos) })

	r := &report{settings: s.settings, began: time.Now()}
	s.tell("%d people sign up and subscribe", s.users)
	var clicking sync.WaitGroup
	if s.click > 0 {
		clicking.Go(func() { r.Click, r.clickErr = s.timeOneMore(ctx) })
	}
	if err := s.arrive(ctx, people, r); err != nil {
		return nil, err
	}
	r.Arrived = time.Since(r.began)
	s.tell("everybody is answered after %s", r.Arrived.Round(10*time.Millisecond))
	if err := s.waitUntilOver(ctx, people); err != nil {
		return nil, err
	}
	r.Done = time.Since(r.began)
	clicking.Wait()
	stop()
	killing.Wait()
	r.count(before, s.aws.Counts())
	r.Rows = s.rows.since(rows)
	r.Polls = s.polls
	r.own = ownTime() - used
	r.Kills = s.fleet.kills
	s.tell("everybody is done after %s; looking at what is there", r.Done.Round(10*time.Millisecond))
	return r, s.inspect(ctx, people, r)
}

func (s *site) killAtRandom(ctx context.Context) {
	if s.kill <= 0 {
		return
	}
	for {
		pause := time.Duration(s.random.Float64() * 2 * float64(s.kill))
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			s.fleet.kill(s.random.IntN(1 << 20))
		}
	}
}

// arrive sends everybody's two requests. It retries and counts an answer other than 202,
// under the same Idempotency-Key.
func (s *site) arrive(ctx context.Context, people []*person, r *report) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.clients)
	for i, p := range people {
		group.Go(func() error {
			if _, err := s.ask(ctx, i, p, http.MethodPost, "/api/v1/register", r); err != nil {
				return err
			}
			op, err := s.ask(ctx, i, p, http.MethodPut, "/api/v1/subscriptions/"+s.demo.FreePlanID, r)
			p.operation = op.ID
			return err
		})
	}
	return group.Wait()
}

func (s *site) ask(ctx context.Context, i int, p *person, method, path string, r *report) (operation, error) {
	for attempt := 0; ; attempt++ {
		var op operation
		began := time.Now()
		status, err := s.send(ctx, i+attempt, p.token, method, path, method+path, &op)
		r.answered(status, time.Since(began))
		if err == nil && status == http.StatusAccepted {
			return op, nil
		}
		if ctx.Err() != nil {
			return op, ctx.Err()
		}
		// Only kills and failing calls excuse a retry.
		if s.kill == 0 && s.failing == 0 {
			return op, fmt.Errorf("%s %s answered %d: %w", method, path, status, errors.Join(err, errors.New("want 202")))
		}
		time.Sleep(time.Duration(min(attempt+1, 10)) * 100 * time.Millisecond)
	}
}

func (s *site) timeOneMore(ctx context.Context) (time.Duration, error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(s.click):
	}
	return s.timeSignUp(ctx, "one-more")
}

func (s *site) timeSignUp(ctx context.Context, name string) (time.Duration, error) {
	token, err := s.issuer.Token(name)
	if err != nil {
		return 0, err
	}
	p := &person{name: name, token: token}
	quiet := &report{}
	began := time.Now()
	if _, err := s.ask(ctx, 0, p, http.MethodPost, "/api/v1/register", quiet); err != nil {
		return 0, err
	}
	op, err := s.ask(ctx, 0, p, http.MethodPut, "/api/v1/subscriptions/"+s.demo.FreePlanID, quiet)
	for err == nil && !op.over() {
		time.Sleep(100 * time.Millisecond)
		_, err = s.get(ctx, 0, token, "/api/v1/operations/"+op.ID, &op)
	}
	return time.Since(began), err
}

const (
	// minWindow is how many operations waitUntilOver polls at least, askers how many at once.
	minWindow = 40
	askers    = 4
	// retryAfter is what the portal asks of clients whose operation is open.
	retryAfter = time.Second
)

// waitUntilOver polls little, to disturb little: a few open operations in turn, and more
// while most of those have ended.
func (s *site) waitUntilOver(ctx context.Context, people []*person) error {
	open, window := people, minWindow
	for told := time.Now(); len(open) > 0; {
		asked := open[:min(window, len(open))]
		still, err := s.stillOpen(ctx, asked)
		if err != nil {
			return fmt.Errorf("%d operations are open: %w", len(open), err)
		}
		open = append(slices.Clone(open[len(asked):]), still...)
		if time.Since(told) > 10*time.Second {
			s.tell("  %d are open", len(open))
			told = time.Now()
		}
		if len(still) > len(asked)/2 {
			window = minWindow
			time.Sleep(retryAfter)
			continue
		}
		window *= 2
	}
	return nil
}

func (s *site) stillOpen(ctx context.Context, people []*person) ([]*person, error) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(askers)
	s.polls += len(people)
	for i, p := range people {
		group.Go(func() error {
			var op operation
			if _, err := s.get(ctx, i, p.token, "/api/v1/operations/"+p.operation, &op); err == nil && op.over() {
				p.status = op.Status
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(slices.Clone(people), func(p *person) bool { return p.status != "" }), err
}

func (s *site) send(ctx context.Context, turn int, token, method, path, key string, into any) (int, error) {
	portals := s.fleet.portals()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+portals[turn%len(portals)]+path, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return resp.StatusCode, errors.New(string(bytes.TrimSpace(body)))
	}
	return resp.StatusCode, json.Unmarshal(body, into)
}

func (s *site) get(ctx context.Context, turn int, token, path string, into any) (status int, err error) {
	for n := range s.fleet.portals() {
		if status, err = s.send(ctx, turn+n, token, http.MethodGet, path, "", into); err == nil {
			return status, nil
		}
	}
	return status, err
}
