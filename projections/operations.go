package projections

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

// Status is the state of an operation.
type Status string

// A replay can still turn Failed into Succeeded or Rejected. Those two are final.
const (
	Accepted  Status = "accepted"
	Running   Status = "running"
	Waiting   Status = "waiting"
	Succeeded Status = "succeeded"
	Rejected  Status = "rejected"
	Failed    Status = "failed"
)

// Over reports whether the operation has ended. A failed one can still be replayed.
func (s Status) Over() bool { return s == Succeeded || s == Rejected || s == Failed }

// Step is a fact that an operation led to, or about the wish it waits for.
type Step struct {
	Stream   portal.Stream `dynamodbav:"stream"`
	Sequence int64         `dynamodbav:"seq"`
	Name     string        `dynamodbav:"name"`
	At       time.Time     `dynamodbav:"at"`
	Detail   string        `dynamodbav:"detail"`
	Status   Status        `dynamodbav:"status"`
	// Code and Message say why it was rejected, failed or waits.
	Code    string `dynamodbav:"code,omitempty"`
	Message string `dynamodbav:"message,omitempty"`
	// Wish is what the operation waits for from this step on, 0 for nothing.
	Wish int64 `dynamodbav:"wish,omitempty"`
}

func (s Step) joins() bool { return s.Wish != 0 && s.Wish != s.Sequence }

// Progress is an operation's status and its steps so far.
type Progress struct {
	Status        Status
	Code, Message string
	UpdatedAt     time.Time
	Steps         []Step
}

// steps inserts rows and never changes them. A fact about a wish is one row of the wish;
// operations that wait for it link to it.
func steps(changed rows, before, account state.Account, fact events.Event) {
	if _, unknown := fact.Data.(events.Unknown); unknown {
		return // there are no words for it
	}
	step := describe(account, fact)
	step.Stream = fact.Subject
	if fact.Operation != "" && !overturns(fact) {
		own := answered(step, fact)
		own.Wish = opens(fact)
		changed.step(changed.OperationStep(fact.Operation, fact.Subject, fact.Sequence), fact.Sequence, own)
	}
	for _, wish := range concerns(before, fact) {
		changed.step(changed.WishStep(fact.Subject, wish, fact.Sequence), fact.Sequence, onWish(step, fact))
	}
}

// opens returns the wish that the fact opens or joins for its operation.
func opens(fact events.Event) int64 {
	switch f := fact.Data.(type) {
	case events.RequestJoined:
		return f.Wish
	case events.SubscriptionApprovalPending, events.RegistrationPending, events.LicenceClaimed:
		return fact.Sequence
	case events.SubscriptionApproved:
		return 0 // the operation is the admin's
	}
	return fact.OpensWish()
}

// answered is the step of an admin's operation, which succeeds whatever the answer.
func answered(step Step, fact events.Event) Step {
	switch fact.Data.(type) {
	case events.SubscriptionApproved, events.SubscriptionDenied, events.RegistrationDenied:
		step.Status, step.Code, step.Message = Succeeded, "", ""
	}
	return step
}

// overturns: the fact is only a step of another operation's wish.
func overturns(fact events.Event) bool {
	superseded, ok := fact.Data.(events.RequestSuperseded)
	return ok && superseded.Wish != 0
}

func concerns(before state.Account, fact events.Event) []int64 {
	switch f := fact.Data.(type) {
	case events.RequestJoined:
		return nil // a step of the operation alone
	case events.KeyCreated:
		return before.WishesOn(f.Key)
	case events.AccountDeleting:
		return before.WaitingWishes()
	case events.SubscriptionApprovalPending, events.RegistrationPending, events.LicenceClaimed:
		return []int64{fact.Sequence} // operations that join wait, too
	case interface{ Linked() int64 }:
		if wish := f.Linked(); wish != 0 {
			return []int64{wish}
		}
	}
	return nil
}

// onWish is the step of the wishes that the fact is about. The deletion of an account ends all
// others.
func onWish(step Step, fact events.Event) Step {
	if _, deleting := fact.Data.(events.AccountDeleting); deleting {
		step.Status, step.Code, step.Message = Rejected, string(portal.Superseded), "The account is being deleted, which ends this request."
		step.Detail = step.Message
	}
	return step
}

