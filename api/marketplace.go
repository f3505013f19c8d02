package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"

	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

type receiving interface {
	Receive(ctx context.Context, target, token string, freeTrial bool) (arrival.Claim, error)
}

type confirming interface {
	ConfirmPurchase(ctx context.Context, caller operations.Caller, claim arrival.Claim) (operations.Operation, error)
}

// Marketplace is what claims of purchases on AWS Marketplace need.
type Marketplace struct {
	Operations confirming
	Desk       receiving
	// Ledger says what AWS bills. Nil means that this is not known.
	Ledger summarizing
	// Admit returns why the client address may send no more registration tokens now, nil if it may.
	Admit func(r *http.Request) error
}

func (a *service) registerMarketplace(api huma.API) {
	op := accepted(huma.Operation{
		OperationID: "claim-purchase", Tags: []string{tagSubscriptions}, Method: http.MethodPut, Path: "/marketplace-subscriptions/{plan}",
		Summary: "Claim a purchase on AWS Marketplace",
		Description: "The token is the x-amzn-marketplace-token with which AWS Marketplace sends a buyer. The portal resolves it at once, and keeps it nowhere. " +
			"Your account gets the plan once AWS says that the purchase is paid for, which may be before or after you send the token. A purchase that another account has claimed is rejected. " +
			"Send the token again under the same Idempotency-Key to get the same operation, as long as AWS resolves it.",
	})
	op.Middlewares = huma.Middlewares{a.admitArrival}
	huma.Register(api, op, a.claimPurchase)
	huma.Register(api, huma.Operation{
		OperationID: "list-purchases", Tags: []string{tagSubscriptions}, Method: http.MethodGet, Path: "/marketplace-subscriptions",
		Summary: "List my purchases on AWS Marketplace", Security: signedIn,
	}, a.listPurchases)
}

func (a *service) admitArrival(ctx huma.Context, next func(huma.Context)) {
	r, w := humachi.Unwrap(ctx)
	if err := a.market.Admit(r); err != nil {
		WriteProblem(w, r, err)
		return
	}
	next(ctx)
}

// Buyer is what AWS Marketplace sends with a buyer.
type Buyer struct {
	Token     string `json:"token" maxLength:"8192" doc:"The x-amzn-marketplace-token. AWS resolves it for at least an hour."`
	FreeTrial bool   `json:"free_trial,omitempty" doc:"AWS Marketplace also sent the x-amzn-marketplace-offer-type free-trial."`
}

func (a *service) claimPurchase(ctx context.Context, in *struct {
	Changing
	Plan string `path:"plan" maxLength:"128" doc:"The id of the plan that was bought, or of its product." example:"a1b2c3"`
	Body Buyer
}) (*acceptedOutput, error) {
	return accept(ctx, in.asking(), func(caller operations.Caller) (operations.Operation, error) {
		claim, err := a.market.Desk.Receive(ctx, in.Plan, in.Body.Token, in.Body.FreeTrial)
		if err != nil {
			return operations.Operation{}, err
		}
		return a.market.Operations.ConfirmPurchase(ctx, caller, claim)
	})
}

// MarketplaceSubscription is a purchase that the account has claimed.
type MarketplaceSubscription struct {
	Licence   string     `json:"licence" doc:"Names the purchase: licence/<AWS's id of it>, or legacy/<product code>/<customer identifier> for older listings."`
	Plan      string     `json:"plan"`
	Name      string     `json:"name" doc:"The plan's name."`
	State     string     `json:"state" enum:"waiting,failed,active,ending,ended" doc:"waiting: AWS has not confirmed the payment yet. failed: AWS could not take the payment. active: your keys work, or will in a moment. ending: the purchase was cancelled, and its last usage is billed; your keys no longer work. ended: it is over, or AWS ended it before it became active, as it does if it cannot take the payment."`
	Words     string     `json:"words" doc:"The state as a sentence, and what to do next."`
	Since     time.Time  `json:"since"`
	Until     *time.Time `json:"until" doc:"When it ends unless it is renewed; null if that is not known."`
	Buyer     string     `json:"buyer,omitempty" doc:"The AWS account that bought it."`
	FreeTrial bool       `json:"free_trial,omitempty"`
	Cancelled bool       `json:"cancelled,omitempty" doc:"The purchase was cancelled, or its time is over, and AWS has not ended it yet. Your keys work until AWS does."`
	RenewedBy string     `json:"renewed_by,omitempty" doc:"The licence that AWS made when the purchase was renewed. It has a key of its own."`
	Operation string     `json:"operation,omitempty" doc:"The open operation of the claim."`
	Metered   *Metered   `json:"metered" doc:"What the portal reported to AWS Marketplace; null if that is nothing."`
}

// Metered is the usage of a purchase that AWS bills.
type Metered struct {
	Requests int64      `json:"requests" doc:"The requests that AWS bills."`
	Last     time.Time  `json:"last" doc:"When usage was last reported."`
	Closed   *time.Time `json:"closed" doc:"When the portal stopped reporting usage because the purchase was over; null before."`
}

type summarizing interface {
	Summaries(ctx context.Context, licences ...portal.Stream) (map[portal.Stream]metering.Summary, error)
}

func (a *service) listPurchases(ctx context.Context, _ *struct{}) (*struct {
	Body List[MarketplaceSubscription]
}, error) {
	account, err := a.mine(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	metered, err := a.summaries(ctx, account.Licences)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &struct {
		Body List[MarketplaceSubscription]
	}{list(account.Purchases(), func(l projections.Licence) MarketplaceSubscription {
		return showPurchase(account, l, metered[l.Stream])
	})}, nil
}

func (a *service) summaries(ctx context.Context, licences []projections.Licence) (map[portal.Stream]metering.Summary, error) {
	if a.market.Ledger == nil || len(licences) == 0 {
		return nil, nil
	}
	streams := make([]portal.Stream, len(licences))
	for i, l := range licences {
		streams[i] = l.Stream
	}
	return a.market.Ledger.Summaries(ctx, streams...)
}

func showPurchase(account projections.Account, l projections.Licence, sum metering.Summary) MarketplaceSubscription {
	shown := MarketplaceSubscription{
		Licence: string(l.Stream), Plan: string(l.Plan), Name: l.Name, State: l.State, Words: account.TextOf(l), Since: l.Since,
		Until: timeOrNull(l.Until), Buyer: string(l.Buyer), FreeTrial: l.FreeTrial, Cancelled: l.Cancelled, Operation: string(l.Operation),
	}
	if by, renewed := account.Renewal(l); renewed {
		shown.RenewedBy = string(by.Stream)
	}
	if !sum.Last.IsZero() {
		shown.Metered = &Metered{Requests: sum.Billed, Last: sum.Last, Closed: timeOrNull(sum.Closed)}
	}
	return shown
}
