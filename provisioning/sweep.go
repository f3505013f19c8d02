package provisioning

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// A step compares sweepPage streams, sweepReaders at once.
	sweepPage, sweepReaders = 100, 16
	// surveyShards spreads the survey by account, so that a step reads a small part of it.
	surveyShards = 16
	// A survey's rows are kept for surveyKept, results for sweepKept. A sweep older than
	// sweepLasts starts over, before any of its rows expire.
	surveyKept, sweepLasts, sweepKept = 7 * 24 * time.Hour, 24 * time.Hour, 90 * 24 * time.Hour
	firstOfKind                       = 20
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

type tellings interface {
	Told(ctx context.Context, account portal.AccountID) (int64, error)
}

type scratch interface {
	Put(ctx context.Context, set, name string, value any, keep time.Duration) error
	Get(ctx context.Context, set, name string, value any) (found bool, err error)
	Each(ctx context.Context, set, prefix string, visit func(name string, body []byte) error) error
}

// Sweep compares API Gateway with the folds, and the folds with the views. It mends nothing; it
// wakes the workers that do (decision 0011). Sweeping twice only costs calls. Keys whose names
// are not Gatehouse's are ignored, except adopted ones.
//
// It is a job. Its steps survey API Gateway, a page each, and keep what they see in rows
// (decision 0043). Then they compare the streams, a page each.
type Sweep struct {
	Journal  sweptStreams
	Accounts accountReader
	Sender   sender
	// Shown tells how far a stream is shown. It may be nil.
	Shown checkpoints
	// Told tells how far an account's facts have become notices. It may be nil.
	Told         tellings
	Scratch      scratch
	Listings     func(lease func() time.Time) Listings
	MessageLease func(ctx context.Context) time.Time
	NamePrefix   string
	ParseName    func(name string) (portal.AccountID, portal.KeyID, bool)
	// AllFindings keeps more than the first 1,000 findings in the Drift.
	AllFindings bool
	// Adopted returns the owners of keys that come from an earlier portal and have other names. While
	// there are some, the sweep lists all keys of each plan. nil: there are none.
	Adopted func(ctx context.Context) (map[portal.GatewayKeyID]Owner, error)
	Now     func() time.Time
	// Swept gets the result of each sweep. It may be nil.
	Swept func(Found)
}

// Owner is an account, and which of its keys a key in API Gateway is.
type Owner struct {
	Account portal.AccountID `json:"account"`
	Key     portal.KeyID     `json:"key"`
}

// Found is the result of a sweep.
type Found struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Keys counts all keys in API Gateway, also those that are not Gatehouse's: AWS limits them together.
	Keys int `json:"keys"`
	// Streams counts the compared streams. Drifted ones differ in API Gateway from what is
	// recorded as done, Open ones have an open wish and have not drifted, and Unshown ones are
	// not shown to their end; workers were woken for all three. Unreadable streams were passed
	// over.
	Streams    int `json:"streams"`
	Open       int `json:"open"`
	Drifted    int `json:"drifted"`
	Unshown    int `json:"unshown"`
	Unreadable int `json:"unreadable"`
	// Recent streams differ only in changes of the last minute before the sweep, or since. The
	// next sweep compares them again.
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
const sweepFormat = 2

type sweepProgress struct {
	Format int        `json:"format"`
	Run    string     `json:"run"`
	Phase  sweepPhase `json:"phase"`
	// Position is in the list that the phase reads; Page counts its pages.
	Position string `json:"position,omitempty"`
	Page     int    `json:"page,omitempty"`
	// Index is that of the plan whose keys are listed, or of the shard.
	Index int   `json:"index,omitempty"`
	Found Found `json:"found"`
	// Keys, Others and Recorded are those of Drift.
	Keys     int `json:"keys,omitempty"`
	Others   int `json:"others,omitempty"`
	Recorded int `json:"recorded,omitempty"`
}

func (p sweepProgress) set() string { return schema.Swept(p.Run) }

func (p sweepProgress) shard(n int) string { return schema.SweptShard(p.Run, n) }

func (p sweepProgress) to(next sweepPhase) sweepProgress {
	p.Phase, p.Position, p.Page, p.Index = next, "", 0, 0
	return p
}

