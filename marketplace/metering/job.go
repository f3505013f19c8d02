package metering

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Every is the length of the job's slot. Each run sends what AWS has not answered, so a record of an hour is
// sent several times before AWS no longer takes it, also at the end of a month: AWS takes the usage
// of a month until 06:00 UTC on the first day of the next one.
const Every = 15 * time.Minute

// Demanded is the cursor of a demanded run. It writes records at once; the other runs do so in the
// last quarter of an hour, so that a licence that ends before finds its hour free.
const Demanded = "demanded"

const (
	// quarter is where the last quarter of an hour begins.
	quarter = 45 * time.Minute
	// A step meters no more than perStep licences, and sends no more than recordsPerStep records.
	perStep        = 100
	recordsPerStep = 100
	// A run older than lasts starts over.
	lasts = 6 * time.Hour
	kept  = 90 * 24 * time.Hour
	// Licences that ended longer ago than after are left to their due rows.
	after = 3 * time.Hour
)

// NextRecords is when, after now, the job next begins to write records without a demand.
func NextRecords(now time.Time) time.Time {
	next := hourOf(now.UTC()).Add(quarter)
	if !next.After(now) {
		next = next.Add(time.Hour)
	}
	return next
}

type phase string

const (
	write phase = "write"
	send  phase = "send"
)

// Result is what a run did.
type Result struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended,omitzero"`
	// Licences counts those whose counters were read, and Failed those that cannot be read.
	Licences int `json:"licences"`
	Failed   int `json:"failed"`
	Written  int `json:"written"`
	// Accepted, Refused and Unanswered count records that were sent. Refused ones include those that
	// AWS does not bill for another reason.
	Accepted   int `json:"accepted"`
	Refused    int `json:"refused"`
	Unanswered int `json:"unanswered"`
	// LastRefused is when a run last sent a record that AWS does not bill, zero if none did in 90 days.
	LastRefused time.Time `json:"last_refused,omitzero"`
	// Silent counts the last batches in a row that AWS has not answered.
	Silent int `json:"silent,omitempty"`
	// Problem is why usage cannot be metered, or not all of it, for operators; "" if it can.
	Problem string `json:"problem,omitempty"`
}

func (r *Result) count(a answer) {
	switch {
	case a.outcome == seller.Accepted:
		r.Accepted++
	case a.outcome == seller.Duplicate, a.outcome == seller.NotSubscribed, a.code != "":
		r.Refused++
	default:
		r.Unanswered++
	}
}

// Last returns what the last run did; found is false if there was none in 90 days.
func Last(ctx context.Context, from scratch) (result Result, found bool, err error) {
	found, err = from.Get(ctx, schema.MarketplaceMetered(), "last", &result)
	return result, found, err
}

// format is the version of the cursor.
const format = 1

// progress is the cursor of a run.
type progress struct {
	Format int   `json:"format"`
	Phase  phase `json:"phase"`
	// After is the last record that was sent, or the last licence of Shard that was metered.
	After  string `json:"after,omitempty"`
	Shard  int    `json:"shard,omitempty"`
	Result Result `json:"result"`
}

// Step does one step of a run from the cursor, "" or Demanded at the start, and returns the next
// cursor, "" at the end. A step may be repeated.
func (m *Meter) Step(ctx context.Context, cursor string) (next string, err error) {
	now := m.Now().UTC()
	p := progress{Format: format, Phase: send, Result: Result{Began: now}}
	if cursor == Demanded || now.Sub(hourOf(now)) >= quarter {
		p.Phase = write
	}
	if cursor != "" && cursor != Demanded {
		var going progress
		if json.Unmarshal([]byte(cursor), &going) == nil && going.Format == format && now.Sub(going.Result.Began) <= lasts {
			p = going
		}
	}
	region, err := m.checkRegion(ctx)
	if errors.Is(err, errElsewhere) {
		p.Result.Problem = otherRegion(region, m.Seller.Region())
		zerolog.Ctx(ctx).Error().Msg(p.Result.Problem)
		return "", m.conclude(ctx, p)
	}
	if err != nil {
		return "", err
	}
	if p.Phase == write {
		p, err = m.writeSome(ctx, p)
	} else {
		p, err = m.sendSome(ctx, p)
	}
	switch {
	case err != nil:
		return "", err
	case p.Phase == "":
		return "", m.conclude(ctx, p)
	}
	body, err := json.Marshal(p)
	return string(body), err
}

func otherRegion(ledger, configured string) string {
	return fmt.Sprintf("Nothing is metered: the ledger was begun in %s, and GATEHOUSE_MARKETPLACE_REGION is %s. AWS finds duplicates in one Region only. Set GATEHOUSE_MARKETPLACE_REGION=%s.", ledger, configured, ledger)
}

