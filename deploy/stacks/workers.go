package stacks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The parameter that starts and stops workers, of the templates in which they run.
const (
	workersParameter = "Workers"
	workersRunning   = "running"
	workersStopped   = "stopped"
)

// workersMayRun reports whether something invokes workers, or keeps them running.
func (s stack) workersMayRun() bool {
	return s.runs() && s.exists() && !s.neverCreated() && s.parameters[workersParameter] != workersStopped
}

// stopWorkers has event sources, schedule and services of the stack start no workers any more. Nothing else of the
// stack changes. If CloudFormation cannot do this, the workers stop with the deletion of the stack.
func (d Deployer) stopWorkers(ctx context.Context, s stack) (stack, error) {
	if !s.usable() || !s.workersMayRun() {
		return s, nil
	}
	if _, known := s.parameters[workersParameter]; !known {
		d.say("The stack " + s.name + " was made by a version that cannot stop its workers. They stop when it is deleted.")
		return s, nil
	}
	v := values{given: map[string]string{workersParameter: workersStopped}}
	for name := range s.parameters {
		if name != workersParameter {
			v.keep = append(v.keep, name)
		}
	}
	slices.Sort(v.keep)
	proposed, err := d.propose(ctx, s, previousTemplate, v)
	if err == nil && !proposed.empty {
		d.say("Stopping the workers of the stack " + s.name + ".")
		s, err = d.execute(ctx, proposed)
	}
	var failed *Failure
	if errors.As(err, &failed) {
		d.say("The workers could not be stopped: " + err.Error() + "\nGoing on. They stop when the stack is deleted.")
		return s, nil
	}
	return s, err
}

// drain waits until the queues are quiet at two looks in a row, since SQS's counts are approximate: until stopped
// workers have handed back or handled what they had, or until workers that still run have handled all messages.
// After DrainTimeout it returns in any case. It says what is left.
func (d Deployer) drain(ctx context.Context, data stack, stopped, keepData bool) error {
	patience := d.DrainTimeout
	if patience == 0 {
		patience = 5 * time.Minute
	}
	wait := "Waiting until the workers have handled all messages"
	if stopped {
		wait = "Waiting until no worker has a message"
	}
	d.say(wait + ", at most " + patience.String() + ".")
	end := time.Now().Add(patience)
	for quiet, looks := 0, 0; ; looks++ {
		queues, err := d.queues(ctx, data)
		if err != nil {
			return err
		}
		if quiet++; busy(queues, stopped) {
			quiet = 0
		}
		if quiet == 2 || time.Now().After(end) {
			d.tellLeft(queues, keepData)
			return nil
		}
		if err := d.wait(ctx, looks); err != nil {
			return err
		}
	}
}

// busy reports whether workers have messages, or, if they still run, will get some.
func busy(queues []QueueStatus, stopped bool) bool {
	return slices.ContainsFunc(queues, func(q QueueStatus) bool { return q.InWork > 0 || !stopped && q.Messages() > 0 })
}

func (d Deployer) tellLeft(queues []QueueStatus, keepData bool) {
	var all []string
	for _, q := range queues {
		if n := q.Messages(); n > 0 {
			all = append(all, fmt.Sprintf("%d in %s", n, q.Name))
		}
	}
	switch left := strings.Join(all, ", "); {
	case left == "":
	case keepData:
		d.say("Messages are left: " + left + ". They stay in the queues, and are handled if the portal comes back within a week.")
	default:
		d.say("Messages are left, and will not be handled: " + left + ".")
	}
}
