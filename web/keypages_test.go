package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func (f *fake) CreateKey(_ context.Context, caller operations.Caller, key operations.NewKey) (operations.Operation, error) {
	plan := string(key.Plan)
	if key.Licence != "" {
		plan += "paid by " + string(key.Licence)
	}
	return f.ask(fmt.Sprintf("create %s, plan %s, until %s", key.Name, plan, until(key.Ends)), caller, "")
}

func (f *fake) RenameKey(_ context.Context, caller operations.Caller, key portal.KeyID, name string) (operations.Operation, error) {
	return f.ask(fmt.Sprintf("rename %s: %s", key, name), caller, "")
}

func (f *fake) RotateKey(_ context.Context, caller operations.Caller, key portal.KeyID, rotation operations.Rotation) (operations.Operation, error) {
	return f.ask(fmt.Sprintf("rotate %s: %s, leaked %v", key, rotation.Overlap, rotation.Leaked), caller, "")
}

func (f *fake) EndKey(_ context.Context, caller operations.Caller, key portal.KeyID, end operations.End) (operations.Operation, error) {
	return f.ask(fmt.Sprintf("end %s: %s, keep %v", key, until(end.At), end.Keep), caller, "")
}

func until(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// keyring is a person with keys in every state.
func keyring() *fake {
	f := subscribed()
	ring := f.account.Subscriptions[0].Ring
	key := func(id portal.KeyID, name, state string) projections.Key {
		return projections.Key{ID: id, Name: name, Ring: ring, State: state, CreatedAt: now.Add(-time.Hour)}
	}
	old, renewed, expiring := key("k-old", "Default key", projections.KeyActive), key("k-new", "Default key", projections.KeyActive), key("k-ci", longName, projections.KeyActive)
	old.Ends, old.EndsFor, old.ReplacedBy, renewed.Replaces = now.Add(50*time.Minute), "rotated", "k-new", "k-old"
	expiring.Ends, expiring.EndsFor = now.Add(72*time.Hour), "expired"
	ended, ending := key("k-ended", "Leaked 🚢", projections.KeyEnded), key("k-ending", "مفتاح", projections.KeyEnding)
	ended.Ends, ended.EndsFor, ending.Ends, ending.EndsFor = now.Add(-time.Hour), "leaked", now, "revoked"
	f.account.Keys = []projections.Key{
		old, renewed, expiring, key("k-pending", "Pending", projections.KeyPending), key("k-blocked", "Blocked", projections.KeyBlocked),
		key("k-disabled", "Disabled", projections.KeyDisabled), ended, ending,
	}
	f.keysPerRing = 10
	return f
}

// keyStates are the pages of keys in every state that looks different.
func keyStates() map[string]shown {
	refused := keyring()
	refused.askErr = portal.Fail(portal.Invalid, "The name is longer than 100 characters. Choose a shorter one.")
	return map[string]shown{
		"keys":             {site: signedIn(keyring()), path: "/keys"},
		"keys, none":       {site: signedIn(keyless()), path: "/keys"},
		"keys, refused":    {site: signedIn(refused), path: "/keys", post: "/keys", form: `document.querySelector("#name").value = "x"`},
		"key, active":      {site: signedIn(keyring()), path: "/keys/k-new"},
		"key, expiring":    {site: signedIn(keyring()), path: "/keys/k-ci"},
		"key, replaced":    {site: signedIn(keyring()), path: "/keys/k-old"},
		"key, ended":       {site: signedIn(keyring()), path: "/keys/k-ended"},
		"key, not revoked": {site: signedIn(keyring()), path: "/keys/k-new", post: "/keys/k-new/revoke", form: `document.querySelector("#revoking").open = true; document.querySelector("#confirm").value = "no"`},
		"dashboard, keys":  {site: signedIn(keyring()), path: "/dashboard"},
	}
}

func TestFormsAboutKeysAreAcceptedAndFollowed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/keys", url.Values{"name": {"CI 🚢"}}, "create CI 🚢, plan , until -"},
		{"/keys", url.Values{"name": {"CI"}, "plan": {"free"}, "expires": {"2026-12-24T18:30"}}, "create CI, plan free, until 2026-12-24T18:30:00Z"},
		{"/keys", url.Values{"name": {"CI"}, "plan": {"licence/l-2"}}, "create CI, plan paid by licence/l-2, until -"},
		{"/keys", url.Values{"name": {"CI"}, "plan": {"legacy/code/customer"}}, "create CI, plan paid by legacy/code/customer, until -"},
		{"/keys/k-new/rename", url.Values{"name": {"Build"}}, "rename k-new: Build"},
		{"/keys/k-new/rotate", url.Values{"overlap": {"24h"}}, "rotate k-new: 24h0m0s, leaked false"},
		{"/keys/k-new/rotate", url.Values{"overlap": {"7d"}}, "rotate k-new: 168h0m0s, leaked false"},
		{"/keys/k-new/rotate", url.Values{"overlap": {"custom"}, "custom": {" 3d "}}, "rotate k-new: 72h0m0s, leaked false"},
		{"/keys/k-new/leaked", nil, "rotate k-new: 0s, leaked true"},
		{"/keys/k-old/end", nil, "end k-old: -, keep false"},
		{"/keys/k-old/end", url.Values{"when": {"at"}, "at": {"2026-11-24T18:30"}}, "end k-old: 2026-11-24T18:30:00Z, keep false"},
		{"/keys/k-ci/end", url.Values{"when": {"never"}}, "end k-ci: -, keep true"},
		{"/keys/k-new/revoke", url.Values{"confirm": {" Default key "}}, "end k-new: -, keep false"},
	} {
		s := signedIn(keyring())
		form := url.Values{"idempotency_key": {"form-1"}}
		for name, values := range c.form {
			form[name] = values
		}
		w := s.post(c.path, form)
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/operations/op-1" {
			t.Errorf("%s %v: %d to %q", c.path, c.form, w.Code, w.Header().Get("Location"))
		}
		if len(s.asked) != 1 || s.asked[0].What != c.want || s.asked[0].Caller.IdempotencyKey != "form-1" || s.asked[0].Caller.Account != ada.Account {
			t.Errorf("%s %v asked for %+v, want %q", c.path, c.form, s.asked, c.want)
		}
	}
}

