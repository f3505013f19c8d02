package keyimport

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
)

func (w *world) probe(t *testing.T) (Finding, error) {
	t.Helper()
	return ProbeFreely(t.Context(), gateway.Client(w.Tampered()), "gatehouse")
}

func (w *world) wantNothingLeft(t *testing.T) {
	t.Helper()
	plans, err := w.API.GetUsagePlans(t.Context(), &apigateway.GetUsagePlansInput{})
	if err != nil {
		t.Fatal(err)
	}
	if keys := w.Keys(t); len(keys) != 0 || len(plans.Items) != 0 {
		t.Errorf("left behind: keys %v, plans %v", keys, plans.Items)
	}
}

func TestAProbeOfALocalAWSFindsImportsUsableAndLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	finding, err := w.probe(t)
	if err != nil {
		t.Fatal(err)
	}
	if !finding.Usable || len(finding.Observations) < 10 {
		t.Errorf("finding %+v", finding)
	}
	for _, o := range finding.Observations {
		if !o.Expected {
			t.Errorf("%s: %s", o.What, o.Seen)
		}
	}
	w.wantNothingLeft(t)
}

func TestAProbeWithinTheBudgetWaitsForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	finding, err := Probe(t.Context(), w.controlPlane(t, w.process(t, 1), gateway.Config{}), "gatehouse")
	if err != nil || !finding.Usable {
		t.Errorf("%+v, %v", finding, err)
	}
	w.wantNothingLeft(t)
}

func TestAProbeThatIsRefusedOrSeesLessFindsImportsUnusable(t *testing.T) {
	t.Parallel()
	empty := func(field string) func(func() (*http.Response, error)) (*http.Response, error) {
		return func(pass func() (*http.Response, error)) (*http.Response, error) {
			resp, err := pass()
			if err == nil {
				_ = resp.Body.Close()
				resp.Body = io.NopCloser(strings.NewReader(`{"` + field + `": []}`))
				resp.ContentLength = -1
			}
			return resp, err
		}
	}
	for name, c := range map[string]struct {
		call   string
		tamper func(func() (*http.Response, error)) (*http.Response, error)
		tells  string
	}{
		"the import is refused":        {"ImportApiKeys", gatewaytest.Answer(400, "BadRequestException", "no imports here"), "no imports here"},
		"the keys are not listed":      {"GetApiKeys", empty("item"), "0 of 3"},
		"the ids are not answered":     {"ImportApiKeys", empty("ids"), "0 ids"},
		"the attachment is not listed": {"GetUsagePlanKeys", empty("item"), "0 of 3"},
		"the key has another value":    {"GetApiKey", empty("stageKeys"), "no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Wire.Once(c.call, c.tamper)
			finding, err := w.probe(t)
			if err != nil || finding.Usable {
				t.Fatalf("%+v, %v", finding, err)
			}
			told := false
			for _, o := range finding.Observations {
				told = told || !o.Expected && o.Needed && strings.Contains(o.Seen, c.tells)
			}
			if !told {
				t.Errorf("the finding does not say %q: %+v", c.tells, finding.Observations)
			}
			w.wantNothingLeft(t)
		})
	}
}

func TestAProbeThatIsNotPermittedHasNoFindingAndLeavesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.Once("ImportApiKeys", gatewaytest.Answer(403, "AccessDeniedException", "not you"))
	finding, err := w.probe(t)
	var unavailable *gateway.Unavailable
	if len(finding.Observations) != 0 || !errors.As(err, &unavailable) || !unavailable.Forbidden {
		t.Errorf("%+v, %v", finding, err)
	}
	w.wantNothingLeft(t)
}

func TestAFindingIsStoredAndTakesEffectAfterAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	findings := NewFindings(w.DB, gatewaytest.Records, "us-east-1", func() time.Time { return now })
	if findings.Usable(t.Context()) {
		t.Error("imports are usable without a finding")
	}
	want := Finding{Usable: true, Observations: []Observation{{What: "a", Seen: "b", Needed: true, Expected: true}}}
	saved, err := findings.Save(t.Context(), want)
	if err != nil || !saved.At.Equal(now) || saved.Region != "us-east-1" {
		t.Fatalf("%+v, %v", saved, err)
	}
	if findings.Usable(t.Context()) {
		t.Error("the table was read again at once")
	}
	now = now.Add(freshFinding)
	if !findings.Usable(t.Context()) {
		t.Error("the finding has no effect")
	}
	last, ok, err := findings.Last(t.Context())
	if err != nil || !ok || !last.Usable || len(last.Observations) != 1 || !last.At.Equal(now.Add(-freshFinding)) {
		t.Errorf("%+v, %v, %v", last, ok, err)
	}
	if _, ok, err := NewFindings(w.DB, gatewaytest.Records, "eu-west-1", nil).Last(t.Context()); ok || err != nil {
		t.Errorf("another Region's finding counts: %v", err)
	}
}

func TestATimeOfAProbeTooFarAheadCountsAsNow(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_800_000_000_000)
	for at, want := range map[time.Duration]bool{clock.Skew: true, clock.Skew + time.Millisecond: false} {
		w := newWorld(t)
		stored := now.Add(at).UTC().Format(time.RFC3339Nano)
		_, err := w.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(gatewaytest.Records), Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: "import-probe"}, "sk": &types.AttributeValueMemberS{Value: "result"},
			"region": &types.AttributeValueMemberS{Value: "r"}, "at": &types.AttributeValueMemberS{Value: stored},
		}})
		if err != nil {
			t.Fatal(err)
		}
		last, ok, err := NewFindings(w.DB, gatewaytest.Records, "r", func() time.Time { return now }).Last(t.Context())
		if believed := err == nil && ok && !last.At.Equal(now); believed != want {
			t.Errorf("%v ahead: believed %v, want %v", at, believed, want)
		}
	}
}
