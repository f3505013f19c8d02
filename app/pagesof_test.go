package app

import (
	"slices"
	"testing"
)

func TestPagesOfKnowsWhetherThereAreMore(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		of, limit, want int
		more            bool
	}{{0, 5, 0, false}, {5, 5, 5, false}, {6, 5, 5, true}, {listedAtOnce, listedAtOnce, listedAtOnce, false}, {250, 249, 249, true}, {250, 1000, 250, false}} {
		items := make([]int, c.of)
		// A store may have another page that turns out to be empty.
		all, more, err := pagesOf(c.limit, func(after, n int) ([]int, int, error) {
			page := items[after:min(after+n, len(items))]
			if len(page) < n {
				return page, 0, nil
			}
			return page, after + n, nil
		})
		if err != nil || len(all) != c.want || more != c.more || !slices.Equal(all, items[:c.want]) {
			t.Errorf("of %d with a limit of %d: %d, more: %v, %v", c.of, c.limit, len(all), more, err)
		}
	}
}
