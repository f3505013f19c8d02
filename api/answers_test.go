package api_test

import (
	stdcmp "cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/api"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/projections"
)

const (
	product = `{"id":"weather","name":"Weather","description":"Forecasts for every place.","plans":[
		{"id":"plan-free","name":"Free","description":"To try it out.","throttle":{"rate":0.5,"burst":1},
			"quota":{"limit":1000,"period":"DAY"},"stages":[{"api":"weather","stage":"prod"}]},
		{"id":"plan-max","name":"Unlimited","description":"","throttle":null,"quota":null,"stages":[{"api":"weather","stage":"prod"}]}
	],"apis":[{"id":"weather","slug":"forecast","name":"Forecast","description":"","version":"2.1","stage":"prod","endpoint":"https://weather.example/prod","kind":"rest",
		"docs":"/apis/weather/docs/forecast","openapi":"/api/v1/catalog/weather/apis/forecast/openapi.json",
		"sdks":[{"type":"java","url":"/api/v1/catalog/weather/apis/forecast/sdk/java"}]}],
	"image":{"url":"/api/v1/catalog/weather/image","alt":"A cloud."},"page":"/apis/weather"}`
	found = `{"kind":"operation","title":"List places","url":"/apis/weather/docs/forecast/operations/listPlaces","product":"weather","product_name":"Weather",
		"api":"forecast","api_name":"Forecast","method":"GET","path":"/places","summary":""}`
	waiting = `{"id":"op-1","type":"SubscribeRequested","status":"waiting","reason":{"code":"aws","message":"AWS is busy."},
		"created_at":"2026-11-22T09:00:00Z","updated_at":"2026-11-22T09:00:01Z",
		"steps":[{"name":"SubscriptionWanted","at":"2026-11-22T09:00:00Z","detail":"The subscription is wanted."}]}`
)

const exchanged = `{"request":{"method":"GET","url":"https://weather.example/prod/now","headers":[{"name":"X-Api-Key","value":"••••"}],"dropped":[]},
	"response":{"status":403,"reason":"Forbidden","protocol":"HTTP/2.0","headers":[],"body":{"kind":"none","size":0}},
	"explanation":"The request had no key.","took_ms":7}`

// example is a request to a route and the response of a full portal.
type example struct {
	// route is the method and path as in the OpenAPI document, path that of the request.
	route, path string
	status      int
	body        string
	headers     map[string]string
	// send is the request's body, "" for none.
	send string
	// contentType is that of the response, JSON if "". The body of another type is compared as
	// text.
	contentType string
}

const exportedYAML = `openapi: "3.0.1"
info:
  title: Forecast
  version: "2.1"
servers:
  - url: "https://weather.example/prod"
paths:
  /places:
    get:
      operationId: listPlaces
      summary: List places
      responses:
        "200":
          description: All places.
`

const collection = `{"info":{"_postman_id":"1138d2ad-3a64-8aa2-a946-57174feaff3f","name":"Forecast",` +
	`"schema":"https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},` +
	`"item":[{"name":"List places","request":{"method":"GET","header":[],` +
	`"url":{"raw":"{{baseUrl}}/places","host":["{{baseUrl}}"],"path":["places"]}},` +
	`"response":[{"name":"All places.","originalRequest":{"method":"GET","header":[],` +
	`"url":{"raw":"{{baseUrl}}/places","host":["{{baseUrl}}"],"path":["places"]}},` +
	`"status":"OK","code":200,"_postman_previewlanguage":"text","header":[],"cookie":[],"body":""}]}],` +
	`"auth":{"type":"apikey","apikey":[{"key":"key","value":"x-api-key","type":"string"},` +
	`{"key":"value","value":"{{apiKey}}","type":"string"},{"key":"in","value":"header","type":"string"}]},` +
	`"variable":[{"key":"baseUrl","value":"https://weather.example/prod","type":"string"},{"key":"apiKey","value":"","type":"string"}]}`

