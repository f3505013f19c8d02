package events

import (
	"cmp"
	"strconv"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// LicenceNews returns the request that follows from a fact about a licence: it tells an account or a
// licence what the fact changes for it. ok is false if nothing follows. The request's id derives from the
// fact and from attempt, which is 0 at first.
func (e Event) LicenceNews(attempt int) (request Event, ok bool) {
	request = Event{
		ID: portal.DeriveID("licence-news", e.ID, strconv.Itoa(attempt)), Source: e.Source, Time: e.Time,
		Causation: e.ID, Correlation: e.Correlation, TraceParent: e.TraceParent, TraceState: e.TraceState,
	}
	switch f := e.Data.(type) {
	case LicenceClaimed:
		request.Subject = portal.AccountStream(f.Account)
		request.Data = LicenceAccessRequested{Licence: e.Subject, Sequence: e.Sequence, Claimed: true, Plan: f.Plan, Name: f.Name, Renews: f.Renews}
	case LicenceAccessWanted:
		request.Subject, request.Operation = portal.AccountStream(f.Account), cmp.Or(f.Operation, e.Operation)
		request.Data = LicenceAccessRequested{Licence: e.Subject, Sequence: e.Sequence, HasAccess: true, Plan: f.Plan, Name: f.Name, Stages: f.Stages, Renews: f.Renews}
	case LicenceAccessEnding:
		request.Subject = portal.AccountStream(f.Account)
		request.Data = LicenceAccessRequested{Licence: e.Subject, Sequence: e.Sequence, Plan: f.Plan}
	case LicencePlanChanged:
		if !f.HasAccess {
			return Event{}, false
		}
		request.Subject = portal.AccountStream(f.Account)
		request.Data = LicenceAccessRequested{Licence: e.Subject, Sequence: e.Sequence, HasAccess: true, Plan: f.Plan, Name: f.Name, Stages: f.Stages}
	case LicenceAccessSet:
		account, is := e.Subject.Account()
		if !is || !f.Released {
			return Event{}, false
		}
		request.Subject, request.Data = f.Licence, LicenceReleaseRequested{Account: account}
	default:
		return Event{}, false
	}
	return request, true
}

// EntitlementCheck returns the request that asks AWS about the licence because of the fact; ok is false if
// nothing follows from it. The request's id derives from the fact.
func (e Event) EntitlementCheck() (request Event, ok bool) {
	switch f := e.Data.(type) {
	case LicenceClaimed:
	case LicenceNoticed:
		if !f.Check {
			return Event{}, false
		}
	default:
		return Event{}, false
	}
	return Event{
		ID: portal.DeriveID("entitlement-check", e.ID), Source: e.Source, Subject: e.Subject, Time: e.Time,
		Causation: e.ID, Correlation: e.Correlation, TraceParent: e.TraceParent, TraceState: e.TraceState, Data: EntitlementCheckRequested{},
	}, true
}
