// Package keyimport creates keys: singly while few are wanted, by ImportApiKeys once many wait.
// AWS allows about one attachment a second, while one import makes a hundred keys and
// attachments. AWS documents little of what an import does, so workers import only where a
// probe's Finding allows it (decision 0010).
package keyimport

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/traces"
)

// Importer creates keys, singly or in waves of all that wait. The answer to an import does not
// say which keys exist and where they are attached, so the Importer reads that afterwards. A
// process has one Importer. It is safe for concurrent use and needs no closing.
//
//	Create ── few under way ─────────────────────────────────▶ singly
//	   │                                                         ▲
//	   └─ many ─▶ wait ─▶ wave: look, import, read ─ key is missing
type Importer struct {
	plane    controlPlane
	cfg      Config
	prefixes prefixes

	mu       sync.Mutex
	active   int // creations under way, singly or in waves
	waiting  []*creation
	running  bool
	lastWave time.Time // of several creations
}

// waveMemory is how long after a wave of several keys a creation waits for others, however few
// are under way.
const waveMemory = 5 * time.Second

type controlPlane interface {
	Session(urgency gateway.Urgency, lease func() time.Time) *gateway.Session
	Attaching() int
	Outlasts(lease func() time.Time) bool
	Now() time.Time
}

// Config configures an Importer. The zero value is usable.
type Config struct {
	// AtLeast is how many creations and attachments must be under way in the process, this one
	// included, for a creation to wait for others; 0 is 4.
	AtLeast int
	// Rows is the most keys of one import; 0 is 100. AWS publishes no limit.
	Rows int
	// Usable reports whether imports may be used now, see Findings; nil is always.
	Usable func(ctx context.Context) bool
}

// New returns an Importer on that control plane.
func New(plane controlPlane, cfg Config) *Importer {
	cfg.AtLeast, cfg.Rows = cmp.Or(cfg.AtLeast, 4), cmp.Or(cfg.Rows, 100)
	if cfg.Usable == nil {
		cfg.Usable = func(context.Context) bool { return true }
	}
	return &Importer{plane: plane, cfg: cfg}
}

// Creation is a key to create, and the plans to attach it to if it is imported.
type Creation struct {
	Key   gateway.Key
	Plans []portal.PlanID
	// Before UntriedUntil, nobody else can have tried to create the key, so an import need not
	// look for it.
	UntriedUntil time.Time
	Urgency      gateway.Urgency
	Lease        func() time.Time
}

// Created is a key that API Gateway was seen to hold.
type Created struct {
	ID portal.GatewayKeyID
	// Plans are those of the Creation's in which the key was seen. The caller must attach it to
	// the others.
	Plans []portal.PlanID
}

// Create creates a key that should not exist. If it does, Create finds it by its name and leaves
// it as it is; a disabled key stays disabled. Errors are those of a gateway.Session. After an
// error the key may exist and be in its plans: the caller may call Create again, or, if it no
// longer wants the key, must look for it with FindKey.
func (i *Importer) Create(ctx context.Context, c Creation) (Created, error) {
	defer i.leave()
	// ImportApiKeys cannot set a customer.
	if i.enter() && c.Key.Customer == "" && i.cfg.Usable(ctx) {
		made, err := i.join(ctx, c)
		if !errors.Is(err, errAlone) {
			return made, err
		}
	}
	id, err := i.plane.Session(c.Urgency, c.Lease).CreateKey(ctx, c.Key)
	return Created{ID: id}, err
}

// enter counts a creation and says whether it waits for others. Attachments count too, since
// single ones are slow.
func (i *Importer) enter() (together bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active++
	return i.active+i.plane.Attaching() >= i.cfg.AtLeast || i.plane.Now().Sub(i.lastWave) < waveMemory
}

func (i *Importer) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.active--
}

type creation struct {
	Creation
	ctx    context.Context
	answer chan answered
	// looked: this wave has looked for the key.
	looked    bool
	ifMissing error
}