func examples() []example {
	accepted := map[string]string{"Location": "/api/v1/operations/op-1", "Cache-Control": "no-store", "Retry-After": ""}
	private := map[string]string{"Location": "", "Cache-Control": "no-store", "ETag": "", "Retry-After": ""}
	public := map[string]string{"Location": "", "Cache-Control": "public, no-cache", "Vary": "Authorization, Cookie"}
	named := func(disposition string) map[string]string {
		return map[string]string{"Cache-Control": "public, no-cache", "Content-Disposition": disposition}
	}
	exported := strings.Replace(definition, "weather.execute-api.example", "weather.example", 1)
	return append([]example{
		{"POST /register", "/register", http.StatusAccepted, waiting, accepted, "", ""},
		{"PUT /subscriptions/{plan}", "/subscriptions/plan-max", http.StatusAccepted, waiting, accepted, "", ""},
		{"DELETE /subscriptions/{plan}", "/subscriptions/plan-max", http.StatusAccepted, waiting, accepted, "", ""},
		{"GET /marketplace-subscriptions", "/marketplace-subscriptions", http.StatusOK, `{"items":[
			{"licence":"licence/l-1","plan":"plan-max","name":"Unlimited","state":"waiting","words":"AWS Marketplace has not confirmed the payment yet, which can take from a minute to a few days. You get your key then. There is nothing you need to do.","since":"2026-11-22T09:00:00Z","until":null,"buyer":"111122223333","operation":"op-1","metered":null},
			{"licence":"legacy/abc/X01","plan":"plan-max","name":"Unlimited","state":"active","words":"The purchase was cancelled, or its time is over. It works until AWS Marketplace ends it, which may be at any moment.","since":"2026-11-22T09:00:00Z","until":"2026-11-23T09:00:00Z","free_trial":true,"cancelled":true,"metered":{"requests":1250,"last":"2026-11-22T08:45:00Z","closed":null}}
		],"next":null}`, private, "", ""},
		{"PUT /marketplace-subscriptions/{plan}", "/marketplace-subscriptions/plan-max", http.StatusAccepted, waiting, accepted, `{"token":"secret"}`, ""},
		{"GET /me", "/me", http.StatusOK, `{"account":"account-ada","status":"registered","email":"ada@example.com","name":"Ada Lovelace","groups":["admins"]}`, private, "", ""},
		{"GET /catalog", "/catalog", http.StatusOK, `{"items":[` + product + `],"next":null}`, public, "", ""},
		{"GET /catalog/{product}", "/catalog/weather", http.StatusOK, product, public, "", ""},
		{"GET /catalog/{product}/image", "/catalog/weather/image", http.StatusOK, picture, public, "", "image/svg+xml"},
		{
			"GET /catalog/{product}/apis/{api}/openapi.json", "/catalog/weather/apis/forecast/openapi.json", http.StatusOK, exported,
			named(`inline; filename=weather-forecast.openapi.json`), "", "application/openapi+json",
		},
		{
			"GET /catalog/{product}/apis/{api}/openapi.yaml", "/catalog/weather/apis/forecast/openapi.yaml", http.StatusOK, exportedYAML,
			named(`inline; filename=weather-forecast.openapi.yaml`), "", "application/openapi+yaml",
		},
		{
			"GET /catalog/{product}/apis/{api}/postman.json", "/catalog/weather/apis/forecast/postman.json", http.StatusOK, collection,
			named(`attachment; filename=weather-forecast.postman.json`), "", "application/json",
		},
		{"GET /catalog/{product}/apis/{api}/sdk/{type}", "/catalog/weather/apis/forecast/sdk/java", http.StatusOK, archive, named(`attachment; filename=forecast-java.zip`), "", "application/zip"},
		{"GET /search", "/search?q=listPlaces", http.StatusOK, `{"items":[` + found + `],"more":false,"incomplete":false}`, private, "", ""},
		{"GET /subscriptions", "/subscriptions", http.StatusOK, `{"items":[
			{"plan":"plan-free","name":"Free","offered":true,"state":"active","since":"2026-11-22T09:00:00Z"},
			{"plan":"plan-max","name":"Unlimited","offered":true,"state":"pending","waiting":"aws","since":"2026-11-22T09:00:00Z","operation":"op-1"},
			{"plan":"plan-gone","name":"Gone","offered":false,"state":"ended","lost":"plan_gone","since":"2026-11-22T09:00:00Z"}
		],"next":null}`, private, "", ""},
		{"GET /admin/approvals", "/admin/approvals", http.StatusOK, `{"items":[],"next":null}`, private, "", ""},
		{"POST /admin/approvals/{account}/{plan}/approve", "/admin/approvals/account-ada/plan-max/approve", http.StatusAccepted, waiting, accepted, "", ""},
		{"POST /admin/approvals/{account}/{plan}/deny", "/admin/approvals/account-ada/plan-max/deny", http.StatusAccepted, waiting, accepted, `{"message":"Partners only."}`, ""},
		{"GET /keys", "/keys", http.StatusOK, `{"items":[
			{"id":"key-1","name":"Default key","label":"Default key","state":"active","created_at":"2026-11-22T09:00:00Z","revealed_at":"2026-11-22T09:01:00Z","ends_at":"2026-11-23T09:00:00Z","ends_for":"rotated","replaced_by":"key-2"},
			{"id":"key-2","name":"Another","label":"Another","state":"pending","created_at":null,"revealed_at":null,"ends_at":null,"replaces":"key-1","waiting":"capacity"},
			{"id":"key-3","name":"Third","label":"Third","state":"disabled","created_at":"2026-11-22T09:00:00Z","revealed_at":null,"ends_at":null},
			{"id":"key-4","name":"Fourth","label":"Fourth","state":"released","created_at":"2026-11-22T09:00:00Z","revealed_at":null,"ends_at":null}
		],"next":null}`, private, "", ""},
		{"POST /keys", "/keys", http.StatusAccepted, waiting, accepted, `{"name":"CI"}`, ""},
		{"PATCH /keys/{key}", "/keys/key-1", http.StatusAccepted, waiting, accepted, `{"name":"CI"}`, ""},
		{"DELETE /keys/{key}", "/keys/key-1", http.StatusAccepted, waiting, accepted, "", ""},
		{"POST /keys/{key}/rotate", "/keys/key-1/rotate", http.StatusAccepted, waiting, accepted, `{"overlap":"1h"}`, ""},
		{"POST /keys/{key}/end", "/keys/key-1/end", http.StatusAccepted, waiting, accepted, "", ""},
		{"GET /usage", "/usage?start=2026-11-21", http.StatusOK, `{"start":"2026-11-21","end":"2026-11-22","as_of":"2026-11-22T09:00:00Z","items":[
			{"plan":"plan-free","plan_name":"Free","key":"key-1","key_name":"Default key","used":120,"days":[
				{"date":"2026-11-22","used":120,"limit":1000,"remaining":880,"period":"DAY","as_of":"2026-11-22T09:00:00Z"}]},
			{"plan":"plan-gone","plan_name":"Gone","key":"key-9","key_name":"key-9","used":3,"days":[
				{"date":"2026-11-22","used":3,"limit":null,"remaining":null,"as_of":"2026-11-22T09:00:00Z"}]}]}`, private, "", ""},
		{"GET /subscriptions/{plan}/usage", "/subscriptions/plan-free/usage?key=key-1&format=csv&start=2026-11-22", http.StatusOK,
			"date,plan,plan_name,key,key_name,used,limit,remaining,period,as_of\r\n" +
				"2026-11-22,plan-free,Free,key-1,Default key,120,1000,880,DAY,2026-11-22T09:00:00Z\r\n" +
				"2026-11-22,plan-gone,Gone,key-9,key-9,3,,,,2026-11-22T09:00:00Z\r\n",
			map[string]string{"Content-Disposition": `attachment; filename="usage-2026-11-22-to-2026-11-22.csv"`, "Cache-Control": "no-store"}, "", "text/csv; charset=utf-8"},
		{"POST /keys/{key}/reveal", "/keys/key-1/reveal", http.StatusOK, `{"value":"` + keyValue + `"}`, private, "", ""},
		{
			"GET /operations/{operation}", "/operations/op-1", http.StatusOK, waiting,
			map[string]string{"Retry-After": "1", "Cache-Control": "no-store", "Location": ""}, "", "",
		},
		{
			"POST /try/{product}/{api}", "/try/weather/forecast", http.StatusOK, exchanged, private,
			`{"method":"GET","path":"/now","headers":[{"name":"X-A","value":"1"},{"name":"X-A","value":"2"}],"body":"{}","key":"key-1"}`, "",
		},

		{"GET /notices", "/notices", http.StatusOK, `{"items":[` + shownNotice("null", true) + `],"next":null}`, private, "", ""},
		{"GET /notices/{notice}/deliveries", "/notices/n-1/deliveries", http.StatusOK, `{"items":[` + shownMail + `],"next":null}`, private, "", ""},
		{"POST /notices/{notice}/deliveries/mail/redeliver", "/notices/n-1/deliveries/mail/redeliver", http.StatusOK, shownMailAgain, private, "", ""},
		{"POST /notices/{notice}/dismiss", "/notices/n-1/dismiss", http.StatusOK, shownNotice(`"2026-11-22T09:01:00Z"`, false), private, "", ""},
		{"GET /account/settings", "/account/settings", http.StatusOK, shownSettings("key_created", "mail"), private, "", ""},
		{
			"PUT /account/settings", "/account/settings", http.StatusOK, shownSettings("key_disabled", "webhook"), private,
			`{"notices":[{"kind":"key_disabled","webhook":false,"mail":true}]}`, "",
		},
		{"GET /webhooks", "/webhooks", http.StatusOK, `{"items":[` + shownHook("off", "null", "") + `],"next":null}`, private, "", ""},
		{"POST /webhooks", "/webhooks", http.StatusCreated, shownHook("off", "null", webhookSecret), private, `{"url":"https://example.com/hooks"}`, ""},
		{"PATCH /webhooks/{webhook}", "/webhooks/w-1", http.StatusOK, shownHook("on", "null", ""), private, `{"state":"on"}`, ""},
		{"DELETE /webhooks/{webhook}", "/webhooks/w-1", http.StatusNoContent, "", private, "", ""},
		{"POST /webhooks/{webhook}/rotate-secret", "/webhooks/w-1/rotate-secret", http.StatusOK, shownHook("off", `"2026-11-23T09:00:00Z"`, webhookSecret), private, "", ""},
		{"POST /webhooks/{webhook}/test", "/webhooks/w-1/test", http.StatusOK, shownDelivery, private, "", ""},
		{"GET /webhooks/{webhook}/deliveries", "/webhooks/w-1/deliveries", http.StatusOK, `{"items":[` + shownDelivery + `],"next":null}`, private, "", ""},
		{"POST /webhooks/{webhook}/deliveries/{notice}/redeliver", "/webhooks/w-1/deliveries/n-1/redeliver", http.StatusOK, shownDelivery, private, "", ""},
		{
			"POST /webhooks/{webhook}/redeliver", "/webhooks/w-1/redeliver", http.StatusOK, `{"redelivered":3}`, private,
			`{"since":"2026-11-20T00:00:00Z","until":"2026-11-21T00:00:00Z"}`, "",
		},
	}, append(append(adminExamples(accepted, private), letterExamples(private)...), append(licenceExamples(private), bannerExamples(private)...)...)...)
}

