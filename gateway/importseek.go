package gateway

import (
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// crowded remembers which beginnings of names more keys have than fit a page, by plan, ""
// for all keys. Most stay so; one that does not costs a call more than it need.
type crowded struct {
	mu    sync.Mutex
	known map[crowd]bool
}

type crowd struct {
	plan   portal.PlanID
	prefix string
}

// maxCrowds bounds what is remembered; beyond it, it is learned anew.
const maxCrowds = 10_000

func (c *crowded) is(at crowd) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[at]
}

func (c *crowded) add(at crowd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCrowds {
		c.known = map[crowd]bool{}
	}
	c.known[at] = true
}

// pager lists one page of the keys whose names begin so; next is nil on the last.
type pager func(prefix string, position *string) (keys []Listed, next *string, err error)

// show lists a page and shows what is on it.
func (p pager) show(prefix string, position *string, show func(Listed)) (next *string, err error) {
	keys, next, err := p(prefix, position)
	for _, key := range keys {
		show(key)
	}
	return next, err
}

// seek lists keys until it is known of each row, which are sorted by name, whether its key
// is in the list, and shows what it comes across. API Gateway lists by the beginning of a
// name and in an order of its own. Names of accounts that signed up close in time begin
// alike, so that one page shows many rows. Where too many keys begin so, the rows that the
// page did not show are sought in two parts, whose names have more in common.
func (c *crowded) seek(rows []*creation, plan portal.PlanID, page pager, show func(Listed)) error {
	if len(rows) == 0 {
		return nil
	}
	at, gap := crowd{plan, commonPrefix(rows)}, widestGap(rows)
	if gap == 0 {
		return pages(func(position *string) (*string, error) { return page.show(at.prefix, position, show) })
	}
	if !c.is(at) {
		unseen := map[string]bool{}
		for _, row := range rows {
			unseen[row.Key.Name] = true
		}
		next, err := page.show(at.prefix, nil, func(key Listed) { delete(unseen, key.Name); show(key) })
		if err != nil || aws.ToString(next) == "" {
			return err
		}
		c.add(at)
		rows = slices.DeleteFunc(slices.Clone(rows), func(row *creation) bool { return !unseen[row.Key.Name] })
		if len(rows) == 0 || commonPrefix(rows) != at.prefix {
			return c.seek(rows, plan, page, show)
		}
		gap = widestGap(rows)
	}
	if err := c.seek(rows[:gap], plan, page, show); err != nil {
		return err
	}
	return c.seek(rows[gap:], plan, page, show)
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
