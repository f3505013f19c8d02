package notices_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Every fact that concerns a person, with what they are told. The actor is the person unless the
// case says otherwise.
func TestFactsAreToldInWords(t *testing.T) {
	t.Parallel()
	const admin portal.Actor = "account/admin"
	soon, inSixDays, tomorrow, inAnHour := noon.AddDate(0, 0, 8), noon.AddDate(0, 0, 6), noon.AddDate(0, 0, 1), noon.Add(time.Hour)
	link, plan := events.Link{Wish: 2}, events.Decides{Scopes: []portal.Scope{portal.PlanScope("plus")}}
	for name, c := range map[string]struct {
		given      events.Fact // happened before, if not nil
		fact       events.Fact
		actor      portal.Actor
		kind       notices.Kind // "" if nobody is told
		importance notices.Importance
		title      string
		says       string
	}{
		"a subscription is active":           {fact: events.SubscriptionActivated{Plan: "plus"}, kind: notices.SubscriptionActive, importance: notices.Info, title: "Plus is active"},
		"a request is refused":               {fact: events.RequestRejected{Decides: plan, Message: "Leave Free first."}, kind: notices.SubscriptionRejected, importance: notices.Warn, title: "Your request about Plus was refused", says: "Leave Free first."},
		"a wish is refused":                  {fact: events.RequestRejected{Link: link, Message: "It is gone."}, kind: notices.SubscriptionRejected, importance: notices.Warn, title: "Your request about Plus was refused"},
		"a request about no plan is refused": {fact: events.RequestRejected{Message: "No."}},
		"a plan was removed":                 {fact: events.SubscriptionLost{Plan: "plus", Reason: events.LostPlanGone}, kind: notices.SubscriptionLost, importance: notices.Act, title: "Your subscription to Plus has ended", says: "has removed Plus"},
		"a plan covers another's API":        {fact: events.SubscriptionLost{Plan: "plus", Reason: events.LostStageTaken}, kind: notices.SubscriptionLost, importance: notices.Act, title: "Your subscription to Plus has ended", says: "leave the other plan"},
		"the person leaves a plan":           {fact: events.SubscriptionEnding{Plan: "plus"}},
		"a purchase on AWS Marketplace ends": {fact: events.SubscriptionEnding{Plan: "plus", Payer: events.Payer{Licence: "licence/l-1"}}, kind: notices.SubscriptionEnded, importance: notices.Act, title: "Your purchase of Plus has ended"},
		"a purchase pays for another plan": {
			given: events.LicenceAccessSet{Licence: "licence/l-1", Sequence: 9, HasAccess: true, Plan: "max"},
			fact:  events.SubscriptionEnding{Plan: "plus", Payer: events.Payer{Licence: "licence/l-1"}},
		},
		"a purchase was changed": {fact: events.PlanChanged{From: "free", Plan: "plus", Payer: events.Payer{Licence: "licence/l-1"}}, kind: notices.PlanChanged, importance: notices.Info, title: "Your purchase is now for Plus", says: "Your API key is the same"},
		"a purchase was renewed": {
			fact: events.LicenceAccessSet{Licence: "licence/l-2", HasAccess: true, Plan: "plus", Renews: &events.Renews{Licence: "licence/l-1", Ends: &soon}},
			kind: notices.PurchaseRenewed, importance: notices.Warn, title: "Your purchase of Plus was renewed", says: "The old key works until 28 November 2026 at 12:00 UTC at the latest.",
		},
		"a purchase was renewed, and nobody knows when the old one ends": {
			fact: events.LicenceAccessSet{Licence: "licence/l-2", HasAccess: true, Plan: "plus", Renews: &events.Renews{Licence: "licence/l-1"}},
			kind: notices.PurchaseRenewed, importance: notices.Warn, title: "Your purchase of Plus was renewed", says: "until AWS Marketplace ends the old licence",
		},
		"a purchase that renews none begins":        {fact: events.LicenceAccessSet{Licence: "licence/l-2", HasAccess: true, Plan: "plus"}},
		"an admin ends a subscription":              {fact: events.SubscriptionEnding{Plan: "plus"}, actor: admin, kind: notices.SubscriptionEnded, importance: notices.Act, title: "Your subscription to Plus is ending"},
		"a plan is changed":                         {fact: events.PlanChanged{From: "free", Plan: "plus"}, kind: notices.PlanChanged, importance: notices.Info, title: "You changed to Plus"},
		"a change of plan is refused":               {fact: events.PlanChangeRefused{Plan: "plus", Message: "It is gone."}, kind: notices.PlanChangeRefused, importance: notices.Warn, title: "Your change to Plus was refused", says: "It is gone."},
		"a subscription waits for an admin":         {fact: events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus"}, kind: notices.ApprovalPending, importance: notices.Info, title: "Your subscription to Plus waits for an approval"},
		"a subscription is approved":                {fact: events.SubscriptionApproved{Plan: "plus"}, actor: admin, kind: notices.ApprovalGranted, importance: notices.Info, title: "Your subscription to Plus was approved"},
		"a subscription is denied":                  {fact: events.SubscriptionDenied{Plan: "plus", Message: "Ask sales."}, actor: admin, kind: notices.ApprovalDenied, importance: notices.Warn, title: "Your subscription to Plus was denied", says: "They wrote: Ask sales."},
		"an account waits for an admin":             {fact: events.RegistrationPending{}, kind: notices.ApprovalPending, importance: notices.Info, title: "Your account waits for an approval"},
		"an account opens at once":                  {fact: events.UserRegistered{}},
		"an account is approved":                    {fact: events.UserRegistered{Link: link}, kind: notices.ApprovalGranted, importance: notices.Info, title: "Your account was approved"},
		"an account is denied":                      {fact: events.RegistrationDenied{Message: "Unknown."}, kind: notices.ApprovalDenied, importance: notices.Act, title: "Your account was denied", says: "They wrote: Unknown."},
		"a key is created":                          {fact: events.KeyCreated{Key: "k1", GatewayID: "g"}, kind: notices.KeyCreated, importance: notices.Info, title: "Default key was created"},
		"a key gets an expiry date":                 {fact: events.KeyEndScheduled{Key: "k1", Ends: &soon, Reason: events.EndExpired}, kind: notices.KeyEnding, importance: notices.Warn, title: "Default key ends on 28 November 2026", says: "works until 28 November 2026 at 12:00 UTC"},
		"a key is rotated with an overlap":          {fact: events.KeyEndScheduled{Key: "k1", Ends: &soon, Reason: events.EndRotated}, kind: notices.KeyEnding, importance: notices.Warn, title: "Default key ends on 28 November 2026", says: "Put the new key into your programs"},
		"the person sets an expiry in six days":     {fact: events.KeyEndScheduled{Key: "k1", Ends: &inSixDays, Reason: events.EndExpired}},
		"an admin sets an expiry in six days":       {fact: events.KeyEndScheduled{Key: "k1", Ends: &inSixDays, Reason: events.EndExpired}, actor: admin, kind: notices.KeyEnding, importance: notices.Warn, title: "Default key ends on 26 November 2026"},
		"a key is rotated without an overlap":       {fact: events.KeyEndScheduled{Key: "k1", Ends: &noon, Reason: events.EndRotated}},
		"the overlap of a rotation ends in a day":   {given: events.KeyEndScheduled{Key: "k1", Ends: &tomorrow, Reason: events.EndRotated}, fact: events.KeyEndsSoon{Key: "k1", Ends: tomorrow}, kind: notices.KeyEndsSoon, importance: notices.Warn, title: "The old Default key ends in 24 hours", says: "let the old one work longer"},
		"the overlap of a rotation ends in an hour": {given: events.KeyEndScheduled{Key: "k1", Ends: &inAnHour, Reason: events.EndRotated}, fact: events.KeyEndsSoon{Key: "k1", Ends: inAnHour}, kind: notices.KeyEndsSoon, importance: notices.Warn, title: "The old Default key ends in 60 minutes", says: "works until 20 November 2026 at 13:00 UTC"},
		"a key's end is called off":                 {fact: events.KeyEndScheduled{Key: "k1", Reason: events.EndExpired}},
		"a key expires soon":                        {fact: events.KeyEndsSoon{Key: "k1", Ends: soon}, kind: notices.KeyEndsSoon, importance: notices.Warn, title: "Default key expires on 28 November 2026", says: "works until 28 November 2026 at 12:00 UTC"},
		"a key expires":                             {fact: events.KeyEnding{Key: "k1", Reason: events.EndExpired}, kind: notices.KeyEnded, importance: notices.Act, title: "Default key has ended"},
		"a key of an earlier portal is taken over":  {fact: events.KeyAdopted{Key: "k2", GatewayID: "g2", Ring: portal.AccountRing, Name: "Default key"}, actor: portal.Operator, kind: notices.KeyAdopted, importance: notices.Info, title: "Your API key works here, too"},
		"somebody deletes such a key":               {fact: events.KeyEnding{Key: "k1", Reason: events.EndLost}, kind: notices.KeyEnded, importance: notices.Act, title: "Default key has ended", says: "Somebody has deleted your API key"},
		"the person revokes a key":                  {fact: events.KeyEnding{Key: "k1", Reason: events.EndRevoked}, kind: notices.KeyEnded, importance: notices.Info, title: "Default key has ended"},
		"an admin revokes a key":                    {fact: events.KeyEnding{Key: "k1", Reason: events.EndRevoked}, actor: admin, kind: notices.KeyEnded, importance: notices.Act, title: "Default key has ended", says: "The operator of this portal has revoked"},
		"a key leaked":                              {fact: events.KeyEnding{Key: "k1", Reason: events.EndLeaked}, kind: notices.KeyLeaked, importance: notices.Act, title: "Default key was replaced because it leaked"},
		"a key ends with its account":               {fact: events.KeyEnding{Key: "k1", Reason: events.EndAccountDeleted}},
		"the operator disables a key":               {fact: events.KeyObserved{Key: "k1"}, actor: portal.Operator, kind: notices.KeyDisabled, importance: notices.Act, title: "Default key is disabled"},
		"the operator enables a key":                {fact: events.KeyObserved{Key: "k1", Enabled: true}, actor: portal.Operator, kind: notices.KeyEnabled, importance: notices.Info, title: "Default key is enabled again"},
		"half of a quota is used":                   {fact: events.QuotaThresholdReached{Plan: "plus", Key: "k1", PeriodStart: "2026-11-20", Period: "DAY", Limit: 100, Used: 50, Percent: 50}, kind: notices.QuotaReached, importance: notices.Info, title: "Default key has used 50 % of Plus"},
		"most of a quota is used":                   {fact: events.QuotaThresholdReached{Plan: "plus", Key: "k1", PeriodStart: "2026-11-01", Period: "MONTH", Limit: 100, Used: 91, Percent: 90}, kind: notices.QuotaReached, importance: notices.Warn, title: "Default key has used 90 % of Plus", says: "91 of the 100 requests that Plus allows a month"},
		"a quota is used up":                        {fact: events.QuotaThresholdReached{Plan: "plus", Key: "k1", PeriodStart: "2026-11-20", Period: "DAY", Limit: 100, Used: 103, Percent: 100}, kind: notices.QuotaExhausted, importance: notices.Act, title: "Default key has used up Plus", says: "until 21 November 2026 at 00:00 UTC"},
		"an account is suspended":                   {fact: events.AccountSuspended{Message: "Unpaid."}, actor: admin, kind: notices.AccountSuspended, importance: notices.Act, title: "Your account is suspended", says: "They wrote: Unpaid."},
		"an account is reinstated":                  {fact: events.AccountReinstated{}, actor: admin, kind: notices.AccountReinstated, importance: notices.Info, title: "Your account is no longer suspended"},
		"a fact that concerns only the portal":      {fact: events.WishParked{Link: link, Reason: events.WaitingForAWS}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fact(events.KeyWanted{Key: "k1", Ring: portal.AccountRing, Name: "Default key"})
			w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
			if c.given != nil {
				w.fact(c.given)
			}
			f := w.fact(c.fact)
			if c.actor != "" {
				f.Actor = c.actor
				w.facts[len(w.facts)-1] = f
			}
			w.handle(f)
			list := w.list()
			if c.kind == "" {
				if len(list) != 0 {
					t.Errorf("it is told: %+v", list)
				}
				return
			}
			if c.given != nil {
				list = slices.DeleteFunc(list, func(n notices.Notice) bool { return n.Kind == notices.KeyEnding })
			}
			if len(list) != 1 || list[0].Kind != c.kind || list[0].Importance != c.importance || list[0].Title != c.title || list[0].About == "" {
				t.Fatalf("it is told as %+v", list)
			}
			n := list[0]
			if said := n.Text + " " + n.Advice; !strings.Contains(said, c.says) || strings.Contains(said, "  ") || strings.Contains(said, "..") {
				t.Errorf("it says %q, want %q", said, c.says)
			}
			if !slices.ContainsFunc(notices.Kinds(), func(k notices.KindInfo) bool { return k.Kind == c.kind }) {
				t.Errorf("%s cannot be switched off", c.kind)
			}
		})
	}
}

func TestARefusedChangeOfPlanIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(events.SubscriptionWanted{Plan: "free", Name: "Free", Ring: portal.AccountRing})
	w.fact(events.PlanChangeWanted{From: "free", Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	link := events.Link{Wish: 2}
	w.handle(w.fact(events.PlanChangeRefused{Link: link, Plan: "plus", Message: "It is gone."}))
	w.handle(w.fact(events.RequestRejected{Link: link, Code: portal.Conflict, Message: "It is gone."}))
	if list := w.list(); len(list) != 1 || list[0].Kind != notices.PlanChangeRefused {
		t.Errorf("the notices are %+v", list)
	}
}

func TestAQuotaNoLongerNeedsThePersonInTheNextPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	for _, percent := range []int{80, 100} {
		w.handle(w.fact(events.QuotaThresholdReached{Plan: "plus", Key: "k1", PeriodStart: "2026-11-20", Period: "DAY", Limit: 100, Used: int64(percent), Percent: percent}))
		w.later(time.Minute)
	}
	if needs := notices.NeedsYou(w.list()); len(needs) != 1 || needs[0].Kind != notices.QuotaExhausted {
		t.Errorf("it needs %+v", needs)
	}
	w.later(12 * time.Hour)
	if needs := notices.NeedsYou(w.list()); len(needs) != 0 || len(w.list()) != 2 {
		t.Errorf("on the next day it needs %+v", needs)
	}
}

// Only its actor can follow an operation.
func TestANoticeLeadsToAnOperationOfOnesOwnOnly(t *testing.T) {
	t.Parallel()
	admin := portal.AccountActor("adminaccount")
	for name, c := range map[string]struct {
		actor portal.Actor
		op    portal.OperationID
		want  string
	}{
		"one's own":              {portal.AccountActor("ann"), "op-1", "/operations/op-1"},
		"one that a worker ends": {"", "op-1", "/operations/op-1"},
		"an admin's":             {admin, "op-1", "/dashboard"},
		"none":                   {admin, "", "/dashboard"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.fact(events.SubscriptionApprovalPending{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
			f := w.fact(events.SubscriptionDenied{Link: events.Link{Wish: 1}, Plan: "plus", Message: "No."})
			f.Actor, f.Operation = c.actor, c.op
			w.facts[len(w.facts)-1] = f
			w.handle(f)
			list := slices.DeleteFunc(w.list(), func(n notices.Notice) bool { return n.Kind != notices.ApprovalDenied })
			if len(list) != 1 || list[0].Link != c.want {
				t.Errorf("the notices are %+v, want one that leads to %s", list, c.want)
			}
		})
	}
}