func TestAFormAboutAKeyThatCannotBeAcceptedLeadsBackWithTheReason(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		form url.Values
		says string
	}{
		{"/keys", url.Values{"name": {"CI"}, "expires": {"tomorrow"}}, "The day and time cannot be read."},
		{"/keys/k-new/rotate", url.Values{"overlap": {"365d"}}, "The old key can work for 0 seconds to 30 days longer."},
		{"/keys/k-new/rotate", url.Values{"overlap": {"custom"}, "custom": {"soon"}}, "The overlap is not a length of time."},
		{"/keys/k-new/end", url.Values{"when": {"at"}}, "Choose a day and a time."},
		{"/keys/k-new/revoke", url.Values{"confirm": {"default"}}, "Type the name of the key exactly as it is shown"},
	} {
		s := signedIn(keyring())
		doc := document(t, s.post(c.path, c.form), http.StatusBadRequest)
		says(t, doc, `[role="alert"]`, c.says)
		if len(s.asked) != 0 {
			t.Errorf("%s asked for %+v", c.path, s.asked)
		}
	}
	s := signedIn(keyring())
	s.askErr = portal.Fail(portal.Invalid, "The name is longer than 100 characters. Choose a shorter one.")
	doc := document(t, s.post("/keys", url.Values{"name": {strings.Repeat("x", 10_000)}, "expires": {"2026-12-24T18:30"}}), http.StatusBadRequest)
	says(t, doc, `[role="alert"]`, "The name is longer than 100 characters.")
	if got := attr(t, one(t, doc, "#expires"), "value"); got != "2026-12-24T18:30" {
		t.Errorf("the form has lost the expiry: %q", got)
	}
}

