package keyimport

import (
	"slices"
	"sync"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// prefixes remembers, by plan ("" for all keys), which prefixes of names have more keys than a
// page. A wrong one costs a call.
type prefixes struct {
	mu      sync.Mutex
	crowded map[prefix]bool
}

type prefix struct {
	plan portal.PlanID
	text string
}

const maxPrefixes = 10_000

func (p *prefixes) isCrowded(at prefix) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crowded[at]
}

func (p *prefixes) add(at prefix) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.crowded == nil || len(p.crowded) >= maxPrefixes {
		p.crowded = map[prefix]bool{}
	}
	p.crowded[at] = true
}

type pager func(prefix, position string) (keys []gateway.Listed, next string, err error)

func (p pager) show(prefix, position string, show func(gateway.Listed)) (next string, err error) {
	keys, next, err := p(prefix, position)
	for _, key := range keys {
		show(key)
	}
	return next, err
}

func (p pager) showAll(prefix string, show func(gateway.Listed)) error {
	for position := ""; ; {
		next, err := p.show(prefix, position, show)
		if err != nil || next == "" {
			return err
		}
		position = next
	}
}

// find lists keys until it knows which of the rows, sorted by name, exist, and shows every key it
// comes across. API Gateway lists by the beginning of a name, and accounts of about the same time
// have names that begin alike, so one page shows many rows. If the page is not the last, find
// looks for the missing rows in two parts, whose names have more in common.
func (p *prefixes) find(rows []*creation, plan portal.PlanID, page pager, show func(gateway.Listed)) error {
	if len(rows) == 0 {
		return nil
	}
	at, gap := prefix{plan, commonPrefix(rows)}, widestGap(rows)
	if gap == 0 {
		return page.showAll(at.text, show)
	}
	if !p.isCrowded(at) {
		unseen := map[string]bool{}
		for _, row := range rows {
			unseen[row.Key.Name] = true
		}
		next, err := page.show(at.text, "", func(key gateway.Listed) { delete(unseen, key.Name); show(key) })
		if err != nil || next == "" {
			return err
		}
		p.add(at)
		rows = slices.DeleteFunc(slices.Clone(rows), func(row *creation) bool { return !unseen[row.Key.Name] })
		if len(rows) == 0 || commonPrefix(rows) != at.text {
			return p.find(rows, plan, page, show)
		}
		gap = widestGap(rows)
	}
	if err := p.find(rows[:gap], plan, page, show); err != nil {
		return err
	}
	return p.find(rows[gap:], plan, page, show)
}

// commonPrefix is the common prefix of sorted rows.
func commonPrefix(rows []*creation) string {
	first, last := rows[0].Key.Name, rows[len(rows)-1].Key.Name
	return first[:sameBytes(first, last)]
}

// widestGap is where two neighbours among sorted rows have least in common, 0 if all names are
// equal.
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