type answered struct {
	made Created
	err  error
}

// errAlone makes the caller create its key singly.
var errAlone = errors.New("to be created alone")

func (i *Importer) join(ctx context.Context, c Creation) (Created, error) {
	waiting, cancel := portal.UnlessStopping(ctx)
	defer cancel()
	mine := &creation{Creation: c, ctx: ctx, answer: make(chan answered, 1), ifMissing: errAlone}
	i.mu.Lock()
	i.waiting = append(i.waiting, mine)
	if !i.running {
		i.running = true
		go i.run()
	}
	i.mu.Unlock()
	select {
	case a := <-mine.answer:
		return a.made, a.err
	case <-waiting.Done():
	}
	if i.takeOut(mine) {
		return Created{}, portal.Stopped(waiting)
	}
	// A wave has it. In a process that stops, the wave ends once it would have to wait.
	select {
	case a := <-mine.answer:
		return a.made, a.err
	case <-ctx.Done():
		return Created{}, portal.Postpone("stopping", context.Cause(ctx))
	}
}

func (i *Importer) takeOut(c *creation) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	at := slices.Index(i.waiting, c)
	if at >= 0 {
		i.waiting = slices.Delete(i.waiting, at, at+1)
	}
	return at >= 0
}

func (i *Importer) run() {
	for {
		urgency, ok := i.highestUrgency()
		if !ok {
			return
		}
		i.wave(i.plane.Session(urgency, nil))
	}
}

// highestUrgency: ok is false if no creation waits.
func (i *Importer) highestUrgency() (most gateway.Urgency, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	most = gateway.Background
	var here []*creation
	for _, c := range i.waiting {
		if c.ctx.Err() == nil {
			here = append(here, c)
			most = min(most, c.Urgency)
		}
	}
	i.waiting, i.running = here, len(here) > 0
	return most, i.running
}

// wave takes all waiting creations once there is a token. A panic becomes the error of each
// creation without an answer.
func (i *Importer) wave(s *gateway.Session) {
	err := portal.Guard(func() error { return s.AwaitToken(context.Background()) })()
	i.mu.Lock()
	rows := i.waiting
	i.waiting = nil
	if len(rows) > 1 {
		i.lastWave = i.plane.Now()
	}
	i.mu.Unlock()
	if err != nil {
		answerAll(rows, err)
		return
	}
	if len(rows) < 2 {
		answerAll(rows, errAlone)
		return
	}
	ctx, cancel := sharedContext(rows)
	defer cancel()
	w := &wave{plane: i.plane, session: s, rows: i.cfg.Rows, prefixes: &i.prefixes}
	err = portal.Guard(func() error { w.create(ctx, byName(rows)); return nil })()
	if err != nil {
		answerOthers(rows, err)
	}
}

// answerOthers answers the creations without an answer. A second answer stays in its channel
// unread.
func answerOthers(rows []*creation, err error) {
	for _, c := range rows {
		select {
		case c.answer <- answered{err: err}:
		default:
		}
	}
}

// sharedContext ends when the contexts of all creations have ended. It has the values of the
// first, whose trace is linked to the others.
func sharedContext(rows []*creation) (context.Context, context.CancelFunc) {
	first := context.WithoutCancel(rows[0].ctx)
	log := zerolog.Ctx(first).With().Int("keys", len(rows)).Logger()
	ctx, cancel := context.WithCancel(log.WithContext(first))
	var left sync.WaitGroup
	stops := make([]func() bool, len(rows))
	for n, c := range rows {
		traces.Link(ctx, traces.Of(c.ctx))
		left.Add(1)
		stops[n] = context.AfterFunc(c.ctx, left.Done)
	}
	go func() { left.Wait(); cancel() }()
	return ctx, func() {
		for _, stop := range stops {
			if stop() {
				left.Done()
			}
		}
		cancel()
	}
}

func answerAll(rows []*creation, err error) {
	for _, c := range rows {
		c.answer <- answered{err: err}
	}
}
