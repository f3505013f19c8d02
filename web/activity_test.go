package web_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/gatehouse-portal/gatehouse/projections"
)

// happened returns lines of activity a minute apart; texts begin with the oldest.
func happened(texts ...string) []projections.Activity {
	lines := make([]projections.Activity, len(texts))
	for i, text := range texts {
		age := time.Duration(len(texts)-i) * time.Minute
		lines[len(texts)-1-i] = projections.Activity{Sequence: int64(i + 1), At: now.Add(-age), Text: text}
	}
	return lines
}

func linesOf(doc *goquery.Document) []string {
	var list []string
	for _, line := range doc.Find(".activity li > span:first-child").EachIter() {
		list = append(list, text(line))
	}
	return list
}

func TestEqualConsecutiveLinesAreOneLine(t *testing.T) {
	t.Parallel()
	texts := []string{"You registered.", "You subscribed to Free."}
	for range 12 {
		texts = append(texts, "Default key was revealed.")
	}
	refused := "A request was refused: You have Free. Leave it first."
	texts = append(texts, refused, refused, "Default key was revealed.")
	doc := document(t, signedIn(&fake{account: registered(), activity: happened(texts...)}).get("/dashboard"), http.StatusOK)
	want := []string{
		"Default key was revealed.", refused, refused, "Default key was revealed 12 times.", "You subscribed to Free.", "You registered.",
	}
	if got := linesOf(doc); strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the activity is %q, want %q", got, want)
	}
	says(t, doc, ".activity li:nth-child(4) .when", "4 minutes ago, first 15 minutes ago")
	none(t, doc, `a[href="/activity"]`)
}

func TestALineOfActivityLinksToItsRequest(t *testing.T) {
	t.Parallel()
	lines := happened("You registered.", "You subscribed to Free.")
	lines[0].Operation = "op-7"
	doc := document(t, signedIn(&fake{account: registered(), activity: lines}).get("/activity"), http.StatusOK)
	says(t, doc, `.activity a[href="/operations/op-7"]`, "You subscribed to Free.")
	none(t, doc, ".activity li:nth-child(2) a")
}

func TestTheActivityIsPaged(t *testing.T) {
	t.Parallel()
	var texts []string
	for i := range 85 {
		texts = append(texts, "Line "+strconv.Itoa(i)+".")
		if i == 40 {
			for range 55 {
				texts = append(texts, "Default key was revealed.")
			}
		}
	}
	s := signedIn(&fake{account: registered(), activity: happened(texts...)})
	one(t, document(t, s.get("/dashboard"), http.StatusOK), `a[href="/activity"]`)

	doc, seen := document(t, s.get("/activity"), http.StatusOK), []string{}
	none(t, doc, `main a[href="/activity"]`)
	for range 20 {
		seen = append(seen, linesOf(doc)...)
		next := doc.Find(`main a[rel="next"]`)
		if next.Length() == 0 {
			break
		}
		doc = document(t, s.get(attr(t, next, "href")), http.StatusOK)
		one(t, doc, `main a[href="/activity"]`)
	}
	if got := strings.Join(seen, "|"); len(seen) < 86 || !strings.HasPrefix(got, "Line 84.|Line 83.|") || !strings.HasSuffix(got, "|Line 1.|Line 0.") {
		t.Errorf("the pages show %d lines: %s", len(seen), got)
	}
	shown := 0
	for _, line := range seen {
		if times, ok := strings.CutPrefix(line, "Default key was revealed "); ok {
			n, _ := strconv.Atoi(strings.Fields(times)[0])
			shown += n
		}
	}
	if shown != 55 {
		t.Errorf("the pages show %d reveals, want 55", shown)
	}
}

func TestAPageOfActivityThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	s := signedIn(&fake{account: registered(), activity: happened("You registered.")})
	says(t, document(t, s.get("/activity?after=x"), http.StatusBadRequest), "main", "This page of the activity does not exist.")
	says(t, document(t, s.get("/activity?after=1"), http.StatusOK), ".empty", "There is nothing older.")
}
