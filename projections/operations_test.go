package projections

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAnOperationNobodyHasHandledYetIsAccepted(t *testing.T) {
	t.Parallel()
	same(t, "progress", Progress{Status: Accepted}, newScreen(t).progress("op"))
}

// Operations through their whole lives: where each stands after every fact.
func TestOperationsRunTheirCourse(t *testing.T) {
	t.Parallel()
	parked := func(reason events.Reason) said {
		return said{"", events.SubscriptionParked{Plan: "free", Reason: reason}}
	}
	joined := said{"op-second", events.RequestJoined{Plan: "free"}}
	bothActive := said{"", events.SubscriptionActivated{Ends: ends("op-free", "op-second"), Plan: "free", Key: "k1"}}
	type step struct {
		happens said
		want    map[portal.OperationID]Status
	}
	type is = map[portal.OperationID]Status
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"one that joins ends with the first", []step{
			{keyWanted, is{"op-free": Running}},
			{freeWanted, is{"op-free": Running}},
			{joined, is{"op-free": Running, "op-second": Running}},
			{keyCreated, is{"op-free": Running, "op-second": Running}},
			{bothActive, is{"op-free": Succeeded, "op-second": Succeeded}},
		}},
		{"one that waits goes on by itself", []step{
			{keyWanted, nil}, {freeWanted, is{"op-free": Running}},
			{parked(events.WaitingForCapacity), is{"op-free": Waiting}},
			{parked(events.WaitingForAWS), is{"op-free": Waiting}},
			{keyCreated, is{"op-free": Running}},
			{freeActive, is{"op-free": Succeeded}},
		}},
		{"one that is overturned is over, whatever comes of what overturned it", []step{
			{keyWanted, nil}, {freeWanted, nil},
			{said{"op-leave", events.RequestSuperseded{Ends: ends("op-free")}}, is{"op-free": Rejected, "op-leave": Accepted}},
			{freeEnding, is{"op-free": Rejected, "op-leave": Running}},
			{freeEnded, is{"op-free": Rejected, "op-leave": Succeeded}},
		}},
		{"one that failed goes on failing until its replay has ended", []step{
			{said{"op-free", events.RequestFailed{Ends: ends("op-free")}}, is{"op-free": Failed}},
			{keyWanted, is{"op-free": Failed}},
			{freeWanted, is{"op-free": Failed}},
			{keyCreated, is{"op-free": Failed}},
			{freeActive, is{"op-free": Succeeded}},
		}},
		{"one that failed may be refused by its replay", []step{
			{said{"op-free", events.RequestFailed{Ends: ends("op-free")}}, is{"op-free": Failed}},
			{said{"op-free", events.RequestSuperseded{Ends: ends("op-free")}}, is{"op-free": Rejected}},
		}},
		{"one that API Gateway refuses for good is rejected", []step{
			{keyWanted, nil}, {freeWanted, nil}, {keyCreated, nil},
			{said{"", events.RequestRejected{Ends: ends("op-free"), Code: portal.Conflict, Message: "No.", Withdraws: "free"}}, is{"op-free": Rejected}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newScreen(t)
			for i, step := range c.steps {
				s.shown(annStream, step.happens)
				for op, want := range step.want {
					if got := s.progress(op); got.Status != want {
						t.Errorf("after %d facts %s is %s, want %s", i+1, op, got.Status, want)
					}
				}
			}
		})
	}
}

func TestProgressSaysWhyAndSinceWhen(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, keyWanted, freeWanted, said{"", events.SubscriptionParked{Plan: "free", Reason: events.WaitingForCapacity}})
	p := s.progress("op-free")
	if p.Status != Waiting || p.Code != "capacity" || p.Message == "" || !p.UpdatedAt.Equal(at(3)) {
		t.Errorf("while it waits: %s, code %q, message %q, since %v", p.Status, p.Code, p.Message, p.UpdatedAt)
	}
	s.shown(annStream, keyCreated, freeActive)
	p = s.progress("op-free")
	if p.Status != Succeeded || p.Code != "" || p.Message != "" || !p.UpdatedAt.Equal(at(5)) {
		t.Errorf("in the end: %s, code %q, message %q, since %v", p.Status, p.Code, p.Message, p.UpdatedAt)
	}
	type brief struct {
		Sequence int64
		Name     string
		Status   Status
		Detail   string
	}
	var got []brief
	for _, step := range p.Steps {
		got = append(got, brief{step.Sequence, step.Name, step.Status, step.Detail})
		if !step.At.Equal(at(step.Sequence)) {
			t.Errorf("step %d is of %v", step.Sequence, step.At)
		}
	}
	same(t, "steps", []brief{
		{1, "KeyWanted", Running, "An API key is to be created."},
		{2, "SubscriptionWanted", Running, "The key is to be added to Free."},
		{3, "SubscriptionParked", Waiting, waitingText(events.WaitingForCapacity)},
		{4, "KeyCreated", Running, "API Gateway has created the key."},
		{5, "SubscriptionActivated", Succeeded, "API Gateway has added the key to Free."},
	}, got)
	if waitingText(events.WaitingForAWS) == waitingText(events.WaitingForCapacity) {
		t.Error("both reasons read alike, but only one needs the operator")
	}
}

// A fact that ends other operations is a step of the one it was decided for too, and
// does not end that one.
func TestAFactEndsOnlyTheOperationsItNames(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, keyWanted, freeWanted, said{"op-other", events.RequestUnchanged{Ends: ends("op-free")}})
	got := []Status{s.progress("op-free").Status, s.progress("op-other").Status}
	if diff := cmp.Diff([]Status{Succeeded, Running}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}
