package handlers

import (
	"context"
	"errors"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func about(stream portal.Stream, id string, data events.Request) events.Event {
	return events.Event{ID: id, Source: "/test", Subject: stream, Time: opened, Data: data}
}

// answers is AWS, which answers what was set last.
type answers struct {
	is    Entitlement
	sold  bool
	err   error
	asked int
}

func (a *answers) entitled(context.Context, state.Licence) (Entitlement, bool, error) {
	a.asked++
	return a.is, a.sold, a.err
}

func grant(plan portal.PlanID) Entitlement {
	return Entitlement{Dimensions: []string{string(plan)}, Plan: plan, Name: string(plan), Stages: proStages}
}

// newMarket is a fixture whose licence ann has claimed and AWS calls active.
func newMarket(t *testing.T, aws *answers) *fixture {
	t.Helper()
	d := newFixture(t, func(c *Config) { c.Entitled = aws.entitled })
	d.handle(about(licence01, "claim", byAnn), about(licence01, "paid", noticed(events.NoticeSubscribed, noon)))
	return d
}

func (d *fixture) pays(plan portal.PlanID, access bool) {
	d.t.Helper()
	l := state.FoldLicence(licence01, d.stream(licence01))
	if l.Claim.Plan != plan || l.HasAccess != access {
		d.t.Errorf("the licence pays for %q, access: %t; want %q, %t", l.Claim.Plan, l.HasAccess, plan, access)
	}
}

func TestAClaimAndANoticeHaveAWSAskedOnce(t *testing.T) {
	t.Parallel()
	d := newMarket(t, &answers{})
	checks := func() (ids []string) {
		sent, again := d.outbox.empty()
		for _, msg := range append(sent, again...) {
			if _, ok := msg.Data.(events.EntitlementCheckRequested); ok {
				ids = append(ids, msg.ID)
			}
		}
		return ids
	}
	first := checks()
	if len(first) != 2 || first[0] == first[1] {
		t.Fatalf("a claim and a notice led to the checks %v", first)
	}
	d.elsewhere(about(licence01, "paid", noticed(events.NoticeSubscribed, noon)))
	if again := checks(); len(again) != 1 || again[0] != first[1] {
		t.Errorf("a second delivery led to the checks %v, want %s", again, first[1])
	}
}

func TestTheAnswerOfAWSChangesThePlanOnce(t *testing.T) {
	t.Parallel()
	aws := &answers{is: grant("max"), sold: true}
	d := newMarket(t, aws)
	check := about(licence01, "check", events.EntitlementCheckRequested{})
	d.handle(check)
	d.pays("max", true)
	facts := len(d.stream(licence01))
	aws.is = grant("pro")
	d.handle(check)
	d.decider = d.beside(func(c *Config) { c.Entitled = aws.entitled })
	d.handle(check)
	if d.pays("max", true); aws.asked != 1 || len(d.stream(licence01)) != facts {
		t.Errorf("AWS was asked %d times for one check", aws.asked)
	}
	d.handle(about(licence01, "another", events.EntitlementCheckRequested{}))
	d.pays("pro", true)
}

func TestAWSIsAskedOnlyAboutClaimsAndContracts(t *testing.T) {
	t.Parallel()
	aws := &answers{}
	d := newMarket(t, aws)
	d.handle(about("licence/l-9", "check", events.EntitlementCheckRequested{}))
	if aws.asked != 0 || len(d.stream("licence/l-9")) > 0 {
		t.Errorf("AWS was asked %d times about a licence that nobody has claimed", aws.asked)
	}
	facts := len(d.stream(licence01))
	d.handle(about(licence01, "check", events.EntitlementCheckRequested{}))
	if d.pays("pro", true); len(d.stream(licence01)) != facts {
		t.Error("a listing without contracts led to facts")
	}
	if err := deliver(t.Context(), d.decider, about(portal.AccountStream("ann"), "check", events.EntitlementCheckRequested{})); portal.CodeOf(err) != portal.Invalid {
		t.Errorf("a check of an account is answered %v", err)
	}
}

func TestACheckIsRepeatedUntilAWSAnswers(t *testing.T) {
	t.Parallel()
	aws := &answers{err: &portal.Postponed{Reason: "AWS Marketplace throttles"}}
	d := newMarket(t, aws)
	check := about(licence01, "check", events.EntitlementCheckRequested{})
	if err := deliver(t.Context(), d.decider, check); !isPostponed(err) {
		t.Fatalf("the worker answers %v", err)
	}
	denied := errors.New("denied")
	aws.err = denied
	if err := deliver(t.Context(), d.decider, check); !errors.Is(err, denied) || isPostponed(err) {
		t.Fatalf("the worker answers %v", err)
	}
	aws.err, aws.is, aws.sold = nil, grant("max"), true
	d.handle(check)
	d.pays("max", true)
}

// Of two workers that ask AWS at once, the slower one asks again, since its answer may be the older one.
func TestAnAnswerThatAnotherWorkerOvertookIsReadAgain(t *testing.T) {
	t.Parallel()
	aws := &answers{is: grant("max"), sold: true}
	d := newMarket(t, aws)
	slow := d.beside(func(c *Config) {
		c.Entitled = aws.entitled
		c.Journal = overtaken{d.journal, once(func() {
			aws.is = grant("pro")
			d.handle(about(licence01, "faster", events.EntitlementCheckRequested{}))
			d.pays("pro", true)
		})}
	})
	if err := deliver(t.Context(), slow, about(licence01, "slower", events.EntitlementCheckRequested{})); err != nil {
		t.Fatal(err)
	}
	if d.pays("pro", true); aws.asked != 3 {
		t.Errorf("AWS was asked %d times, want the slower worker to ask twice", aws.asked)
	}
}

// reads counts how often streams are read.
type reads struct {
	*journal.Journal
	n int
}

func (r *reads) Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error) {
	r.n++
	return r.Journal.Read(ctx, stream, after)
}

func TestANoticeThatNamesNoLicenceIsKeptOnceWithoutReading(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	counting := &reads{Journal: d.journal}
	d.decider = d.beside(func(c *Config) { c.Journal = counting })
	stream := portal.NoticeStream("n1")
	unknown := about(stream, "n1", events.MarketplaceNotified{Source: "s", Kind: events.NoticeUnknown, At: opened, Text: "?"})
	d.handle(unknown)
	if counting.n != 0 {
		t.Errorf("the worker read %d times", counting.n)
	}
	d.handle(unknown)
	d.elsewhere(unknown)
	holds(t, d.stream(stream), events.MarketplaceNoticeKept{Notice: unknown.Data.(events.MarketplaceNotified)})

	// Messages of older versions have the stream that all notices shared.
	for _, id := range []string{"old1", "old2", "old1"} {
		d.handle(about(portal.MarketplaceStream, id, events.MarketplaceNotified{Source: id, Kind: events.NoticeAgreementEnded, At: opened}))
	}
	if kept := d.stream(portal.MarketplaceStream); len(kept) != 2 {
		t.Errorf("two notices became %d facts", len(kept))
	}
}
