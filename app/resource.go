package app

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// resource is one thing in AWS that Gatehouse needs. The doctor inspects it; set-up also mends
// its faults.
type resource struct {
	what    string
	inspect func(context.Context) (finding, error)
}

type finding struct {
	note   string
	faults []fault
}

type fault struct {
	says string
	// advice tells an operator what to do; "" if set-up mends the fault. Commands to copy
	// follow on lines of their own.
	advice  string
	mending string
	// mend removes the fault; nil if set-up cannot or must not.
	mend func(context.Context) error
}

const runSetup = "Run `gatehouse setup`."

func (f fault) remedy() string {
	if f.advice != "" {
		return f.advice
	}
	return runSetup
}

func found(faults ...fault) (finding, error) { return finding{faults: faults}, nil }

func missing(create func(context.Context) error) (finding, error) {
	return found(fault{says: "It does not exist.", mending: createIt, mend: create})
}

const createIt = "create it"

type blocked string

func (b blocked) Error() string { return "not checked, since " + string(b) }

type estate struct {
	clients
	names Names
	cfg   Config
	owner owner
	// keyUsers are the principals that the KMS key's policy should name; none leaves it as it
	// is.
	keyUsers []string
	pause    time.Duration
}

func openEstate(ctx context.Context, awsCfg aws.Config, cfg Config) (estate, error) {
	e := estate{clients: newClients(awsCfg), names: cfg.Names(), cfg: cfg, pause: 5 * time.Second}
	var err error
	e.owner, err = e.caller(ctx)
	return e, err
}

func (e estate) arn(service, name string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", e.owner.partition, service, e.config.Region, e.owner.account, name)
}

func (e estate) patiently(ctx context.Context, try func(context.Context) (again bool, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	for {
		again, err := try(ctx)
		if !again {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(e.pause):
		}
	}
}

// chains lists the resources in the order in which set-up can create them. No chain depends on
// another.
func (e estate) chains() [][]resource {
	var chains [][]resource
	for _, table := range e.names.Tables() {
		chains = append(chains, []resource{e.table(table)})
	}
	var messages []resource
	for _, queue := range e.names.Queues() {
		messages = append(messages, e.queue(DeadLetterQueue(queue)), e.queue(queue))
	}
	messages = append(messages, e.topic())
	for _, queue := range e.names.Subscribed() {
		messages = append(messages, e.subscription(queue))
	}
	if e.cfg.Trail == TrailOn {
		messages = append(messages, e.trailRule())
	}
	return append(chains,
		messages,
		[]resource{e.feedbackTopic()},
		[]resource{e.kmsKey(), e.keyPolicy()})
}

func (e estate) last() []resource { return []resource{e.keyMaterial()} }
