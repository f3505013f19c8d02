package projections

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAnOperationNobodyHasHandledYetIsAccepted(t *testing.T) {
	t.Parallel()
	same(t, "progress", Progress{Status: Accepted}, newScreen(t).progress("op"))
}

// Whole lives of operations: the status of each after every fact.
func TestOperationsHaveTheRightStatusAfterEveryFact(t *testing.T) {
	t.Parallel()
	parked := func(reason events.Reason) said {
		return said{"", events.WishParked{Link: link(2), Reason: reason}}
	}
	joined := said{"op-second", events.RequestJoined{Link: link(2), Plan: "free"}}
	active := said{"", events.SubscriptionActivated{Link: link(2), Plan: "free"}}
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
			{active, is{"op-free": Succeeded, "op-second": Succeeded}},
		}},
		{"one that waits continues without a new request", []step{
			{keyWanted, nil}, {freeWanted, is{"op-free": Running}},
			{parked(events.WaitingForCapacity), is{"op-free": Waiting}},
			{parked(events.WaitingForAWS), is{"op-free": Waiting}},
			{keyCreated, is{"op-free": Running}},
			{active, is{"op-free": Succeeded}},
		}},
		{"one that is overturned has ended, and the newer one continues", []step{
			{keyWanted, nil}, {freeWanted, nil},
			{joined, is{"op-second": Running}},
			{said{"op-leave", events.RequestSuperseded{Link: link(2)}}, is{"op-free": Rejected, "op-second": Rejected, "op-leave": Accepted}},
			{freeEnding, is{"op-free": Rejected, "op-leave": Running}},
			{said{"", events.SubscriptionEnded{Link: link(5), Plan: "free"}}, is{"op-free": Rejected, "op-second": Rejected, "op-leave": Succeeded}},
		}},
		{"one that failed stays failed until its replay has ended", []step{
			{said{"op-free", events.RequestFailed{}}, is{"op-free": Failed}},
			{keyWanted, is{"op-free": Failed}},
			{freeWanted, is{"op-free": Failed}},
			{keyCreated, is{"op-free": Failed}},
			{said{"", events.SubscriptionActivated{Link: link(3), Plan: "free"}}, is{"op-free": Succeeded}},
		}},
		{"one that a replay links to another wish ends with that one", []step{
			{keyWanted, nil}, {freeWanted, nil}, {joined, is{"op-second": Running}},
			{said{"op-leave", events.RequestSuperseded{Link: link(2)}}, is{"op-second": Rejected}},
			{freeEnding, nil},
			{said{"op-second", events.RequestJoined{Link: link(5), Plan: "free"}}, is{"op-second": Running}},
			{said{"", events.SubscriptionEnded{Link: link(5), Plan: "free"}}, is{"op-second": Succeeded}},
		}},
		{"all that wait end when the account is deleted", []step{
			{keyWanted, nil}, {freeWanted, nil}, {joined, nil},
			{said{"op-plus", events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus", Ring: portal.AccountRing}}, is{"op-plus": Waiting}},
			{said{"op-plus-again", events.RequestJoined{Link: link(4), Plan: "plus"}}, is{"op-plus-again": Waiting}},
			{said{"op-key", events.KeyWanted{Key: "k2", Ring: portal.AccountRing, Name: "CI", Requested: true}}, is{"op-key": Running}},
			{said{"op-suspend", events.AccountSuspended{Message: "No."}}, is{"op-suspend": Running}},
			{said{"op-delete", events.AccountDeleting{}}, is{"op-free": Rejected, "op-second": Rejected, "op-plus": Rejected, "op-plus-again": Rejected,
				"op-key": Rejected, "op-suspend": Rejected, "op-delete": Running}},
			{said{"", events.AccountDeleted{Link: link(8)}}, is{"op-free": Rejected, "op-suspend": Rejected, "op-delete": Succeeded}},
		}},
		{"a registration that waits ends when the account is deleted", []step{
			{said{"op-register-again", events.RegistrationPending{}}, is{"op-register-again": Waiting}},
			{said{"op-delete", events.AccountDeleting{}}, is{"op-register-again": Rejected, "op-delete": Running}},
		}},
		{"one that failed may be refused by its replay", []step{
			{said{"op-free", events.RequestFailed{}}, is{"op-free": Failed}},
			{said{"op-free", events.RequestSuperseded{}}, is{"op-free": Rejected}},
		}},
		{"one that API Gateway refuses for good is rejected", []step{
			{keyWanted, nil}, {freeWanted, nil}, {keyCreated, nil},
			{said{"", events.RequestRejected{Link: link(2), Code: portal.Conflict, Message: "No."}}, is{"op-free": Rejected}},
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

func TestProgressHasTheReasonAndItsTime(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	s.shown(annStream, keyWanted, freeWanted, said{"", events.WishParked{Link: link(2), Reason: events.WaitingForCapacity}})
	p := s.progress("op-free")
	if p.Status != Waiting || p.Code != "capacity" || p.Message == "" || !p.UpdatedAt.Equal(at(3)) {
		t.Errorf("while it waits: %s, code %q, message %q, since %v", p.Status, p.Code, p.Message, p.UpdatedAt)
	}
	s.shown(annStream, keyCreated, said{"", events.KeyAttached{Link: link(2), Key: "k1", Plan: "free"}},
		said{"", events.SubscriptionActivated{Link: link(2), Plan: "free"}})
	p = s.progress("op-free")
	if p.Status != Succeeded || p.Code != "" || p.Message != "" || !p.UpdatedAt.Equal(at(6)) {
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
		{3, "WishParked", Waiting, WaitingText(string(events.WaitingForCapacity))},
		{4, "KeyCreated", Running, "API Gateway has created the key."},
		{5, "KeyAttached", Running, "API Gateway has added Default key to Free."},
		{6, "SubscriptionActivated", Succeeded, "Free is active."},
	}, got)
	if text := WaitingText(string(events.WaitingForRepair)); !strings.Contains(text, "list of failures") || !strings.Contains(text, "retry") {
		t.Errorf("after a dead letter it says %q", text)
	}
	if text := WaitingText(string(events.WaitingForKMSKey)); !strings.Contains(text, "KMS key is disabled") || !strings.Contains(text, "operator") {
		t.Errorf("the text for a disabled KMS key is %q", text)
	}
	if WaitingText(string(events.WaitingForAWS)) == WaitingText(string(events.WaitingForCapacity)) {
		t.Error("both reasons have the same text, but only one needs the operator")
	}
}

// A request that overturns a wish ends only the operations that wait for it.
func TestAFactEndsOnlyTheOperationsOfItsWish(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	plusWanted := said{"op-plus", events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing}}
	s.shown(annStream, keyWanted, freeWanted, plusWanted, said{"op-leave", events.RequestSuperseded{Link: link(2)}}, freeEnding)
	got := []Status{s.progress("op-free").Status, s.progress("op-plus").Status, s.progress("op-leave").Status}
	same(t, "statuses", []Status{Rejected, Running, Running}, got)
}
