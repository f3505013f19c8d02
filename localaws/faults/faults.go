// Package faults makes the local AWS misbehave as AWS and the network sometimes do. A plan of
// rules says which calls and messages suffer which faults, and how often.
//
// Faults are repeatable. Each rule has a random generator, seeded by the plan, and draws once
// per matching call. So a plan and its matching calls always give the same faults. A new plan
// restarts all generators.
package faults

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is a kind of fault.
type Kind string

// With kinds after Latency, a rule's latency is how long the client waits for the fault.
const (
	// Latency: the call is slow. It has no effect if the client gives up.
	Latency Kind = "latency"
	// Error: the call is refused with Rule.Error.
	Error Kind = "error"
	// Drop: the connection is closed without an answer or effect.
	Drop Kind = "drop"
	// Lost: the call takes effect, then the connection is closed without an answer.
	Lost Kind = "lost"
	// Late: the connection is closed without an answer, and the call takes effect Rule.After
	// its arrival, unless the server closes before.
	Late Kind = "late"
	// Down: the service answers all calls with status 503, whatever other rules say.
	Down Kind = "down"

	// Panic: a handler of messages panics. Only for the service Handler.
	Panic Kind = "panic"

	// Duplicate: a message received from a standard queue is in the queue twice: deleting one
	// leaves the other. This and the two below are drawn for each received message.
	Duplicate Kind = "duplicate"
	// Reorder: a standard queue's message is withheld for Rule.After instead of its first
	// receive, so that later ones overtake it. It happens at most once per message.
	Reorder Kind = "reorder"
	// Expire: a received message's visibility timeout ends Rule.After the receive. A FIFO queue
	// then refuses the receipt handle. A standard queue still accepts it, even while the next
	// receiver works on the message: see Stale.
	Expire Kind = "expire"

	// Stale: a standard queue ignores a receipt handle that is not the message's latest,
	// although the call succeeds. Without such a rule it accepts the handle. Drawn for each old
	// handle in DeleteMessage, ChangeMessageVisibility and their batches.
	Stale Kind = "stale"
)

var kinds = []Kind{Latency, Error, Drop, Lost, Late, Down, Panic, Duplicate, Reorder, Expire, Stale}

// Handler is a service that is not AWS's: the handlers of messages in a worker that runs in the process of the
// local AWS. Its operations are the types of messages, like "SubscribeRequested". "*" does not include it.
const Handler = "handler"

func (k Kind) ofHandlers() bool { return k == Panic || k == Error || k == Latency }

func (k Kind) ofMessages() bool { return k == Duplicate || k == Reorder || k == Expire }

var receiptOperations = []string{"DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch"}

// Values of Rule.Error. The answer depends on the service.
const (
	Throttling  = "throttling"
	Internal    = "internal"
	Unavailable = "unavailable"
)

var errorNames = []string{Throttling, Internal, Unavailable}

// Rule selects calls and their fault.
type Rule struct {
	// Service is "*" for all or "sqs", "sns", "dynamodb", "kms", "sts", "cognito-idp", "s3",
	// "ses", "metering", "agreements" and "entitlements" (of AWS Marketplace), "events"
	// (EventBridge), "apigateway" (the control plane), "execute-api" (deployed APIs) or Handler.
	Service string `json:"service"`
	// Operation is the name in AWS's API reference, like "SendMessage", or a page's path in
	// cognito-idp, like "/oauth2/token". Empty or "*" means all.
	Operation string `json:"operation,omitempty"`
	Kind      Kind   `json:"kind"`
	Error     string `json:"error,omitempty"`
	// Latency is drawn evenly from the range.
	Latency Range `json:"latency,omitzero"`
	// After is when a late call takes effect, or a reordered or expired message can be
	// received; drawn evenly from the range.
	After Range `json:"after,omitzero"`
	// Rate is the probability; 0 means 1, but is refused in text and JSON.
	Rate float64 `json:"rate,omitempty"`
	// Times is the maximum number of faults, or 0 for any.
	Times int `json:"times,omitempty"`
}

// Plan is a list of rules. Latencies add up; of the other kinds only the first that strikes
// applies.
type Plan struct {
	Seed  uint64 `json:"seed"`
	Rules []Rule `json:"rules"`
}

