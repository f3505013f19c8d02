package provisioning

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// KeyCalls are the control-plane calls with which an operator looks at values and deletes keys.
// Every call may be repeated.
type KeyCalls interface {
	KeyByID(ctx context.Context, id portal.GatewayKeyID) (key gateway.Listed, found bool, err error)
	DeleteKey(ctx context.Context, key portal.GatewayKeyID) error
	ValuesPage(ctx context.Context, namePrefix, position string, visit func(key gateway.Listed, value string)) (next string, err error)
}

// Reconciler finds and mends drift for an operator. Look runs the steps of the sweep in the operator's
// process, without waking the workers. Mend wakes the workers, and itself deletes only the keys that no
// worker would delete. A run stores nothing for the next one: after an interruption, the next run finds
// what is left.
type Reconciler struct {
	// Sweep compares. Its Sender and Scratch are not used.
	Sweep         Sweep
	Keys          KeyCalls
	Values        values
	Sender        sender
	AccountLeases accountLeases
	// Run names the holder of the leases. It differs in each process.
	Run string
	// Wait waits before a postponed step is repeated.
	Wait func(ctx context.Context, d time.Duration) error
}

// mostPostponed is how often a step may be postponed in a row. After that, its error ends the run.
const mostPostponed = 20

// LookProgress is how far Look has come: what it does now, and how many it has done.
type LookProgress struct {
	Phase string
	Done  int
}

// Look compares API Gateway with the journal, and changes nothing. With values it also compares
// the value of each key, which takes one call of KMS a key.
func (r *Reconciler) Look(ctx context.Context, withValues bool, progress func(LookProgress)) (Drift, error) {
	sweep := r.Sweep
	scratch := newMemory()
	sweep.Scratch, sweep.Sender, sweep.AllFindings = scratch, noSender{}, true
	cursor := ""
	for {
		var next string
		err := r.retryPostponed(ctx, func() (err error) {
			next, err = sweep.Step(ctx, cursor)
			return err
		})
		if err != nil {
			return Drift{}, err
		}
		if next == "" {
			break
		}
		cursor = next
		progress(lookProgressAt(cursor))
	}
	drift, _, err := LastDrift(ctx, scratch)
	if err != nil || !withValues {
		return drift, err
	}
	return r.compareValues(ctx, drift, progress)
}

func lookProgressAt(cursor string) LookProgress {
	var p sweepProgress
	_ = json.Unmarshal([]byte(cursor), &p)
	switch p.Phase {
	case surveyKeys, surveyPlans:
		return LookProgress{Phase: "listing keys", Done: p.Keys + p.Others}
	case surveyAttached:
		return LookProgress{Phase: "listing the keys of plans", Done: p.Index}
	}
	return LookProgress{Phase: "comparing accounts", Done: p.Found.Streams}
}

func (r *Reconciler) retryPostponed(ctx context.Context, step func() error) error {
	return RetryPostponed(ctx, r.Wait, step)
}

// RetryPostponed repeats a step while it is postponed or API Gateway throttles it, at most mostPostponed times in
// a row. It waits before each repetition.
func RetryPostponed(ctx context.Context, wait func(context.Context, time.Duration) error, step func() error) error {
	for postponements := 0; ; postponements++ {
		err := step()
		after, later := retryAfter(err)
		if !later || postponements == mostPostponed {
			return err
		}
		if err := wait(ctx, after); err != nil {
			return err
		}
	}
}

func retryAfter(err error) (after time.Duration, later bool) {
	var postponed *portal.Postponed
	var busy *gateway.Unavailable
	switch {
	case errors.As(err, &postponed):
		return max(postponed.After, time.Second), true
	case errors.As(err, &busy) && busy.Throttled:
		return 15 * time.Second, true
	}
	return 0, false
}

// Mended counts what Mend has done.
type Mended struct {
	// Woken counts the accounts that workers now mend, within seconds to minutes.
	Woken int `json:"woken"`
	// Deleted counts the keys that Mend has deleted.
	Deleted int `json:"deleted"`
	// Left lists the keys that Mend did not delete, because they have changed since Look.
	Left []LeftAlone `json:"left,omitempty"`
}

// LeftAlone is a finding that Mend did not act on, and the reason.
type LeftAlone struct {
	Finding
	Because string `json:"because"`
}

// Mend deletes the keys of the findings with the mending Delete or Replace, one after another, and
// wakes the workers for the accounts of the other findings. Before it deletes a key, it reads the key
// and its account again. It may be repeated, and two may run at once. done and total count the keys to
// delete and the accounts to wake.
func (r *Reconciler) Mend(ctx context.Context, findings []Finding, progress func(done, total int)) (Mended, error) {
	var result Mended
	wake := map[portal.AccountID]bool{}
	var deletes []Finding
	for _, f := range findings {
		if f.Mending == Delete || f.Mending == Replace {
			deletes = append(deletes, f)
		} else {
			wake[f.Account] = true
		}
	}
	done := 0
	for _, f := range deletes {
		because, err := r.delete(ctx, f)
		switch {
		case err != nil:
			return result, fmt.Errorf("deleting key %s: %w", f.GatewayID, err)
		case because != "":
			result.Left = append(result.Left, LeftAlone{f, because})
		default:
			result.Deleted++
			wake[f.Account] = true
		}
		done++
		progress(done, len(deletes)+len(wake))
	}
	for id := range wake {
		woken, err := r.wake(ctx, id)
		if err != nil {
			return result, err
		}
		if woken {
			result.Woken++
		}
		done++
		progress(done, len(deletes)+len(wake))
	}
	return result, nil
}