func shownNotice(dismissed string, needsYou bool) string {
	return fmt.Sprintf(`{"id":"n-1","kind":"subscription_lost","importance":"act","title":"Gone has ended","text":"It was removed.","advice":"Take another.",
		"link":"/apis","about":"plan/plan-gone","operation":"op-1","at":"2026-11-22T09:00:00Z","needs_you":%t,"dismissed_at":%s}`, needsYou, dismissed)
}

// shownSettings are settings in which one kind is off for one channel.
func shownSettings(off, channel string) string {
	var list []map[string]any
	for _, k := range notices.KindsFor(false) {
		one := map[string]any{"kind": k.Kind, "group": k.Group, "label": k.Label, "dashboard": true, "mail": true, "webhook": true}
		if string(k.Kind) == off {
			one[channel] = false
		}
		list = append(list, one)
	}
	text, _ := json.Marshal(map[string]any{"time_zone": "Europe/Berlin", "notices": list})
	return string(text)
}

func shownHook(state, oldSecret, secret string) string {
	text := `{"id":"w-1","url":"https://example.com/hooks","description":"Mine","kinds":[],"state":"` + state + `","created_at":"2026-11-22T09:00:00Z",
		"failing_since":null,"old_secret_until":` + oldSecret
	if state == "off" {
		text += `,"why":"You turned it off."`
	}
	if secret != "" {
		text += `,"secret":"` + secret + `"`
	}
	return text + "}"
}

