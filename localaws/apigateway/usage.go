package apigateway

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// usageAnswer holds, by key id, a pair for each day: the calls, and the quota left at the
// end of the day.
type usageAnswer struct {
	UsagePlanID string                `json:"usagePlanId"`
	StartDate   string                `json:"startDate"`
	EndDate     string                `json:"endDate"`
	Values      map[string][][2]int64 `json:"values"`
	Position    string                `json:"position,omitempty"`
}

// maxUsageDays is ours, and on the safe side: AWS documents no limit.
const maxUsageDays = 90

// dayRange is a range of whole days (UTC), both inclusive.
type dayRange struct{ start, end time.Time }

func usageRange(r *http.Request) (dayRange, error) {
	query := r.URL.Query()
	start, err := parseDay("startDate", query.Get("startDate"))
	if err != nil {
		return dayRange{}, err
	}
	end, err := parseDay("endDate", query.Get("endDate"))
	switch {
	case err != nil:
		return dayRange{}, err
	case end.Before(start):
		return dayRange{}, badRequest("Invalid date range specified: endDate is before startDate")
	case end.Sub(start) >= maxUsageDays*24*time.Hour:
		return dayRange{}, badRequest("Invalid date range specified: it is longer than %d days", maxUsageDays)
	}
	return dayRange{start, end}, nil
}

func parseDay(name, text string) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return day, badRequest("Invalid %s specified, it must be in the format yyyy-MM-dd", name)
	}
	return day, nil
}

// getUsage returns the plan's keys, and former keys with usage in the range, without future
// days. AWS documents neither this nor what remains without a quota; here that is a
// meaningless 0.
func (s *Service) getUsage(r *http.Request, _ *none) (*usageAnswer, error) {
	days, err := usageRange(r)
	if err != nil {
		return nil, err
	}
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*usageAnswer, error) {
		plan, err := findPlan(tx, r.PathValue("plan"))
		if err != nil {
			return nil, err
		}
		keys := usageKeys{tx, plan.ID, days}
		var ids []string
		position := ""
		if only := r.URL.Query().Get("keyId"); only != "" {
			ids = keys.one(only)
		} else {
			ids, position = keys.page(p)
		}
		out := &usageAnswer{
			UsagePlanID: plan.ID, StartDate: days.start.Format(time.DateOnly), EndDate: days.end.Format(time.DateOnly),
			Values: map[string][][2]int64{}, Position: position,
		}
		for _, id := range ids {
			if out.Values[id], err = s.series(tx, plan, id, days); err != nil {
				return nil, err
			}
		}
		return out, nil
	})
}

func (s *Service) series(tx *store.Tx, plan usagePlan, keyID string, days dayRange) ([][2]int64, error) {
	joined, _, err := store.GetJSON[attachment](bucket(tx, "plankeys", plan.ID), keyID)
	if err != nil {
		return nil, err
	}
	used := bucket(tx, "usage", plan.ID)
	series := [][2]int64{}
	for day := days.start; !day.After(days.end) && !day.After(s.env.Now()); day = day.AddDate(0, 0, 1) {
		u, _, err := store.GetJSON[usage](used, usageKey(keyID, day))
		if err != nil {
			return nil, err
		}
		left := int64(0)
		switch {
		case u.Remaining != nil:
			left = *u.Remaining
		case plan.Quota != nil:
			if left, err = plan.Quota.remaining(used, keyID, joined.Since, day); err != nil {
				return nil, err
			}
		}
		series = append(series, [2]int64{u.Used, max(left, 0)})
	}
	return series, nil
}

func (s *Service) updateUsage(r *http.Request, in *patches) (*usageAnswer, error) {
	now := s.env.Now().UTC()
	return update(s, func(tx *store.Tx) (*usageAnswer, error) {
		key, err := findPlanKey(tx, r)
		if err != nil {
			return nil, err
		}
		plan, err := findPlan(tx, r.PathValue("plan"))
		if err != nil {
			return nil, err
		}
		if plan.Quota == nil {
			return nil, badRequest("Usage Plan %s does not have a quota", plan.ID)
		}
		wanted, err := in.remaining()
		if err != nil {
			return nil, err
		}
		today := dayRange{now.Truncate(24 * time.Hour), now.Truncate(24 * time.Hour)}
		if wanted != nil {
			if err := grant(tx, plan, key.ID, now, *wanted); err != nil {
				return nil, err
			}
		}
		series, err := s.series(tx, plan, key.ID, today)
		date := now.Format(time.DateOnly)
		return &usageAnswer{UsagePlanID: plan.ID, StartDate: date, EndDate: date, Values: map[string][][2]int64{key.ID: series}}, err
	})
}

func (in *patches) remaining() (wanted *int64, err error) {
	err = in.apply(func(p patch) error {
		if p.change() != "replace /remaining" {
			return p.invalid("/remaining")
		}
		n, err := strconv.ParseInt(p.Value, 10, 32)
		if err != nil || n < 0 {
			return badRequest("Invalid value specified for %s: %s", p.Path, p.Value)
		}
		wanted = &n
		return nil
	})
	return wanted, err
}

func grant(tx *store.Tx, plan usagePlan, keyID string, now time.Time, wanted int64) error {
	joined, _, err := store.GetJSON[attachment](bucket(tx, "plankeys", plan.ID), keyID)
	if err != nil {
		return err
	}
	days := bucket(tx, "usage", plan.ID)
	left, err := plan.Quota.remaining(days, keyID, joined.Since, now)
	if err != nil {
		return err
	}
	u, _, err := store.GetJSON[usage](days, usageKey(keyID, now))
	if err != nil {
		return err
	}
	u.Granted += wanted - left
	u.Remaining = &wanted
	return store.PutJSON(days, usageKey(keyID, now), u)
}

type usageKeys struct {
	tx     *store.Tx
	planID string
	days   dayRange
}

func (u usageKeys) one(id string) []string {
	if isAttached(u.tx, u.planID, id) || u.used(id) {
		return []string{id}
	}
	return nil
}

func (u usageKeys) used(id string) bool {
	days := bucket(u.tx, "usage", u.planID)
	k, _ := days.Cursor().Seek([]byte(usageKey(id, u.days.start)))
	return k != nil && string(k) <= usageKey(id, u.days.end) && strings.HasPrefix(string(k), id+"/")
}

func (u usageKeys) page(p page) (ids []string, position string) {
	if p.limit < 1 {
		return nil, ""
	}
	attached, used := bucket(u.tx, "plankeys", u.planID).Cursor(), bucket(u.tx, "usage", u.planID).Cursor()
	next := ""
	if p.after != nil {
		next = pastDaysOf(string(p.after))
	}
	for {
		a, _ := attached.Seek([]byte(next))
		b, _ := used.Seek([]byte(next))
		idB, _, _ := strings.Cut(string(b), "/")
		id := string(a)
		if id == "" || idB != "" && idB < id {
			id = idB
		}
		switch {
		case id == "":
			return ids, ""
		case id != string(a) && !u.used(id):
		case len(ids) == p.limit:
			return ids, positionAfter(ids[len(ids)-1])
		default:
			ids = append(ids, id)
		}
		next = pastDaysOf(id)
	}
}

// pastDaysOf sorts after all days of a key: "0" follows "/".
func pastDaysOf(id string) string { return id + "0" }
