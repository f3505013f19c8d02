package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// inZone is the site for Ada, who has chosen a time zone.
func inZone(f *fake, zone string) site {
	id := ada
	id.TimeZone = zone
	return siteOf(f, &id)
}

// dated are an account's pages with times in every kind of text.
func dated() *fake {
	f := keyring()
	f.activity = []projections.Activity{{At: now.Add(-time.Hour), Text: "Default key works until 24 November 2026, 23:30 UTC."}}
	f.told = informed().told
	f.told.notices = []notices.Notice{{
		ID: "n-1", Kind: notices.KeyEndsSoon, Importance: notices.Warn, About: "key/k-ci", Link: "/keys/k-ci", At: now,
		Title: "CI expires on 24 November 2026", Text: "Your API key CI works until 24 November 2026 at 23:30 UTC. After that, calls with it are refused.",
		Until: time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC),
	}}
	return f
}

func TestExactTimesAreInThePersonsTimeZone(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct{ part, utc, tokyo, machine string }{
		"/keys":            {"#key-k-old", "22 November 2026 at 09:50 UTC", "22 November 2026 at 18:50", "2026-11-22T09:50:00Z"},
		"/keys/k-ci":       {"main .notice", "25 November 2026 at 09:00 UTC", "25 November 2026 at 18:00", "2026-11-25T09:00:00Z"},
		"/dashboard":       {".activity li", "24 November 2026 at 23:30 UTC", "25 November 2026 at 08:30", "2026-11-24T23:30:00Z"},
		"/activity":        {".activity li", "24 November 2026 at 23:30 UTC", "25 November 2026 at 08:30", "2026-11-24T23:30:00Z"},
		"/account/notices": {".attention li", "CI expires on 24 November 2026. Your API key CI works until 24 November 2026 at 23:30 UTC.", "CI expires on 25 November 2026. Your API key CI works until 25 November 2026 at 08:30.", "2026-11-24T23:30:00Z"},
		"/webhooks/w-1":    {"main > .wide > .meta", "22 November 2026 at 10:00 UTC", "22 November 2026 at 19:00", "2026-11-22T10:00:00Z"},
	} {
		for zone, want := range map[string]string{"": c.utc, "UTC": c.utc, "Asia/Tokyo": c.tokyo, "no such zone": c.utc} {
			doc := document(t, inZone(dated(), zone).get(path), http.StatusOK)
			says(t, doc, c.part, want)
			if doc.Find(c.part+` time[datetime="`+c.machine+`"]`).Length() == 0 {
				t.Errorf("%s in %q has no time element for %s", path, zone, c.machine)
			}
			if body := text(doc.Find("main")); zone == "Asia/Tokyo" && strings.Contains(body, "UTC") {
				t.Errorf("%s in %s still names UTC: %s", path, zone, body)
			}
		}
		says(t, document(t, inZone(dated(), "Asia/Tokyo").get(path), http.StatusOK), "footer", "Times are in Asia/Tokyo")
	}
}

func TestFormsTakeTimesInThePersonsTimeZone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path string
		form url.Values
		want string
	}{
		{"/keys", url.Values{"name": {"CI"}, "expires": {"2026-12-24T18:30"}}, "create CI, plan , until 2026-12-24T09:30:00Z"},
		{"/keys/k-ci/end", url.Values{"when": {"at"}, "at": {"2026-11-24T18:30"}}, "end k-ci: 2026-11-24T09:30:00Z, keep false"},
	} {
		s := inZone(keyring(), "Asia/Tokyo")
		if w := s.post(c.path, c.form); w.Code != http.StatusSeeOther || len(s.asked) != 1 || s.asked[0].What != c.want {
			t.Errorf("%s asked for %+v, want %q", c.path, s.asked, c.want)
		}
	}
	doc := document(t, inZone(keyring(), "Asia/Tokyo").get("/keys/k-ci"), http.StatusOK)
	if got := attr(t, one(t, doc, "#at"), "value"); got != "2026-11-25T18:00" {
		t.Errorf("the form offers %s", got)
	}
	says(t, doc, "#at-hint", "In Asia/Tokyo.")

	f := informed()
	if w := inZone(f, "Asia/Tokyo").post("/webhooks/w-1/redeliver", url.Values{"since": {"2026-11-20T09:00"}, "until": {"2026-11-21T10:30"}}); w.Code != http.StatusSeeOther {
		t.Errorf("the range answers %d", w.Code)
	}
	if !f.told.since.Equal(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("the range begins at %v", f.told.since.UTC())
	}
}

// In Berlin 02:30 does not exist on 28 March 2027, and exists twice on 31 October 2027.
func TestATimeThatTheClockSkipsIsAccepted(t *testing.T) {
	t.Parallel()
	for entered, want := range map[string]string{
		"2027-03-28T02:30": "create CI, plan , until 2027-03-28T01:30:00Z",
		"2027-10-31T02:30": "create CI, plan , until 2027-10-31T01:30:00Z",
	} {
		s := inZone(keyring(), "Europe/Berlin")
		if w := s.post("/keys", url.Values{"name": {"CI"}, "expires": {entered}}); w.Code != http.StatusSeeOther || s.asked[0].What != want {
			t.Errorf("%s asked for %+v, want %q", entered, s.asked, want)
		}
	}
}

func TestANameThatLooksLikeATimeHarmsNothing(t *testing.T) {
	t.Parallel()
	f := keyring()
	f.account.Keys[1].Name = "31 February 2026 at 99:99 UTC <b>"
	f.activity = []projections.Activity{
		{At: now, Text: "You asked for the key 31 February 2026 at 12:00 UTC."},
		{At: now, Text: `"><script>1 May 2026 at 12:00 UTC</script>`},
	}
	doc := document(t, inZone(f, "Asia/Tokyo").get("/dashboard"), http.StatusOK)
	says(t, doc, ".activity li:nth-child(1)", "You asked for the key 31 February 2026 at 12:00 UTC.")
	says(t, doc, ".activity li:nth-child(2)", `"><script>1 May 2026 at 21:00</script>`)
	none(t, doc, "main script")
}
