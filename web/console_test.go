package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

const (
	listHarbours = harbourDocs + "/operations/listHarbours"
	addHarbour   = harbourDocs + "/operations/addHarbour"
	tidesOf      = harbourDocs + "/operations/tides"
)

func exchanged(status int, kind tryit.Kind, body string) tryit.Exchange {
	return tryit.Exchange{
		Request:  tryit.Sent{Method: "GET", URL: "https://api.example.com/v2/harbours", Headers: []tryit.Header{{Name: "X-Api-Key", Value: tryit.Mask}}},
		Response: &tryit.Response{Status: status, Reason: http.StatusText(status), Body: tryit.Body{Kind: kind, Text: body, Size: len(body)}}, TookMS: 42,
	}
}

// subscribed is harbours for a person with a key.
func subscribed() *fake {
	f := harbours()
	f.account = registered(subscription("plan-harbours", "Basic", projections.SubscriptionActive))
	return f
}

func TestTheConsoleIsFilledWithTheExample(t *testing.T) {
	t.Parallel()
	doc := document(t, signedIn(subscribed()).get(tidesOf), http.StatusOK)
	if got := attr(t, one(t, doc, `.console input[name="path.id"]`), "value"); got != "far-ness" {
		t.Errorf("the path parameter is %q", got)
	}
	none(t, doc, `.console select[name="key"]`)
	doc = document(t, signedIn(subscribed()).get(listHarbours), http.StatusOK)
	says(t, doc, `.console select[name="key"]`, "Default key")
	says(t, doc, `.console select[name="query.kind"]`, "marina")
	if got := attr(t, one(t, doc, `.console input[name="query.limit"]`), "placeholder"); got != "for example 10" {
		t.Errorf("the optional parameter says %q", got)
	}
	doc = document(t, signedIn(subscribed()).get(addHarbour), http.StatusOK)
	says(t, doc, ".console textarea[name=body]", `"id": "far-ness"`)
}

func TestTheConsoleSaysHowToGetAKey(t *testing.T) {
	t.Parallel()
	doc := document(t, visit(harbours()).get(listHarbours), http.StatusOK)
	says(t, doc, ".console", "Sign in to use yours")
	f := harbours()
	f.account = registered()
	f.account.Keys = nil
	doc = document(t, signedIn(f).get(listHarbours), http.StatusOK)
	one(t, doc, `.console a[href="/apis/harbours/plans"]`)
}

func TestTheConsoleShowsWhatCameBack(t *testing.T) {
	t.Parallel()
	f := subscribed()
	f.exchange = exchanged(200, tryit.KindJSON, "[\n  {\"id\": \"<script>\"}\n]")
	doc := document(t, signedIn(f).post(listHarbours+"/try", url.Values{"key": {"key-1"}, "query.limit": {"5"}, "headers": {"Accept-Language: de\r\n"}}), http.StatusOK)
	if f.tried.Operation != "listHarbours" || f.tried.Values.Parameters["query.limit"] != "5" || f.tried.Key != "key-1" || f.tried.Header.Get("Accept-Language") != "de" || f.tried.Product != "harbours" || f.tried.API != "main" {
		t.Errorf("it sent %+v", f.tried)
	}
	says(t, doc, ".exchange-head", "200 OK in 42 ms")
	says(t, doc, "#try-body-shown", `"id": "<script>"`)
	none(t, doc, "main script")
	if got := attr(t, one(t, doc, `.console input[name="query.limit"]`), "value"); got != "5" {
		t.Errorf("the form forgot the value: %q", got)
	}
	f.exchange = exchanged(403, tryit.KindJSON, `{"message": "Forbidden"}`)
	f.exchange.Explanation = "The API did not accept the key."
	doc = document(t, signedIn(f).post(listHarbours+"/try", url.Values{}), http.StatusOK)
	says(t, doc, ".exchange .notice", "did not accept the key")
}

func TestALargeAnswerIsShownInPart(t *testing.T) {
	t.Parallel()
	f := subscribed()
	f.exchange = exchanged(200, tryit.KindText, strings.Repeat(`"ä<`, 2<<20))
	w := signedIn(f).post(listHarbours+"/try", url.Values{})
	if w.Body.Len() > 6<<20 {
		t.Errorf("the page has %d bytes", w.Body.Len())
	}
	doc := document(t, w, http.StatusOK)
	says(t, doc, ".exchange", "Here is the first megabyte of the answer.")
	says(t, doc, ".exchange-head", "8.4 MB")
	if len(f.exchange.Response.Body.Text) != 8<<20 {
		t.Error("the exchange was changed")
	}
}

func TestTheConsoleSendsNothingThatIsWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		at   string
		form url.Values
		in   string
		says string
	}{
		"a number is text":      {listHarbours, url.Values{"query.limit": {"many"}}, "#try-query-limit-error", "limit must be a whole number"},
		"a required one is not": {tidesOf, url.Values{}, "#try-path-id-error", "id is required"},
		"a header has no colon": {tidesOf, url.Values{"path.id": {"x"}, "headers": {"nonsense"}}, "#try-result", "“nonsense” is not a header"},
		"a header is endless":   {tidesOf, url.Values{"path.id": {"x"}, "headers": {strings.Repeat("x", 1<<20)}}, ".notice[role=alert]", "x…” is not a header"},
		"the body is missing":   {addHarbour, url.Values{"content_type": {"application/json"}}, "#try-body-error", "body is required"},
	} {
		f := subscribed()
		doc := document(t, signedIn(f).post(c.at+"/try", c.form), http.StatusUnprocessableEntity)
		says(t, doc, c.in, c.says)
		if f.tried != nil {
			t.Errorf("%s: it was sent: %+v", name, f.tried)
		}
	}
}

func TestWhyNothingWasSentIsShown(t *testing.T) {
	t.Parallel()
	f := subscribed()
	f.tryErr = portal.Fail(portal.TooManyRequests, "You have tried 60 requests in a minute. Wait a moment.")
	says(t, document(t, signedIn(f).post(listHarbours+"/try", url.Values{}), http.StatusTooManyRequests), "#try-result [role=alert]", "Wait a moment")
	if w := signedIn(f).post(listHarbours+"/try", url.Values{"headers": {strings.Repeat("x", 4<<20)}}); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge form answers %d", w.Code)
	}
}