func (m *Meter) conclude(ctx context.Context, p progress) error {
	before, _, err := Last(ctx, m.Scratch)
	if err != nil {
		return err
	}
	p.Result.Ended, p.Result.LastRefused = m.Now().UTC(), before.LastRefused
	if p.Result.Refused > 0 {
		p.Result.LastRefused = p.Result.Ended
	}
	r := p.Result
	if r.Written+r.Accepted+r.Refused+r.Unanswered > 0 {
		zerolog.Ctx(ctx).Info().Int("licences", r.Licences).Int("written", r.Written).Int("accepted", r.Accepted).Int("refused", r.Refused).Int("unanswered", r.Unanswered).
			Msg("usage was metered to AWS Marketplace")
	}
	return m.Scratch.Put(ctx, schema.MarketplaceMetered(), "last", r, kept)
}

// sendSome sends the next records that AWS has not answered. If AWS takes no more now, the rest waits for the next run.
func (m *Meter) sendSome(ctx context.Context, p progress) (progress, error) {
	records, next, err := m.Ledger.unanswered(ctx, schema.MeteringUnansweredAll(), p.After, recordsPerStep)
	if err != nil {
		return p, err
	}
	m.tellOldest(records)
	if err := m.sendAll(ctx, records, &p.Result); err != nil {
		var postponed *portal.Postponed
		if errors.As(err, &postponed) {
			return p, err
		}
		if ctx.Err() != nil {
			return p, portal.Postpone("the worker is stopping", ctx.Err())
		}
		p.Result.Problem = problemOf(err)
		zerolog.Ctx(ctx).Error().Err(err).Msg("usage cannot be metered now: " + p.Result.Problem)
		next = ""
	}
	if p.After = next; next == "" {
		p.Phase = ""
	}
	return p, nil
}

func (m *Meter) tellOldest(records []Record) {
	if m.Oldest == nil || len(records) == 0 {
		return
	}
	m.Oldest(slices.MinFunc(records, func(a, b Record) int { return a.At.Compare(b.At) }).At)
}

func problemOf(err error) string {
	switch {
	case errors.Is(err, seller.ErrDenied):
		return "The seller's role cannot be assumed, or may not meter usage. Give it the permissions of docs/marketplace.md, and have it trust the worker's role."
	case errors.Is(err, seller.ErrDisabled):
		return "AWS Marketplace takes no usage in the Region of GATEHOUSE_MARKETPLACE_REGION, or has disabled the call."
	case errors.Is(err, seller.ErrThrottled):
		return "AWS Marketplace throttles the calls. The next run goes on."
	}
	return "AWS Marketplace does not answer. The next run sends the records again."
}

// writeSome writes records of the next licences.
func (m *Meter) writeSome(ctx context.Context, p progress) (progress, error) {
	all, err := m.Licences.LicencesOf(ctx, p.Shard)
	if err != nil {
		return p, portal.Postpone("the views do not answer", err)
	}
	var some []projections.Licence
	more := false
	for _, l := range all {
		if string(l.Stream) <= p.After || m.long(l) {
			continue
		}
		if len(some) == perStep {
			more = true
			break
		}
		some = append(some, l)
	}
	results := make([]Result, len(some))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, l := range some {
		group.Go(portal.Guard(func() (err error) {
			results[i], err = m.writeOne(within, l.Stream)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return p, err
	}
	for _, r := range results {
		p.Result.Licences, p.Result.Failed, p.Result.Written = p.Result.Licences+r.Licences, p.Result.Failed+r.Failed, p.Result.Written+r.Written
	}
	if more {
		p.After = string(some[len(some)-1].Stream)
		return p, nil
	}
	if p.Shard, p.After = p.Shard+1, ""; p.Shard == schema.AccountShards {
		p.Phase, p.Shard = send, 0
	}
	return p, nil
}

// long reports whether the licence has ended long ago.
func (m *Meter) long(l projections.Licence) bool {
	return (l.State == projections.LicenceEnded || l.State == projections.LicenceEnding) && m.Now().Sub(l.Since) > after
}

// writeOne passes over a licence that cannot be read.
func (m *Meter) writeOne(ctx context.Context, stream portal.Stream) (did Result, err error) {
	of, err := m.subject(ctx, stream)
	if err == nil && (!of.claimed() || of.licence.NotUnderstood != "") {
		return did, nil
	}
	if err == nil {
		did.Licences = 1
		did.Written, err = m.write(ctx, of, of.licence.Active())
	}
	var later *portal.Postponed
	if err == nil || errors.As(err, &later) || ctx.Err() != nil {
		return did, err
	}
	zerolog.Ctx(ctx).Error().Err(err).Str("licence", string(stream)).Msg("the usage of a licence cannot be metered and is passed over")
	did.Failed++
	return did, nil
}