// wake has a worker recheck the account. woken is false if the journal does not know it.
func (r *Reconciler) wake(ctx context.Context, id portal.AccountID) (woken bool, err error) {
	err = r.retryPostponed(ctx, func() error {
		head, err := r.Sweep.Journal.Head(ctx, portal.AccountStream(id))
		if err != nil || head == 0 {
			return err
		}
		woken = true
		return portal.Postpone("the queues do not answer", r.Sender.SendAgain(ctx, r.Sweep.wakeUp(portal.AccountStream(id), head, events.ProvisionRequested{Recheck: true})))
	})
	return woken && err == nil, err
}

// delete deletes a key under its account's lease, so that no worker adopts it meanwhile. If it leaves
// the key alone, because says why.
func (r *Reconciler) delete(ctx context.Context, f Finding) (because string, err error) {
	err = r.retryPostponed(ctx, func() error {
		lease, ok, err := r.AccountLeases.AccountLease(ctx, f.Account, "reconcile-"+r.Run, accountLease)
		switch {
		case err != nil:
			return err
		case !ok:
			return &portal.Postponed{After: time.Second, Reason: "a worker converges the account"}
		}
		defer func() { lease.End(lease.LastUnrecorded.IsZero()) }()
		if because, err = r.reconsider(ctx, f); because != "" || err != nil {
			return err
		}
		if r.Sweep.Now().After(lease.Until.Add(-10 * time.Second)) {
			return &portal.Postponed{After: time.Second, Reason: "the account's lease has run out"}
		}
		return r.Keys.DeleteKey(ctx, f.GatewayID)
	})
	return because, err
}

// reconsider reads a key and its account again. because says why the key must not be deleted, or is "".
func (r *Reconciler) reconsider(ctx context.Context, f Finding) (because string, err error) {
	listed, found, err := r.Keys.KeyByID(ctx, f.GatewayID)
	if err != nil || !found {
		return "", err
	}
	id, key, ours := r.Sweep.ParseName(listed.Name)
	if !ours || id != f.Account || key != f.Key || f.Mending == Delete && !listed.Issued {
		return fmt.Sprintf("somebody has changed it; its name is %q", listed.Name), nil
	}
	head, err := r.Sweep.Journal.Head(ctx, portal.AccountStream(id))
	if err != nil || head == 0 {
		return "", err
	}
	history, err := r.Sweep.Accounts.Account(ctx, id)
	if err != nil {
		return "", err
	}
	account := history.Account
	if account.NotUnderstood != "" {
		return "only newer workers understand its account", nil
	}
	recorded := account.Keys[key]
	switch {
	case f.Mending == Replace && (recorded.GatewayID != f.GatewayID || account.Barred(recorded) || recorded.Releasing != 0):
		return "it is not the account's working key any more", nil
	case f.Mending == Replace && r.Sweep.Now().Sub(recorded.CreatedAt) < listDelay:
		return "it was created a moment ago", nil
	case f.Mending == Replace:
		return "", nil
	case holds(account, f.GatewayID):
		return "the journal has it as a key of the account by now", nil
	case recorded.ID != "" && !recorded.Created() && recorded.Live():
		return "a worker may be creating the account's key of that name", nil
	}
	return "", nil
}

func holds(account state.Account, id portal.GatewayKeyID) bool {
	for _, key := range account.Keys {
		if key.GatewayID == id {
			return true
		}
	}
	return false
}

// Changes counts the keys that mending the findings would change. A finding about a plan without a key
// counts as one.
func Changes(findings []Finding) int {
	keys := map[string]bool{}
	for _, f := range findings {
		what := string(f.GatewayID)
		if what == "" {
			what = strings.Join([]string{string(f.Account), string(f.Key), string(f.Plan)}, "/")
		}
		keys[what] = true
	}
	return len(keys)
}

// plausibleShare is the largest share of the keys, in percent, that drift plausibly affects.
const plausibleShare = 5

// Implausible reports whether so many changes are more likely a mistake, such as an old journal or
// the wrong AWS account, than drift.
func (d Drift) Implausible(changes int) bool {
	return changes*100 > max(d.Keys, d.Recorded)*plausibleShare
}

// Share returns the changes as a share of the keys, such as "12 %".
func (d Drift) Share(changes int) string {
	return strconv.Itoa(changes*100/max(d.Keys, d.Recorded, 1)) + " %"
}

// Selected returns the findings of these kinds and about these keys that can be mended. keys are ids of
// the portal or of API Gateway; without keys, all keys count. Without kinds, all kinds count but KeyValue,
// since mending it stops a key that a program may use.
func (d Drift) Selected(kinds []Kind, keys []string) []Finding {
	var some []Finding
	for _, f := range d.Findings {
		ofKind := slices.Contains(kinds, f.Kind) || len(kinds) == 0 && f.Kind != KeyValue
		ofKey := len(keys) == 0 || slices.Contains(keys, string(f.Key)) || slices.Contains(keys, string(f.GatewayID))
		if ofKind && ofKey && f.Mending != Leave {
			some = append(some, f)
		}
	}
	return some
}
