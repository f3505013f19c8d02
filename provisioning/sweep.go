package provisioning

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// A step compares sweepPage streams, sweepReaders at once.
	sweepPage, sweepReaders = 100, 16
	// surveyShards spreads the survey by account, so that a step reads a small part of it.
	surveyShards = 16
	// A survey's rows are kept for surveyKept, results for sweepKept. A sweep older than
	// sweepLasts starts over, so that it never reads a survey whose rows have partly expired.
	surveyKept, sweepLasts, sweepKept = 7 * 24 * time.Hour, 24 * time.Hour, 90 * 24 * time.Hour
	// The result names the firstOfKind of each kind.
	firstOfKind = 20
)

// inTransit is how long a change may be on its way before a difference counts as drift.
const inTransit = time.Minute

// Listings are API Gateway's lists, page by page.
type Listings interface {
	UsagePlansPage(ctx context.Context, position string) (plans []gateway.UsagePlan, next string, err error)
	KeysPage(ctx context.Context, namePrefix, position string) (keys []gateway.Listed, next string, err error)
	PlanKeysPage(ctx context.Context, plan portal.PlanID, namePrefix, position string) (keys []gateway.Listed, next string, err error)
}

type sweptStreams interface {
	StreamPage(ctx context.Context, position string, limit int) (streams []portal.Stream, next string, err error)
	Head(ctx context.Context, stream portal.Stream) (int64, error)
}

type checkpoints interface {
	Checkpoint(ctx context.Context, stream portal.Stream) (int64, error)
}

// scratch keeps what a sweep has gathered so far.
type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
	Each(ctx context.Context, set, prefix string, visit func(name string, body []byte) error) error
}

// Sweep compares API Gateway with the folds, and the folds with the views. It mends nothing; it
// wakes the workers that do (decision 0011). Sweeping twice only costs calls. Keys with names
// that are not Gatehouse's are ignored.
//
// It is a job. Its steps survey API Gateway, a page each, and keep what they see in rows
// (decision 0043). Then they compare the streams, a page each.
type Sweep struct {
	Journal      sweptStreams
	Accounts     accountReader
	Sender       sender
	Shown        checkpoints
	Scratch      scratch
	Listings     func(lease func() time.Time) Listings
	MessageLease func(ctx context.Context) time.Time
	// NamePrefix begins the names of our keys; ParseName takes them apart.
	NamePrefix string
	ParseName  func(name string) (portal.AccountID, portal.KeyID, bool)
	Now        func() time.Time
}

// Found is the result of a sweep.
type Found struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Streams counts the streams that were compared. Of these, Drifted differ in API Gateway
	// from what is recorded as done, Open have an open wish and have not drifted, and Unshown
	// are not shown to their end; workers were woken for all three. Unreadable counts streams
	// that were passed over.
	Streams    int `json:"streams"`
	Open       int `json:"open"`
	Drifted    int `json:"drifted"`
	Unshown    int `json:"unshown"`
	Unreadable int `json:"unreadable"`
	// Recent streams differ only in changes made less than a minute before the sweep began, or
	// since. No worker was woken for them; the next sweep compares them again.
	Recent int `json:"recent"`
	// Strays counts keys with a name of ours that are not the recorded key. They are left
	// alone.
	Strays int   `json:"strays"`
	First  First `json:"first"`
}

// First names the first 20 of each kind.
type First struct {
	Open       []portal.Stream  `json:"open,omitempty"`
	Drifted    []portal.Stream  `json:"drifted,omitempty"`
	Unshown    []portal.Stream  `json:"unshown,omitempty"`
	Unreadable []portal.Stream  `json:"unreadable,omitempty"`
	Recent     []portal.Stream  `json:"recent,omitempty"`
	Strays     []gateway.Listed `json:"strays,omitempty"`
}

func note[T any](count *int, first *[]T, one T) {
	*count++
	if len(*first) < firstOfKind {
		*first = append(*first, one)
	}
}

