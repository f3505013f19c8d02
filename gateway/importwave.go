package gateway

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// wave makes keys together.
type wave struct {
	session *Session
	rows    int // the most of one import
}

// settle makes the keys of rows, which are sorted by name, and answers each. What is there
// is read before, since an import would change a key that exists: above all it would
// enable one that somebody has disabled. And it is read afterwards, by plan, since only
// that tells what the import did. Each is one call if the names have a long beginning in common, as
// those of accounts have that signed up close in time; rows whose names lie so far apart
// that the keys between them fill more than a page are settled in two parts.
//
// admitted is what a first call has been admitted with; nil to admit it here.
func (w *wave) settle(ctx context.Context, rows []*creation, admitted func()) {
	if len(rows) < 2 && admitted == nil {
		answerAll(rows, errAlone)
		return
	}
	there, complete, err := w.look(ctx, commonPrefix(rows), admitted)
	if err != nil {
		answerAll(rows, unread(err))
		return
	}
	if gap := widestGap(rows); !complete && gap > 0 {
		w.settle(ctx, rows[:gap], nil)
		w.settle(ctx, rows[gap:], nil)
		return
	}
	missing := slices.DeleteFunc(slices.Clone(rows), func(c *creation) bool { return there[c.Key.Name] != "" })
	// Two messages about one key are one row.
	missing = slices.CompactFunc(missing, func(a, b *creation) bool { return a.Key.Name == b.Key.Name })
	for chunk := range slices.Chunk(missing, w.rows) {
		if err := w.submit(ctx, chunk); err != nil {
			note(missing, err)
			break
		}
	}
	w.tell(ctx, rows)
}

// unread is the error of a call that only reads: a refusal is none of a key.
func unread(err error) error {
	var no *Refused
	var full *Full
	switch {
	case errors.As(err, &no):
		return &Unavailable{Err: no.Err}
	case errors.As(err, &full):
		return &Unavailable{Err: full.Err}
	}
	return settled(err)
}

// look reads the first page of keys whose names begin so; complete says that it was the
// only one.
func (w *wave) look(ctx context.Context, prefix string, admitted func()) (ids map[string]portal.GatewayKeyID, complete bool, err error) {
	if admitted == nil {
		if admitted, err = w.session.admit(ctx, listAPIKeys); err != nil {
			return nil, false, err
		}
	}
	ids = map[string]portal.GatewayKeyID{}
	err = w.session.attempt(ctx, listAPIKeys, admitted, func(ctx context.Context) error {
		out, err := w.session.cp.client.GetApiKeys(ctx, &apigateway.GetApiKeysInput{
			NameQuery: aws.String(prefix), IncludeValues: aws.Bool(false), Limit: pageSize,
		})
		if err != nil {
			return err
		}
		for _, item := range out.Items {
			ids[aws.ToString(item.Name)] = portal.GatewayKeyID(aws.ToString(item.Id))
		}
		complete = aws.ToString(out.Position) == ""
		return nil
	})
	return ids, complete, err
}

// ImportApiKeys creates keys and changes the keys of plans, so it takes its turn among
// those that attach, though AWS does not say that it must. It is one call for the total
// quota; whether its rows count as creations AWS does not say either.
var importAPIKeys = operation{name: "ImportApiKeys", class: other, exclusive: true}

// submit imports rows and notes for each what is to be said if it is not found in the
// end. An import that is refused as a whole is halved until the row that AWS does not
// like is by itself; that one is then created alone, where the refusal is its own. An
// error is one that further imports would meet too.
func (w *wave) submit(ctx context.Context, rows []*creation) error {
	made, err := w.importRows(ctx, rows)
	switch {
	case err == nil && made >= len(rows):
		note(rows, &Unavailable{Err: errors.New("an imported key is not listed yet")})
		return nil
	case err == nil:
		return nil // Some were not valid: alone it shows which, and why.
	case !refusedWhole(err):
		return settled(err)
	case len(rows) == 1:
		return nil
	}
	half := len(rows) / 2
	if err := w.submit(ctx, rows[:half]); err != nil {
		return err
	}
	return w.submit(ctx, rows[half:])
}

func note(rows []*creation, otherwise error) {
	for _, c := range rows {
		if errors.Is(c.otherwise, errAlone) {
			c.otherwise = otherwise
		}
	}
}

