package gateway

import (
	"errors"
	"io"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestInspectingReturnsTheNameAndWhetherTheKeyIsEnabled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	key := w.Key(t, "gatehouse/a/k")
	if state, err := s.Inspect(t.Context(), key); err != nil || state != (KeyState{Name: "gatehouse/a/k", Enabled: true}) {
		t.Errorf("state %+v, %v", state, err)
	}
	_, err := w.API.UpdateApiKey(t.Context(), &apigateway.UpdateApiKeyInput{ApiKey: aws.String(string(key)), PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String("/enabled"), Value: aws.String("false")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := s.Inspect(t.Context(), key); err != nil || state.Enabled {
		t.Errorf("disabled: %+v, %v", state, err)
	}
	if err := s.Present(t.Context(), key); err != nil {
		t.Errorf("a disabled key is present: %v", err)
	}
}

func TestRenamingChangesNothingButTheName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	key := w.Key(t, "renamed by hand")
	before := w.Keys(t)[key]
	for range 2 {
		if err := s.Rename(t.Context(), key, "gatehouse/a/k"); err != nil {
			t.Fatal(err)
		}
	}
	after := w.Keys(t)[key]
	if aws.ToString(after.Name) != "gatehouse/a/k" || aws.ToString(after.Value) != aws.ToString(before.Value) || !after.Enabled {
		t.Errorf("the key was %+v and is %+v", before, after)
	}
	if id, found, err := s.FindKey(t.Context(), "gatehouse/a/k"); id != key || !found || err != nil {
		t.Errorf("found %s, %v, %v", id, found, err)
	}
}

func TestTheCustomerOfAKeyIsSetReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	key, err := s.CreateKey(t.Context(), Key{Name: "gatehouse/a/k", Value: value(1), Customer: "cust"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cust", "other", ""} {
		if want != "cust" {
			if err := s.SetCustomer(t.Context(), key, want); err != nil {
				t.Fatal(err)
			}
		}
		is, err := s.Inspect(t.Context(), key)
		if err != nil || is.Customer != want || !is.Enabled {
			t.Errorf("the key is %+v, %v; want the customer %q", is, err, want)
		}
		listed, err := s.Keys(t.Context(), "gatehouse/")
		if err != nil || len(listed) != 1 || listed[0].Customer != want {
			t.Errorf("the list has %+v, %v; want the customer %q", listed, err, want)
		}
	}
	if without := w.Key(t, "gatehouse/a/k2"); aws.ToString(w.Keys(t)[without].CustomerId) != "" {
		t.Error("a key without a customer has one")
	}
	var no *Refused
	if err := s.SetCustomer(t.Context(), "gone", "cust"); !errors.As(err, &no) || no.Reason != KeyGone {
		t.Errorf("of a key that is gone: %v", err)
	}
}

func TestDeletingAKeyTwiceOrAfterALostAnswerSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	plan, key, other := w.Plan(t, "Free"), w.Key(t, "k"), w.Key(t, "other")
	if err := s.Attach(t.Context(), plan, key); err != nil {
		t.Fatal(err)
	}
	w.Wire.Once("DeleteApiKey", gatewaytest.Lost)
	var unavailable *Unavailable
	if err := s.DeleteKey(t.Context(), key); !errors.As(err, &unavailable) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an answer that is lost: %v", err)
	}
	for range 2 {
		if err := s.DeleteKey(t.Context(), key); err != nil {
			t.Errorf("again: %v", err)
		}
	}
	keys := w.Keys(t)
	if _, ok := keys[other]; !ok || len(keys) != 1 {
		t.Errorf("keys left: %v", keys)
	}
}

func TestDeletingTakesFromTheBucketOfDeletions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	if err := s.DeleteKey(t.Context(), "nosuch"); err != nil {
		t.Fatal(err)
	}
	item, err := s.cp.budget.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if full := s.cp.budget.limits[deleteKey].burst; item.Tokens[deleteKey] != full-1 {
		t.Errorf("%v tokens are left of %v", item.Tokens[deleteKey], full)
	}
}

func TestCallsAboutAKeyThatIsGoneSaySo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(t)
	_, inspected := s.Inspect(t.Context(), "nosuch")
	for what, err := range map[string]error{
		"inspecting": inspected,
		"looking":    s.Present(t.Context(), "nosuch"),
		"renaming":   s.Rename(t.Context(), "nosuch", "n"),
	} {
		if reasonOf(err) != KeyGone {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestThePlansOfAKeyAreListedWithTheirStages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Wire.PageSize = 1
	s := w.session(t)
	pets, birds := w.RestAPI(t, "Pets", "prod"), w.RestAPI(t, "Birds", "prod")
	key := w.Key(t, "k")
	want := map[portal.PlanID][]portal.Stage{}
	for name, api := range map[string]string{"Free": pets, "Gold": birds} {
		plan := w.Plan(t, name, api, "prod")
		want[plan] = []portal.Stage{{API: api, Stage: "prod"}}
		if err := s.Attach(t.Context(), plan, key); err != nil {
			t.Fatal(err)
		}
	}
	w.Plan(t, "Not of the key", pets, "prod")
	plans, err := s.PlansOf(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	got := map[portal.PlanID][]portal.Stage{}
	for i, id := range PlanIDs(plans) {
		got[id] = plans[i].Stages
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plans (-want +got):\n%s", diff)
	}
	if plans, err := s.PlansOf(t.Context(), "nosuch"); len(plans) != 0 || err != nil {
		t.Errorf("plans of a key that is gone: %v, %v", plans, err)
	}
}