type sweepPhase string

const (
	surveyKeys     sweepPhase = "keys"
	surveyPlans    sweepPhase = "plans"
	surveyAttached sweepPhase = "attached"
	compareStreams sweepPhase = "streams"
	findUnknown    sweepPhase = "unknown"
	conclude       sweepPhase = "conclude"
)

// sweepFormat is the version of cursor and rows. A sweep of another version starts over.
const sweepFormat = 1

type sweepProgress struct {
	Format int        `json:"format"`
	Run    string     `json:"run"`
	Phase  sweepPhase `json:"phase"`
	// Position is in the list that the phase reads; Page counts the pages read of it.
	Position string `json:"position,omitempty"`
	Page     int    `json:"page,omitempty"`
	// Index is that of the plan whose keys are listed, or of the shard.
	Index int   `json:"index,omitempty"`
	Found Found `json:"found"`
}

func (p sweepProgress) set() string { return schema.Swept(p.Run) }

func (p sweepProgress) shard(n int) string { return schema.SweptShard(p.Run, n) }

func (p sweepProgress) to(next sweepPhase) sweepProgress {
	p.Phase, p.Position, p.Page, p.Index = next, "", 0, 0
	return p
}

func (p sweepProgress) turned(next string, follows sweepPhase) sweepProgress {
	if next == "" {
		return p.to(follows)
	}
	p.Position, p.Page = next, p.Page+1
	return p
}

// Step does one step of a sweep from the cursor, "" at the start, and returns the next cursor,
// "" at the end. Its calls are background.
func (s *Sweep) Step(ctx context.Context, cursor string) (next string, err error) {
	now := s.Now()
	var p sweepProgress
	if cursor == "" || json.Unmarshal([]byte(cursor), &p) != nil || p.Format != sweepFormat || now.Sub(p.Found.Began) > sweepLasts {
		p = sweepProgress{
			Format: sweepFormat, Run: portal.DeriveID("sweep", strconv.FormatInt(now.UnixNano(), 10)),
			Phase: surveyKeys, Found: Found{Began: now},
		}
	}
	if p.Phase == conclude {
		return "", s.conclude(ctx, p)
	}
	p, err = s.step(ctx, p)
	var busy *gateway.Unavailable
	if errors.As(err, &busy) && busy.Throttled {
		return "", &portal.Postponed{After: 15 * time.Second, Reason: "API Gateway throttles", Err: err}
	}
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(p)
	return string(body), err
}

func (s *Sweep) step(ctx context.Context, p sweepProgress) (sweepProgress, error) {
	from := s.Listings(func() time.Time { return s.MessageLease(ctx) })
	switch p.Phase {
	case surveyKeys:
		keys, next, err := from.KeysPage(ctx, s.NamePrefix, p.Position)
		if err != nil {
			return p, fmt.Errorf("listing keys: %w", err)
		}
		return p.turned(next, surveyPlans), s.keep(ctx, p, fmt.Sprintf("key-%05d", p.Page), "", keys)
	case surveyPlans:
		plans, next, err := from.UsagePlansPage(ctx, p.Position)
		if err != nil {
			return p, fmt.Errorf("listing plans: %w", err)
		}
		ids := make([]portal.PlanID, len(plans))
		for i, plan := range plans {
			ids[i] = plan.ID
		}
		return p.turned(next, surveyAttached), s.Scratch.Put(ctx, p.set(), fmt.Sprintf("plans-%05d", p.Page), ids, surveyKept)
	case surveyAttached:
		return s.surveyAttached(ctx, p, from)
	case compareStreams:
		return s.comparePage(ctx, p)
	case findUnknown:
		return s.findUnknown(ctx, p)
	}
	return p, fmt.Errorf("sweeping: there is no phase %q", p.Phase)
}

