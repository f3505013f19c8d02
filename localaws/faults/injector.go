package faults

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Call is a call of the local AWS.
type Call struct {
	Service, Operation string
	Handler            http.Handler
	Refuse             func(http.ResponseWriter, *http.Request, *wire.Error)
}

// Injector applies a plan. It is safe for concurrent use.
type Injector struct {
	known  Operations
	queues queues
	late   *effects

	mu     sync.Mutex
	plan   Plan
	dice   []die
	counts Counts
}

type die struct {
	source *rand.Rand
	struck int
}

// New returns an injector without rules.
func New(known Operations, q queues) *Injector {
	return &Injector{known: known, queues: q, late: newEffects(), counts: Counts{}}
}

// Set replaces the plan, unless Check fails or a service or operation is unknown.
func (in *Injector) Set(p Plan) error {
	if err := in.known.check(p); err != nil {
		return err
	}
	p.Rules = slices.Clone(p.Rules)
	dice := make([]die, len(p.Rules))
	for i := range dice {
		dice[i].source = rand.New(rand.NewPCG(p.Seed, uint64(i)))
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.plan, in.dice = p, dice
	return nil
}

// Plan returns a copy of the plan.
func (in *Injector) Plan() Plan {
	in.mu.Lock()
	defer in.mu.Unlock()
	return Plan{Seed: in.plan.Seed, Rules: append([]Rule{}, in.plan.Rules...)}
}

// Counts returns the counts so far.
func (in *Injector) Counts() Counts {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.counts.clone()
}

// Close waits for late calls that have begun and drops the others. Serve no call
// afterwards.
func (in *Injector) Close() { in.late.close() }

type fate struct {
	latency time.Duration
	// kind is the fault besides latency, or empty. wait, after and failure are the rule's
	// Latency, After and Error.
	kind        Kind
	wait, after time.Duration
	failure     string
	received    bool
}

// draw also counts the call.
func (in *Injector) draw(call Call) (f fate) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.counts.request(call)
	if in.down(call) {
		in.counts.fault(call, Down)
		return fate{kind: Down}
	}
	for i, rule := range in.plan.Rules {
		switch {
		case !rule.matches(call.Service, call.Operation):
			continue
		case rule.Kind.ofMessages():
			f.received = f.received || call.Operation == "ReceiveMessage"
			continue
		case rule.Kind == Stale:
			continue
		}
		struck, wait, after := in.dice[i].roll(rule)
		switch {
		case !struck || rule.Kind != Latency && f.kind != "":
			continue
		case rule.Kind == Latency:
			f.latency += wait
		default:
			f.kind, f.wait, f.after, f.failure = rule.Kind, wait, after, rule.Error
		}
		in.dice[i].struck++
		in.counts.fault(call, rule.Kind)
	}
	return f
}

func (in *Injector) down(call Call) bool {
	return slices.ContainsFunc(in.plan.Rules, func(r Rule) bool {
		return r.Kind == Down && r.matches(call.Service, call.Operation)
	})
}

// roll always draws the same number of values, so later results do not depend on this one.
func (d *die) roll(r Rule) (struck bool, wait, after time.Duration) {
	chance, wait, after := d.source.Float64(), r.Latency.at(d.source.Float64()), r.After.at(d.source.Float64())
	return chance < r.rate() && (r.Times == 0 || d.struck < r.Times), wait, after
}
