package keyimport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Probe tries ImportApiKeys with throw-away keys named <prefix>/probe/…, in a throw-away usage
// plan without stages, so that no API accepts the keys. It deletes these, and what interrupted
// probes left. It makes about twenty background calls, and waits for the budget until ctx ends.
// If the Finding has no observations, the error says why; otherwise it says what could not be
// deleted.
func Probe(ctx context.Context, cp *gateway.ControlPlane, prefix string) (Finding, error) {
	s := cp.Session(gateway.Background, nil)
	patiently := func(ctx context.Context, op gateway.Operation, attempt gateway.Attempt) error {
		for {
			err := s.Call(ctx, op, attempt)
			if !passes(err) || pause(ctx) != nil {
				return err
			}
		}
	}
	return (&probe{call: patiently, base: prefix + "/probe/"}).run(ctx)
}

// ProbeFreely is Probe without a budget, for an API Gateway whose calls are free.
func ProbeFreely(ctx context.Context, client *apigateway.Client, prefix string) (Finding, error) {
	free := func(ctx context.Context, op gateway.Operation, attempt gateway.Attempt) error {
		return gateway.CallFreely(ctx, client, op, attempt)
	}
	return (&probe{call: free, base: prefix + "/probe/"}).run(ctx)
}

type probe struct {
	call func(ctx context.Context, op gateway.Operation, attempt gateway.Attempt) error
	base string // what the names of all probes' keys begin with
	plan portal.PlanID
	seen Finding
}

func (p *probe) run(ctx context.Context) (finding Finding, err error) {
	defer func() {
		// An interrupted probe must clean up, too.
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		err = errors.Join(err, p.cleanUp(within))
	}()
	err = p.call(ctx, gateway.CreateUsagePlan, func(ctx context.Context, client *apigateway.Client) error {
		out, err := client.CreateUsagePlan(ctx, &apigateway.CreateUsagePlanInput{
			Name: aws.String(p.base + "plan"), Description: aws.String("Throw-away, of a Gatehouse import probe."),
		})
		if err == nil {
			p.plan = portal.PlanID(aws.ToString(out.Id))
		}
		return err
	})
	if err != nil {
		return Finding{}, fmt.Errorf("creating the probe's usage plan: %w", err)
	}
	run := p.base + strings.ToLower(rand.Text()[:10]) + "/"
	if err := p.observe(ctx, run); err != nil {
		return Finding{}, err
	}
	p.seen.Usable = true
	for _, o := range p.seen.Observations {
		p.seen.Usable = p.seen.Usable && (o.Expected || !o.Needed)
	}
	return p.seen, nil
}

func (p *probe) observe(ctx context.Context, run string) error {
	keys := []gateway.ImportRow{p.key(run+"1", p.plan), p.key(run+"2", p.plan), p.key(run + "3")}
	ok, err := p.creating(ctx, run, keys)
	if err != nil || !ok {
		return err
	}
	if err := p.overwriting(ctx, run, keys[0]); err != nil {
		return err
	}
	return p.badRows(ctx, run)
}

func (p *probe) key(name string, plans ...portal.PlanID) gateway.ImportRow {
	return gateway.ImportRow{
		Key:   gateway.Key{Name: name, Value: strings.ToLower(rand.Text() + rand.Text()), Description: "probe"},
		Plans: plans,
	}
}

func (p *probe) note(needed, expected bool, what, seen string, args ...any) {
	p.seen.Observations = append(p.seen.Observations, Observation{What: what, Seen: fmt.Sprintf(seen, args...), Needed: needed, Expected: expected})
}

