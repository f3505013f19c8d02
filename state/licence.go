package state

import (
	"cmp"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Licence is the fold of a licence's stream.
type Licence struct {
	Stream   portal.Stream
	Sequence int64
	// Status is what the newest notice said. StatusAt is the time that the notice gives.
	Status   events.LicenceStatus
	StatusAt time.Time
	// Purchase joins what notices and claims have said about the buyer.
	Purchase events.Purchase
	Offer    string
	// Contract means that the listing sells contracts: AWS has said that an entitlement changed, or has
	// granted one.
	Contract bool
	// Entitled means that AWS has said, since the claim, what the buyer is entitled to. Dimensions, Until and Lapsed
	// are its latest answer, which stays after a release: a new claim of a lapsed licence waits until AWS is asked
	// again.
	Entitled bool
	// Dimensions are the contract dimensions, sorted.
	Dimensions []string
	// Until is when the entitlement ends unless it is renewed, zero if that is unknown.
	Until time.Time
	// Lapsed means that the buyer is entitled to nothing.
	Lapsed bool
	// Buys is the plan that the dimensions buy, "" if the catalog had none when AWS was asked.
	Buys portal.PlanID
	// Cancelled means that the agreement is over, and that AWS has not taken the licence away yet.
	Cancelled bool
	// Claim is the claim of the account that the licence belongs to, or the zero Claim if it belongs to none.
	Claim Claim
	// HasAccess means that a fact has given the account access, and none has ended it since. AccessSequence and
	// AccessAt are the sequence and time of the last claim, change of plan with access, or fact that gave or ended
	// access. A release leaves them. They are zero before the first claim.
	HasAccess      bool
	AccessSequence int64
	AccessAt       time.Time
	NotUnderstood  string
}

// Claim is an account's claim to a licence.
type Claim struct {
	Account portal.AccountID
	Plan    portal.PlanID
	Name    string
	Stages  []portal.Stage
	// Wish is the sequence of the fact that recorded the claim. At is its time.
	Wish int64
	At   time.Time
	// Waiting means that the account has had no access since the claim, because AWS has not said that the
	// licence is active. Operation is the operation that claimed the licence.
	Waiting   bool
	Operation portal.OperationID
	// Renews is the licence that this one renews, nil for a claim that a person made.
	Renews *events.Renews
}

// Claimed reports whether the licence belongs to an account.
func (l Licence) Claimed() bool { return l.Claim.Account != "" }

// Active reports whether AWS has said that the buyer has paid, so that the account that claims the licence should have
// access.
func (l Licence) Active() bool {
	return !l.Lapsed && (l.Status == events.LicenceActive || l.WithoutSubscriptionNotice() && l.Entitled)
}

// WithoutSubscriptionNotice reports whether the buyer is a customer of an older listing about whose subscription AWS
// has said nothing. If the listing sells contracts only, AWS never does (AWS Marketplace Seller Guide, "Amazon SNS
// notifications for SaaS products"); then the customer has paid once AWS grants an entitlement.
func (l Licence) WithoutSubscriptionNotice() bool {
	return l.Stream.Kind() == portal.KindLegacy && l.Status == events.LicenceUnknown
}

// BoughtAgain reports whether a customer of an older listing has bought again: the status is from before the
// claim, and AWS has yet to confirm the new payment.
func (l Licence) BoughtAgain() bool {
	return l.Claim.Waiting && l.Status != events.LicenceActive && l.Status != events.LicenceUnknown && l.StatusAt.Before(l.Claim.At)
}

// NotBegun reports whether AWS has ended the licence before it was ever active since the claim, for example
// because AWS could not take the payment.
func (l Licence) NotBegun() bool {
	return l.Claim.Waiting && l.Status == events.LicenceEnded && !l.BoughtAgain()
}

// Unsold reports whether the buyer has paid for contract dimensions that no plan of the catalog named when
// AWS was asked.
func (l Licence) Unsold() bool { return l.Entitled && !l.Lapsed && l.Buys == "" }

// FoldLicence applies all facts of a licence's stream.
func FoldLicence(stream portal.Stream, facts []events.Event) Licence {
	l := Licence{Stream: stream}
	for _, fact := range facts {
		l.Apply(fact)
	}
	return l
}

// Apply applies the next fact. One of an unknown type changes only the sequence, and sets
// NotUnderstood if it must be understood.
func (l *Licence) Apply(e events.Event) {
	l.Sequence = e.Sequence
	if e.NotUnderstood() {
		l.NotUnderstood = e.Type()
	}
	switch f := e.Data.(type) {
	case events.LicenceNoticed:
		l.notice(f)
	case events.LicenceClaimed:
		l.learn(f.Purchase)
		l.Claim = Claim{
			Account: f.Account, Plan: f.Plan, Name: f.Name, Stages: f.Stages, Wish: e.Sequence, At: e.Time,
			Waiting: true, Operation: e.Operation, Renews: f.Renews,
		}
		l.HasAccess, l.AccessSequence, l.AccessAt = false, e.Sequence, e.Time
	case events.LicenceReleased:
		if l.Claim.Account == f.Account {
			l.Claim, l.HasAccess = Claim{}, false
			l.Entitled = false // AWS is asked again after the next claim
		}
	case events.LicenceAccessWanted:
		l.HasAccess, l.AccessSequence, l.AccessAt, l.Claim.Waiting = true, e.Sequence, e.Time, false
	case events.LicenceEntitled:
		l.entitle(f)
	case events.LicenceCorrected:
		l.Purchase = f.Purchase.Or(l.Purchase)
	case events.LicencePlanChanged:
		l.Claim.Plan, l.Claim.Name, l.Claim.Stages = f.Plan, f.Name, f.Stages
		if f.HasAccess {
			l.AccessSequence, l.AccessAt = e.Sequence, e.Time
		}
	case events.LicenceAccessEnding:
		l.HasAccess, l.AccessSequence, l.AccessAt = false, e.Sequence, e.Time
	}
}

func (l *Licence) entitle(f events.LicenceEntitled) {
	l.Entitled, l.Dimensions, l.Lapsed, l.Buys = true, f.Dimensions, f.Lapsed, f.Plan
	l.Contract = l.Contract || len(f.Dimensions) > 0
	l.Until = time.Time{}
	if f.Until != nil {
		l.Until = *f.Until
	}
}

func (l *Licence) notice(f events.LicenceNoticed) {
	l.learn(f.Notice.Purchase)
	l.Contract = l.Contract || f.Notice.Kind == events.NoticeEntitlement
	if f.Status == events.LicenceUnknown {
		return
	}
	l.Status, l.StatusAt, l.Cancelled = f.Status, f.Notice.At, f.Notice.Kind == events.NoticeCancelled
	l.Offer = cmp.Or(f.Notice.Offer, l.Offer)
}

func (l *Licence) learn(p events.Purchase) {
	known := l.Purchase
	l.Purchase = known.Or(p)
	l.Purchase.ARN, l.Purchase.Agreement = usableARN(known.ARN, p.ARN), cmp.Or(p.Agreement, known.Agreement)
}

// usableARN returns the ARN that AWS accepts in calls: events have been seen to leave out "arn:".
func usableARN(known, told string) string {
	if known == "" || strings.HasPrefix(told, "arn:") && !strings.HasPrefix(known, "arn:") {
		return told
	}
	return known
}

// StatusAfter returns the status that the notice gives the licence. It returns LicenceUnknown if the notice
// says nothing about the status, or is older than the notice that gave the present one. Of two notices of
// the same time, the one with the higher finality counts.
func (l Licence) StatusAfter(notice events.MarketplaceNotified) events.LicenceStatus {
	told := statusOf[notice.Kind]
	switch order := notice.At.Compare(l.StatusAt); {
	case told == events.LicenceUnknown, order < 0:
		return events.LicenceUnknown
	case order == 0 && finality[told] < finality[l.Status]:
		return events.LicenceUnknown
	}
	return told
}

var statusOf = map[events.NoticeKind]events.LicenceStatus{
	events.NoticeSubscribed:     events.LicenceActive,
	events.NoticeLicenceUpdated: events.LicenceActive,
	events.NoticeActive:         events.LicenceActive,
	events.NoticeCancelled:      events.LicenceActive,
	events.NoticeFailed:         events.LicenceFailed,
	events.NoticeUnsubscribing:  events.LicenceEnding,
	events.NoticeUnsubscribed:   events.LicenceEnded,
	events.NoticeDeprovisioned:  events.LicenceEnded,
	events.NoticeInactive:       events.LicenceEnded,
}

// finality ranks the statuses of two notices of the same time.
var finality = map[events.LicenceStatus]int{
	events.LicenceActive: 1, events.LicenceFailed: 2, events.LicenceEnding: 3, events.LicenceEnded: 4,
}
