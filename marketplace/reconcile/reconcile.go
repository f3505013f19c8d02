// Package reconcile finds what the event bus of AWS Marketplace lost. It is a job that compares the
// agreements of the seller with the licences in the journal, and sends a notice for each difference.
// Workers handle it like a notice of AWS. It also has them ask what buyers are entitled to, and carries the
// claim of a licence over to the one that renews it.
//
// It compares only licences that the event bus names. Notices of older listings come by SNS, which
// retries a delivery for days, and name a customer instead. For those, it only has workers ask once a day.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Every is the length of the job's slot.
const Every = time.Hour

const (
	// overlap is how far a run goes back before the start of the last one.
	overlap = 10 * time.Minute
	// readAll is how often a run reads all agreements. AWS does not say that each change of an
	// entitlement changes its agreement's LastUpdateTime.
	readAll = 24 * time.Hour
	// A run older than lasts starts over.
	lasts = 6 * time.Hour
	// A step compares at most perStep agreements and starts none after stepTime.
	perStep  = 50
	stepTime = 20 * time.Second
	kept     = 90 * 24 * time.Hour
	// perSend is how many messages are sent together.
	perSend = 500
)

type agreements interface {
	Updated(ctx context.Context, after time.Time, visit func(seller.Agreement) error) error
	Granting(ctx context.Context, licence string, visit func(seller.Agreement) error) error
	Chain(ctx context.Context, initial string, visit func(seller.Agreement) error) error
	Entitlements(ctx context.Context, agreement string) ([]seller.Entitlement, error)
}

type facts interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
}

type rows interface {
	Write(ctx context.Context, rows ...journal.Row) error
}

type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
}

// Reconciler compares agreements with licences. It is safe for concurrent use.
type Reconciler struct {
	Seller  agreements
	Journal facts
	Sender  sender
	// Rows takes due rows of licences whose agreement has ended.
	Rows    rows
	Scratch scratch
	// Claimed lists the claimed licences of older listings.
	Claimed func(ctx context.Context) ([]portal.Stream, error)
	// ByEvent means that the seller's event bus sends notices. Otherwise no agreements are read.
	ByEvent bool
	// ByTopic means that some listings have SNS topics. Then the job sends nothing about a licence
	// without facts: it may be of such a listing, whose purchases have other streams.
	ByTopic bool
	Now     func() time.Time
}

// Result is what a run did.
type Result struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended,omitzero"`
	// Since is where the reading of changes began, zero if the run read all agreements.
	Since      time.Time `json:"since,omitzero"`
	Agreements int       `json:"agreements"`
	// Sent counts the notices, also those that a repeated step sent again.
	Sent int `json:"sent"`
	// Problem tells operators why the run could not read the agreements, or is "".
	Problem string `json:"problem,omitempty"`
}

type position struct {
	// Until is the start of the last complete run, All that of the last one that read all
	// agreements.
	Until time.Time `json:"until,omitzero"`
	All   time.Time `json:"all,omitzero"`
	Last  Result    `json:"last"`
}

// ahead reports whether the clock of the process that stored the position was so far ahead of now that it may have
// passed over changes. The next run then reads all agreements.
func (p position) ahead(now time.Time) bool {
	return p.Until.After(now.Add(overlap)) || p.All.After(now.Add(overlap))
}

// Last returns what the last run did; found is false if there was none in 90 days.
func Last(ctx context.Context, from scratch) (result Result, found bool, err error) {
	var last position
	found, err = from.Get(ctx, schema.MarketplaceRead(), "last", &last)
	return last.Last, found, err
}

// format is the version of the cursor.
const format = 1

// progress is the cursor of a run. AWS sorts agreements by their last change, so the next step
// continues at the last one compared.
type progress struct {
	Format int       `json:"format"`
	Result Result    `json:"result"`
	Last   time.Time `json:"last,omitzero"`
	// Seen are the compared agreements that changed in the second of Last, since AWS filters by
	// whole seconds.
	Seen map[string]bool `json:"seen,omitempty"`
}

func (p progress) after() time.Time {
	switch {
	case !p.Last.IsZero():
		return p.Last.Truncate(time.Second).Add(-time.Second)
	case !p.Result.Since.IsZero():
		return p.Result.Since
	}
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // before AWS Marketplace
}

func (p progress) passed(a seller.Agreement) bool {
	order := a.Updated.Truncate(time.Second).Compare(p.Last.Truncate(time.Second))
	return order < 0 || order == 0 && p.Seen[a.ID]
}

func (p *progress) pass(a seller.Agreement) {
	if second := a.Updated.Truncate(time.Second); second.After(p.Last) || p.Seen == nil {
		p.Seen = map[string]bool{}
	}
	p.Seen[a.ID] = true
	if a.Updated.After(p.Last) {
		p.Last = a.Updated
	}
	p.Result.Agreements++
}

