package apigateway

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// methodName normalizes a method's name in a plan's throttles: path and verb, each after
// one slash. AWS's examples of patch paths begin it with two slashes, or escape slashes as
// in JSON pointers.
func methodName(text string) string {
	return "/" + strings.TrimLeft(strings.ReplaceAll(text, "~1", "/"), "/")
}

func (st apiStage) checkThrottles(l limits) error {
	if len(st.Throttle) > l.throttlesPerStage {
		return limitExceeded("Maximum number of method throttles per API stage has been reached: %d", l.throttlesPerStage)
	}
	for name, limit := range st.Throttle {
		verb := name[strings.LastIndexByte(name, '/')+1:]
		switch {
		case !slices.Contains(verbs, verb):
			return badRequest("Invalid method specified for the throttle of API Stage %s:%s: %s", st.APIID, st.Stage, name)
		case !limit.valid():
			return badRequest("Invalid Usage Plan throttle limits specified")
		}
	}
	return nil
}

// patchThrottle changes the throttles of a stage's methods. rest is the part of the path after
// /apiStages/:
//
//	{apiId}:{stage}/throttle                                     remove
//	{apiId}:{stage}/throttle/{resourcePath}/{httpMethod}         remove
//	{apiId}:{stage}/throttle/{resourcePath}/{httpMethod}/{limit} add, replace
func (plan *usagePlan) patchThrottle(p patch, rest string) error {
	text, name, ok := strings.Cut(rest, "/throttle")
	id, err := parseStageID(text)
	if err != nil {
		return err
	}
	i := plan.index(id)
	if i < 0 {
		return plan.invalidStage(id)
	}
	plan.APIStages = slices.Clone(plan.APIStages)
	st := &plan.APIStages[i]
	st.Throttle = maps.Clone(st.Throttle)
	switch {
	case !ok || name != "" && name[0] != '/':
	case p.Op == "remove" && name == "":
		st.Throttle = nil
		return nil
	case p.Op == "remove":
		return st.removeThrottle(methodName(name))
	case p.Op == "add" || p.Op == "replace":
		if name, ok := strings.CutSuffix(name, "/rateLimit"); ok {
			return st.setThrottle(p, methodName(name), func(t *throttle) (err error) {
				t.RateLimit, err = strconv.ParseFloat(p.Value, 64)
				return err
			})
		}
		if name, ok := strings.CutSuffix(name, "/burstLimit"); ok {
			return st.setThrottle(p, methodName(name), func(t *throttle) (err error) {
				t.BurstLimit, err = strconv.Atoi(p.Value)
				return err
			})
		}
	}
	return p.invalid(append(slices.Clone(planPaths[p.Op]), "/apiStages/{apiId:stage}/throttle/{resourcePath}/{httpMethod}/rateLimit",
		"/apiStages/{apiId:stage}/throttle/{resourcePath}/{httpMethod}/burstLimit")...)
}

func (st *apiStage) removeThrottle(name string) error {
	if _, ok := st.Throttle[name]; !ok {
		return notFound("Invalid method specified for the throttle of API Stage %s:%s: %s", st.APIID, st.Stage, name)
	}
	delete(st.Throttle, name)
	return nil
}

func (st *apiStage) setThrottle(p patch, name string, set func(*throttle) error) error {
	limit := st.Throttle[name]
	if err := set(&limit); err != nil {
		return badRequest("Invalid value specified for %s: %s", p.Path, p.Value)
	}
	if st.Throttle == nil {
		st.Throttle = map[string]throttle{}
	}
	st.Throttle[name] = limit
	return nil
}
