package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type usageDay struct {
	Date             string
	Used             int64
	Limit, Remaining *int64
}

type usageItem struct {
	Plan, Key string
	PlanName  string `json:"plan_name"`
	Used      int64
	Days      []usageDay
}

// collectUsage asks for a run of the job usage.
func (s *site) collectUsage(t *testing.T) {
	t.Helper()
	s.demand(t, "usage")
}

// demand asks for a run of a job.
func (s *site) demand(t *testing.T, job string) {
	t.Helper()
	now := time.Now()
	body, err := events.Encode(jobs.Demand(job, portal.DeriveID("test", now.String()), "test", now))
	if err != nil {
		t.Fatal(err)
	}
	s.put(t, names.Jobs, string(body))
}

func (p person) usage(query string) []usageItem {
	p.t.Helper()
	return decode[items[usageItem]](p.do(http.MethodGet, "/api/v1/usage"+query, "").want(http.StatusOK)).Items
}

func TestCallsAreCountedShownAndToldOf(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	free := s.Demo.API.FreePlanID
	p := s.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+free, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "")).Items[0].ID
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
	if got := p.usage(""); len(got) != 0 {
		t.Errorf("before the first collection there is %+v", got)
	}

	// A quota of ten requests a month.
	_, err := apigateway.NewFromConfig(s.aws).UpdateUsagePlan(t.Context(), &apigateway.UpdateUsagePlanInput{UsagePlanId: &free, PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String("/quota/limit"), Value: aws.String("10")}, {Op: types.OpReplace, Path: aws.String("/quota/period"), Value: aws.String("MONTH")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if got := s.call(t, value); got != http.StatusOK {
			t.Fatalf("the API answers %d", got)
		}
	}
	s.collectUsage(t)
	today := time.Now().UTC().Format(time.DateOnly)
	eventually(t, "eight calls are counted", func() bool {
		got := p.usage("")
		return len(got) == 1 && got[0].Used == 8
	})
	got := p.usage("?plan=" + free + "&key=" + id)
	last := got[0].Days[len(got[0].Days)-1]
	if got[0].Plan != free || got[0].Key != id || last.Date != today || last.Limit == nil || *last.Limit != 10 || *last.Remaining != 2 {
		t.Errorf("the usage is %+v", got)
	}
	csv := p.do(http.MethodGet, "/api/v1/subscriptions/"+free+"/usage?format=csv", "").want(http.StatusOK).body
	if !strings.Contains(string(csv), fmt.Sprintf("%s,%s,%s,%s,Default key,8,10,2,MONTH,", today, free, got[0].PlanName, id)) {
		t.Errorf("the CSV is %s", csv)
	}
	v := s.visitor(t)
	v.open("/apis").signIn("ada@example.com", password)
	eventually(t, "the activity tells of the quota", func() bool {
		return strings.Contains(v.open("/activity").text("main"), "Default key has used 80 % of its quota of "+got[0].PlanName+" for this month.")
	})

	// The calls since the last collection are read before the key leaves the plan.
	for range 2 {
		s.call(t, value)
	}
	p.succeed(p.do(http.MethodDelete, "/api/v1/subscriptions/"+free, ""))
	if got := p.usage(""); len(got) != 1 || got[0].Used != 10 {
		t.Errorf("after leaving the usage is %+v", got)
	}
	eventually(t, "the activity tells that the quota is used up", func() bool {
		return strings.Contains(v.open("/activity").text("main"), "Default key has used up its quota of "+got[0].PlanName+" for this month, 10 requests.")
	})
	if other := s.signUp(t, "eve@example.com"); len(other.usage("")) != 0 || other.do(http.MethodGet, "/api/v1/usage?key="+id, "").status != http.StatusNotFound {
		t.Error("another person sees the usage")
	}
	if days := p.usage("?start=" + today)[0].Days; !slices.ContainsFunc(days, func(d usageDay) bool { return d.Used == 10 }) {
		t.Errorf("today's usage is %+v", days)
	}
}