func describe(account state.Account, fact events.Event) Step {
	step := Step{Name: events.Name(fact.Type()), At: fact.Time, Status: Running}
	plan := planName(account, fact)
	switch f := fact.Data.(type) {
	case events.UserRegistered:
		step.Status, step.Detail = Succeeded, "The account is registered."
	case events.RequestUnchanged:
		step.Status, step.Detail = Succeeded, "Already done: nothing had to change."
	case events.RequestJoined:
		step.Detail = "You asked for this before. Both requests finish together."
	case events.RequestRejected:
		step.Status, step.Code, step.Message, step.Detail = Rejected, string(f.Code), f.Message, f.Message
	case events.RequestSuperseded:
		step.Status, step.Code, step.Message = Rejected, string(portal.Superseded), "A newer request replaced this one."
		step.Detail = step.Message
	case events.RequestFailed:
		step.Status, step.Code, step.Message = Failed, "failed", FailedText
		step.Detail = step.Message
	case events.KeyWanted:
		step.Detail = "An API key is to be created."
		if f.Requested {
			step.Detail = f.Name + " is to be created."
		}
	case events.SubscriptionWanted:
		step.Detail = "The key is to be added to " + plan + "."
	case events.KeyCreated:
		step.Detail = "API Gateway has created the key."
	case events.KeyAttached:
		step.Detail = "API Gateway has added " + account.Keys[f.Key].Name + " to " + plan + "."
	case events.SubscriptionActivated:
		step.Status, step.Detail = Succeeded, plan+" is active."
	case events.SubscriptionEnding:
		step.Detail = "The key is to be removed from " + plan + "."
		if f.Withdrawn {
			step.Detail = "The request for " + plan + " is withdrawn."
		}
	case events.KeyDetached:
		step.Detail = "API Gateway has removed " + account.Keys[f.Key].Name + " from " + plan + "."
	case events.SubscriptionEnded:
		step.Status, step.Detail = Succeeded, plan+" has ended."
	case events.WishParked:
		step.Status, step.Code, step.Message = Waiting, string(f.Reason), WaitingText(string(f.Reason))
		step.Detail = step.Message
	default:
		describeKey(&step, account, fact)
		describePlan(&step, account, fact)
		describeStanding(&step, account, fact)
		describeLicence(&step, fact)
	case events.CatalogPublished:
		step.Status, step.Detail = Succeeded, "The catalog is published."
	case events.CatalogSourceFailed:
		step.Status, step.Code, step.Message, step.Detail = Failed, "source_failed", f.Message, f.Message
	}
	return step
}

// FailedText tells a person that workers gave their request up. The fact that says so is written
// together with the dead letter, which the operator's list of failures shows.
const FailedText = "Something went wrong on our side. Your request is saved in the operator's list of failures, and the operator of this portal can run it again."

func planName(account state.Account, fact events.Event) string {
	if f, ok := fact.Data.(interface{ AboutPlan() portal.PlanID }); ok {
		return account.PlanName(f.AboutPlan())
	}
	return ""
}

// WaitingText tells a person why a wish waits and who acts next. An unknown events.Reason gets a
// text that fits any.
func WaitingText(reason string) string {
	switch events.Reason(reason) {
	case "approval":
		return "The operator of this portal has to approve it. You will hear from us; there is nothing you need to do."
	case "payment":
		return "AWS Marketplace has to confirm the payment. You will hear from us; there is nothing you need to do."
	case "payment_failed":
		return "AWS Marketplace could not take the payment. Check the payment method of the AWS account that bought it; then we continue automatically."
	case events.WaitingForAWS:
		return "API Gateway is not accepting the change right now. We retry automatically; there is nothing you need to do."
	case events.WaitingForKMS:
		return "AWS KMS does not answer, so we cannot create your key right now. We retry automatically; there is nothing you need to do."
	case events.WaitingForCapacity:
		return "API Gateway has no room for another key. The operator of this portal has to make room; then we continue automatically."
	case events.WaitingForReinstatement:
		return "Your account is suspended. We continue automatically once the operator of this portal has reinstated it."
	case events.WaitingForRepair:
		return "Something went wrong on our side. It is in the list of failures of the operator of this portal, who has to fix it. We also retry automatically; there is nothing you need to do."
	case events.WaitingForKMSKey:
		return "This portal's KMS key is disabled or cannot be used, so we cannot create your API key. The operator of this portal has to fix this; then we continue automatically."
	}
	return "We retry automatically and continue as soon as we can."
}

