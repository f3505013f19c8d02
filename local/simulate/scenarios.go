package simulate

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

type scenario struct {
	name string
	// play returns a notPlayed if this portal or listing cannot play the scenario.
	play func(ctx context.Context, p *play) error
}

type notPlayed string

func (n notPlayed) Error() string { return string(n) }

var scenarios = []scenario{
	{"claim before payment", claimThenPay},
	{"payment before claim", payThenClaim},
	{"a failed payment, then a paid one", failThenPay},
	{"cancelled and ended", cancelled},
	{"an old notice arrives again", oldNotice},
	{"cancelled and bought again at once", boughtAgain},
	{"a notice arrives late", lateNotice},
	{"a notice is lost", lostNotice},
	{"renewed with the same licence", renewedSame},
	{"renewed with another licence", renewedOther},
	{"two licences of one account", twoLicences},
	{"another account claims the licence", secondClaim},
	{"what was used is billed", usedIsBilled},
}

func claimThenPay(ctx context.Context, p *play) error {
	_, err := p.active(ctx)
	return err
}

// active returns a licence that a new person claimed and then paid for.
func (p *play) active(ctx context.Context) (*holding, error) {
	who, err := p.newPerson(ctx)
	if err != nil {
		return nil, err
	}
	return p.activeFor(ctx, who)
}

func (p *play) activeFor(ctx context.Context, who *person) (*holding, error) {
	h, err := p.claimedBy(ctx, who)
	if err != nil {
		return nil, err
	}
	return h, p.take(ctx, "pay", h, p.market.Pay)
}

// claimed returns a licence that a new person claimed without paying.
func (p *play) claimed(ctx context.Context) (*holding, error) {
	who, err := p.newPerson(ctx)
	if err != nil {
		return nil, err
	}
	return p.claimedBy(ctx, who)
}

func (p *play) claimedBy(ctx context.Context, who *person) (*holding, error) {
	h, err := p.buy(ctx)
	if err != nil {
		return nil, err
	}
	return h, p.claim(ctx, h, who)
}

func (p *play) payUnnoticed(ctx context.Context, h *holding) error {
	if err := p.market.LoseNext(ctx, 1); err != nil {
		return err
	}
	_, err := p.market.Pay(ctx, h.Agreement)
	return err
}

func payThenClaim(ctx context.Context, p *play) error {
	who, err := p.newPerson(ctx)
	if err != nil {
		return err
	}
	h, err := p.buy(ctx)
	if err != nil {
		return err
	}
	if err := p.take(ctx, "pay", h, p.market.Pay); err != nil {
		return err
	}
	return p.claim(ctx, h, who)
}

func failThenPay(ctx context.Context, p *play) error {
	h, err := p.claimed(ctx)
	if err != nil {
		return err
	}
	if err := p.take(ctx, "fail the payment", h, p.market.FailPayment); err != nil {
		return err
	}
	return p.again(ctx, h)
}

// again has the buyer buy again and pay. On a newer listing the owner then claims the new
// licence.
func (p *play) again(ctx context.Context, h *holding) error {
	bought, err := p.market.Resubscribe(ctx, h.Agreement)
	if err != nil {
		return err
	}
	if p.on.kind == marketplace.SNS {
		h.Purchase = bought
		return p.check(ctx, "resubscribe", h)
	}
	if err := p.check(ctx, "resubscribe", h); err != nil {
		return err
	}
	next := &holding{Purchase: bought}
	if err := p.claim(ctx, next, h.owner); err != nil {
		return err
	}
	return p.check(ctx, "the first licence, after the second one", h)
}

func cancelled(ctx context.Context, p *play) error {
	h, err := p.active(ctx)
	if err != nil {
		return err
	}
	return p.endForGood(ctx, h)
}

func oldNotice(ctx context.Context, p *play) error {
	h, err := p.active(ctx)
	if err != nil {
		return err
	}
	old, err := p.notice(ctx, h, p.activation())
	if err != nil {
		return err
	}
	if err := p.endForGood(ctx, h); err != nil {
		return err
	}
	if _, err := p.market.Resend(ctx, old.ID); err != nil {
		return err
	}
	return p.check(ctx, "send the first notice again", h)
}

func (p *play) activation() string {
	if p.on.kind == marketplace.SNS {
		return marketplace.SubscribeSuccess
	}
	return marketplace.LicenceUpdated
}

func boughtAgain(ctx context.Context, p *play) error {
	h, err := p.active(ctx)
	if err != nil {
		return err
	}
	if err := p.take(ctx, "cancel", h, p.market.Cancel); err != nil {
		return err
	}
	if err := p.again(ctx, h); err != nil || p.on.kind == marketplace.SNS {
		return err
	}
	return p.take(ctx, "deprovision", h, p.market.Deprovision)
}

func lateNotice(ctx context.Context, p *play) error {
	h, err := p.claimed(ctx)
	if err != nil {
		return err
	}
	if err := p.payUnnoticed(ctx, h); err != nil {
		return err
	}
	// The Agreement API of a newer listing may say so before the notice.
	if p.on.kind == marketplace.SNS {
		if err := p.check(ctx, "pay; the notice is held back", h); err != nil {
			return err
		}
	}
	late, err := p.notice(ctx, h, p.activation())
	if err != nil {
		return err
	}
	if _, err := p.market.Resend(ctx, late.ID); err != nil {
		return err
	}
	return p.check(ctx, "the notice arrives", h)
}