func TestTheKeysPageShowsWhatEachKeyNeeds(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(keyring()).get("/keys"), http.StatusOK)
	says(t, doc, "#key-k-old", "It works until 22 November 2026 at 09:50 UTC, in 50 minutes.")
	says(t, doc, "#key-k-ci", "It expires on 25 November 2026 at 09:00 UTC, in 3 days.")
	says(t, doc, "main", "It ended on 22 November 2026 at 08:00 UTC: its value leaked.")
	says(t, doc, "main", "API Gateway counts a plan's quota for each key")
	none(t, doc, "#key-k-ended")
	none(t, document(t, signedIn(keyring()).get("/dashboard"), http.StatusOK), "#key-k-ended")
	var paths []string
	for _, id := range []string{"k-old", "k-new", "k-ci", "k-ended"} {
		doc := document(t, signedIn(keyring()).get("/keys/"+id), http.StatusOK)
		for _, form := range doc.Find("main form").EachIter() {
			paths = append(paths, attr(t, form, "action"))
		}
	}
	want := []string{
		"/keys/k-old/reveal", "/keys/k-old/end", "/keys/k-old/end", "/keys/k-old/rename",
		"/keys/k-new/reveal", "/keys/k-new/rotate", "/keys/k-new/leaked", "/keys/k-new/end", "/keys/k-new/rename", "/keys/k-new/revoke",
		"/keys/k-ci/reveal", "/keys/k-ci/rotate", "/keys/k-ci/leaked", "/keys/k-ci/end", "/keys/k-ci/end", "/keys/k-ci/rename", "/keys/k-ci/revoke",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("the forms (-want +got):\n%s", diff)
	}
	document(t, signedIn(keyring()).get("/keys/unknown"), http.StatusNotFound)
}

func TestARevealedKeyIsHiddenAgainWithoutJavaScript(t *testing.T) {
	t.Parallel()
	body := signedIn(keyring()).post("/keys/k-new/reveal", nil).Body.String()
	if !strings.Contains(body, `<noscript><meta http-equiv="refresh" content="30; url=/dashboard"></noscript>`) {
		t.Error("a browser without JavaScript shows the key for ever")
	}
}