const (
	shownMailAgain = `{"channel":"mail","notice":"n-1","message_id":"msg_n-1","kind":"subscription_lost","title":"Gone has ended","state":"pending",
	"created_at":"2026-11-22T09:00:00Z","next_attempt_at":"2026-11-22T09:01:00Z","attempts":[]}`
	shownMail     = `{"channel":"mail",` + shownRest
	shownDelivery = `{"channel":"webhook/w-1",` + shownRest
	shownRest     = `"notice":"n-1","message_id":"msg_n-1","kind":"subscription_lost","title":"Gone has ended","state":"pending",
	"created_at":"2026-11-22T09:00:00Z","next_attempt_at":"2026-11-22T09:01:00Z",
	"attempts":[{"at":"2026-11-22T09:00:00Z","took_ms":12,"status":500,"error":"It answered 500 Internal Server Error.","answer":"no"}]}`
)

// caller may see the response.
func (e example) caller() *identity.Identity {
	if strings.HasPrefix(e.path, "/admin/") {
		return &root
	}
	return &ada
}

func (e example) ask(s site) answer {
	s.t.Helper()
	method, _, _ := strings.Cut(e.route, " ")
	if e.send == "" {
		return s.do(method, e.path, nil)
	}
	return s.do(method, e.path, strings.NewReader(e.send))
}