// Operations holds the operations of each service. A service without any accepts all names.
type Operations map[string][]string

// Check returns all problems that can be found without Operations.
func (p Plan) Check() error { return p.check(Rule.check) }

// check also finds unknown services and operations.
func (o Operations) check(p Plan) error {
	return p.check(func(r Rule) error { return errors.Join(r.check(), o.checkNames(r)) })
}

func (p Plan) check(rule func(Rule) error) error {
	var faults []error
	for _, r := range p.Rules {
		if err := rule(r); err != nil {
			faults = append(faults, fmt.Errorf("fault %q: %w", r, err))
		}
	}
	return errors.Join(faults...)
}

func (r Rule) check() error {
	switch {
	case r.Service == "":
		return errors.New(`the service is missing; "*" means all`)
	case !slices.Contains(kinds, r.Kind):
		return fmt.Errorf("the kind must be one of %v", kinds)
	case r.Rate < 0 || r.Rate > 1:
		return errors.New("the rate must be above 0 and at most 1")
	case r.Times < 0:
		return errors.New("times must not be negative")
	case !r.Latency.valid() || !r.After.valid():
		return errors.New("a range of durations must not be negative or end before it begins")
	case r.Service == Handler && !r.Kind.ofHandlers():
		return errors.New("a handler takes only panic, error and latency")
	case r.Service != Handler && r.Kind == Panic:
		return errors.New("panic applies only to handlers, as in handler.SubscribeRequested:panic")
	case r.Kind.ofMessages() && !r.receives():
		return fmt.Errorf("%s applies only to sqs.ReceiveMessage", r.Kind)
	case r.Kind == Stale && !r.takesReceipts():
		return fmt.Errorf("stale applies only to sqs and its operations %v", receiptOperations)
	}
	return r.checkParameters()
}

func (r Rule) checkParameters() error {
	switch {
	case r.Kind == Error && !slices.Contains(errorNames, r.Error):
		return fmt.Errorf("the error must be one of %v", errorNames)
	case r.Kind != Error && r.Error != "":
		return fmt.Errorf("%s takes no error", r.Kind)
	case r.Kind == Latency && r.Latency.Max == 0:
		return errors.New("the latency is missing")
	case (r.Kind.ofMessages() || r.Kind == Stale) && r.Latency.Max > 0:
		return fmt.Errorf("%s takes no latency", r.Kind)
	case (r.Kind == Late || r.Kind == Reorder) && r.After.Max == 0:
		return fmt.Errorf("the duration is missing, as in %s=1s", r.Kind)
	case r.Kind != Late && r.Kind != Reorder && r.Kind != Expire && r.After.Max > 0:
		return fmt.Errorf("%s takes no duration", r.Kind)
	case r.Kind == Down && (r.Rate != 0 && r.Rate != 1 || r.Times > 0):
		return errors.New("down applies to every call; for only some of them use error=unavailable")
	}
	return nil
}

func (o Operations) checkNames(r Rule) error {
	if r.Service == "*" {
		if !r.anyOperation() {
			return errors.New("an operation needs a service")
		}
		return nil
	}
	operations, ok := o[r.Service]
	switch {
	case !ok:
		return fmt.Errorf("there is no service %s, only %s", r.Service, strings.Join(slices.Sorted(maps.Keys(o)), ", "))
	case len(operations) > 0 && !r.anyOperation() && !slices.Contains(operations, r.Operation):
		return fmt.Errorf("%s has no operation %s here", r.Service, r.Operation)
	}
	return nil
}

func (r Rule) anyOperation() bool { return r.Operation == "" || r.Operation == "*" }

func (r Rule) receives() bool {
	return r.Service == "sqs" && (r.anyOperation() || r.Operation == "ReceiveMessage")
}

func (r Rule) takesReceipts() bool {
	return r.Service == "sqs" && (r.anyOperation() || slices.Contains(receiptOperations, r.Operation))
}

func (r Rule) matches(service, operation string) bool {
	return (r.Service == "*" && service != Handler || r.Service == service) && (r.anyOperation() || r.Operation == operation)
}

func (r Rule) rate() float64 {
	if r.Rate == 0 {
		return 1
	}
	return r.Rate
}
