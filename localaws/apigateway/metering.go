package apigateway

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// subscriber is an API key in the usage plan that applies to a call.
type subscriber struct {
	keyID string
	since int64
	plan  usagePlan
}

// findSubscriber finds the plan under which a key's value may call a stage. An
// unknown key, a disabled one and one without such a plan are all Forbidden.
func findSubscriber(tx *store.Tx, value string, st apiStage) (subscriber, error) {
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
		for _, have := range plan.APIStages {
			if have == st {
				joined, _, err := store.GetJSON[attachment](bucket(tx, "plankeys", planID), id)
				return subscriber{keyID: id, since: joined.Since, plan: plan}, err
			}
		}
	}
	return subscriber{}, errForbidden
}

// admit lets a call through its plan's throttle and quota, and counts it. A call
// that either of them refuses is not counted.
func (s *Service) admit(who subscriber) error {
	now := s.env.Now()
	if !s.throttles.allow(who, now) {
		return errThrottled
	}
	return s.count(who, now.UTC())
}

// usage is what a key used of a plan on one day (UTC), and what its quota had
// left after the last call of that day; nil without a quota.
type usage struct {
	Used      int64  `json:"used"`
	Remaining *int64 `json:"remaining,omitempty"`
}

// count adds a call to the day's usage unless the period's quota is used up. It
// is one durable write per call; the store commits those of many callers together.
func (s *Service) count(who subscriber, now time.Time) error {
	today := now.Format(time.DateOnly)
	return s.env.DB.Update(func(tx *store.Tx) error {
		days := bucket(tx, "usage", who.plan.ID)
		u, _, err := store.GetJSON[usage](days, who.keyID+"/"+today)
		if err != nil {
			return err
		}
		u.Used++
		u.Remaining = nil
		if q := who.plan.Quota; q != nil {
			before, err := usedSince(days, who.keyID, q.start(now))
			if err != nil {
				return err
			}
			remaining := q.allowance(who.since, now) - before - 1
			if remaining < 0 {
				return errQuota
			}
			u.Remaining = &remaining
		}
		return store.PutJSON(days, who.keyID+"/"+today, u)
	})
}

// usedSince is how many calls of a key were counted from that day on.
func usedSince(days store.Bucket, keyID string, from time.Time) (int64, error) {
	var sum int64
	c := days.Cursor()
	for k, v := c.Seek([]byte(keyID + "/" + from.Format(time.DateOnly))); k != nil && strings.HasPrefix(string(k), keyID+"/"); k, v = c.Next() {
		var u usage
		if err := json.Unmarshal(v, &u); err != nil {
			return 0, fmt.Errorf("decoding usage %s: %w", k, err)
		}
		sum += u.Used
	}
	return sum, nil
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