func (s *Sweep) surveyAttached(ctx context.Context, p sweepProgress, from Listings) (sweepProgress, error) {
	plans, err := s.plans(ctx, p)
	if err != nil {
		return p, err
	}
	if p.Index >= len(plans) {
		return p.to(compareStreams), nil
	}
	plan := plans[p.Index]
	keys, next, err := from.PlanKeysPage(ctx, plan, s.NamePrefix, p.Position)
	if err != nil {
		return p, fmt.Errorf("listing the keys of plan %s: %w", plan, err)
	}
	if err := s.keep(ctx, p, fmt.Sprintf("pair-%05d-%05d", p.Index, p.Page), plan, keys); err != nil {
		return p, err
	}
	if next == "" {
		p.Position, p.Page, p.Index = "", 0, p.Index+1
		return p, nil
	}
	p.Position, p.Page = next, p.Page+1
	return p, nil
}

func (s *Sweep) plans(ctx context.Context, p sweepProgress) ([]portal.PlanID, error) {
	return gathered[portal.PlanID](ctx, s.Scratch, p, "plans-")
}

func gathered[T any](ctx context.Context, from scratch, p sweepProgress, prefix string) ([]T, error) {
	var all []T
	err := from.Each(ctx, p.set(), prefix, func(_ string, body []byte) error {
		var page []T
		err := json.Unmarshal(body, &page)
		all = append(all, page...)
		return err
	})
	return all, err
}

// surveyed is a stored page of keys: of a plan's, or of all keys if Plan is "".
type surveyed struct {
	Plan portal.PlanID    `json:"plan,omitempty"`
	Keys []gateway.Listed `json:"keys"`
}

// keep stores a page of keys, each in the shard of its account.
func (s *Sweep) keep(ctx context.Context, p sweepProgress, name string, plan portal.PlanID, keys []gateway.Listed) error {
	shards := map[int]*surveyed{}
	for _, key := range keys {
		account, _, ok := s.ParseName(key.Name)
		if !ok {
			continue
		}
		n := shardOf(account)
		if shards[n] == nil {
			shards[n] = &surveyed{Plan: plan}
		}
		shards[n].Keys = append(shards[n].Keys, key)
	}
	for n, page := range shards {
		if err := s.Scratch.Put(ctx, p.shard(n), name, page, surveyKept); err != nil {
			return err
		}
	}
	return nil
}

// shardOf is the shard of an account. The journal shards its list of streams alike, so a page
// of streams needs one shard.
func shardOf(account portal.AccountID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(portal.AccountStream(account)))
	return int(h.Sum32() % surveyShards)
}

// load reads the survey of a shard's accounts.
func (s *Sweep) load(ctx context.Context, p sweepProgress, shard int) (map[portal.AccountID]*held, error) {
	all := map[portal.AccountID]*held{}
	err := s.Scratch.Each(ctx, p.shard(shard), "", func(_ string, body []byte) error {
		var page surveyed
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		for _, key := range page.Keys {
			account, id, _ := s.ParseName(key.Name)
			if all[account] == nil {
				all[account] = &held{pairs: map[pair]bool{}}
			}
			if page.Plan == "" {
				all[account].keys = append(all[account].keys, heldKey{key: id, Listed: key})
			} else {
				all[account].pairs[pair{key.ID, page.Plan}] = true
			}
		}
		return nil
	})
	return all, err
}

type survey struct {
	plans    map[portal.PlanID]bool
	accounts map[portal.AccountID]*held
	began    time.Time
}

func (s *Sweep) surveyOf(ctx context.Context, p sweepProgress, streams []portal.Stream) (survey, error) {
	sv := survey{plans: map[portal.PlanID]bool{}, accounts: map[portal.AccountID]*held{}, began: p.Found.Began}
	plans, err := s.plans(ctx, p)
	if err != nil {
		return sv, err
	}
	for _, plan := range plans {
		sv.plans[plan] = true
	}
	loaded := map[int]bool{}
	for _, stream := range streams {
		account, ok := stream.Account()
		if n := shardOf(account); ok && !loaded[n] {
			shard, err := s.load(ctx, p, n)
			if err != nil {
				return sv, err
			}
			maps.Copy(sv.accounts, shard)
			loaded[n] = true
		}
	}
	return sv, nil
}