const reconcileJob = "marketplace"

// lostNotice loses the notice of a payment. The workers find it when the next agreement is
// announced, if they compare agreements with licences.
func lostNotice(ctx context.Context, p *play) error {
	if p.on.kind == marketplace.SNS {
		return notPlayed("SNS repeats a delivery for days, so workers do not look for lost notices of older listings")
	}
	if err := p.reconciles(ctx, "so they learn of a lost notice only when AWS sends it again"); err != nil {
		return err
	}
	h, err := p.claimed(ctx)
	if err != nil {
		return err
	}
	if err := p.payUnnoticed(ctx, h); err != nil {
		return err
	}
	if _, err := p.buy(ctx); err != nil {
		return err
	}
	err = p.until(ctx, "the workers to find the payment", func() (bool, error) {
		state, err := h.owner.state(ctx, h.stream())
		return state == "active", err
	})
	var late lateError
	if errors.As(err, &late) {
		p.played.Result = Differs
	}
	if err != nil {
		return err
	}
	return p.check(ctx, "pay; the notice is lost, and another buyer comes", h)
}

// reconciles returns a notPlayed if the workers do not compare agreements with licences.
func (p *play) reconciles(ctx context.Context, so string) error {
	run, err := jobs.NewRuns(p.tables, p.names.Records).Load(ctx, reconcileJob)
	if err == nil && run.Version == 0 {
		return notPlayed("the workers of this portal do not compare agreements with licences, " + so)
	}
	return err
}

func renewedSame(ctx context.Context, p *play) error {
	h, err := p.active(ctx)
	if err != nil {
		return err
	}
	if h.Purchase, err = p.market.Renew(ctx, h.Agreement, marketplace.Renewal{KeepLicence: true}); err != nil {
		return err
	}
	return p.check(ctx, "renew, with the same licence", h)
}

// renewedOther renews a purchase with a licence that nobody claims. Both licences work until AWS takes the old one
// away.
func renewedOther(ctx context.Context, p *play) error {
	if p.on.kind == marketplace.SNS {
		return notPlayed("the customers of older listings keep their licence when they renew")
	}
	if err := p.reconciles(ctx, "so they do not know which agreement renews which"); err != nil {
		return err
	}
	h, err := p.active(ctx)
	if err != nil {
		return err
	}
	bought, err := p.market.Renew(ctx, h.Agreement, marketplace.Renewal{})
	if err != nil {
		return err
	}
	next := &holding{Purchase: bought, owner: h.owner}
	err = p.until(ctx, "the workers to carry the claim over", func() (bool, error) {
		state, err := h.owner.state(ctx, next.stream())
		return state == "active", err
	})
	var late lateError
	if errors.As(err, &late) {
		p.played.Result = Differs
	}
	if err != nil {
		return err
	}
	if err := p.check(ctx, "renew; the new licence", next); err != nil {
		return err
	}
	if err := p.check(ctx, "the old licence, beside the new one", h); err != nil {
		return err
	}
	if err := p.take(ctx, "deprovision the old licence", h, p.market.Deprovision); err != nil {
		return err
	}
	return p.check(ctx, "the new licence, without the old one", next)
}

func twoLicences(ctx context.Context, p *play) error {
	who, err := p.newPerson(ctx)
	if err != nil {
		return err
	}
	first, err := p.activeFor(ctx, who)
	if err != nil {
		return err
	}
	second, err := p.activeFor(ctx, who)
	if err != nil {
		return err
	}
	if err := p.check(ctx, "the first licence, beside the second", first); err != nil {
		return err
	}
	if err := p.endForGood(ctx, first); err != nil {
		return err
	}
	return p.check(ctx, "the second licence, without the first", second)
}

func secondClaim(ctx context.Context, p *play) error {
	h, err := p.active(ctx)
	if err != nil {
		return err
	}
	other, err := p.newPerson(ctx)
	if err != nil {
		return err
	}
	issued, err := p.market.IssueToken(ctx, h.Agreement)
	if err != nil {
		return err
	}
	status, err := other.claim(ctx, p.on, issued.Token)
	if err != nil {
		return err
	}
	if status != "rejected" {
		p.played.Result = Differs
		return fmt.Errorf("a second account claims %s, and the operation is %s", h.stream(), status)
	}
	if err := p.quiet(ctx); err != nil {
		return err
	}
	state, err := other.state(ctx, h.stream())
	if err != nil {
		return err
	}
	key, err := other.newKey(ctx)
	if err != nil {
		return err
	}
	p.played.Steps = append(p.played.Steps, Step{Step: "another account's claim is rejected", Licence: h.stream(), AWS: "active", State: state, Access: key != ""})
	if state != "" || key != "" {
		p.played.Result = Differs
		return fmt.Errorf("the second account has the licence %s, too", h.stream())
	}
	return p.check(ctx, "the first account's licence", h)
}
