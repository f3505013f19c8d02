package simulate

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/outputtest"
)

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ran runs a local portal until the test ends, and returns what its commands are configured with.
func ran(t *testing.T) app.Process {
	t.Helper()
	cfg, err := app.LoadConfig(nil)
	ok(t, err)
	log := &outputtest.Buffer{}
	ready, done := make(chan local.Portal, 1), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		done <- local.Run(ctx, app.Process{Config: cfg, Log: zerolog.New(log).Level(zerolog.WarnLevel), Metrics: app.NewMetrics("gatehouse")}, local.Options{Dir: t.TempDir(), Ready: ready})
	}()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the local portal stops with %v", err)
		}
		if t.Failed() {
			t.Logf("its log:\n%s", log)
		}
	})
	t.Cleanup(stop)
	select {
	case running := <-ready:
		cfg.BaseURL, cfg.OIDCClientID, cfg.Catalog = running.PortalURL, running.Demo.ClientID, filepath.Join(running.Dir, "catalog")
		return app.Process{Config: cfg, AWS: aws.Config{BaseEndpoint: &running.AWSURL}}
	case err := <-done:
		done <- nil
		t.Fatalf("the local portal does not start: %v\n%s", err, log)
	case <-time.After(time.Minute):
		t.Fatalf("the local portal does not start\n%s", log)
	}
	return app.Process{}
}

func TestEveryOrderGivesTheAccessThatAWSSaidLast(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), ran(t))
	ok(t, err)
	all := map[string]Scenario{}
	err = s.All(t.Context(), func(one Scenario) {
		name := one.Listing + ": " + one.Name
		if one.Contract {
			name = one.Listing + ", contract: " + one.Name
		}
		all[name] = one
		if one.Result != Right && one.Result != NotPlayed {
			t.Errorf("%s: %s: %s: %s\n%+v", one.Listing, one.Name, one.Result, one.Note, one.Steps)
		}
	})
	ok(t, err)
	for name, least := range map[string]int{"eventbridge: what was used is billed": 10, "eventbridge, contract: what was used is billed": 3, "sns, contract: what was used is billed": 3} {
		billed, calls := all[name], int64(0)
		for _, step := range billed.Steps {
			calls += step.Metered.Calls
		}
		if billed.Result != Right || len(billed.Steps) < least || calls < int64(least) {
			t.Errorf("%s: the ledger of %d calls is %+v", name, calls, billed)
		}
		delete(all, name)
	}
	for name, want := range map[string]string{
		"eventbridge: claim before payment":               "no yes",
		"sns: claim before payment":                       "no yes",
		"eventbridge: payment before claim":               "no yes",
		"sns: payment before claim":                       "no yes",
		"eventbridge: a failed payment, then a paid one":  "no no no yes no",
		"sns: a failed payment, then a paid one":          "no no yes",
		"eventbridge: cancelled and ended":                "no yes yes no",
		"sns: cancelled and ended":                        "no yes no no",
		"eventbridge: an old notice arrives again":        "no yes yes no no",
		"sns: an old notice arrives again":                "no yes no no no",
		"eventbridge: cancelled and bought again at once": "no yes yes yes yes yes no",
		"sns: cancelled and bought again at once":         "no yes no yes",
		"eventbridge: a notice arrives late":              "no yes",
		"eventbridge: a notice is lost":                   "no yes",
		"sns: a notice arrives late":                      "no no yes",
		"eventbridge: renewed with the same licence":      "no yes yes",
		"sns: renewed with the same licence":              "no yes yes",
		"eventbridge: renewed with another licence":       "no yes yes yes no yes",
		"eventbridge: two licences of one account":        "no yes no yes yes yes no yes",
		"sns: two licences of one account":                "no yes no yes yes no no yes",
		"eventbridge: another account claims the licence": "no yes no yes",
		"sns: another account claims the licence":         "no yes no yes",

		"eventbridge, contract: another dimension is bought":                 "no yes yes yes",
		"sns, contract: another dimension is bought":                         "no yes yes yes",
		"eventbridge, contract: more of a dimension is bought":               "no yes yes",
		"sns, contract: more of a dimension is bought":                       "no yes yes",
		"eventbridge, contract: the notice of another dimension is lost":     "no yes yes",
		"eventbridge, contract: a contract is renewed with the same licence": "no yes yes yes",
		"sns, contract: a contract is renewed with the same licence":         "no yes yes yes",
	} {
		var got []string
		for _, step := range all[name].Steps {
			got = append(got, map[bool]string{true: "yes", false: "no"}[step.Access])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: the access after each step is %v, want %s", name, got, want)
		}
		delete(all, name)
	}
	for name, left := range all {
		if name != "sns: a notice is lost" && name != "sns, contract: the notice of another dimension is lost" && name != "sns: renewed with another licence" && name != "sns: what was used is billed" || left.Result != NotPlayed || left.Note == "" || len(left.Steps) > 0 {
			t.Errorf("%s is %+v, and no test expects it", name, left)
		}
	}
}