func TestEveryRouteRespondsAsDocumented(t *testing.T) {
	t.Parallel()
	description := described(t)
	for _, e := range examples() {
		t.Run(e.route, func(t *testing.T) {
			t.Parallel()
			a := e.ask(siteOf(t, full(), e.caller())).want(e.status)
			if e.status == http.StatusNoContent {
				if a.Body.Len() > 0 {
					t.Errorf("the body is %s", a.Body)
				}
				return
			}
			if e.contentType != "" {
				if diff := cmp.Diff(e.body, a.Body.String()); diff != "" {
					t.Errorf("the body (-want +got):\n%s", diff)
				}
			} else {
				var want any
				if err := json.Unmarshal([]byte(e.body), &want); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, a.json()); diff != "" {
					t.Errorf("the body (-want +got):\n%s", diff)
				}
			}
			if got, want := a.Header().Get("Content-Type"), stdcmp.Or(e.contentType, "application/json"); got != want {
				t.Errorf("the content type is %q, want %q", got, want)
			}
			if got := a.Header().Get("X-Content-Type-Options"); got != "nosniff" {
				t.Errorf("X-Content-Type-Options is %q", got)
			}
			for name, want := range e.headers {
				if got := a.Header().Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			description.checks(t, e.route, a)
		})
	}
}

