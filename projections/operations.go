package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

const stepSort = "step#"

// Status is where an operation stands.
type Status string

// The statuses. Failed may still become Succeeded, by a replay; the other two of the
// last three are final.
const (
	Accepted  Status = "accepted"
	Running   Status = "running"
	Waiting   Status = "waiting"
	Succeeded Status = "succeeded"
	Rejected  Status = "rejected"
	Failed    Status = "failed"
)

// Over says whether nothing more is to come of it by itself.
func (s Status) Over() bool { return s == Succeeded || s == Rejected || s == Failed }

// Step is one fact that an operation led to, or ended with.
type Step struct {
	Sequence int64     `dynamodbav:"seq"`
	Name     string    `dynamodbav:"name"`
	At       time.Time `dynamodbav:"at"`
	Detail   string    `dynamodbav:"detail"`
	// Status is what the operation is in from this step on.
	Status Status `dynamodbav:"status"`
	// Code and Message say why it was rejected, failed or is waiting.
	Code    string `dynamodbav:"code,omitempty"`
	Message string `dynamodbav:"message,omitempty"`
}

// Progress is what has become of an operation so far.
type Progress struct {
	Status        Status
	Code, Message string
	UpdatedAt     time.Time
	Steps         []Step
}

// operationSteps: insert-only, one row an operation and fact. Whose operation it is
// says its row among the operations, not its steps.
func operationSteps(changed rows, account state.Account, fact events.Event) {
	if _, unknown := fact.Data.(events.Unknown); unknown {
		return // there is nothing that could be said of it to people
	}
	step := describe(account, fact)
	ended := endedBy(fact)
	for _, op := range servedBy(account, fact) {
		s := step
		if !slices.Contains(ended, op) && s.Status.Over() {
			s.Status = Running
		}
		changed.step("operation#"+string(op), fmt.Sprintf("%s%s#%012d", stepSort, fact.Subject, fact.Sequence), fact.Sequence, s)
	}
}

func endedBy(fact events.Event) []portal.OperationID {
	if e, ok := fact.Data.(interface{ Ended() []portal.OperationID }); ok {
		return e.Ended()
	}
	return nil
}

// servedBy lists the operations that a fact is a step of: those it ends, the one it was
// decided for, and those that wait for what it brings nearer.
func servedBy(account state.Account, fact events.Event) []portal.OperationID {
	ops := slices.Clone(endedBy(fact))
	switch f := fact.Data.(type) {
	case events.RequestSuperseded:
		return ops
	case events.KeyCreated:
		ops = append(ops, account.WaitingOn(f.Key)...)
	case events.SubscriptionParked:
		ops = append(ops, account.Subscriptions[f.Plan].Waiting...)
	}
	if fact.Operation != "" {
		ops = append(ops, fact.Operation)
	}
	slices.Sort(ops)
	return slices.Compact(ops)
}

// describe is the step that a fact is, for people.
func describe(account state.Account, fact events.Event) Step {
	step := Step{Name: events.Name(fact.Type()), At: fact.Time, Status: Running}
	switch f := fact.Data.(type) {
	case events.UserRegistered:
		step.Status, step.Detail = Succeeded, "The account is open."
	case events.RequestUnchanged:
		step.Status, step.Detail = Succeeded, "It is so already; nothing had to be done."
	case events.RequestJoined:
		step.Detail = "It was asked for before and is on its way."
	case events.RequestRejected:
		step.Status, step.Code, step.Message, step.Detail = Rejected, string(f.Code), f.Message, f.Message
	case events.RequestSuperseded:
		step.Status, step.Code, step.Message = Rejected, string(portal.Superseded), "A newer request decided otherwise."
		step.Detail = step.Message
	case events.RequestFailed:
		step.Status, step.Code, step.Message = Failed, "failed", "It could not be carried out. The request is kept, and the operator of this portal can repeat it."
		step.Detail = step.Message
	case events.KeyWanted:
		step.Detail = "An API key is to be created."
	case events.SubscriptionWanted:
		step.Detail = "The key is to be added to " + f.Name + "."
	case events.KeyCreated:
		step.Detail = "API Gateway has created the key."
	case events.SubscriptionActivated:
		step.Status, step.Detail = Succeeded, "API Gateway has added the key to "+account.Subscriptions[f.Plan].Name+"."
	case events.SubscriptionEnding:
		step.Detail = "The key is to be removed from " + account.Subscriptions[f.Plan].Name + "."
	case events.SubscriptionEnded:
		step.Status, step.Detail = Succeeded, "API Gateway has removed the key from "+account.Subscriptions[f.Plan].Name+"."
	case events.SubscriptionParked:
		step.Status, step.Code, step.Message = Waiting, string(f.Reason), waitingText(f.Reason)
		step.Detail = step.Message
	case events.CatalogPublished:
		step.Status, step.Detail = Succeeded, "The catalog is published."
	case events.CatalogSourceFailed:
		step.Status, step.Code, step.Message, step.Detail = Failed, "source_failed", f.Message, f.Message
	}
	return step
}

func waitingText(reason events.Reason) string {
	if reason == events.WaitingForCapacity {
		return "There is no room for another key right now. The operator of this portal has to make some; then it goes on by itself."
	}
	return "API Gateway does not take it right now. It is tried again by itself."
}

// Progress reads what has become of an operation. One that nothing is known of yet is
// Accepted, with no steps.
func (v *Views) Progress(ctx context.Context, op portal.OperationID) (Progress, error) {
	p := Progress{Status: Accepted}
	err := v.store.query(ctx, partition("operation#"+string(op)), stepSort, func(_ string, item map[string]types.AttributeValue) error {
		return appendRow(&p.Steps, item)
	})
	for _, step := range p.Steps {
		// Once it is over only a further end counts: a replay after a failure.
		if p.Status.Over() && !step.Status.Over() {
			continue
		}
		p.Status, p.Code, p.Message, p.UpdatedAt = step.Status, step.Code, step.Message, step.At
	}
	return p, asUnavailable(err)
}
