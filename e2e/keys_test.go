// This file tests the life of keys by the JSON API.

package e2e

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// keyOf returns the person's key with that name in that state.
func (p person) keyOf(name, state string) string {
	p.t.Helper()
	for _, k := range decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items {
		if k.Name == name && k.State == state {
			return k.ID
		}
	}
	p.t.Fatalf("there is no %s key called %s", state, name)
	return ""
}

func (p person) valueOf(id string) string {
	p.t.Helper()
	return decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
}

func TestKeysAreCreatedRotatedAndEnded(t *testing.T) {
	t.Parallel()
	s := startWith(t, settings{dir: t.TempDir(), env: []string{"GATEHOUSE_KEYS_PER_RING=2"}})
	s.waitForCatalog(t)
	p := s.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.PlusPlanID, ""))
	answers := func(value string, want int) {
		t.Helper()
		if got := s.call(t, value); got != want {
			t.Errorf("the API answers %d, want %d", got, want)
		}
	}

	created := p.succeed(p.do(http.MethodPost, "/api/v1/keys", `{"name":"CI 🚢"}`))
	var steps []string
	for _, step := range created.Steps {
		steps = append(steps, step.Name)
	}
	if want := []string{"KeyWanted", "KeyCreated", "KeyAttached", "KeyReady"}; !slices.Equal(steps, want) {
		t.Errorf("the steps are %v, want %v", steps, want)
	}
	first, second := p.keyOf("Default key", "active"), p.keyOf("CI 🚢", "active")
	old, ci := p.valueOf(first), p.valueOf(second)
	answers(old, http.StatusOK)
	answers(ci, http.StatusOK)
	if op := p.finish(p.do(http.MethodPost, "/api/v1/keys", `{"name":"Third"}`)); op.Status != "rejected" || op.Reason.Code != "limit_reached" {
		t.Errorf("a third key ended %+v", op)
	}

	p.succeed(p.do(http.MethodPost, "/api/v1/keys/"+first+"/rotate", `{"overlap":"1h"}`))
	var renewed string
	for _, k := range decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items {
		if k.Name == "Default key" && k.ID != first {
			renewed = p.valueOf(k.ID)
		}
	}
	answers(old, http.StatusOK)
	answers(renewed, http.StatusOK)
	if op := p.finish(p.do(http.MethodPost, "/api/v1/keys/"+first+"/rotate", `{"overlap":"1h"}`)); op.Status != "rejected" || op.Reason.Code != "conflict" {
		t.Errorf("a second rotation at once ended %+v", op)
	}
	p.succeed(p.do(http.MethodPost, "/api/v1/keys/"+first+"/end", `{"at":"`+inHours(2)+`"}`))
	p.succeed(p.do(http.MethodPost, "/api/v1/keys/"+first+"/end", ""))
	answers(old, http.StatusForbidden)
	answers(renewed, http.StatusOK)

	p.succeed(p.do(http.MethodPatch, "/api/v1/keys/"+second, `{"name":"Build"}`))
	p.succeed(p.do(http.MethodPost, "/api/v1/keys/"+second+"/rotate", `{"leaked":true}`))
	answers(ci, http.StatusForbidden)
	build := p.keyOf("Build", "active")
	replacement := p.valueOf(build)
	answers(replacement, http.StatusOK)

	p.succeed(p.do(http.MethodPost, "/api/v1/keys/"+build+"/rotate", `{"overlap":"0"}`))
	eventually(t, "the old key ends right after the new one is ready", func() bool { return s.call(t, replacement) == http.StatusForbidden })

	p.succeed(p.do(http.MethodDelete, "/api/v1/keys/"+p.keyOf("Build", "active"), ""))
	p.do(http.MethodPost, "/api/v1/keys/"+second+"/reveal", "").want(http.StatusConflict)
	eventually(t, "API Gateway has 5 keys, one of them enabled", func() bool {
		out, err := apigateway.NewFromConfig(s.aws).GetApiKeys(t.Context(), &apigateway.GetApiKeysInput{Limit: aws.Int32(100)})
		if err != nil {
			t.Fatal(err)
		}
		enabled := 0
		for _, k := range out.Items {
			if k.Enabled {
				enabled++
			}
		}
		return len(out.Items) == 5 && enabled == 1
	})
}

func inHours(n int) string {
	return time.Now().Add(time.Duration(n) * time.Hour).UTC().Format(time.RFC3339)
}
