package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestATokenIsResolvedAndItsPurchaseConfirmed(t *testing.T) {
	t.Parallel()
	f := full()
	s := signedIn(t, f)
	a := s.do(http.MethodPut, "/marketplace-subscriptions/plan-max", strings.NewReader(`{"token":"secret-token","free_trial":true}`), "Idempotency-Key", "again")
	if a.Code != http.StatusAccepted {
		t.Fatalf("the answer is %d: %s", a.Code, a.Body)
	}
	if len(f.received) != 1 || f.received[0] != "plan-max secret-token" || len(f.asked) != 1 || f.asked[0].What != "confirm" ||
		f.asked[0].Name != "licence/l-1 plan-max true" || f.asked[0].Caller.Account != ada.Account || f.asked[0].Caller.IdempotencyKey != "again" {
		t.Errorf("it resolved %q and asked for %+v", f.received, f.asked)
	}
	if log := s.log.String(); strings.Contains(log, "secret-token") || strings.Contains(a.Body.String(), "secret-token") {
		t.Errorf("the token is in the log or the answer: %s", log)
	}
}

func TestATokenThatCannotBeResolvedIsAProblem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
	}{
		"a token that AWS does not know": {&portal.Error{Code: portal.Invalid, Message: "No.", Err: seller.ErrInvalidToken}, http.StatusBadRequest},
		"an AWS that is down":            {&portal.Error{Code: portal.Unavailable, Message: "No.", Err: fmt.Errorf("x: %w", seller.ErrDown)}, http.StatusServiceUnavailable},
		"a portal that sells nothing":    {portal.Fail(portal.NotFound, "No."), http.StatusNotFound},
	} {
		f := full()
		f.err = c.err
		a := signedIn(t, f).do(http.MethodPut, "/marketplace-subscriptions/plan-max", strings.NewReader(`{"token":"secret-token"}`))
		if a.Code != c.status || len(f.received) != 1 || len(f.asked) > 0 {
			t.Errorf("%s: %d after %+v, want %d", name, a.Code, f.asked, c.status)
		}
	}
}

func TestTokensAreRefusedBeforeAWSIsAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		site   func(*testing.T, *fake) site
		body   string
		busy   bool
		status int
	}{
		"of nobody":                {func(t *testing.T, f *fake) site { return siteOf(t, f, nil) }, `{"token":"t"}`, false, http.StatusUnauthorized},
		"of a crowd":               {func(t *testing.T, f *fake) site { return signedIn(t, f) }, `{"token":"t"}`, true, http.StatusTooManyRequests},
		"that are missing":         {func(t *testing.T, f *fake) site { return signedIn(t, f) }, `{}`, false, http.StatusUnprocessableEntity},
		"that are too long":        {func(t *testing.T, f *fake) site { return signedIn(t, f) }, `{"token":"` + strings.Repeat("a", 8193) + `"}`, false, http.StatusUnprocessableEntity},
		"without a body around it": {func(t *testing.T, f *fake) site { return signedIn(t, f) }, ``, false, http.StatusBadRequest},
	} {
		f := full()
		if c.busy {
			f.crowded = portal.Fail(portal.TooManyRequests, "Wait.")
		}
		a := c.site(t, f).do(http.MethodPut, "/marketplace-subscriptions/plan-max", strings.NewReader(c.body))
		if a.Code != c.status || len(f.received) > 0 || len(f.asked) > 0 {
			t.Errorf("tokens %s: %d after %+v, want %d", name, a.Code, f.asked, c.status)
		}
		if c.body != "" && len(c.body) > 100 && strings.Contains(a.Body.String(), "aaaa") {
			t.Errorf("tokens %s are in the answer", name)
		}
	}
}