func TestARefusedFormAboutAKeyKeepsWhatWasTypedAndMarksTheField(t *testing.T) {
	t.Parallel()
	const tooLong = "The name is longer than 100 characters. Choose a shorter one."
	long := strings.Repeat("n", 10_000)
	for name, c := range map[string]struct {
		path  string
		form  url.Values
		err   error
		field string
		says  string
		keeps map[string]string
	}{
		"a long name":           {"/keys", url.Values{"name": {long}, "expires": {"2026-12-24T18:30"}}, portal.At("name", portal.Fail(portal.Invalid, tooLong)), "name", tooLong, map[string]string{"#name": long, "#expires": "2026-12-24T18:30"}},
		"an expiry in the past": {"/keys", url.Values{"name": {"CI"}, "expires": {"2020-12-24T18:30"}}, portal.At("expires", portal.Fail(portal.Invalid, "The key cannot end in the past.")), "expires", "in the past", map[string]string{"#name": "CI", "#expires": "2020-12-24T18:30"}},
		"no time":               {"/keys", url.Values{"name": {"مفتاح"}, "expires": {"tomorrow"}}, nil, "expires", "cannot be read", map[string]string{"#name": "مفتاح", "#expires": "tomorrow"}},
		"neither name nor time": {"/keys", url.Values{"name": {""}, "expires": {"tomorrow"}}, nil, "expires", "cannot be read", map[string]string{"#expires": "tomorrow"}},
		"no such plan":          {"/keys", url.Values{"name": {"CI"}, "plan": {"nope"}}, portal.Fail(portal.NotFound, "There is no subscription to this plan."), "", "no subscription to this plan", map[string]string{"#name": "CI"}},
		"too many keys":         {"/keys", url.Values{"name": {"CI"}}, portal.Fail(portal.LimitReached, "You have ten keys."), "", "You have ten keys.", map[string]string{"#name": "CI"}},
		"too many requests":     {"/keys", url.Values{"name": {"CI"}}, portal.Fail(portal.TooManyRequests, "12 changes in ten minutes."), "", "12 changes", map[string]string{"#name": "CI"}},
		"no overlap":            {"/keys/k-new/rotate", url.Values{"overlap": {"custom"}, "custom": {"soon"}}, nil, "custom", "not a length of time", map[string]string{"#custom": "soon"}},
		"a long overlap":        {"/keys/k-new/rotate", url.Values{"overlap": {"custom"}, "custom": {"31d"}}, nil, "custom", "0 seconds to 30 days", map[string]string{"#custom": "31d"}},
		"a refused rotation":    {"/keys/k-new/rotate", url.Values{"overlap": {"7d"}}, portal.Fail(portal.Conflict, "Not now."), "", "Not now.", nil},
		"an old key for long":   {"/keys/k-old/end", url.Values{"when": {"at"}, "at": {"2027-01-31T10:00"}}, nil, "at", "at most 30 days", map[string]string{"#at": "2027-01-31T10:00"}},
		"an end in the past":    {"/keys/k-ci/end", url.Values{"when": {"at"}, "at": {"2020-01-31T10:00"}}, nil, "at", "in the past", map[string]string{"#at": "2020-01-31T10:00"}},
		"no such choice":        {"/keys/k-ci/end", url.Values{"when": {"<script>"}}, nil, "", "There is no such choice.", nil},
		"a bad new name":        {"/keys/k-ci/rename", url.Values{"name": {"a\nb"}}, portal.At("name", portal.Fail(portal.Invalid, "The name contains a line break.")), "name", "line break", map[string]string{"#name": "a\nb"}},
		"an unsure revocation":  {"/keys/k-new/revoke", url.Values{"confirm": {`"><b>`}}, nil, "confirm", "exactly as it is shown", map[string]string{"#confirm": `"><b>`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := keyring()
			f.askErr = c.err
			w := signedIn(f).post(c.path, c.form)
			doc := document(t, w, w.Code)
			if w.Code < 400 || w.Code >= 500 {
				t.Fatalf("it answers %d", w.Code)
			}
			if limited := w.Header().Get("Retry-After") != ""; limited != (w.Code == http.StatusTooManyRequests) {
				t.Errorf("it answers %d with Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			alert := one(t, doc, `[role="alert"]`)
			if !strings.Contains(text(alert), c.says) {
				t.Errorf("it says %q, want %q", text(alert), c.says)
			}
			for field, want := range c.keeps {
				if got := attr(t, one(t, doc, field), "value"); got != want {
					t.Errorf("%s has %.40q, want %.40q", field, got, want)
				}
			}
			focus := one(t, doc, "main [autofocus]")
			if c.field == "" {
				if focus.AttrOr("role", "") != "alert" {
					t.Error("the focus is not on what is wrong")
				}
				none(t, doc, "[aria-invalid]")
				return
			}
			if got := attr(t, focus, "id"); got != c.field || focus.AttrOr("aria-invalid", "") != "true" {
				t.Errorf("the focus is on %s, want %s", got, c.field)
			}
			if !strings.Contains(attr(t, focus, "aria-describedby"), attr(t, alert, "id")) {
				t.Errorf("%s is described by %s", c.field, focus.AttrOr("aria-describedby", ""))
			}
			if len(alert.ParentsFiltered(".control").Nodes) != 1 || alert.Parent().Find("#"+c.field).Length() != 1 {
				t.Error("the error is not beside its field")
			}
		})
	}
	f := keyring()
	f.askErr = portal.Fail(portal.Conflict, "Not now.")
	doc := document(t, signedIn(f).post("/keys/k-new/rotate", url.Values{"overlap": {"7d"}}), http.StatusConflict)
	one(t, doc, "#overlap-7d[checked]")
	none(t, doc, "#overlap-24h[checked]")
	one(t, document(t, signedIn(keyring()).post("/keys/k-new/revoke", url.Values{"confirm": {"x"}}), http.StatusBadRequest), "#revoking[open]")
}

func TestTheOldKeyOfARotationCanBeExtendedWithOneChoice(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(keyring()).get("/keys/k-old"), http.StatusOK)
	var values []string
	for _, input := range doc.Find(`input[name="when"]`).EachIter() {
		values = append(values, attr(t, input, "value"))
	}
	want := []string{"2026-11-22T10:50:00Z", "2026-11-23T09:50:00Z", "2026-11-29T09:50:00Z", "at"}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("the choices (-want +got):\n%s", diff)
	}
	says(t, doc, `label[for="ends-1"]`, "A day longer, on 23 November 2026 at 09:50 UTC")
	s := signedIn(keyring())
	if w := s.post("/keys/k-old/end", url.Values{"when": {values[1]}, "at": {"2026-11-22T09:50"}}); w.Code != http.StatusSeeOther || s.asked[0].What != "end k-old: 2026-11-23T09:50:00Z, keep false" {
		t.Errorf("%d, asked for %+v", w.Code, s.asked)
	}
	f := keyring()
	f.account.Keys[0].Ends = now.Add(25 * 24 * time.Hour)
	if got := document(t, signedIn(f).get("/keys/k-old"), http.StatusOK).Find(`input[name="when"]`).Length(); got != 3 {
		t.Errorf("%d choices, want those within 30 days and another time", got)
	}
}

