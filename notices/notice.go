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
	// About names the notice's subject, such as "plan/<id>", "licence/<id>" or "key/<id>". A newer notice about
	// it replaces an older one.
	About string `dynamodbav:"about"`
	// Plan is set if the notice is about a purchase: it is the purchase's plan. Older versions wrote notices about
	// purchases with About "plan/<id>". A newer notice with this Plan replaces those.
	Plan portal.PlanID `dynamodbav:"plan,omitempty"`
	// Title is a short sentence without a full stop, Text the whole of it, and Advice what the
	// person can do, or "".
	Title  string `dynamodbav:"title"`
	Text   string `dynamodbav:"text"`
	Advice string `dynamodbav:"advice,omitempty"`
	// Link is a path of the portal.
	Link        string             `dynamodbav:"link"`
	At          time.Time          `dynamodbav:"at"`
	Operation   portal.OperationID `dynamodbav:"operation,omitempty"`
	DismissedAt time.Time          `dynamodbav:"dismissed_at,omitempty"`
	// Hidden notices are in no list: their kind is switched off for the dashboard.
	Hidden bool `dynamodbav:"hidden,omitempty"`
	// Until is when the notice stops being true, zero for never.
	Until time.Time `dynamodbav:"until"`
	// Over: it is no longer true, because Until has passed or a newer notice about the same thing
	// exists. It is not stored.
	Over bool `dynamodbav:"-"`
}

const (
	// keep is how long notices and deliveries are kept. A fact older than maxAge makes no notice. For an account
	// that has had no notice yet the limit is maxAgeUntold, so that old facts are not announced to it.
	keep         = 90 * 24 * time.Hour
	maxAge       = 30 * 24 * time.Hour
	maxAgeUntold = 3 * 24 * time.Hour
)

// noticeID derives the id from the time, the fact's sequence (0 without a fact) and the cause. The sequence keeps
// apart facts of one append, which have the same time.
func noticeID(at time.Time, sequence int64, cause ...string) string {
	return schema.Milliseconds(at) + "-" + schema.Sequence(sequence) + "-" + portal.DeriveID(append([]string{"notice"}, cause...)...)[:10]
}

func idsFrom(at time.Time) string { return schema.Milliseconds(at) }

// markOver marks the notices, in any order, that are no longer true.
func markOver(list []Notice, now time.Time) {
	newest := map[string]string{}
	for _, n := range list {
		newest[n.About] = max(newest[n.About], n.ID)
		if n.Plan != "" {
			newest[aboutPlan(n.Plan)] = max(newest[aboutPlan(n.Plan)], n.ID)
		}
	}
	for i, n := range list {
		list[i].Over = n.ID < newest[n.About] || !n.Until.IsZero() && !now.Before(n.Until)
	}
}

// NeedsYou lists the notices that a dashboard shows first: those that are true, were not
// dismissed, and may need something of the person, by importance, then the newest first.
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