func (p *probe) creating(ctx context.Context, run string, rows []gateway.ImportRow) (ok bool, err error) {
	answer, err := p.importRows(ctx, rows)
	if gateway.FileRefused(err) {
		p.note(true, false, "an import is accepted", "%v", err)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("importing keys: %w", err)
	}
	p.note(true, answer.IDs == len(rows), "the answer holds the id of every key", "%d ids and %d warnings for %d rows", answer.IDs, answer.Warnings, len(rows))
	keys, err := p.list(ctx, run)
	if err != nil {
		return false, err
	}
	enabled, found := 0, 0
	for _, c := range rows {
		if key, ok := keys[c.Key.Name]; ok {
			found++
			if key.Enabled {
				enabled++
			}
		}
	}
	p.note(true, found == len(rows), "the keys are listed at once, by the beginning of their names", "%d of %d", found, len(rows))
	p.note(true, enabled == len(rows), "they are enabled", "%d of %d", enabled, len(rows))
	if found < len(rows) {
		return false, nil
	}
	same, err := p.hasValue(ctx, aws.ToString(keys[rows[0].Key.Name].Id), rows[0].Key.Value)
	if err != nil {
		return false, err
	}
	p.note(true, same, "a key has the value of its row", "%s", yes(same))
	attached, err := p.attached(ctx, run)
	if err != nil {
		return false, err
	}
	right := len(attached) == 2 && attached[rows[0].Key.Name] && attached[rows[1].Key.Name]
	p.note(true, right, "the keys whose rows name a plan are in it, and are listed there at once", "%d of %d in the plan, %d wanted", len(attached), len(rows), 2)
	return true, nil
}

// overwriting disables a key and imports it again, with another description and no plan.
func (p *probe) overwriting(ctx context.Context, run string, row gateway.ImportRow) error {
	before, err := p.list(ctx, run)
	if err != nil {
		return err
	}
	id := aws.ToString(before[row.Key.Name].Id)
	err = p.call(ctx, gateway.UpdateAPIKey, func(ctx context.Context, client *apigateway.Client) error {
		_, err := client.UpdateApiKey(ctx, &apigateway.UpdateApiKeyInput{ApiKey: aws.String(id), PatchOperations: []types.PatchOperation{
			{Op: types.OpReplace, Path: aws.String("/enabled"), Value: aws.String("false")},
		}})
		return err
	})
	if err != nil {
		return fmt.Errorf("disabling a probe key: %w", err)
	}
	again := row
	again.Plans, again.Key.Description = nil, "probed again"
	_, err = p.importRows(ctx, []gateway.ImportRow{again})
	if gateway.FileRefused(err) {
		p.note(false, false, "a key may be imported again", "refused: %v", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("importing a key again: %w", err)
	}
	after, err := p.list(ctx, run)
	if err != nil {
		return err
	}
	now, there := after[row.Key.Name]
	p.note(true, there && aws.ToString(now.Id) == id && len(after) == len(before),
		"a key that is imported again keeps its id", "%d keys before, %d after; same id: %s", len(before), len(after), yes(aws.ToString(now.Id) == id))
	p.note(false, aws.ToString(now.Description) == again.Key.Description, "its description is overwritten", "it is now %q", aws.ToString(now.Description))
	p.note(false, true, "a disabled key that is imported again", "%s", map[bool]string{true: "is enabled again", false: "stays disabled"}[now.Enabled])
	attached, err := p.attached(ctx, run)
	if err != nil {
		return err
	}
	p.note(false, attached[row.Key.Name], "it stays in a plan that the row does not name", "%s", yes(attached[row.Key.Name]))
	return nil
}

// badRows imports a good row with one whose value is too short and one whose plan does not
// exist.
func (p *probe) badRows(ctx context.Context, run string) error {
	good, short, gone := p.key(run+"4", p.plan), p.key(run+"5"), p.key(run+"6", "nosuchplan")
	short.Key.Value = "tooshort"
	rows := []gateway.ImportRow{short, good, gone}
	answer, err := p.importRows(ctx, rows)
	const what = "a bad row leaves the others alone"
	if gateway.FileRefused(err) {
		p.note(false, false, what, "the whole import is refused, and would be halved until the bad row is alone: %v", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("importing bad rows: %w", err)
	}
	keys, err := p.list(ctx, run)
	if err != nil {
		return err
	}
	_, there := keys[good.Key.Name]
	p.note(false, there, what, "the good one is there: %s; %d ids and %d warnings for 3 rows, 2 of them bad", yes(there), answer.IDs, answer.Warnings)
	_, there = keys[gone.Key.Name]
	p.note(false, true, "a row whose plan does not exist", "%s", map[bool]string{true: "creates the key all the same", false: "creates no key"}[there])
	return nil
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}
