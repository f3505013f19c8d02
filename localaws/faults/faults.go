// Package faults makes the local AWS misbehave on purpose, as AWS and the
// network before it do now and then: calls are slow, are refused, are dropped
// before or after they took effect, take effect late, and queues deliver twice,
// out of order or with receipts that run out. A plan of rules says what, how
// often and where.
//
// It is repeatable: every rule draws from its own generator, seeded by the plan,
// and draws once for each call that it matches. The same plan and the same
// sequence of matching calls give the same faults, whatever else is called in
// between. Changing the plan starts all of them again.
package faults

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind is what goes wrong.
type Kind string

// The kinds. With those after Latency, a rule's latency is how long the client
// waits for what happens to it.
const (
	// Latency: the call is slow. If the client gives up while it waits, the call
	// has no effect.
	Latency Kind = "latency"
	// Error: the call is refused with Rule.Error and has no effect.
	Error Kind = "error"
	// Drop: the connection is closed without an answer, and the call has no effect.
	Drop Kind = "drop"
	// Lost: the call takes effect, then the connection is closed without an answer.
	Lost Kind = "lost"
	// Late: the connection is closed without an answer, and the call takes effect
	// Rule.After its arrival. What is still to come when the server closes does not.
	Late Kind = "late"
	// Down: the service answers every call with status 503. It goes before all
	// other rules.
	Down Kind = "down"

	// Duplicate: a message received from a standard queue is in the queue a second
	// time: deleting the one leaves the other. Drawn for every message received,
	// like the two below.
	Duplicate Kind = "duplicate"
	// Reorder: a message of a standard queue that was about to be received for the
	// first time is withheld for Rule.After, so that later ones overtake it. It
	// happens to a message once at most.
	Reorder Kind = "reorder"
	// Expire: the visibility timeout of a message received is over Rule.After its
	// receipt: others can receive it. A FIFO queue refuses its receipt handle from then
	// on. A standard queue still obeys it, and so takes the message away from, or gives
	// it back under the hands of, the next receiver: see Stale.
	Expire Kind = "expire"

	// Stale: a standard queue ignores a receipt handle that is not the latest of its
	// message, although the call succeeds. Without such a rule it obeys the handle.
	// Drawn for every old handle in DeleteMessage, ChangeMessageVisibility and their
	// batches.
	Stale Kind = "stale"
)

var kinds = []Kind{Latency, Error, Drop, Lost, Late, Down, Duplicate, Reorder, Expire, Stale}

// ofMessages says that a rule of that kind is about received messages, not calls.
func (k Kind) ofMessages() bool { return k == Duplicate || k == Reorder || k == Expire }

// receiptOperations are those that take receipt handles.
var receiptOperations = []string{"DeleteMessage", "DeleteMessageBatch", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch"}

// The errors that a rule of kind Error can answer with. Each service words them
// in its own way, with its own status.
const (
	Throttling  = "throttling"
	Internal    = "internal"
	Unavailable = "unavailable"
)

var errorNames = []string{Throttling, Internal, Unavailable}

// Rule says which calls suffer what.
type Rule struct {
	// Service is "sqs", "sns", "dynamodb", "kms", "sts", "cognito-idp",
	// "s3", "metering", "apigateway" (the control plane) or "execute-api" (calls of
	// deployed APIs); "*" is all.
	Service string `json:"service"`
	// Operation is named as in AWS's API reference, "SendMessage"; the pages of
	// cognito-idp are named by path, "/oauth2/token". Empty or "*" is all.
	Operation string `json:"operation,omitempty"`
	Kind      Kind   `json:"kind"`
	// Error says which, for kind Error.
	Error string `json:"error,omitempty"`
	// Latency is drawn evenly from the range.
	Latency Range `json:"latency,omitzero"`
	// After is when a late call takes effect, when a message out of order or
	// expired can be received (again). Drawn evenly from the range.
	After Range `json:"after,omitzero"`
	// Rate is the probability; 0 stands for 1, always. Where a rule is written as
	// text or JSON, a rate of 0 is refused.
	Rate float64 `json:"rate,omitempty"`
	// Times is how often it happens at most; 0 is without limit.
	Times int `json:"times,omitempty"`
}

// Plan is a set of rules. They are asked in order: the latencies of all that
// strike add up, and of the other kinds the first that strikes decides.
type Plan struct {
	Seed  uint64 `json:"seed"`
	Rules []Rule `json:"rules"`
}

// Operations names what can be called: the operations of each service. One without
// any takes all names.
type Operations map[string][]string

// Check says everything that is wrong with the plan by itself.
func (p Plan) Check() error { return p.check(Rule.check) }

// check says also which services and operations there are none of.
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
		return errors.New(`it names no service; "*" is all of them`)
	case !slices.Contains(kinds, r.Kind):
		return fmt.Errorf("its kind is none of %v", kinds)
	case r.Rate < 0 || r.Rate > 1:
		return errors.New("its rate is not above 0 and at most 1")
	case r.Times < 0:
		return errors.New("its times are below 0")
	case !r.Latency.valid() || !r.After.valid():
		return errors.New("a range of durations ends before it begins, or begins below 0")
	case r.Kind.ofMessages() && !r.receives():
		return fmt.Errorf("%s is about sqs.ReceiveMessage and nothing else", r.Kind)
	case r.Kind == Stale && !r.takesReceipts():
		return fmt.Errorf("stale is about sqs and its operations %v and nothing else", receiptOperations)
	}
	return r.checkParameters()
}

func (r Rule) checkParameters() error {
	switch {
	case r.Kind == Error && !slices.Contains(errorNames, r.Error):
		return fmt.Errorf("its error is none of %v", errorNames)
	case r.Kind != Error && r.Error != "":
		return fmt.Errorf("%s takes no error", r.Kind)
	case r.Kind == Latency && r.Latency.Max == 0:
		return errors.New("its latency is missing")
	case (r.Kind.ofMessages() || r.Kind == Stale) && r.Latency.Max > 0:
		return fmt.Errorf("%s takes no latency", r.Kind)
	case (r.Kind == Late || r.Kind == Reorder) && r.After.Max == 0:
		return fmt.Errorf("how long after is missing, as in %s=1s", r.Kind)
	case r.Kind != Late && r.Kind != Reorder && r.Kind != Expire && r.After.Max > 0:
		return fmt.Errorf("%s happens at once", r.Kind)
	case r.Kind == Down && (r.Rate != 0 && r.Rate != 1 || r.Times > 0):
		return errors.New("what is down answers no call; for some of them use error=unavailable")
	}
	return nil
}

func (o Operations) checkNames(r Rule) error {
	if r.Service == "*" {
		if !r.anyOperation() {
			return errors.New("an operation needs its service")
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
	return (r.Service == "*" || r.Service == service) && (r.anyOperation() || r.Operation == operation)
}

// rate is the probability that it strikes.
func (r Rule) rate() float64 {
	if r.Rate == 0 {
		return 1
	}
	return r.Rate
}
