package apigateway

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type subscriber struct {
	keyID string
	since int64
	plan  usagePlan
	// throttle applies to the called method; nil means none. Calls with the same bucket
	// share its tokens.
	throttle *throttle
	bucket   string
}

// findSubscriber finds the plan that lets a key value call the stage. Unknown and disabled
// keys, keys without such a plan, and keys that joined it too recently are Forbidden.
// method is the method's name in throttles.
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
		caller := subscriber{keyID: id, since: joined.Since, plan: plan, throttle: plan.Throttle, bucket: planID + "/" + id}
		if own, ok := plan.APIStages[i].Throttle[method]; ok {
			caller.throttle, caller.bucket = &own, caller.bucket+" "+st.APIID+":"+st.Stage+method
		}
		return caller, err
	}
	return subscriber{}, errForbidden
}

// admit checks the throttles and the quota, and counts an accepted call if it needs a key.
func (s *Service) admit(inv invocation, caller subscriber) error {
	now := s.env.Now()
	switch {
	case inv.method.APIKeyRequired && !s.throttles.allow(caller.throttle, caller.bucket, now):
		return errThrottled
	case inv.limit != nil && (inv.limit.RateLimit == 0 || inv.limit.BurstLimit == 0):
		return errThrottled
	case !s.throttles.allow(inv.limit, inv.bucket, now):
		return errThrottled
	case !inv.method.APIKeyRequired:
		return nil
	}
	return s.count(caller, now.UTC())
}

// usage is a key's usage of a plan on one day (UTC). Remaining is the quota left after
// the day's last call; nil without a quota.
type usage struct {
	Used int64 `json:"used"`
	// Granted is what UpdateUsage added to the period's quota that day, perhaps negative.
	Granted   int64  `json:"granted,omitempty"`
	Remaining *int64 `json:"remaining,omitempty"`
}

func usageKey(keyID string, day time.Time) string { return keyID + "/" + day.Format(time.DateOnly) }

// count adds a call to the day's usage, unless the quota is exhausted. That is one durable
// write per call; the store groups concurrent ones.
func (s *Service) count(caller subscriber, now time.Time) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		days := bucket(tx, "usage", caller.plan.ID)
		u, _, err := store.GetJSON[usage](days, usageKey(caller.keyID, now))
		if err != nil {
			return err
		}
		u.Used++
		u.Remaining = nil
		if q := caller.plan.Quota; q != nil {
			before, err := q.remaining(days, caller.keyID, caller.since, now)
			if err != nil {
				return err
			}
			if before < 1 {
				return errQuota
			}
			remaining := before - 1
			u.Remaining = &remaining
		}
		return store.PutJSON(days, usageKey(caller.keyID, now), u)
	})
}

// remaining returns the quota left at the end of the day: the period's allowance plus
// grants, minus usage. It is negative if the quota was lowered below the usage.
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

// start returns the first day of the period. AWS does not document it: here periods begin
// at midnight UTC, on Sunday or on the first of the month.
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

func (q *quota) allowance(since int64, now time.Time) int64 {
	if since >= q.start(now).Unix() {
		return q.Limit - q.Offset
	}
	return q.Limit
}
