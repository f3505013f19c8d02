package api

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Operation is an accepted request, as clients see it.
type Operation struct {
	ID        string    `json:"id"`
	Type      string    `json:"type" enum:"RegisterUser,RegistrationReviewRequested,SubscribeRequested,UnsubscribeRequested,PlanChangeRequested,SubscriptionReviewRequested,KeyRequested,KeyRenameRequested,KeyRotationRequested,KeyEndRequested,AccountSuspensionRequested,AccountReinstatementRequested,AccountDeletionRequested,AdminPromotionRequested,AdminDemotionRequested,MarketplaceConfirmed,CatalogSyncRequested" doc:"The kind of request." example:"SubscribeRequested"`
	Status    string    `json:"status" enum:"accepted,running,waiting,succeeded,rejected,failed" doc:"waiting: we retry automatically. failed: may still succeed if the operator replays it. succeeded and rejected are final."`
	Reason    *Reason   `json:"reason" doc:"Why the operation is waiting, rejected or failed."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Steps     []Step    `json:"steps" doc:"What has happened so far, in order."`
}

// Reason says why an operation is waiting, rejected or failed.
type Reason struct {
	Code    string `json:"code" enum:"aws,capacity,kms,kms_key,fault,invalid,forbidden,not_found,conflict,limit_reached,not_registered,suspended,deleting,denied,approval,payment,payment_failed,agreement_ended,superseded,source_failed,failed" doc:"While waiting: approval (an admin has to approve it), aws (API Gateway is not accepting the change), kms (AWS KMS does not answer), kms_key (the portal's KMS key is disabled or cannot be used, and the operator has to fix it), capacity (API Gateway has no room for another key, and the operator has to make room), fault (workers failed again and again, the operator has it in the list of dead letters, and we also retry automatically), suspended (an admin has to reinstate the account), payment (AWS Marketplace has to confirm the payment), payment_failed (AWS Marketplace could not take it). When rejected: agreement_ended (the purchase on AWS Marketplace has ended, or the payment failed), invalid, forbidden, not_found, conflict, limit_reached, not_registered, suspended, deleting, denied, superseded. source_failed: API Gateway could not be read, so the catalog stays. failed: it is in the operator's list of dead letters, and the operator can replay it." example:"conflict"`
	Message string `json:"message"`
}

// Step is one thing that happened in an operation.
type Step struct {
	Name   string    `json:"name" enum:"UserRegistered,RegistrationPending,RegistrationDenied,KeyWanted,KeyAdopted,KeyCreated,KeyReady,KeyRenamed,KeyEndScheduled,KeyEnding,KeyEnded,KeyBlocked,KeyUnblocked,KeyAttached,KeyDetached,UsageCarried,SubscriptionWanted,SubscriptionActivated,SubscriptionEnding,SubscriptionEnded,SubscriptionLost,PlanChangeWanted,KeyMoved,PlanChanged,PlanChangeRefused,SubscriptionApprovalPending,SubscriptionApproved,SubscriptionDenied,AccountSuspended,AccountReinstated,AccountKeysSwitched,AccountDeleting,AccountDeleted,AdminPromoted,AdminDemoted,LicenceClaimed,LicenceNoticed,LicenceAccessWanted,LicenceAccessSet,CatalogPublished,CatalogSourceFailed,WishParked,RequestJoined,RequestUnchanged,RequestRejected,RequestSuperseded,RequestFailed" doc:"What happened." example:"KeyCreated"`
	At     time.Time `json:"at"`
	Detail string    `json:"detail"`
}

// ShowOperation returns an operation with its steps as the API shows it.
func ShowOperation(op operations.Operation) Operation {
	shown := Operation{
		ID: string(op.ID), Type: op.Type, Status: string(op.Status),
		CreatedAt: op.CreatedAt, UpdatedAt: op.UpdatedAt, Steps: []Step{},
	}
	if op.Code != "" {
		shown.Reason = &Reason{Code: op.Code, Message: op.Message}
	}
	for _, s := range op.Steps {
		shown.Steps = append(shown.Steps, Step{Name: s.Name, At: s.At, Detail: s.Detail})
	}
	return shown
}

// Empty is the body of a request without content: nothing, or {}.
type Empty struct{}

// Asking is the input of every request that changes something.
type Asking struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"Sending the same request again with the same key returns the same operation."`
	Body           *Empty
}

