package keyimport

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type wave struct {
	plane    controlPlane
	session  *gateway.Session
	rows     int // the most keys of one import
	prefixes *prefixes
	// begun: an import of this wave has found room for keys.
	begun bool
}

// create creates the keys of rows, sorted by name, and answers each. It first looks for those
// that another worker may have tried, since an import would enable a disabled key. Afterwards it
// reads the plans' keys, which alone show what the import did.
func (w *wave) create(ctx context.Context, rows []*creation) {
	there := map[string]portal.GatewayKeyID{}
	doubtful := slices.DeleteFunc(slices.Clone(rows), w.untried)
	if err := w.find(ctx, doubtful, there); err != nil {
		answerAll(rows, unread(err))
		return
	}
	for _, c := range doubtful {
		c.looked = true
	}
	missing := slices.DeleteFunc(slices.Clone(rows), func(c *creation) bool { return there[c.Key.Name] != "" })
	// Two messages may be about one key.
	missing = slices.CompactFunc(missing, func(a, b *creation) bool { return a.Key.Name == b.Key.Name })
	for chunk := range slices.Chunk(missing, w.rows) {
		if err := w.submit(ctx, chunk); err != nil {
			setIfMissing(missing, err)
			break
		}
	}
	w.answer(ctx, rows, there)
}

// untried: no other worker can have tried.
func (w *wave) untried(c *creation) bool { return w.plane.Now().Before(c.UntriedUntil) }

func (w *wave) find(ctx context.Context, rows []*creation, there map[string]portal.GatewayKeyID) error {
	return w.prefixes.find(rows, "", func(prefix, position string) ([]gateway.Listed, string, error) {
		return w.session.KeysPage(ctx, prefix, position)
	}, func(key gateway.Listed) { there[key.Name] = key.ID })
}

func unread(err error) error {
	var no *gateway.Refused
	var full *gateway.LimitReached
	switch {
	case errors.As(err, &no):
		return &gateway.Unavailable{Err: no.Err}
	case errors.As(err, &full):
		return &gateway.Unavailable{Err: full.Err}
	}
	return err
}

// submit imports rows and sets each row's ifMissing. If AWS refuses a whole import, submit
// imports its halves until the row at fault is alone; that key is created singly, for its own
// error. If the AWS account is full, one row alone shows whether there is room for some. submit
// returns an error that further imports would meet, too.
func (w *wave) submit(ctx context.Context, rows []*creation) error {
	made, err := w.importRows(ctx, rows)
	if len(rows) > 1 && accountFull(err) {
		if err := w.submit(ctx, rows[:1]); err != nil {
			return err
		}
		return w.submitHalves(ctx, rows[1:])
	}
	switch {
	case err == nil && made >= len(rows):
		setIfMissing(rows, &gateway.Unavailable{Err: errors.New("an imported key is not listed yet")})
		return nil
	case err == nil:
		return nil // some were not valid: singly each gets its own error
	case !gateway.FileRefused(err):
		return err
	case len(rows) == 1:
		return nil
	}
	return w.submitHalves(ctx, rows)
}

func (w *wave) submitHalves(ctx context.Context, rows []*creation) error {
	half := (len(rows) + 1) / 2
	if err := w.submit(ctx, rows[:half]); err != nil || half == len(rows) {
		return err
	}
	return w.submit(ctx, rows[half:])
}

// accountFull: AWS itself, and not the row of the limit, said that there is no room.
func accountFull(err error) bool {
	var full *gateway.LimitReached
	return errors.As(err, &full) && full.Limit == gateway.Keys && full.Err != nil
}

func setIfMissing(rows []*creation, err error) {
	for _, c := range rows {
		if errors.Is(c.ifMissing, errAlone) {
			c.ifMissing = err
		}
	}
}

// importRows imports the rows that are not too late and hands the others back. made is how many
// rows these and AWS's ids account for.
func (w *wave) importRows(ctx context.Context, rows []*creation) (made int, err error) {
	late, submitted := 0, 0
	answer, err := w.session.ImportKeys(ctx, w.begun, func() (file []gateway.ImportRow) {
		w.begun = true
		for _, c := range rows {
			if w.tooLate(c) {
				c.ifMissing = handBack()
				late++
				continue
			}
			file = append(file, gateway.ImportRow{Key: c.Key, Plans: c.Plans})
		}
		submitted = len(file)
		return file
	})
	if err == nil && submitted > 0 {
		zerolog.Ctx(ctx).Info().Int("rows", submitted).Int("ids", answer.IDs).Int("warnings", answer.Warnings).Msg("keys imported")
	}
	return answer.IDs + late, err
}

// tooLate: the row's caller has stopped waiting, its message's lease is too short, or another
// worker may have tried.
func (w *wave) tooLate(c *creation) bool {
	return c.ctx.Err() != nil || c.Lease != nil && !w.plane.Outlasts(c.Lease) || !c.looked && !w.untried(c)
}

func handBack() error {
	return &portal.Postponed{After: time.Second + rand.N(2*time.Second), Reason: "message lease"}
}

// answer reads which keys exist and in which plans. The plans' lists name their keys, so only
// rows in no plan need the list of all keys.
func (w *wave) answer(ctx context.Context, rows []*creation, there map[string]portal.GatewayKeyID) {
	attached := w.attached(ctx, rows, there)
	unseen := slices.DeleteFunc(slices.Clone(rows), func(c *creation) bool { return there[c.Key.Name] != "" })
	if err := w.find(ctx, unseen, there); err != nil {
		answerAll(rows, unread(err))
		return
	}
	for _, c := range rows {
		id := there[c.Key.Name]
		if id == "" {
			c.answer <- answered{err: c.ifMissing}
			continue
		}
		made := Created{ID: id}
		for _, plan := range c.Plans {
			if attached[plan][id] {
				made.Plans = append(made.Plans, plan)
			}
		}
		c.answer <- answered{made: made}
	}
}

// attached adds the keys of every wanted plan to there. A plan that cannot be listed counts as
// empty: attaching a key again does no harm.
func (w *wave) attached(ctx context.Context, rows []*creation, there map[string]portal.GatewayKeyID) map[portal.PlanID]map[portal.GatewayKeyID]bool {
	attached := map[portal.PlanID]map[portal.GatewayKeyID]bool{}
	for plan, wanted := range byPlan(rows) {
		attached[plan] = map[portal.GatewayKeyID]bool{}
		_ = w.prefixes.find(wanted, plan, func(prefix, position string) ([]gateway.Listed, string, error) {
			return w.session.PlanKeysPage(ctx, plan, prefix, position)
		}, func(key gateway.Listed) { attached[plan][key.ID], there[key.Name] = true, key.ID })
	}
	return attached
}

func byPlan(rows []*creation) map[portal.PlanID][]*creation {
	wanted := map[portal.PlanID][]*creation{}
	for _, c := range rows {
		for _, plan := range c.Plans {
			wanted[plan] = append(wanted[plan], c)
		}
	}
	return wanted
}

func byName(rows []*creation) []*creation {
	slices.SortStableFunc(rows, func(a, b *creation) int { return strings.Compare(a.Key.Name, b.Key.Name) })
	return rows
}
