package projections

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Licence is what a buyer bought on AWS Marketplace.
type Licence struct {
	Stream portal.Stream `dynamodbav:"stream"`
	State  string        `dynamodbav:"state"`
	// Since is when the claim was made, or AWS's time of the notice that told the state.
	Since time.Time `dynamodbav:"since"`
	// Account, Plan and Name are "" before the claim.
	Account   portal.AccountID `dynamodbav:"account,omitempty"`
	Plan      portal.PlanID    `dynamodbav:"plan,omitempty"`
	Name      string           `dynamodbav:"name,omitempty"`
	ClaimedAt time.Time        `dynamodbav:"claimed_at"`
	// Operation is the waiting claim's, else "".
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`

	Product   portal.ProductCode `dynamodbav:"product"`
	Buyer     portal.AWSAccount  `dynamodbav:"buyer,omitempty"`
	Customer  string             `dynamodbav:"customer,omitempty"`
	Agreement string             `dynamodbav:"agreement,omitempty"`
	FreeTrial bool               `dynamodbav:"free_trial,omitempty"`
	// Dimensions are the contract dimensions that the buyer has paid for.
	Dimensions []string `dynamodbav:"dimensions,omitempty"`
	// Unsold means that no plan of the catalog names them.
	Unsold bool `dynamodbav:"unsold,omitempty"`
	// Until is when the entitlement ends unless it is renewed, zero if that is unknown.
	Until time.Time `dynamodbav:"until"`
	// Cancelled says of an active licence that its agreement is over, and that AWS has not taken the
	// licence away yet.
	Cancelled bool `dynamodbav:"cancelled,omitempty"`
	// NotBegun says of an ended licence that it has not been active since the claim, such as because AWS
	// could not take the payment.
	NotBegun bool `dynamodbav:"not_begun,omitempty"`
	// Again says that a customer of an older listing has bought again: State is from before the claim, and
	// AWS has to confirm the payment.
	Again bool `dynamodbav:"again,omitempty"`
	// Renews is the licence that this one renews, "" for a purchase that a person confirmed.
	Renews portal.Stream `dynamodbav:"renews,omitempty"`
}

// The states of a licence.
const (
	LicenceUnclaimed = "unclaimed" // AWS has told of it, and nobody has claimed it
	LicenceWaiting   = "waiting"   // claimed, and AWS has not confirmed the payment
	LicenceFailed    = "failed"    // claimed, and AWS could not take the payment
	LicenceActive    = "active"
	LicenceEnding    = "ending" // AWS takes the last usage reports; the account has no access
	LicenceEnded     = "ended"
)

// notBegun tells the owner of a purchase that AWS ended before it was active.
const notBegun = didNotBegin + " " + payAndBuy

const (
	didNotBegin = "AWS Marketplace ended the purchase before it became active. It does that if it cannot take the payment."
	payAndBuy   = "Check the payment method of the AWS account that bought it, and buy it again."
)

// givenUp is the step of a deletion that gives up the account's purchases, one or many.
const givenUp = "The purchases on AWS Marketplace were given up. AWS goes on billing those that have not ended until you cancel them there."

// Billed reports whether AWS bills the licence, or will, until its owner cancels it there.
func (l Licence) Billed() bool {
	return l.Awaited() || !l.Over() && !l.Cancelled
}

// TextOf tells the account what the state of its licence means, and what to do.
func (a Account) TextOf(l Licence) string {
	by, renewed := a.Renewal(l)
	switch {
	case !renewed || l.State != LicenceActive:
		return l.Text(a.Replaced(l))
	case by.State != LicenceActive:
		return "This purchase was renewed, and AWS Marketplace made a new licence. It gets a key of its own once AWS Marketplace confirms the payment. The present key works until AWS Marketplace ends this licence, which may be at any moment."
	}
	return "This purchase was renewed, and AWS Marketplace made a new licence with a key of its own. Use the new key. The old one works until AWS Marketplace ends this licence, which may be at any moment."
}

// Renewal returns the account's licence that renews this one and has not ended. The latest claim counts.
func (a Account) Renewal(l Licence) (by Licence, renewed bool) {
	for _, other := range a.Licences {
		if other.Renews == l.Stream && l.Stream != "" && !other.Over() && (!renewed || other.ClaimedAt.After(by.ClaimedAt)) {
			by, renewed = other, true
		}
	}
	return by, renewed
}

// Text tells the owner of a licence what its state means, and what to do. replaced says that the owner has a
// newer purchase of the product, so need not buy it again.
func (l Licence) Text(replaced bool) string {
	text, again := l.words()
	switch {
	case again != "" && replaced:
		return text + " You have a newer purchase of the same product."
	case again != "":
		return text + " " + again
	}
	return text
}

// words also returns what to do to buy the product again, "" if there is no need.
func (l Licence) words() (text, again string) {
	const buy = "Buy it again on AWS Marketplace to use it."
	switch {
	case l.Awaited():
		return "AWS Marketplace has not confirmed the payment yet, which can take from a minute to a few days. You get your key then. There is nothing you need to do.", ""
	case l.NotBegun:
		return didNotBegin, payAndBuy
	}
	switch l.State {
	case LicenceFailed:
		return "AWS Marketplace could not take the payment. Check the payment method of the AWS account that bought it. You get your key once AWS confirms the payment.", ""
	case LicenceActive:
		if l.Cancelled {
			return "The purchase was cancelled, or its time is over. It works until AWS Marketplace ends it, which may be at any moment.", ""
		}
		return "The purchase is active.", ""
	case LicenceEnding:
		return "The purchase was cancelled, so its key no longer works. AWS bills the last usage within about an hour.", buy
	case LicenceEnded:
		return "The purchase has ended.", buy
	}
	return "AWS Marketplace has told us of the purchase.", ""
}

// Purchases lists the account's licences: those that have not ended, then the others, each with the latest
// claim first.
func (a Account) Purchases() []Licence {
	return slices.SortedFunc(slices.Values(a.Licences), func(l, m Licence) int {
		return cmp.Or(cmp.Compare(l.rank(), m.rank()), m.ClaimedAt.Compare(l.ClaimedAt), cmp.Compare(l.Stream, m.Stream))
	})
}

func (l Licence) rank() int {
	if l.Over() {
		return 1
	}
	return 0
}

// Over reports whether the licence is ending or has ended, and AWS has no payment to confirm.
func (l Licence) Over() bool {
	return !l.Awaited() && (l.State == LicenceEnding || l.State == LicenceEnded)
}

// Replaced reports whether the account has claimed a later licence of the same product that is active, or
// waits for its payment, such as the licence of a renewal.
func (a Account) Replaced(l Licence) bool {
	return slices.ContainsFunc(a.Licences, func(other Licence) bool {
		stands := other.Awaited() || other.State == LicenceActive && !other.Cancelled
		return stands && other.Product != "" && other.Product == l.Product && other.Stream != l.Stream && other.ClaimedAt.After(l.ClaimedAt)
	})
}

// Awaited reports whether AWS has to confirm the payment.
func (l Licence) Awaited() bool { return l.State == LicenceWaiting || l.Again }

// licenceRows writes state rows, guarded by sequence; only the licence's stream writes them. One is in
// the list for operators, one in the account that has claimed the licence.
func licenceRows(changed rows, before, licence state.Licence, fact events.Event) {
	shown := ShowLicence(licence)
	changed.view(changed.Licence(licence.Stream), fact.Sequence, shown)
	if licence.Claimed() {
		changed.view(changed.LicenceOf(licence.Claim.Account, licence.Stream), fact.Sequence, shown)
	}
	if before.Claimed() && before.Claim.Account != licence.Claim.Account {
		given := ShowLicence(before)
		given.State = LicenceEnded
		changed.view(changed.LicenceOf(before.Claim.Account, licence.Stream), fact.Sequence, given)
	}
}

// ShowLicence returns the row of the views that shows the licence.
func ShowLicence(l state.Licence) Licence {
	shown := Licence{
		Stream: l.Stream, Account: l.Claim.Account, Plan: l.Claim.Plan, Name: l.Claim.Name, ClaimedAt: l.Claim.At,
		Product: l.Purchase.Product, Buyer: l.Purchase.Buyer, Customer: l.Purchase.Customer, Agreement: l.Purchase.Agreement,
		FreeTrial: l.Purchase.FreeTrial, Dimensions: l.Dimensions, Unsold: l.Unsold(), Until: l.Until, Since: l.StatusAt,
		NotBegun: l.NotBegun(), Again: l.BoughtAgain(),
	}
	if l.Claim.Waiting {
		shown.Operation = l.Claim.Operation
	}
	if l.Claim.Renews != nil {
		shown.Renews = l.Claim.Renews.Licence
	}
	switch l.Status {
	case events.LicenceActive:
		shown.State, shown.Cancelled = LicenceActive, l.Cancelled
		if l.Lapsed {
			shown.State = LicenceEnded
		}
	case events.LicenceFailed:
		shown.State = LicenceFailed
	case events.LicenceEnding:
		shown.State = LicenceEnding
	case events.LicenceEnded:
		shown.State = LicenceEnded
	case events.LicenceUnknown:
		shown.State, shown.Since = unconfirmed(l)
	}
	if !l.Claimed() && shown.State != LicenceEnded && shown.State != LicenceEnding {
		shown.State = LicenceUnclaimed
	}
	return shown
}

// unconfirmed is the state of a licence about whose subscription AWS has said nothing.
func unconfirmed(l state.Licence) (shown string, since time.Time) {
	switch {
	case l.HasAccess:
		return LicenceActive, l.AccessAt
	case l.Lapsed && !l.Claim.Waiting:
		return LicenceEnded, l.AccessAt
	}
	return LicenceWaiting, l.Claim.At
}

// Licences lists the licences that AWS Marketplace has told of, sorted by stream.
func (v *Views) Licences(ctx context.Context) ([]Licence, error) {
	live, err := v.store.live(ctx)
	if err != nil {
		return nil, asUnavailable(err)
	}
	shards := make([][]Licence, schema.AccountShards)
	group, within := errgroup.WithContext(ctx)
	for shard := range shards {
		group.Go(portal.Guard(func() (err error) {
			shards[shard], err = v.licencesIn(within, live, shard)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, asUnavailable(err)
	}
	all := slices.Concat(shards...)
	slices.SortFunc(all, func(a, b Licence) int { return cmp.Compare(a.Stream, b.Stream) })
	return all, nil
}

// LicencesOf lists the licences of one of schema.AccountShards shards, sorted by stream.
func (v *Views) LicencesOf(ctx context.Context, shard int) ([]Licence, error) {
	live, err := v.store.live(ctx)
	if err != nil {
		return nil, asUnavailable(err)
	}
	licences, err := v.licencesIn(ctx, live, shard)
	return licences, asUnavailable(err)
}

func (v *Views) licencesIn(ctx context.Context, live schema.Generation, shard int) (licences []Licence, err error) {
	err = v.store.query(ctx, live.Licences(shard), func(_ string, item map[string]types.AttributeValue) error {
		return appendRow(&licences, item)
	})
	return licences, err
}

// Licence: found is false if AWS has not told of the licence and nobody has claimed it.
func (v *Views) Licence(ctx context.Context, stream portal.Stream) (licence Licence, found bool, err error) {
	live, err := v.store.live(ctx)
	if err != nil {
		return Licence{}, false, asUnavailable(err)
	}
	found, err = v.store.get(ctx, v.store.tables.Views, live.Licence(stream), &licence)
	return licence, found, asUnavailable(err)
}

// describeLicence: facts of licences name the plan themselves.
func describeLicence(step *Step, fact events.Event) {
	switch f := fact.Data.(type) {
	case events.LicenceClaimed:
		step.Status, step.Code = Waiting, "payment"
		step.Message = "AWS Marketplace has to confirm the purchase of " + f.Name + ". You will hear from us; there is nothing you need to do."
		step.Detail = step.Message
	case events.LicenceNoticed:
		describeNotice(step, f)
	case events.LicenceReleased:
		step.Status, step.Code = Rejected, string(portal.Conflict)
		step.Message = "The purchase no longer belongs to this account."
		step.Detail = step.Message
	case events.LicenceAccessWanted:
		step.Detail = "AWS Marketplace has confirmed the purchase of " + f.Name + "."
	case events.LicenceEntitled:
		step.Detail = "AWS Marketplace says what you have paid for."
		if f.Lapsed {
			step.Detail = "AWS Marketplace says that the contract has ended."
		}
	case events.LicencePlanChanged:
		step.Detail = "AWS Marketplace says that you have changed the purchase to " + f.Name + "."
	case events.LicenceAccessSet:
		step.Detail = "AWS Marketplace has ended the purchase."
		switch {
		case f.Released:
			step.Detail = givenUp
		case f.HasAccess:
			step.Detail = "AWS Marketplace has confirmed the purchase."
		case f.Claimed:
			step.Detail = "Your account has claimed the purchase."
		}
	}
}

func describeNotice(step *Step, f events.LicenceNoticed) {
	switch {
	case f.Status == events.LicenceActive && f.Lapsed:
		step.Status, step.Code = Waiting, "payment"
		step.Message = "AWS Marketplace says that the purchase is active, but that its contract has ended. We continue as soon as AWS confirms a contract."
		step.Detail = step.Message
	case f.Status == events.LicenceActive:
		step.Detail = "AWS Marketplace says that the purchase is active."
	case f.Status == events.LicenceFailed:
		step.Status, step.Code = Waiting, "payment_failed"
		step.Message = "AWS Marketplace could not take the payment. Check the payment method of the AWS account that bought it. We continue as soon as AWS confirms the payment."
		step.Detail = step.Message
	case f.Status == events.LicenceEnding, f.Status == events.LicenceEnded:
		step.Status, step.Code = Rejected, "agreement_ended"
		// Only people whose claim waits see it as a step.
		step.Message = notBegun
		step.Detail = step.Message
	default:
		step.Detail = "AWS Marketplace has sent a notice that changes nothing."
	}
}

func licenceActivity(fact events.Event) string {
	set, ok := fact.Data.(events.LicenceAccessSet)
	switch {
	case !ok, set.Released:
		return ""
	case set.Claimed && set.Renews != nil:
		return "AWS Marketplace made a new licence for a purchase that you renewed."
	case set.Claimed:
		return "You confirmed a purchase on AWS Marketplace."
	case set.Renews != nil:
		return "AWS Marketplace renewed a purchase."
	case set.HasAccess:
		return "AWS Marketplace confirmed a purchase."
	}
	return "AWS Marketplace ended a purchase."
}