func TestABuyerTakesStepsOneByOne(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), ran(t))
	ok(t, err)
	for _, older := range []bool{false, true} {
		bought, err := s.Buy(t.Context(), older, false)
		ok(t, err)
		if bought.Status != "ACTIVE" || bought.Entitlement != "PENDING" || bought.Older != older || strings.HasPrefix(bought.Licence, "legacy/") != older {
			t.Errorf("the purchase is %+v", bought)
		}
		res, err := http.Get(bought.Arrival)
		ok(t, err)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("the page from which the buyer comes answers %s", res.Status)
		}
		for _, one := range []struct{ step, entitlement, refusal string }{
			{"pay", "PROVISIONED", ""}, {"pay", "", "The local AWS Marketplace refuses: the entitlement of agreement " + bought.Agreement + " is PROVISIONED."},
			{"cancel", "PROVISIONED", ""}, {"resubscribe", "PROVISIONED", ""},
		} {
			after, err := s.Take(t.Context(), one.step, bought.Agreement)
			if one.refusal != "" {
				if err == nil || !strings.HasSuffix(err.Error(), one.refusal) {
					t.Errorf("%s: %v, want %q", one.step, err, one.refusal)
				}
				continue
			}
			if err != nil || after.Entitlement != one.entitlement || (after.Agreement == bought.Agreement) != (one.step != "resubscribe") {
				t.Errorf("%s: %+v, %v", one.step, after, err)
			}
		}
	}
	for _, older := range []bool{false, true} {
		bought, err := s.Buy(t.Context(), older, true)
		ok(t, err)
		if bought.Older != older || bought.Bought[Small] != 1 {
			t.Errorf("the contract is %+v", bought)
		}
		for _, c := range []struct {
			dimension string
			quantity  int
			want      string
		}{{"", 1, "map[large:1]"}, {"", 2, "map[small:2]"}, {"large", 5, "map[large:5]"}} {
			if after, err := s.Amend(t.Context(), bought.Agreement, c.dimension, c.quantity); err != nil || fmt.Sprint(after.Bought) != c.want {
				t.Errorf("%+v: %+v, %v", c, after, err)
			}
		}
		if _, err := s.Amend(t.Context(), bought.Agreement, "huge", 1); err == nil || !strings.Contains(err.Error(), "has no contract dimension huge") {
			t.Errorf("an unknown dimension: %v", err)
		}
	}
	plain, err := s.Buy(t.Context(), false, false)
	ok(t, err)
	if _, err := s.Amend(t.Context(), plain.Agreement, "", 1); err == nil || !strings.Contains(err.Error(), "is no contract") {
		t.Errorf("a purchase without a contract: %v", err)
	}
	if _, err := s.Take(t.Context(), "pay", "../settings"); err == nil {
		t.Error("a made-up agreement can be paid for")
	}
}