func TestEmptyListsAreNotNull(t *testing.T) {
	t.Parallel()
	description := described(t)
	s := siteOf(t, &fake{account: projections.Account{Profile: projections.Profile{Status: projections.StatusNone}}}, &identity.Identity{Account: "account-new"})
	for _, path := range []string{"/catalog", "/subscriptions", "/keys", "/notices", "/webhooks"} {
		a := s.get(path).want(http.StatusOK)
		if got := strings.TrimSpace(a.Body.String()); got != `{"items":[],"next":null}` {
			t.Errorf("%s answers %s", path, got)
		}
		description.checks(t, "GET "+path, a)
	}
	me := s.get("/me").want(http.StatusOK)
	if got := strings.TrimSpace(me.Body.String()); got != `{"account":"account-new","status":"none","groups":[]}` {
		t.Errorf("me is %s", got)
	}
	description.checks(t, "GET /me", me)
}

func TestRetryAfterIsSentWhileAnOperationIsOpen(t *testing.T) {
	t.Parallel()
	description := described(t)
	for status, want := range map[projections.Status]string{
		projections.Accepted: "1", projections.Running: "1", projections.Waiting: "1",
		projections.Succeeded: "", projections.Rejected: "", projections.Failed: "",
	} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			f := full()
			f.operation.Progress = projections.Progress{Status: status, UpdatedAt: now}
			a := signedIn(t, f).get("/operations/op-1").want(http.StatusOK)
			if got := a.Header().Get("Retry-After"); got != want {
				t.Errorf("Retry-After is %q, want %q", got, want)
			}
			shown, ok := a.json().(map[string]any)
			if !ok || shown["status"] != string(status) || shown["reason"] != nil {
				t.Errorf("the operation is %v", shown)
			}
			if steps, ok := shown["steps"].([]any); !ok || len(steps) != 0 {
				t.Errorf("the steps are %v, want an empty list", shown["steps"])
			}
			description.checks(t, "GET /operations/{operation}", a)
		})
	}
}

func TestAClientThatHasTheBodyGets304(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ifNoneMatch string
		status      int
	}{
		"without a condition":             {"", http.StatusOK},
		"the ETag as a strong one":        {`"HASH"`, http.StatusNotModified},
		"another ETag":                    {`"other"`, http.StatusOK},
		"the ETag without its quotes":     {`HASH`, http.StatusOK},
		"as it was sent":                  {`W/"HASH"`, http.StatusNotModified},
		"another weak ETag":               {`W/"other"`, http.StatusOK},
		"one of several":                  {`"other", "HASH"`, http.StatusNotModified},
		"one of several, weak, no spaces": {`W/"other",W/"HASH","third"`, http.StatusNotModified},
		"none of several":                 {`"other", "third"`, http.StatusOK},
		"anything":                        {`*`, http.StatusNotModified},
		"nonsense":                        {`,,"`, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := visit(t, full())
			for _, e := range examples() {
				if !strings.HasPrefix(e.path, "/catalog") {
					continue
				}
				etag := s.get(e.path).Header().Get("ETag")
				hash := strings.Trim(strings.TrimPrefix(etag, "W/"), `"`)
				if len(hash) != 64 || etag != `W/"`+hash+`"` {
					t.Fatalf("%s: the ETag is %s", e.path, etag)
				}
				a := s.get(e.path, "If-None-Match", strings.ReplaceAll(c.ifNoneMatch, "HASH", hash)).want(c.status)
				if empty := a.Body.Len() == 0; empty != (c.status == http.StatusNotModified) {
					t.Errorf("%s: %d has the body %q", e.path, a.Code, a.Body)
				}
				if got := a.Header().Get("ETag"); got != etag {
					t.Errorf("%s: the ETag is %s, want %s", e.path, got, etag)
				}
				if got := a.Header().Get("Cache-Control"); got != "public, no-cache" {
					t.Errorf("%s: Cache-Control is %q", e.path, got)
				}
			}
		})
	}
}