type compared struct {
	difference
	unshown, open, unreadable bool
	wake                      []events.Event
}

func (s *Sweep) comparePage(ctx context.Context, p sweepProgress) (sweepProgress, error) {
	streams, next, err := s.Journal.StreamPage(ctx, p.Position, sweepPage)
	if err != nil {
		return p, fmt.Errorf("listing streams: %w", err)
	}
	sv, err := s.surveyOf(ctx, p, streams)
	if err != nil {
		return p, err
	}
	results := make([]compared, len(streams))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(sweepReaders)
	for i, stream := range streams {
		group.Go(portal.Guard(func() (err error) {
			results[i], err = s.compare(within, stream, sv)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return p, err
	}
	var wake []events.Event
	var missing []portal.GatewayKeyID
	var strays []gateway.Listed
	for i, result := range results {
		wake, missing, strays = append(wake, result.wake...), append(missing, result.missing...), append(strays, result.strays...)
		p.Found.add(streams[i], result)
	}
	if err := s.noteKeys(ctx, p, fmt.Sprintf("%05d", p.Page), missing, strays); err != nil {
		return p, err
	}
	if len(wake) > 0 {
		if err := s.Sender.Repeat(ctx, wake...); err != nil {
			return p, portal.Postpone("the queues do not answer", err)
		}
	}
	return p.turned(next, findUnknown), nil
}

func (f *Found) add(stream portal.Stream, c compared) {
	if c.unreadable {
		note(&f.Unreadable, &f.First.Unreadable, stream)
		return
	}
	f.Streams++
	if c.unshown {
		note(&f.Unshown, &f.First.Unshown, stream)
	}
	switch {
	case c.drifted:
		note(&f.Drifted, &f.First.Drifted, stream)
	case c.open:
		note(&f.Open, &f.First.Open, stream)
	}
	if c.recent && !c.drifted {
		note(&f.Recent, &f.First.Recent, stream)
	}
}

func (s *Sweep) noteKeys(ctx context.Context, p sweepProgress, page string, missing []portal.GatewayKeyID, strays []gateway.Listed) error {
	if len(missing) > 0 {
		if err := s.Scratch.Put(ctx, p.set(), "missing-"+page, missing, surveyKept); err != nil {
			return err
		}
	}
	if len(strays) == 0 {
		return nil
	}
	return s.Scratch.Put(ctx, p.set(), "strays-"+page, strays, surveyKept)
}

// compare compares one stream. A stream that cannot be read, or whose comparison panics, is logged
// and passed over. A table that does not answer is an error.
func (s *Sweep) compare(ctx context.Context, stream portal.Stream, sv survey) (c compared, err error) {
	err = portal.Guard(func() (err error) {
		c, err = s.compareStream(ctx, stream, sv)
		return err
	})()
	var postponed *portal.Postponed
	if err == nil || errors.As(err, &postponed) || ctx.Err() != nil {
		return c, err
	}
	line := zerolog.Ctx(ctx).Error().Err(err).Str("subject", string(stream))
	if stack := portal.StackOf(err); stack != "" {
		line = line.Str("stack", stack)
	}
	line.Msg("the sweep cannot read a stream and passes it over")
	return compared{unreadable: true}, nil
}

func (s *Sweep) compareStream(ctx context.Context, stream portal.Stream, sv survey) (compared, error) {
	head, err := s.Journal.Head(ctx, stream)
	if err != nil || head == 0 {
		return compared{}, err
	}
	var c compared
	shown, err := s.Shown.Checkpoint(ctx, stream)
	if err != nil {
		return c, err
	}
	if shown < head {
		c.unshown = true
		c.wake = append(c.wake, s.wakeUp(stream, head, events.ShowRequested{}))
	}
	id, ok := stream.Account()
	if !ok {
		return c, nil
	}
	history, err := s.Accounts.Account(ctx, id)
	if err != nil {
		return c, err
	}
	holds := sv.accounts[id]
	if holds == nil {
		holds = &held{}
	}
	c.difference = differs(history.Account, *holds, sv.plans, sv.began)
	c.open = history.Account.HasOpenWishes()
	if c.drifted || c.open {
		c.wake = append(c.wake, s.wakeUp(stream, head, events.ProvisionRequested{Recheck: c.drifted}))
	}
	return c, nil
}

func (s *Sweep) wakeUp(stream portal.Stream, head int64, request events.Request) events.Event {
	now, last := s.Now(), journal.FactID(stream, head)
	return events.Event{
		ID: portal.DeriveID("sweep", request.EventType(), last, now.String()), Source: "/gatehouse/sweep", Subject: stream, Time: now,
		Causation: last, Correlation: last, Data: request,
	}
}

// findUnknown looks, shard by shard, for keys of accounts that the journal does not know.
func (s *Sweep) findUnknown(ctx context.Context, p sweepProgress) (sweepProgress, error) {
	accounts, err := s.load(ctx, p, p.Index)
	if err != nil {
		return p, err
	}
	var mu sync.Mutex
	var strays []gateway.Listed
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(sweepReaders)
	for id, holds := range accounts {
		group.Go(portal.Guard(func() error {
			head, err := s.Journal.Head(within, portal.AccountStream(id))
			if err != nil || head > 0 {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, key := range holds.keys {
				strays = append(strays, key.Listed)
			}
			return nil
		}))
	}
	if err := group.Wait(); err != nil {
		return p, err
	}
	if err := s.noteKeys(ctx, p, fmt.Sprintf("unknown-%02d", p.Index), nil, strays); err != nil {
		return p, err
	}
	if p.Index++; p.Index < surveyShards {
		return p, nil
	}
	return p.to(conclude), nil
}

// conclude stores the result. A key that is missing under its own name and listed under another
// was renamed: it is no stray, and its account counts as drifted already.
func (s *Sweep) conclude(ctx context.Context, p sweepProgress) error {
	missing, err := gathered[portal.GatewayKeyID](ctx, s.Scratch, p, "missing-")
	if err != nil {
		return err
	}
	strays, err := gathered[gateway.Listed](ctx, s.Scratch, p, "strays-")
	if err != nil {
		return err
	}
	slices.SortFunc(strays, func(a, b gateway.Listed) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	renamed := map[portal.GatewayKeyID]bool{}
	for _, id := range missing {
		renamed[id] = true
	}
	found := p.Found
	for _, stray := range strays {
		if !renamed[stray.ID] {
			note(&found.Strays, &found.First.Strays, stray)
		}
	}
	found.Ended = s.Now()
	for _, stray := range found.First.Strays {
		zerolog.Ctx(ctx).Warn().Str("name", stray.Name).Str("key", string(stray.ID)).Msg("stray API key: it has a name of Gatehouse's and is not the key that the journal has under that name")
	}
	zerolog.Ctx(ctx).Info().Int("streams", found.Streams).Int("open", found.Open).Int("drifted", found.Drifted).
		Int("unshown", found.Unshown).Int("unreadable", found.Unreadable).Int("recent", found.Recent).Int("strays", found.Strays).
		Dur("took", found.Ended.Sub(found.Began)).Msg("swept")
	return s.Scratch.Put(ctx, schema.SweepResult(), "last", found, sweepKept)
}

// LastSweep is the result of the last finished sweep; ok is false if there was none in 90 days.
func LastSweep(ctx context.Context, from scratch) (found Found, ok bool, err error) {
	ok, err = from.Get(ctx, schema.SweepResult(), "last", &found)
	return found, ok, err
}