func TestTheSimulatorRefusesAnythingButALocalPortal(t *testing.T) {
	t.Parallel()
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached = true
		http.NotFound(w, nil)
	}))
	t.Cleanup(other.Close)
	for name, c := range map[string]struct{ endpoint, base, client, says string }{
		"AWS itself":                           {"", "http://localhost:8080", "c", "AWS_ENDPOINT_URL is not set, so this is AWS itself"},
		"an endpoint elsewhere":                {"https://aws.example.com", "http://localhost:8080", "c", "https://aws.example.com, which is not on this machine"},
		"a name that only looks local":         {"https://localhost.example.com", "http://localhost:8080", "c", "which is not on this machine"},
		"a local name as the user":             {"https://localhost@aws.example.com", "http://localhost:8080", "c", "which is not on this machine"},
		"a portal elsewhere":                   {"http://localhost:4566", "https://portal.example.com", "c", "GATEHOUSE_BASE_URL is https://portal.example.com"},
		"no client":                            {"http://localhost:4566", "http://localhost:8080", "", "GATEHOUSE_OIDC_CLIENT_ID is not set"},
		"a server that is no local AWS":        {other.URL, "http://localhost:8080", "c", "No local AWS Marketplace answers at " + other.URL},
		"a port at which nothing listens":      {"http://127.0.0.1:1", "http://localhost:8080", "c", "No local AWS Marketplace answers at http://127.0.0.1:1"},
		"an address that cannot be an address": {"://", "http://localhost:8080", "c", "which is not on this machine"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), app.Process{
				AWS: aws.Config{BaseEndpoint: &c.endpoint}, Config: app.Config{BaseURL: c.base, OIDCClientID: c.client},
			})
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "`gatehouse local`") {
				t.Errorf("it says %v, want %q", err, c.says)
			}
		})
	}
	if !reached {
		t.Error("the server that is no local AWS was not asked")
	}
}

func TestAWrongAccessIsReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step  Step
		right bool
	}{
		"access and active":                         {Step{AWS: "active", State: "active", Claimed: true, Access: true}, true},
		"no access and active":                      {Step{AWS: "active", State: "active", Claimed: true}, false},
		"access and ended":                          {Step{AWS: "ended", State: "ended", Claimed: true, Access: true}, false},
		"the portal has not heard":                  {Step{AWS: "ended", State: "active", Claimed: true}, false},
		"no access and waiting":                     {Step{AWS: "waiting", State: "waiting", Claimed: true}, true},
		"access before the payment":                 {Step{AWS: "waiting", State: "waiting", Claimed: true, Access: true}, false},
		"the workers have read an agreement":        {Step{AWS: "waiting", Agreement: "active", State: "active", Claimed: true, Access: true}, true},
		"they have not read it":                     {Step{AWS: "waiting", Agreement: "active", State: "waiting", Claimed: true}, true},
		"access to an agreement they have not read": {Step{AWS: "waiting", Agreement: "active", State: "waiting", Claimed: true, Access: true}, false},
		"no state of a claimed licence":             {Step{AWS: "active", Claimed: true}, false},
		"nobody has claimed it":                     {Step{AWS: "active"}, true},
		"access although nobody claims it":          {Step{AWS: "active", Access: true}, false},
	} {
		if got := c.step.right(); got != c.right {
			t.Errorf("%s: right is %t", name, got)
		}
	}
}

func TestAKeyThatTheAPIRefusesAlthoughAWSSaysActiveIsADifference(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), ran(t))
	ok(t, err)
	on, err := s.listing(t.Context(), marketplace.EventBridge)
	ok(t, err)
	result := s.run(t.Context(), on, scenario{name: "the key is detached", play: func(ctx context.Context, p *play) error {
		h, err := p.active(ctx)
		if err != nil {
			return err
		}
		attached, err := s.plans.GetUsagePlanKeys(ctx, &apigateway.GetUsagePlanKeysInput{UsagePlanId: &on.plan})
		if err != nil || len(attached.Items) != 1 {
			return fmt.Errorf("the plan has %d keys: %w", len(attached.Items), err)
		}
		if _, err := s.plans.DeleteUsagePlanKey(ctx, &apigateway.DeleteUsagePlanKeyInput{UsagePlanId: &on.plan, KeyId: attached.Items[0].Id}); err != nil {
			return err
		}
		s.patience = 2 * time.Second
		return p.check(ctx, "detach", h)
	}})
	if result.Result != Differs || !strings.Contains(result.Note, `after "detach", AWS says active, the portal says "active", and the API lets the key in: false`) {
		t.Errorf("the result is %+v", result)
	}
}

func TestAScenarioThatFailsFailsTheRun(t *testing.T) {
	t.Parallel()
	run := func(play func(context.Context, *play) error) Scenario {
		return (&Simulator{}).run(t.Context(), listing{kind: "sns"}, scenario{name: "one", play: play})
	}
	broken := run(func(context.Context, *play) error { return fmt.Errorf("the queue is gone") })
	differs := run(func(_ context.Context, p *play) error {
		p.played.Result = Differs
		return fmt.Errorf("the key still works")
	})
	if broken.Result != Broken || broken.Note != "the queue is gone" || differs.Result != Differs || differs.Note != "the key still works" {
		t.Errorf("the results are %+v and %+v", broken, differs)
	}
}
