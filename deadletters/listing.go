package deadletters

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/schema"
)

// maxGroups bounds a Listing's groups. Errors that are all different must not fill the memory.
const maxGroups = 200

// maxTypes bounds the types that a Group names.
const maxTypes = 5

// Listing is the letters of a choice, grouped and counted.
type Listing struct {
	// Counts are of all letters that the choice includes, whatever their state.
	Counts map[State]int
	// Operations counts the chosen letters of people's requests.
	Operations int
	// Groups are of the chosen letters, the largest first. More counts the letters of causes that
	// are in no group, since there are more than 200.
	Groups []Group
	More   int
	// Letters have no bodies. Open ones come first, then replayed, settled and discarded ones, in
	// each state the one that failed first. Left counts those that follow them.
	Letters []Letter
	Left    int
}

// Group is the letters of one cause.
type Group struct {
	Cause
	Letters int
	// Types are at most five of the messages' types.
	Types []string
	// First and Last are the earliest first failure and the latest last one.
	First, Last time.Time
}

// List reads all letters once, and returns those of the choice grouped by cause, with at most
// limit letters after the place after ("" is the beginning). It keeps no more than that in
// memory. A limit of 0 means all.
func (a Admin) List(ctx context.Context, choice Choice, after string, limit int) (Listing, error) {
	found := lister{listing: Listing{Counts: map[State]int{}}, groups: map[string]*Group{}, after: after, limit: limit}
	counted := choice
	counted.States = everyState
	err := a.Each(ctx, func(l Letter) error {
		if counted.Chooses(l) {
			found.add(l, choice.inState(l.State()))
		}
		return nil
	})
	return found.end(), err
}

var everyState = []State{Open, Replayed, Settled, Discarded}

// Place is where the letter is in a Listing's order.
func (l Letter) Place() string {
	return fmt.Sprintf("%d#%s#%s", slices.Index(everyState, l.State()), schema.Milliseconds(l.Began()), l.ID)
}

type lister struct {
	listing Listing
	groups  map[string]*Group
	first   firstLetters
	after   string
	limit   int
}

func (s *lister) add(l Letter, chosen bool) {
	s.listing.Counts[l.State()]++
	if !chosen {
		return
	}
	if l.Operation != "" {
		s.listing.Operations++
	}
	s.group(l)
	place := l.Place()
	if place <= s.after {
		return
	}
	heap.Push(&s.first, placed{place, l})
	if s.limit > 0 && s.first.Len() > s.limit {
		heap.Pop(&s.first)
		s.listing.Left++
	}
}

func (s *lister) group(l Letter) {
	cause := l.Cause()
	group, known := s.groups[cause.ID]
	switch {
	case !known && len(s.groups) == maxGroups:
		s.listing.More++
		return
	case !known:
		group = &Group{Cause: cause, First: l.First}
		s.groups[cause.ID] = group
	}
	group.Letters++
	if l.First.Before(group.First) {
		group.First = l.First
	}
	if l.Last.After(group.Last) {
		group.Last = l.Last
	}
	if len(group.Types) < maxTypes && !slices.Contains(group.Types, l.Type) {
		group.Types = append(group.Types, l.Type)
	}
}

func (s *lister) end() Listing {
	for _, group := range s.groups {
		slices.Sort(group.Types)
		s.listing.Groups = append(s.listing.Groups, *group)
	}
	slices.SortFunc(s.listing.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.ID, b.ID))
	})
	s.listing.Letters = make([]Letter, s.first.Len())
	for i := range slices.Backward(s.listing.Letters) {
		s.listing.Letters[i] = heap.Pop(&s.first).(placed).Letter
	}
	return s.listing
}

type placed struct {
	place string
	Letter
}

// firstLetters is a heap with the last letter on top.
type firstLetters []placed

func (f firstLetters) Len() int           { return len(f) }
func (f firstLetters) Less(i, j int) bool { return f[i].place > f[j].place }
func (f firstLetters) Swap(i, j int)      { f[i], f[j] = f[j], f[i] }
func (f *firstLetters) Push(x any)        { *f = append(*f, x.(placed)) }
func (f *firstLetters) Pop() any {
	last := len(*f) - 1
	top := (*f)[last]
	(*f)[last] = placed{}
	*f = (*f)[:last]
	return top
}

// Chosen is the place of a letter in the order in which letters are replayed or discarded.
type Chosen struct {
	ID string
	// Began is the letter's Began.
	Began time.Time
}

// Chosen lists the chosen letters, oldest failure first. Failures before a replay count.
func (a Admin) Chosen(ctx context.Context, choice Choice) ([]Chosen, error) {
	var list []Chosen
	err := a.Each(ctx, func(l Letter) error {
		if choice.Chooses(l) {
			list = append(list, Chosen{l.ID, l.Began()})
		}
		return nil
	})
	OldestFirst(list)
	return list, err
}

// Replayable lists those of the chosen letters that have a Message, like Chosen, and calls left with each of
// the others, by id and with its body.
func (a Admin) Replayable(ctx context.Context, choice Choice, left func(Letter)) ([]Chosen, error) {
	var list []Chosen
	err := a.EachWhole(ctx, choice, func(l Letter) error {
		if _, err := l.Message(); err != nil {
			left(l)
			return nil //nolint:nilerr // left tells of it
		}
		list = append(list, Chosen{l.ID, l.Began()})
		return nil
	})
	OldestFirst(list)
	return list, err
}

// OldestFirst sorts the list by the first failure.
func OldestFirst(list []Chosen) {
	slices.SortFunc(list, func(a, b Chosen) int { return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID)) })
}
