package apigateway

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// subscriber is an API key in the usage plan that applies to a call.
type subscriber struct {
	keyID string
	since int64
	plan  usagePlan
	// throttle is the one that applies to the method that is called, nil if there is
	// none; calls with the same bucket share its tokens.
	throttle *throttle
	bucket   string
}

// findSubscriber finds the plan under which a key's value may call a stage. An
// unknown key, a disabled one, one without such a plan and one that joined it too
// recently are all Forbidden. method is the called one's name in throttles.
func (s *Service) findSubscriber(tx *store.Tx, value string, st stageID, method string) (subscriber, error) {
	if value == "" {
		return subscriber{}, errForbidden
	}
	id := string(bucket(tx, "keyvalues").Get([]byte(value)))
	key, err := findKey(tx, id)
	if err != nil {
		return subscriber{}, hide(err, errForbidden)
	}
	if !key.Enabled {
		return subscriber{}, errForbidden
	}
	for _, planID := range keysOf(bucket(tx, "keyplans", id)) {
		plan, err := findPlan(tx, planID)
		if err != nil {
			return subscriber{}, hide(err, errForbidden)
		}
		i := plan.index(st)
		if i < 0 {
			continue
		}
		joined, _, err := store.GetJSON[attachment](bucket(tx, "plankeys", planID), id)
		if err == nil && s.env.Now().Before(time.Unix(joined.Since, 0).Add(time.Duration(s.propagation.Load()))) {
			err = errForbidden
		}
		who := subscriber{keyID: id, since: joined.Since, plan: plan, throttle: plan.Throttle, bucket: planID + "/" + id}
		if own, ok := plan.APIStages[i].Throttle[method]; ok {
			who.throttle, who.bucket = &own, who.bucket+" "+st.APIID+":"+st.Stage+method
		}
		return who, err
	}
	return subscriber{}, errForbidden
}

// admit lets a call through its plan's throttle, the stage's and the plan's quota, and
// counts it if it needs a key. A call that one of them refuses is not counted.
func (s *Service) admit(inv invocation, who subscriber) error {
	now := s.env.Now()
	switch {
	case inv.method.APIKeyRequired && !s.throttles.allow(who.throttle, who.bucket, now):
		return errThrottled
	case inv.limit != nil && (inv.limit.RateLimit == 0 || inv.limit.BurstLimit == 0):
		return errThrottled
	case !s.throttles.allow(inv.limit, inv.bucket, now):
		return errThrottled
	case !inv.method.APIKeyRequired:
		return nil
	}
	return s.count(who, now.UTC())
}

// usage is what a key used of a plan on one day (UTC), and what its quota had
// left after the last call of that day; nil without a quota.
type usage struct {
	Used int64 `json:"used"`
	// Granted is what UpdateUsage added that day to the period's quota, or took from it.
	Granted   int64  `json:"granted,omitempty"`
	Remaining *int64 `json:"remaining,omitempty"`
}

// usageKey is a day's place in the bucket of a plan's usage.
func usageKey(keyID string, day time.Time) string { return keyID + "/" + day.Format(time.DateOnly) }

// count adds a call to the day's usage unless the period's quota is used up. It
// is one durable write per call; the store commits those of many callers together.
func (s *Service) count(who subscriber, now time.Time) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		days := bucket(tx, "usage", who.plan.ID)
		u, _, err := store.GetJSON[usage](days, usageKey(who.keyID, now))
		if err != nil {
			return err
		}
		u.Used++
		u.Remaining = nil
		if q := who.plan.Quota; q != nil {
			before, err := q.remaining(days, who.keyID, who.since, now)
			if err != nil {
				return err
			}
			if before < 1 {
				return errQuota
			}
			remaining := before - 1
			u.Remaining = &remaining
		}
		return store.PutJSON(days, usageKey(who.keyID, now), u)
	})
}

// remaining is what a key has left of the quota at the end of a day, as far as
// that day is counted: the period's allowance, plus what was granted in it, less
// what was used. It is negative after a quota was lowered below what was used.
func (q *quota) remaining(days store.Bucket, keyID string, since int64, day time.Time) (int64, error) {
	left := q.allowance(since, day)
	last := usageKey(keyID, day)
	c := days.Cursor()
	for k, v := c.Seek([]byte(usageKey(keyID, q.start(day)))); k != nil && string(k) <= last; k, v = c.Next() {
		var u usage
		if err := json.Unmarshal(v, &u); err != nil {
			return 0, fmt.Errorf("decoding usage %s: %w", k, err)
		}
		left += u.Granted - u.Used
	}
	return left, nil
}

// start is the first day of the period that a time is in. AWS does not document
// when its periods begin; here days begin at midnight UTC, weeks on Sunday and
// months on the first.
func (q *quota) start(now time.Time) time.Time {
	day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	switch q.Period {
	case "WEEK":
		return day.AddDate(0, 0, -int(day.Weekday()))
	case "MONTH":
		return day.AddDate(0, 0, 1-day.Day())
	}
	return day
}

// allowance is the quota of the period that now is in, for a key that is in the
// plan since that time.
func (q *quota) allowance(since int64, now time.Time) int64 {
	if since >= q.start(now).Unix() {
		return q.Limit - q.Offset
	}
	return q.Limit
}