// refusedWhole says whether an import came to nothing because of what it holds. A 413 may
// come from something in between, and means the same.
func refusedWhole(err error) bool {
	var no *Refused
	var clash *conflict
	switch {
	case errors.As(err, &no), isAbsent(err):
		return true
	case errors.As(err, &clash):
		return !clash.concurrent()
	}
	return statusOf(err) == http.StatusRequestEntityTooLarge
}

// importRows makes one call, with the rows whose messages are ours for long enough; the
// others are handed back. It says how many rows that or AWS's ids account for.
func (w *wave) importRows(ctx context.Context, rows []*creation) (made int, err error) {
	s := w.session
	release, err := s.admit(ctx, importAPIKeys)
	if err != nil {
		return 0, err
	}
	all := len(rows)
	rows = slices.DeleteFunc(slices.Clone(rows), func(c *creation) bool {
		short := c.ctx.Err() != nil || c.Lease != nil && !s.cp.outlasts(c.Lease)
		if short {
			c.otherwise = tooLate()
		}
		return short
	})
	late := all - len(rows)
	if len(rows) == 0 {
		s.withdraw(importAPIKeys, release)
		return late, nil
	}
	err = s.attempt(ctx, importAPIKeys, release, func(ctx context.Context) error {
		out, err := s.cp.client.ImportApiKeys(ctx, &apigateway.ImportApiKeysInput{
			Body: keyFile(rows), Format: types.ApiKeysFormatCsv, FailOnWarnings: false,
		})
		if err != nil {
			return withoutValues(rows, err)
		}
		made = len(out.Ids)
		zerolog.Ctx(ctx).Info().Int("rows", len(rows)).Int("ids", len(out.Ids)).Int("warnings", len(out.Warnings)).Msg("keys imported")
		return nil
	})
	return made + late, err
}

// withoutValues keeps the keys' values out of an error's text.
func withoutValues(rows []*creation, err error) error {
	for _, c := range rows {
		err = without(c.Key.Value, err)
	}
	return err
}

// tell reads which keys are there and which plans they are in, and answers each row. The
// lists of the plans name their keys, so the list of all keys is read only for rows that
// are in no plan.
func (w *wave) tell(ctx context.Context, rows []*creation) {
	prefix := commonPrefix(rows)
	there := map[string]portal.GatewayKeyID{}
	attached := w.attached(ctx, rows, there, prefix)
	if slices.ContainsFunc(rows, func(c *creation) bool { return there[c.Key.Name] == "" }) {
		listed, err := w.session.Keys(ctx, prefix)
		if err != nil {
			answerAll(rows, unread(err))
			return
		}
		for _, key := range listed {
			there[key.Name] = key.ID
		}
	}
	for _, c := range rows {
		id := there[c.Key.Name]
		if id == "" {
			c.answer <- answered{err: c.otherwise}
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

// attached lists the keys of every plan that one is wanted in, and notes in there which
// keys that shows. A plan that cannot be listed counts as empty: attaching singly what is
// attached does no harm.
func (w *wave) attached(ctx context.Context, rows []*creation, there map[string]portal.GatewayKeyID, prefix string) map[portal.PlanID]map[portal.GatewayKeyID]bool {
	attached := map[portal.PlanID]map[portal.GatewayKeyID]bool{}
	for _, c := range rows {
		for _, plan := range c.Plans {
			if _, known := attached[plan]; known {
				continue
			}
			attached[plan] = map[portal.GatewayKeyID]bool{}
			listed, err := w.session.PlanKeys(ctx, plan, prefix)
			if err != nil {
				continue
			}
			for _, key := range listed {
				attached[plan][key.ID], there[key.Name] = true, key.ID
			}
		}
	}
	return attached
}

func byName(rows []*creation) []*creation {
	slices.SortStableFunc(rows, func(a, b *creation) int { return strings.Compare(a.Key.Name, b.Key.Name) })
	return rows
}

// commonPrefix is what all names of sorted rows begin with.
func commonPrefix(rows []*creation) string {
	first, last := rows[0].Key.Name, rows[len(rows)-1].Key.Name
	return first[:sameBytes(first, last)]
}

// widestGap is where two neighbours among sorted rows have least in common; 0 if all have
// the same name.
func widestGap(rows []*creation) int {
	at, least := 0, len(rows[0].Key.Name)
	for i := 1; i < len(rows); i++ {
		if same := sameBytes(rows[i-1].Key.Name, rows[i].Key.Name); same < least {
			at, least = i, same
		}
	}
	return at
}

func sameBytes(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
