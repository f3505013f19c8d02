package apigateway

import (
	"math"
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type usagePlan struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	APIStages   []apiStage        `json:"apiStages"`
	Throttle    *throttle         `json:"throttle,omitempty"`
	Quota       *quota            `json:"quota,omitempty"`
	ProductCode string            `json:"productCode,omitempty"`
	Tags        map[string]string `json:"tags,omitzero"`
}

type stageID struct {
	APIID string `json:"apiId"`
	Stage string `json:"stage"`
}

// apiStage is a stage in a plan. A method with its own throttle, named like
// "/pets/{id}/GET", uses that instead of the plan's.
type apiStage struct {
	stageID
	Throttle map[string]throttle `json:"throttle,omitempty"`
}

// throttle is a token bucket for each key of a plan: RateLimit requests a second on
// average, BurstLimit at once. 0 means not set.
type throttle struct {
	BurstLimit int     `json:"burstLimit"`
	RateLimit  float64 `json:"rateLimit"`
}

// quota allows each key of a plan Limit requests per Period: DAY, WEEK or MONTH. Offset is
// subtracted in the period in which the key joins.
type quota struct {
	Limit  int64  `json:"limit"`
	Offset int64  `json:"offset"`
	Period string `json:"period"`
}

type usagePlanInput struct {
	Name        string            `json:"name"`
	Description string            `json:"description"`
	APIStages   []apiStage        `json:"apiStages"`
	Throttle    *throttle         `json:"throttle"`
	Quota       *quota            `json:"quota"`
	Tags        map[string]string `json:"tags"`
}

func (t throttle) valid() bool {
	return t.BurstLimit >= 0 && t.RateLimit >= 0 && t.RateLimit <= math.MaxInt32
}

func (p *usagePlan) check(l limits) error {
	for _, st := range p.APIStages {
		if err := st.checkThrottles(l); err != nil {
			return err
		}
	}
	switch {
	case p.Name == "":
		return badRequest("Usage plan name cannot be empty")
	case p.Throttle != nil && !p.Throttle.valid():
		return badRequest("Invalid Usage Plan throttle limits specified")
	case p.Quota == nil:
		return nil
	case !slices.Contains([]string{"DAY", "WEEK", "MONTH"}, p.Quota.Period):
		return badRequest("Invalid Usage Plan quota period specified. Valid options are DAY,WEEK,MONTH")
	case p.Quota.Limit < 0 || p.Quota.Offset < 0 || p.Quota.Offset > p.Quota.Limit:
		return badRequest("Invalid Usage Plan quota specified: limit and offset must not be negative, nor offset greater than limit")
	}
	return nil
}

func (s *Service) createUsagePlan(_ *http.Request, in *usagePlanInput) (*usagePlan, error) {
	plan := usagePlan{
		Name: in.Name, Description: in.Description, APIStages: []apiStage{},
		Throttle: in.Throttle, Quota: in.Quota, Tags: orAbsent(in.Tags),
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*usagePlan, error) {
		plans := bucket(tx, "plans")
		all, err := store.AllJSON[usagePlan](plans)
		if err != nil {
			return nil, err
		}
		if len(all) >= s.limits.plans {
			return nil, limitExceeded("Maximum number of usage plans has been reached: %d", s.limits.plans)
		}
		out := plan
		out.ID = freshID(plans, 6)
		for _, st := range in.APIStages {
			if err := out.addStage(tx, st); err != nil {
				return nil, err
			}
		}
		if err := out.check(s.limits); err != nil {
			return nil, err
		}
		return &out, store.PutJSON(plans, out.ID, out)
	})
}

func (p *usagePlan) addStage(tx *store.Tx, st apiStage) error {
	if bucket(tx, "stages", st.APIID).Get([]byte(st.Stage)) == nil {
		return p.invalidStage(st.stageID)
	}
	if p.index(st.stageID) >= 0 {
		return conflict("API Stage {api: %s, stage: %s} is already associated with Usage Plan %s", st.APIID, st.Stage, p.ID)
	}
	if st.Throttle != nil {
		named := map[string]throttle{}
		for name, limit := range st.Throttle {
			named[methodName(name)] = limit
		}
		st.Throttle = named
	}
	p.APIStages = append(slices.Clone(p.APIStages), st)
	return nil
}

func (p *usagePlan) index(id stageID) int {
	return slices.IndexFunc(p.APIStages, func(st apiStage) bool { return st.stageID == id })
}

func (p *usagePlan) invalidStage(id stageID) error {
	return notFound("Invalid API Stage {api: %s, stage: %s} specified for usageplan %s", id.APIID, id.Stage, p.ID)
}

func (s *Service) listUsagePlans(r *http.Request, _ *none) (*list[usagePlan], error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	keyID := r.URL.Query().Get("keyId")
	return view(s, func(tx *store.Tx) (*list[usagePlan], error) {
		plansOfKey := bucket(tx, "keyplans", keyID)
		decode := decoded(func(plan *usagePlan) { plan.Tags = orAbsent(plan.Tags) })
		return collect(p, bucket(tx, "plans"), nil, func(k, v []byte) (usagePlan, bool, error) {
			if keyID != "" && plansOfKey.Get(k) == nil {
				return usagePlan{}, false, nil
			}
			return decode(k, v)
		})
	})
}

func (s *Service) getUsagePlan(r *http.Request, _ *none) (*usagePlan, error) {
	return view(s, func(tx *store.Tx) (*usagePlan, error) {
		plan, err := findPlan(tx, r.PathValue("plan"))
		plan.Tags = orEmpty(plan.Tags)
		return &plan, err
	})
}

// deleteUsagePlan also detaches the plan's keys, and deletes their usage.
func (s *Service) deleteUsagePlan(r *http.Request, _ *none) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		plan, err := findPlan(tx, r.PathValue("plan"))
		if err != nil {
			return err
		}
		if len(plan.APIStages) > 0 {
			st := plan.APIStages[0]
			return badRequest("Cannot delete Usage Plan %s because there are API Stages associated with it, including %s:%s", plan.ID, st.APIID, st.Stage)
		}
		for _, keyID := range keysOf(bucket(tx, "plankeys", plan.ID)) {
			if err := bucket(tx, "keyplans", keyID).Delete([]byte(plan.ID)); err != nil {
				return err
			}
		}
		for _, part := range []string{"plankeys", "usage"} {
			if err := drop(tx, part, plan.ID); err != nil {
				return err
			}
		}
		return bucket(tx, "plans").Delete([]byte(plan.ID))
	})
}

func findPlan(tx *store.Tx, id string) (usagePlan, error) {
	plan, ok, err := store.GetJSON[usagePlan](bucket(tx, "plans"), id)
	if err == nil && !ok {
		err = notFound("Invalid Usage Plan ID specified")
	}
	return plan, err
}

func detachStages(tx *store.Tx, gone func(stageID) bool) error {
	plans, err := store.AllJSON[usagePlan](bucket(tx, "plans"))
	if err != nil {
		return err
	}
	for _, plan := range plans {
		kept := slices.DeleteFunc(slices.Clone(plan.APIStages), func(st apiStage) bool { return gone(st.stageID) })
		if len(kept) == len(plan.APIStages) {
			continue
		}
		plan.APIStages = kept
		if err := store.PutJSON(bucket(tx, "plans"), plan.ID, plan); err != nil {
			return err
		}
	}
	return nil
}

func keysOf(b store.Bucket) []string {
	var all []string
	c := b.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		all = append(all, string(k))
	}
	return all
}