func (a Asking) caller(ctx context.Context) (operations.Caller, error) {
	account, err := callerAccount(ctx)
	return operations.Caller{Account: account, Viewer: library.Viewer(ctx), IdempotencyKey: a.IdempotencyKey, Correlation: RequestID(ctx)}, err
}

type acceptedOutput struct {
	Location string `header:"Location" doc:"Where to follow the operation."`
	Body     Operation
}

func accept(ctx context.Context, input Asking, ask func(operations.Caller) (operations.Operation, error)) (*acceptedOutput, error) {
	return acceptFrom(ctx, input.caller, ask)
}

func acceptFrom(ctx context.Context, callerOf func(context.Context) (operations.Caller, error), ask func(operations.Caller) (operations.Operation, error)) (*acceptedOutput, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	op, err := ask(caller)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	return &acceptedOutput{Location: Prefix + "/operations/" + string(op.ID), Body: ShowOperation(op)}, nil
}

func (a *service) signUp(ctx context.Context, in *struct{ Asking }) (*acceptedOutput, error) {
	return accept(ctx, in.Asking, func(caller operations.Caller) (operations.Operation, error) {
		return a.operations.Register(ctx, caller)
	})
}

type planInput struct {
	Asking
	Plan string `path:"plan" maxLength:"128" doc:"A plan's id, from the catalog." example:"a1b2c3"`
}

// Wanted says what a subscription replaces.
type Wanted struct {
	Replaces *string `json:"replaces,omitempty" nullable:"true" maxLength:"128" doc:"The plan that the keys should leave for this one. null or nothing leaves no plan."`
}

type subscribeInput struct {
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" doc:"Sending the same request again with the same key returns the same operation."`
	Plan           string `path:"plan" maxLength:"128" doc:"A plan's id, from the catalog." example:"a1b2c3"`
	Body           *Wanted
}

func (a *service) subscribe(ctx context.Context, in *subscribeInput) (*acceptedOutput, error) {
	return accept(ctx, Asking{IdempotencyKey: in.IdempotencyKey}, func(caller operations.Caller) (operations.Operation, error) {
		if in.Body != nil && in.Body.Replaces != nil {
			return a.operations.ChangePlan(ctx, caller, portal.PlanID(in.Plan), portal.PlanID(*in.Body.Replaces))
		}
		return a.operations.Subscribe(ctx, caller, portal.PlanID(in.Plan))
	})
}

func (a *service) unsubscribe(ctx context.Context, in *planInput) (*acceptedOutput, error) {
	return accept(ctx, in.Asking, func(caller operations.Caller) (operations.Operation, error) {
		return a.operations.Unsubscribe(ctx, caller, portal.PlanID(in.Plan))
	})
}

type operationOutput struct {
	RetryAfter string `header:"Retry-After" doc:"Seconds to wait before the next poll, while the operation is open."`
	Body       Operation
}

func (a *service) operation(ctx context.Context, in *struct {
	Operation string `path:"operation" maxLength:"128" doc:"An operation's id." example:"01m7x8k3c4d5e6f7g8h9j0kmnp"`
}) (*operationOutput, error) {
	account, err := callerAccount(ctx)
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	op, err := a.operations.Find(ctx, account, portal.OperationID(in.Operation))
	if err != nil {
		return nil, problemOf(ctx, err)
	}
	out := &operationOutput{Body: ShowOperation(op)}
	if !op.Status.Over() {
		out.RetryAfter = "1"
	}
	return out, nil
}