// Progress of an operation without steps is Accepted.
func (v *Views) Progress(ctx context.Context, op portal.OperationID) (Progress, error) {
	found, err := inLive(ctx, v.store.generations, func(ctx context.Context, live schema.Generation) (Progress, error) {
		return v.progressIn(ctx, live, op)
	})
	if err != nil {
		return Progress{Status: Accepted}, asUnavailable(err)
	}
	return found, nil
}

func (v *Views) progressIn(ctx context.Context, live schema.Generation, op portal.OperationID) (Progress, error) {
	// A followed operation nearly always has the same wish as before, so both are read at once.
	guess, guessed := v.links.recall(op)
	var own, shared []Step
	group, within := errgroup.WithContext(ctx)
	group.Go(portal.Guard(func() (err error) {
		own, err = v.store.steps(within, live.OperationSteps(op))
		return err
	}))
	if guessed {
		group.Go(portal.Guard(func() (err error) {
			shared, err = v.store.steps(within, live.WishSteps(guess.stream, guess.wish))
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return Progress{}, err
	}
	own = inOrder(own)
	link, linked := linkOf(own)
	switch {
	case !linked:
		return progress(own), nil
	case !guessed || link != guess:
		v.links.remember(op, link)
		var err error
		if shared, err = v.store.steps(ctx, live.WishSteps(link.stream, link.wish)); err != nil {
			return Progress{}, err
		}
	}
	shared = slices.DeleteFunc(slices.Clone(shared), func(s Step) bool {
		return slices.ContainsFunc(own, func(o Step) bool { return o.Stream == s.Stream && o.Sequence == s.Sequence })
	})
	return progress(inOrder(append(slices.Clone(own), shared...))), nil
}

// linkOf: a replay may link the operation to another wish; the last link counts.
func linkOf(own []Step) (link wishLink, linked bool) {
	for _, step := range slices.Backward(own) {
		if step.Wish != 0 {
			return wishLink{step.Stream, step.Wish}, true
		}
	}
	return wishLink{}, false
}

func (s store) steps(ctx context.Context, of schema.Range) ([]Step, error) {
	var found []Step
	err := s.query(ctx, of, func(_ string, item map[string]types.AttributeValue) error {
		var step Step
		if err := attributevalue.UnmarshalMap(item, &step); err != nil {
			return err
		}
		found = append(found, step)
		return nil
	})
	return found, err
}

// inOrder merges steps by time and keeps each stream's sequence.
func inOrder(steps []Step) []Step {
	byStream := map[portal.Stream][]Step{}
	for _, step := range steps {
		byStream[step.Stream] = append(byStream[step.Stream], step)
	}
	for _, list := range byStream {
		slices.SortFunc(list, func(a, b Step) int { return int(a.Sequence - b.Sequence) })
	}
	var merged []Step
	for len(merged) < len(steps) {
		var first portal.Stream
		for stream, list := range byStream {
			if len(list) > 0 && (first == "" || list[0].At.Before(byStream[first][0].At) ||
				list[0].At.Equal(byStream[first][0].At) && stream < first) {
				first = stream
			}
		}
		merged, byStream[first] = append(merged, byStream[first][0]), byStream[first][1:]
	}
	return merged
}

// toldOnce keeps the first of the steps that give up purchases, since their words are about all of them.
func toldOnce(steps []Step) []Step {
	told := false
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool {
		if s.Detail != givenUp {
			return false
		}
		again := told
		told = true
		return again
	})
}

func progress(steps []Step) Progress {
	steps = toldOnce(steps)
	p := Progress{Status: Accepted, Steps: steps}
	for _, step := range steps {
		// After its end, only another end counts, from the replay of a failure.
		if p.Status.Over() && !step.Status.Over() {
			continue
		}
		// An operation that joins a waiting wish waits, too.
		if p.Status == Waiting && step.joins() {
			continue
		}
		p.Status, p.Code, p.Message, p.UpdatedAt = step.Status, step.Code, step.Message, step.At
	}
	return p
}

// Shown returns the sequence up to which readers see the stream.
func (v *Views) Shown(ctx context.Context, stream portal.Stream) (int64, error) {
	now, err := v.store.generations.current(ctx)
	if err != nil {
		return 0, asUnavailable(err)
	}
	shown, err := v.store.checkpoint(ctx, shownIn{now.Live, stream})
	return shown, asUnavailable(err)
}