// Step does one step from the cursor, "" at the start, and returns the next cursor, "" at the
// end. It may be repeated. While AWS throttles or does not answer, it is postponed. If the role
// may not read agreements, the run ends with a problem.
func (r *Reconciler) Step(ctx context.Context, cursor string) (next string, err error) {
	p, ok := resume(cursor, r.Now())
	if !ok {
		if p, err = r.begin(ctx); err != nil {
			return "", err
		}
		if p.Result.Since.IsZero() {
			if err := r.checkCustomers(ctx, p.Result.Began); err != nil {
				return "", err
			}
		}
	}
	if !r.ByEvent {
		return "", r.conclude(ctx, p)
	}
	before := p.Result.Agreements
	over, err := r.some(ctx, &p)
	progressed := p.Result.Agreements > before
	switch problem := problemOf(err); {
	case problem != "":
		zerolog.Ctx(ctx).Error().Err(err).Msg("agreements of AWS Marketplace cannot be read: " + problem)
		p.Result.Problem = problem
		return "", r.conclude(ctx, p)
	case err != nil && !progressed:
		return "", postponed(err)
	case over && err == nil:
		return "", r.conclude(ctx, p)
	}
	body, err := json.Marshal(p)
	return string(body), err
}

// checkCustomers has workers ask what the customers of older listings are entitled to.
func (r *Reconciler) checkCustomers(ctx context.Context, run time.Time) error {
	if !r.ByTopic {
		return nil
	}
	claimed, err := r.Claimed(ctx)
	if err != nil {
		return portal.Postpone("the views cannot be read", err)
	}
	for some := range slices.Chunk(claimed, perSend) {
		var messages []events.Event
		for _, stream := range some {
			messages = append(messages, r.checking(stream, run))
		}
		if err := portal.Postpone("the queues do not answer", r.Sender.Send(ctx, messages...)); err != nil {
			return err
		}
	}
	return nil
}

func resume(cursor string, now time.Time) (p progress, ok bool) {
	if cursor == "" || json.Unmarshal([]byte(cursor), &p) != nil || p.Format != format || now.Sub(p.Result.Began) > lasts {
		return progress{}, false
	}
	return p, true
}

func (r *Reconciler) begin(ctx context.Context) (progress, error) {
	last, err := r.position(ctx)
	if err != nil {
		return progress{}, err
	}
	p := progress{Format: format, Result: Result{Began: r.Now().UTC()}}
	if !last.All.IsZero() && p.Result.Began.Sub(last.All) < readAll && !last.ahead(p.Result.Began) {
		p.Result.Since = last.Until.Add(-overlap)
	}
	return p, nil
}

func (r *Reconciler) position(ctx context.Context) (last position, err error) {
	_, err = r.Scratch.Get(ctx, schema.MarketplaceRead(), "last", &last)
	return last, err
}

func (r *Reconciler) conclude(ctx context.Context, p progress) error {
	last, err := r.position(ctx)
	if err != nil {
		return err
	}
	p.Result.Ended = r.Now().UTC()
	if last.Last = p.Result; p.Result.Problem == "" {
		last.Until = p.Result.Began
		if p.Result.Since.IsZero() {
			last.All = p.Result.Began
		}
		zerolog.Ctx(ctx).Info().Int("agreements", p.Result.Agreements).Int("sent", p.Result.Sent).Msg("agreements of AWS Marketplace were compared with licences")
	}
	return r.Scratch.Put(ctx, schema.MarketplaceRead(), "last", last, kept)
}

var errEnough = errors.New("the step is over")

// some compares the next agreements. over: none is left. After an error, p continues after the
// last compared agreement.
func (r *Reconciler) some(ctx context.Context, p *progress) (over bool, err error) {
	began, compared, from := r.Now(), 0, *p
	err = r.Seller.Updated(ctx, p.after(), func(a seller.Agreement) error {
		if from.passed(a) {
			return nil
		}
		if compared == perStep || r.Now().Sub(began) >= stepTime {
			return errEnough
		}
		sent, err := r.agreement(ctx, a, p.Result.Began)
		if errors.Is(err, seller.ErrRefused) {
			zerolog.Ctx(ctx).Warn().Err(err).Str("agreement", a.ID).Msg("an agreement of AWS Marketplace cannot be read and is passed over")
			err = nil
		}
		if err != nil {
			return err
		}
		compared++
		p.Result.Sent += sent
		p.pass(a)
		return nil
	})
	if errors.Is(err, errEnough) {
		return false, nil
	}
	return err == nil, err
}

// problemOf tells operators why no agreement can be read; "" for other errors.
func problemOf(err error) string {
	switch {
	case errors.Is(err, seller.ErrDenied):
		return "The seller's role cannot be assumed, or may not read agreements. Give it the permissions of docs/marketplace.md, and have it trust the worker's role."
	case errors.Is(err, seller.ErrDisabled):
		return "AWS Marketplace has no Agreement API in the Region of GATEHOUSE_MARKETPLACE_REGION. Until that changes, purchases depend on notices alone."
	case errors.Is(err, seller.ErrRefused):
		return "AWS Marketplace refuses the search for agreements; the log of the worker says why."
	}
	return ""
}

func postponed(err error) error {
	switch {
	case errors.Is(err, seller.ErrThrottled):
		return &portal.Postponed{After: time.Minute, Reason: "AWS Marketplace throttles", Err: err}
	case errors.Is(err, seller.ErrDown):
		return portal.Postpone("AWS Marketplace does not answer", err)
	}
	return fmt.Errorf("comparing agreements with licences: %w", err)
}