func TestAKeyCanBeCopiedWhereItCanBeRevealed(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/keys", "/dashboard"} {
		doc := document(t, signedIn(keyring()).get(path), http.StatusOK)
		if reveal, copies := doc.Find(`form[action$="/reveal"]`).Length(), doc.Find("[data-copy-key]").Length(); reveal == 0 || reveal != copies {
			t.Errorf("%s: %d keys can be revealed and %d copied", path, reveal, copies)
		}
		one(t, doc, `#key-k-new [data-copy-key="/api/v1/keys/k-new/reveal"]`)
		none(t, doc, "#key-k-pending [data-copy-key]")
	}
}

func TestAPersonWithAllTheirKeysIsNotOfferedAnother(t *testing.T) {
	t.Parallel()
	f := keyring()
	f.keysPerRing = 5 // the old key of a rotation does not count
	doc := document(t, signedIn(f).get("/keys"), http.StatusOK)
	says(t, doc, `section[aria-labelledby="create"]`, "You have 5 keys, which is the most you can have.")
	none(t, doc, `form[action="/keys"]`)
	f.keysPerRing = 6
	one(t, document(t, signedIn(f).get("/keys"), http.StatusOK), `form[action="/keys"]`)
}

// A key may have been replaced, or the account suspended, since the form was opened.
func TestAFaultIsToldEvenWhereItsFieldIsGone(t *testing.T) {
	t.Parallel()
	suspended := keyring()
	suspended.account.Profile.Status = projections.StatusSuspended
	for name, c := range map[string]struct {
		f    *fake
		path string
		form url.Values
	}{
		"a replaced key":             {keyring(), "/keys/k-old/rotate", url.Values{"overlap": {"custom"}, "custom": {"soon"}}},
		"a key that has ended":       {keyring(), "/keys/k-ended/rename", url.Values{"name": {""}}},
		"a suspended account's key":  {suspended, "/keys/k-new/revoke", url.Values{"confirm": {"x"}}},
		"a suspended account's keys": {suspended, "/keys", url.Values{"name": {""}, "expires": {"soon"}}},
	} {
		c.f.askErr = portal.At("name", portal.Fail(portal.Invalid, "Give the key a name."))
		doc := document(t, signedIn(c.f).post(c.path, c.form), http.StatusBadRequest)
		if doc.Find(`[role="alert"]`).Length() != 1 {
			t.Errorf("%s: the page does not say what is wrong", name)
		}
	}
}
