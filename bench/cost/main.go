// Command cost counts what AWS would bill for each thing that people and jobs do, on a local AWS, and
// writes docs/cost.md with what it costs by prices.yaml. It plays AWS Lambda with a clock of its own, so an
// hour takes seconds.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/bench/program"
)

func main() {
	app.CollectSeldom()
	program.Main("bench/cost", run)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "the file to write; empty is standard output")
	people := flags.Int("people", 100, "how many people are counted")
	if err := flags.Parse(args); err != nil {
		return err
	}
	list, err := readPrices()
	if err != nil {
		return err
	}
	m, err := measure(ctx, *people, func(what string) { fmt.Fprintln(stderr, "counting "+what) })
	if err != nil {
		return err
	}
	text, err := page(list, m)
	if err != nil {
		return err
	}
	if *out == "" {
		_, err := io.WriteString(stdout, text)
		return err
	}
	return os.WriteFile(*out, []byte(text), 0o644)
}

// activity is what one of something takes: what AWS bills, and invocations of the functions.
type activity struct {
	counts
	portal, worker float64 // invocations
	gigabyteSecs   float64
	logs           float64 // bytes
}

func (a activity) plus(b activity, times float64) activity {
	return activity{a.counts.plus(b.counts, times), a.portal + b.portal*times, a.worker + b.worker*times, a.gigabyteSecs + b.gigabyteSecs*times, a.logs + b.logs*times}
}

// measurements are by activity; the hours are of jobs alone, with no accounts and with People.
type measurements struct {
	People                                 int
	SignUp, Leave, Dashboard, Reveal, Page activity
	IdleHour, PeopleHour                   activity
}

// more is what a has more than b.
func more(a, b activity) activity {
	a = a.plus(b, -1)
	for name, n := range a.counts {
		a.counts[name] = max(0, n)
	}
	return activity{a.counts, max(0, a.portal), max(0, a.worker), max(0, a.gigabyteSecs), max(0, a.logs)}
}

// The memory of the functions in lambda.yaml, in GB.
const portalMemory, workerMemory = 1.0, 0.5

func (s *site) during(ctx context.Context, times int, do func(i int) error) (activity, error) {
	s.counter.take()
	portal, worker, took, logged := s.invoked["portal"], s.invoked["worker"], s.took["portal"].Seconds()*portalMemory+s.took["worker"].Seconds()*workerMemory, s.logged.Load()
	for i := range times {
		if err := do(i); err != nil {
			return activity{}, err
		}
		if err := s.work(ctx); err != nil {
			return activity{}, err
		}
	}
	all := activity{
		s.counter.take(), s.invoked["portal"] - portal, s.invoked["worker"] - worker,
		s.took["portal"].Seconds()*portalMemory + s.took["worker"].Seconds()*workerMemory - took, float64(s.logged.Load() - logged),
	}
	return activity{}.plus(all, 1/float64(times)), nil
}

func measure(ctx context.Context, people int, tell func(string)) (m measurements, err error) {
	tell("an hour without accounts")
	s, err := newSite(ctx)
	if err != nil {
		return m, err
	}
	defer s.close()
	m.People = people
	hour := func(int) error { return s.passHours(ctx, 1) }
	if m.IdleHour, err = s.during(ctx, 1, hour); err != nil {
		return m, err
	}
	tokens := make([]string, people)
	for i := range tokens {
		if tokens[i], err = s.issuer.Token(fmt.Sprint("person-", i)); err != nil {
			return m, err
		}
	}
	free := "/api/v1/subscriptions/" + s.demo.FreePlanID
	asking := func(requests ...[2]string) func(int) error {
		return func(i int) error {
			for _, r := range requests {
				want := http.StatusOK
				if r[0] != http.MethodGet {
					want = http.StatusAccepted
				}
				if err := s.ask(tokens[i], r[0], r[1], want); err != nil {
					return err
				}
			}
			return nil
		}
	}
	tell("people who sign up and subscribe")
	if m.SignUp, err = s.during(ctx, people, asking([2]string{http.MethodPost, "/api/v1/register"}, [2]string{http.MethodPut, free})); err != nil {
		return m, err
	}
	tell("what they look at")
	if m.Dashboard, err = s.during(ctx, people, asking([2]string{http.MethodGet, "/api/v1/me"}, [2]string{http.MethodGet, "/api/v1/subscriptions"}, [2]string{http.MethodGet, "/api/v1/keys"})); err != nil {
		return m, err
	}
	if m.Page, err = s.during(ctx, people, func(int) error { return s.ask("", http.MethodGet, "/", http.StatusOK) }); err != nil {
		return m, err
	}
	tell("the hours after")
	// In the first hour the rows of their sign-ups fall due again, so it is a part of the sign-ups.
	after, err := s.during(ctx, 1, hour)
	if err != nil {
		return m, err
	}
	m.SignUp = m.SignUp.plus(more(after, m.IdleHour), 1/float64(people))
	if m.PeopleHour, err = s.during(ctx, 1, hour); err != nil {
		return m, err
	}
	m.Leave, err = s.during(ctx, people, asking([2]string{http.MethodDelete, free}))
	return m, err
}