func (p sweepProgress) afterPage(next string, follows sweepPhase) sweepProgress {
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
		_, adopted, err := s.ours(ctx)
		if err != nil {
			return p, err
		}
		// All keys are listed, to count other people's and to find renamed ones.
		keys, next, err := from.KeysPage(ctx, "", p.Position)
		if err != nil {
			return p, fmt.Errorf("listing keys: %w", err)
		}
		var others []portal.GatewayKeyID
		for _, key := range keys {
			_, _, ours := s.ParseName(key.Name)
			if _, known := adopted[key.ID]; !ours && !known {
				others = append(others, key.ID)
			}
		}
		p.Others, p.Keys = p.Others+len(others), p.Keys+len(keys)-len(others)
		if err := noteSome(ctx, s.Scratch, p, fmt.Sprintf("others-%05d", p.Page), others); err != nil {
			return p, err
		}
		return p.afterPage(next, surveyPlans), s.keep(ctx, p, fmt.Sprintf("key-%05d", p.Page), "", keys, adopted)
	case surveyPlans:
		plans, next, err := from.UsagePlansPage(ctx, p.Position)
		if err != nil {
			return p, fmt.Errorf("listing plans: %w", err)
		}
		ids := make([]portal.PlanID, len(plans))
		for i, plan := range plans {
			ids[i] = plan.ID
		}
		return p.afterPage(next, surveyAttached), s.Scratch.Put(ctx, p.set(), fmt.Sprintf("plans-%05d", p.Page), ids, surveyKept)
	case surveyAttached:
		return s.surveyAttached(ctx, p, from)
	case compareStreams:
		return s.comparePage(ctx, p)
	case findUnknown:
		return s.findUnknown(ctx, p)
	}
	return p, fmt.Errorf("sweeping: there is no phase %q", p.Phase)
}

// conclude stores the result. A key that is missing under its own name and listed under another
// was renamed: it is no stray, and its account has drifted already.
func (s *Sweep) conclude(ctx context.Context, p sweepProgress) error {
	findings, err := gathered[Finding](ctx, s.Scratch, p, "findings-")
	if err != nil {
		return err
	}
	strays, err := gathered[gateway.Listed](ctx, s.Scratch, p, "strays-")
	if err != nil {
		return err
	}
	slices.SortFunc(strays, func(a, b gateway.Listed) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	missing := map[portal.GatewayKeyID]bool{}
	for _, f := range findings {
		if f.Kind == KeyMissing {
			missing[f.GatewayID] = true
		}
	}
	drift, err := s.drift(ctx, p, findings, strays)
	if err != nil {
		return err
	}
	found := p.Found
	for _, stray := range strays {
		if !missing[stray.ID] {
			note(&found.Strays, &found.First.Strays, stray)
		}
	}
	found.Keys, found.Ended = p.Keys+p.Others, s.Now()
	for _, stray := range found.First.Strays {
		zerolog.Ctx(ctx).Warn().Str("name", stray.Name).Str("key", string(stray.ID)).Msg("stray API key: it has a name of Gatehouse's and is not the key that the journal has under that name")
	}
	zerolog.Ctx(ctx).Info().Int("streams", found.Streams).Int("open", found.Open).Int("drifted", found.Drifted).
		Int("unshown", found.Unshown).Int("unreadable", found.Unreadable).Int("recent", found.Recent).Int("strays", found.Strays).
		Dur("took", found.Ended.Sub(found.Began)).Msg("swept")
	drift.Ended = found.Ended
	if err := s.Scratch.Put(ctx, schema.SweepDrift(), "last", drift, sweepKept); err != nil {
		return err
	}
	if s.Swept != nil {
		s.Swept(found)
	}
	return s.Scratch.Put(ctx, schema.SweepResult(), "last", found, sweepKept)
}

func (s *Sweep) drift(ctx context.Context, p sweepProgress, findings []Finding, strays []gateway.Listed) (Drift, error) {
	elsewhere := map[portal.GatewayKeyID]bool{}
	others, err := gathered[portal.GatewayKeyID](ctx, s.Scratch, p, "others-")
	if err != nil {
		return Drift{}, err
	}
	for _, id := range others {
		elsewhere[id] = true
	}
	for _, stray := range strays {
		elsewhere[stray.ID] = true
	}
	drift := Drift{
		Began: p.Found.Began, Keys: p.Keys, Others: p.Others, Recorded: p.Recorded, Streams: p.Found.Streams, Recent: p.Found.Recent,
		Unreadable: p.Found.Unreadable, Kinds: map[Kind]int{}, Findings: concluded(findings, strays, elsewhere, s.ParseName),
	}
	for _, finding := range drift.Findings {
		drift.Kinds[finding.Kind]++
	}
	if !s.AllFindings {
		drift.Findings = drift.Findings[:min(len(drift.Findings), keptFindings)]
	}
	return drift, nil
}

// LastSweep is the result of the last finished sweep; ok is false if there was none in 90 days.
func LastSweep(ctx context.Context, from scratch) (found Found, ok bool, err error) {
	ok, err = from.Get(ctx, schema.SweepResult(), "last", &found)
	return found, ok, err
}