func TestAnUnknownProductIsNotFoundEvenWithAnETag(t *testing.T) {
	t.Parallel()
	a := visit(t, full()).get("/catalog/nothing", "If-None-Match", `"hash"`).want(http.StatusNotFound)
	if p := a.problem("not_found"); p.Detail != "There is no such product." {
		t.Errorf("the detail is %q", p.Detail)
	}
}

func TestHeadIsAnsweredWhereGetIs(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		method, _, _ := strings.Cut(e.route, " ")
		if method != http.MethodGet {
			continue
		}
		s := siteOf(t, full(), e.caller())
		got := s.do(http.MethodGet, e.path, nil).Header().Get("ETag")
		s = siteOf(t, full(), e.caller())
		if a := s.do(http.MethodHead, e.path, nil); a.Code != e.status || a.Header().Get("ETag") != got {
			t.Errorf("HEAD %s is answered %d with ETag %s, and GET with %s", e.path, a.Code, a.Header().Get("ETag"), got)
		}
		if line := s.log.line(t, "request"); line["method"] != "HEAD" {
			t.Errorf("the log line is %v", line)
		}
	}
}

func TestMethodNotAllowedListsTheMethods(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		"POST /me":                    "GET, HEAD",
		"GET /subscriptions/plan-max": "PUT, DELETE",
		"HEAD /register":              "POST",
		"OPTIONS /keys":               "GET, POST, HEAD",
		"GET /keys/key-1":             "PATCH, DELETE",
		"BREW /keys/key-1/reveal":     "POST",
		"DELETE /openapi.json":        "GET, HEAD",
	} {
		t.Run(request, func(t *testing.T) {
			t.Parallel()
			method, path, _ := strings.Cut(request, " ")
			f := full()
			a := signedIn(t, f).do(method, path, nil).want(http.StatusMethodNotAllowed)
			a.problem("method_not_allowed")
			if got := a.Header().Get("Allow"); got != want {
				t.Errorf("Allow is %q, want %q", got, want)
			}
			if len(f.asked) != 0 {
				t.Errorf("the handler asked for %v", f.asked)
			}
		})
	}
}

func TestWithoutATokenOnlyTheCatalogCanBeReadAndTried(t *testing.T) {
	t.Parallel()
	description := described(t)
	for _, e := range examples() {
		f := full()
		a := e.ask(visit(t, f))
		if strings.HasPrefix(e.path, "/catalog") || strings.HasPrefix(e.path, "/search") || strings.HasPrefix(e.path, "/try") {
			a.want(e.status)
			continue
		}
		a.want(http.StatusUnauthorized).problem("unauthorized")
		description.checks(t, e.route, a)
		if got := a.Header().Get("WWW-Authenticate"); got != "Bearer" {
			t.Errorf("%s: WWW-Authenticate is %q", e.route, got)
		}
		if len(f.asked) != 0 {
			t.Errorf("%s asked for %v", e.route, f.asked)
		}
	}
}

func TestRequestsAreForTheSignedInAccount(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		f := full()
		e.ask(siteOf(t, f, e.caller())).want(e.status)
		if strings.Contains(e.route, "/admin/") {
			continue // they are about the accounts of others
		}
		for _, call := range f.asked {
			if call.What != "catalog" && call.What != "approvals" && call.Caller.Account != e.caller().Account {
				t.Errorf("%s asks for %+v", e.route, call)
			}
		}
		want := 1
		if e.route == "GET /keys" || strings.Contains(e.path, "usage") {
			want = 2 // the keys, and when they were last revealed; the account, and its usage
		}
		if strings.HasSuffix(e.route, "/account/settings") {
			want = len(f.asked) // each section is another's
		}
		if len(f.asked) != want {
			t.Errorf("%s asked for %+v, want %d calls", e.route, f.asked, want)
		}
	}
}

func TestStatusIsTheProblemsStatus(t *testing.T) {
	t.Parallel()
	for code, c := range statuses {
		if got := api.Status(wrapped(code)); got != c.status {
			t.Errorf("%s is %d, want %d", code, got, c.status)
		}
	}
}
