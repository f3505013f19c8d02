// Package keyimport creates keys: one by one while few are wanted, together by ImportApiKeys
// once many wait. CreateApiKey and CreateUsagePlanKey make one key and one attachment a call,
// and AWS allows about one attachment a second; one import makes a hundred of both. AWS
// documents little of what an import does, so a probe finds it out in each account and
// Region, and keys are imported only where a Finding says that it works as needed.
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
)

// Importer creates keys, alone or in waves of all that wait. After an import it reads what
// became of each key: neither the answer's ids nor its warnings say which row they are about.
// A process has one Importer. It is safe for concurrent use, runs only while somebody waits
// and needs no closing.
//
//	Create ── few under way ─────────────────────────────────▶ alone
//	   │                                                         ▲
//	   └─ many ─▶ wait ─▶ wave: look, import, read ─ not there and never will be
type Importer struct {
	plane    controlPlane
	cfg      Config
	prefixes prefixes

	mu      sync.Mutex
	under   int // creations under way, alone or together
	waiting []*creation
	running bool
	rush    time.Time // when there was last a wave of several
}

// rushLasts is how long after a wave of several a creation waits for others, though few
// are under way at that moment: a wave answers all its creations at once.
const rushLasts = 5 * time.Second

// controlPlane is what an Importer needs of a gateway.ControlPlane.
type controlPlane interface {
	Session(urgency gateway.Urgency, lease func() time.Time) *gateway.Session
	// Attaching is how many calls of the process wait for their turn to attach.
	Attaching() int
	// Outlasts says whether a message is leased for long enough to start a call.
	Outlasts(lease func() time.Time) bool
	Now() time.Time
}

// Config of New. The zero value is usable.
type Config struct {
	// AtLeast is how many creations and attachments must be under way in the process,
	// this one included, for a creation to wait for others; 0 is 4. Later ones wait, too,
	// until the rush is over. So a creation that comes alone waits for nobody.
	AtLeast int
	// Rows is the most keys of one import; 0 is 100. AWS does not publish its own limit.
	Rows int
	// Usable says whether imports may be used now; nil is always. See Findings.
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

// Creation is a key to create, and the plans to attach it to if that costs nothing more.
type Creation struct {
	Key   gateway.Key
	Plans []portal.PlanID
	// Before Untried, nobody else can have tried to create the key, so an import need not look
	// for it first. The zero time says that somebody may have tried.
	Untried time.Time
	// Urgency and Lease are as for a gateway.Session.
	Urgency gateway.Urgency
	Lease   func() time.Time
}

// Created is a key that API Gateway was seen to hold.
type Created struct {
	ID portal.GatewayKeyID
	// Plans are those among the Creation's that the key was seen in. The others are to be
	// attached one by one.
	Plans []portal.PlanID
}

// Create creates a key that was not created before, as far as the caller knows. It finds a
// key that exists all the same by its name, and leaves it as it is: a disabled one stays
// disabled. Errors are those of a gateway.Session. After any of them the key may exist and be in
// its plans: the caller may call Create again, and must look for the key with FindKey if it no
// longer wants it.
func (i *Importer) Create(ctx context.Context, c Creation) (Created, error) {
	defer i.leave()
	if i.enter() && i.cfg.Usable(ctx) {
		made, err := i.join(ctx, c)
		if !errors.Is(err, errAlone) {
			return made, err
		}
	}
	id, err := i.plane.Session(c.Urgency, c.Lease).CreateKey(ctx, c.Key)
	return Created{ID: id}, err
}

// enter counts a creation and says whether so many are under way, or were a moment ago,
// that it should wait for others. Attachments count too, since they are what takes long
// one by one.
func (i *Importer) enter() (together bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.under++
	return i.under+i.plane.Attaching() >= i.cfg.AtLeast || i.plane.Now().Sub(i.rush) < rushLasts
}

func (i *Importer) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.under--
}

// creation is one that waits. It is answered once.
type creation struct {
	Creation
	ctx    context.Context
	answer chan answered
	// looked says that the key was looked for in this wave.
	looked bool
	// otherwise is the answer if the key is not found in the end.
	otherwise error
}

type answered struct {
	made Created
	err  error
}

// errAlone sends a creation on to be made by itself.
var errAlone = errors.New("to be created alone")

func (i *Importer) join(ctx context.Context, c Creation) (Created, error) {
	waiting, cancel := portal.UnlessStopping(ctx)
	defer cancel()
	mine := &creation{Creation: c, ctx: ctx, answer: make(chan answered, 1), otherwise: errAlone}
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
	// A wave has it. Of a process that is stopping, the wave gives up by itself once it has
	// to wait.
	select {
	case a := <-mine.answer:
		return a.made, a.err
	case <-ctx.Done():
		// The wave goes on without it: its key may be made yet.
		return Created{}, portal.Postpone("stopping", context.Cause(ctx))
	}
}

// takeOut removes a creation that no wave has yet; false if one has it.
func (i *Importer) takeOut(c *creation) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	at := slices.Index(i.waiting, c)
	if at >= 0 {
		i.waiting = slices.Delete(i.waiting, at, at+1)
	}
	return at >= 0
}

// run makes waves until nobody waits.
func (i *Importer) run() {
	for {
		urgency, ok := i.demand()
		if !ok {
			return
		}
		i.wave(i.plane.Session(urgency, nil))
	}
}

// demand is the greatest urgency among those who wait still. ok is false if nobody does,
// and then the next to come starts a run again.
func (i *Importer) demand() (most gateway.Urgency, ok bool) {
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

// wave takes all who wait, once there is a token to work with: while there is none, more
// come. A panic is the error of each creation that has no answer yet.
func (i *Importer) wave(s *gateway.Session) {
	err := portal.Guard(func() error { return s.AwaitToken(context.Background()) })()
	i.mu.Lock()
	rows := i.waiting
	i.waiting = nil
	if len(rows) > 1 {
		i.rush = i.plane.Now()
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
	ctx, cancel := together(rows)
	defer cancel()
	w := &wave{plane: i.plane, session: s, rows: i.cfg.Rows, prefixes: &i.prefixes}
	err = portal.Guard(func() error { w.create(ctx, byName(rows)); return nil })()
	if err != nil {
		answerOthers(rows, err)
	}
}

// answerOthers answers the creations that are not answered yet. One whose answer was read
// already has room for this one, which nobody reads.
func answerOthers(rows []*creation, err error) {
	for _, c := range rows {
		select {
		case c.answer <- answered{err: err}:
		default:
		}
	}
}

// together is a context that ends when those of all rows have. Its log is the first one's.
func together(rows []*creation) (context.Context, context.CancelFunc) {
	first := context.WithoutCancel(rows[0].ctx)
	log := zerolog.Ctx(first).With().Int("keys", len(rows)).Logger()
	ctx, cancel := context.WithCancel(log.WithContext(first))
	var left sync.WaitGroup
	stops := make([]func() bool, len(rows))
	for n, c := range rows {
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
