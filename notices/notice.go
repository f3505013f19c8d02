package notices

import (
	"cmp"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Notice is one thing that an account's owner is told.
type Notice struct {
	// ID sorts by time.
	ID         string     `dynamodbav:"id"`
	Kind       Kind       `dynamodbav:"kind"`
	Importance Importance `dynamodbav:"importance"`
	// About names the thing that the notice is about, such as "plan/<id>" or "key/<id>". A newer
	// notice about the same thing replaces an older one.
	About string `dynamodbav:"about"`
	// Title is a short sentence without a full stop, Text the whole of it, and Advice what the
	// person can do, "" if nothing.
	Title  string `dynamodbav:"title"`
	Text   string `dynamodbav:"text"`
	Advice string `dynamodbav:"advice,omitempty"`
	// Link is the page of the portal to look at, a path.
	Link string    `dynamodbav:"link"`
	At   time.Time `dynamodbav:"at"`
	// Operation is the one that led to it, or "".
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
	// DismissedAt is when the person dismissed it, zero if they have not.
	DismissedAt time.Time `dynamodbav:"dismissed_at,omitempty"`
	// Hidden notices are in no list: their kind is switched off for the dashboard.
	Hidden bool `dynamodbav:"hidden,omitempty"`
	// Until is when it stops being true of itself, zero if it does not.
	Until time.Time `dynamodbav:"until"`
	// Over says that it is no longer true: a newer notice about the same thing exists, or Until has
	// passed. It is not stored.
	Over bool `dynamodbav:"-"`
}

const (
	// keep is how long notices and deliveries are kept. maxAge is how old a fact may be that still
	// becomes a notice, and maxAgeUntold how old if none of its account's has yet, so that people
	// are not told the past when Gatehouse begins to tell.
	keep         = 90 * 24 * time.Hour
	maxAge       = 30 * 24 * time.Hour
	maxAgeUntold = 3 * 24 * time.Hour
)

// noticeID derives the id from what the notice is about, its time, and the sequence of its fact, 0 if
// it has none. Facts of one append have one time.
func noticeID(at time.Time, sequence int64, cause ...string) string {
	return schema.Milliseconds(at) + "-" + schema.Sequence(sequence) + "-" + portal.DeriveID(append([]string{"notice"}, cause...)...)[:10]
}

// idsFrom begins the ids of notices at a time.
func idsFrom(at time.Time) string { return schema.Milliseconds(at) }

// markOver takes notices in any order and marks those that are no longer true.
func markOver(list []Notice, now time.Time) {
	newest := map[string]string{}
	for _, n := range list {
		newest[n.About] = max(newest[n.About], n.ID)
	}
	for i, n := range list {
		list[i].Over = n.ID < newest[n.About] || !n.Until.IsZero() && !now.Before(n.Until)
	}
}

// NeedsYou lists the notices that a dashboard shows first: those that are still true, were not
// dismissed, and may need something of the person. The most important come first, and the newest
// of those.
func NeedsYou(list []Notice) []Notice {
	var out []Notice
	for _, n := range list {
		if !n.Over && n.DismissedAt.IsZero() && n.Importance != Info {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(a.Importance.rank(), b.Importance.rank()), cmp.Compare(b.ID, a.ID))
	})
	return out
}
