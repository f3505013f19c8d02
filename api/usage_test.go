package api_test

import (
	"net/http"
	"testing"
)

func TestBadQuestionsAboutUsageAreAnsweredWithASentence(t *testing.T) {
	t.Parallel()
	s := signedIn(t, full())
	for _, c := range []struct {
		path, want string
		status     int
	}{
		{"/usage?start=2026-11-10&end=2026-11-01", "The first day, 2026-11-10, comes after the last, 2026-11-01. Swap them.", http.StatusBadRequest},
		{"/usage?start=2016-11-22", "3653 days are too many: ask for at most 366 at once.", http.StatusBadRequest},
		{"/usage?start=yesterday", "The first day cannot be read. Write it as year, month and day, like 2026-11-27.", http.StatusBadRequest},
		{"/usage?plan=plan-unknown", "You have never been subscribed to such a plan. Choose one of your subscriptions.", http.StatusNotFound},
		{"/usage?key=key-unknown", "You have never had such a key. Choose one of your keys.", http.StatusNotFound},
		{"/subscriptions/plan-unknown/usage", "You have never been subscribed to such a plan. Choose one of your subscriptions.", http.StatusNotFound},
		{"/usage?format=xml", "validation failed", http.StatusUnprocessableEntity},
	} {
		if got := s.get(c.path).want(c.status).json().(map[string]any)["detail"]; got != c.want {
			t.Errorf("%s: %v, want %s", c.path, got, c.want)
		}
	}
}

func TestUsageIsReadForTheSignedInAccount(t *testing.T) {
	t.Parallel()
	f := full()
	s := signedIn(t, f)
	s.get("/subscriptions/plan-gone/usage?key=key-1").want(http.StatusOK)
	if last := f.asked[len(f.asked)-1]; last.What != "usage" || last.Caller.Account != ada.Account || last.Name != "plan-gone/key-1" {
		t.Errorf("asked %+v", last)
	}
}

func TestAdminsReadTheUsageOfOthers(t *testing.T) {
	t.Parallel()
	f := full()
	s := siteOf(t, f, &root)
	s.get("/admin/accounts/account-grace/usage").want(http.StatusOK)
	if last := f.asked[len(f.asked)-1]; last.What != "usage" || last.Caller.Account != "account-grace" {
		t.Errorf("asked %+v", last)
	}
	for path, want := range map[string]string{
		"/admin/accounts/account-grace/usage?key=nosuch":  "The account has never had such a plan or key.",
		"/admin/accounts/account-grace/usage?start=never": "The first day cannot be read. Write it as year, month and day, like 2026-11-27.",
	} {
		a := s.get(path)
		if got := a.json().(map[string]any)["detail"]; got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}
