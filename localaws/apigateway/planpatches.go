package apigateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func (s *Service) updateUsagePlan(r *http.Request, in *patches) (*usagePlan, error) {
	return update(s, func(tx *store.Tx) (*usagePlan, error) {
		plan, err := findPlan(tx, r.PathValue("plan"))
		if err != nil {
			return nil, err
		}
		before := plan
		if err := in.apply(func(p patch) error { return plan.patch(tx, p) }); err != nil {
			return nil, err
		}
		if err := plan.check(s.limits); err != nil {
			return nil, err
		}
		added := slices.DeleteFunc(slices.Clone(plan.APIStages), func(st apiStage) bool { return before.index(st.stageID) >= 0 })
		if err := checkKeysOfPlan(tx, plan.ID, added); err != nil {
			return nil, err
		}
		plan.Tags = orEmpty(plan.Tags)
		return &plan, store.PutJSON(bucket(tx, "plans"), plan.ID, plan)
	})
}

// planPaths are AWS's paths, except those of throttles per method: see patchThrottle.
var planPaths = map[string][]string{
	"remove": {"/apiStages", "/quota", "/throttle", "/productCode", "/description"},
	"add":    {"/apiStages", "/quota/limit", "/quota/offset", "/quota/period", "/throttle/burstLimit", "/throttle/rateLimit", "/productCode"},
	"replace": {
		"/name", "/description", "/productCode", "/quota/limit", "/quota/offset", "/quota/period",
		"/throttle/burstLimit", "/throttle/rateLimit",
	},
}

func (plan *usagePlan) patch(tx *store.Tx, p patch) error {
	if rest, ok := strings.CutPrefix(p.Path, "/apiStages/"); ok {
		return plan.patchThrottle(p, rest)
	}
	if !slices.Contains(planPaths[p.Op], p.Path) {
		return p.invalid(planPaths[p.Op]...)
	}
	switch p.Path {
	case "/name":
		plan.Name = p.Value
	case "/description":
		plan.Description = p.Value
	case "/productCode":
		plan.ProductCode = p.Value
	case "/apiStages":
		return plan.patchStages(tx, p)
	case "/throttle":
		plan.Throttle = nil
	case "/quota":
		plan.Quota = nil
	default:
		return plan.patchLimits(p)
	}
	return nil
}

func (plan *usagePlan) patchStages(tx *store.Tx, p patch) error {
	id, err := parseStageID(p.Value)
	if err != nil {
		return err
	}
	if p.Op == "add" {
		return plan.addStage(tx, apiStage{stageID: id})
	}
	i := plan.index(id)
	if i < 0 {
		return plan.invalidStage(id)
	}
	plan.APIStages = slices.Delete(slices.Clone(plan.APIStages), i, i+1)
	return nil
}

func parseStageID(text string) (stageID, error) {
	api, name, ok := strings.Cut(text, ":")
	if !ok || api == "" || name == "" {
		return stageID{}, badRequest("Invalid API Stage specified")
	}
	return stageID{APIID: api, Stage: name}, nil
}

func (plan *usagePlan) patchLimits(p patch) error {
	if strings.HasPrefix(p.Path, "/throttle/") && plan.Throttle == nil {
		plan.Throttle = &throttle{}
	}
	if strings.HasPrefix(p.Path, "/quota/") && plan.Quota == nil {
		plan.Quota = &quota{}
	}
	var err error
	switch p.Path {
	case "/throttle/rateLimit":
		plan.Throttle.RateLimit, err = strconv.ParseFloat(p.Value, 64)
	case "/throttle/burstLimit":
		plan.Throttle.BurstLimit, err = strconv.Atoi(p.Value)
	case "/quota/limit":
		plan.Quota.Limit, err = strconv.ParseInt(p.Value, 10, 32)
	case "/quota/offset":
		plan.Quota.Offset, err = strconv.ParseInt(p.Value, 10, 32)
	case "/quota/period":
		plan.Quota.Period = p.Value
	}
	if err != nil {
		return badRequest("Invalid value specified for %s: %s", p.Path, p.Value)
	}
	return nil
}
