package trail_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge/pattern"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/trail"
	"github.com/gatehouse-portal/gatehouse/transport"
)

const (
	worker   = "arn:aws:sts::111122223333:assumed-role/gatehouse-lambda-WorkerRole-1A2B/gatehouse-lambda-Worker"
	operator = "arn:aws:sts::111122223333:assumed-role/Operators/ann@example.com"
)

// call is a record of API Gateway as EventBridge delivers it.
type call struct {
	name, by, request, response, code string
	readOnly                          bool
	account, region                   string
}

func (c call) body() []byte {
	or := func(text, otherwise string) string {
		if text == "" {
			return otherwise
		}
		return text
	}
	code := ""
	if c.code != "" {
		code = fmt.Sprintf(`"errorCode":%q,"errorMessage":"no",`, c.code)
	}
	by := or(c.by, operator)
	role := strings.Split(by, "/")[1]
	return fmt.Appendf(nil, `{"version":"0","id":"7e5f","detail-type":"AWS API Call via CloudTrail","source":"aws.apigateway","account":%q,
"time":"2026-11-28T12:00:00Z","region":%q,"resources":[],"detail":{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole",
"principalId":"AROAEXAMPLE:x","arn":%q,"accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","userName":%q}}},
"eventTime":"2026-11-28T12:00:00Z","eventSource":"apigateway.amazonaws.com","eventName":%q,"awsRegion":"eu-west-1",%s
"requestParameters":%s,"responseElements":%s,"requestID":"r","eventID":"e-1","readOnly":%t,"eventType":"AwsApiCall",
"managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}`,
		or(c.account, "111122223333"), or(c.region, "eu-west-1"), by, role, c.name, code, or(c.request, "null"), or(c.response, "null"), c.readOnly)
}

type bench struct {
	sent    []events.Event
	counted []trail.Outcome
	err     error
}

func (b *bench) Send(_ context.Context, messages ...events.Event) error {
	b.sent = append(b.sent, messages...)
	return b.err
}

func (b *bench) Head(_ context.Context, stream portal.Stream) (int64, error) {
	if stream == "account/ann" || stream == "account/bob" {
		return 7, nil
	}
	return 0, nil
}

func (b *bench) intake(now func() time.Time) trail.Intake {
	return trail.Intake{
		Self: func(context.Context) (string, error) { return worker, nil }, Region: "eu-west-1", Streams: b, Sender: b, Now: now,
		Counted: func(o trail.Outcome) { b.counted = append(b.counted, o) },
		Named: func(name string) (portal.AccountID, bool) {
			account, _, ok := gateway.ParseKeyName("gatehouse", name)
			return account, ok
		},
		Owners: func(_ context.Context, keys []portal.GatewayKeyID, plans []portal.PlanID) ([]portal.AccountID, error) {
			for _, key := range keys {
				if key == "gw1" {
					return []portal.AccountID{"ann"}, nil
				}
			}
			return nil, nil
		},
		Catalog: func(at time.Time) events.Event {
			return events.Event{ID: "read-" + at.Truncate(time.Minute).Format("1504"), Subject: "job/catalog", Data: events.JobRequested{Job: "catalog"}}
		},
	}
}

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestEachCallWakesWhatItIsAbout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call call
		want trail.Outcome
		wake string
	}{
		"a key is disabled": {
			call{name: "UpdateApiKey", request: `{"apiKey":"gw1","updateApiKeyInput":{"patchOperations":[{"op":"replace","path":"/enabled","value":"false"}]},"template":false}`, response: `{"id":"gw1","name":"gatehouse/bob/k1","enabled":false}`},
			trail.WokeAccount, "account/bob",
		},
		"a key is renamed": {
			call{name: "UpdateApiKey", request: `{"apiKey":"gw1","template":false}`, response: `{"id":"gw1","name":"mine now"}`},
			trail.WokeAccount, "account/ann",
		},
		"a key is deleted":           {call{name: "DeleteApiKey", request: `{"apiKey":"gw1","template":false}`}, trail.WokeAccount, "account/ann"},
		"another spelling of the id": {call{name: "DeleteApiKey", request: `{"api_Key":"gw1"}`}, trail.WokeAccount, "account/ann"},
		"a key is attached": {
			call{name: "CreateUsagePlanKey", request: `{"usageplanId":"p1","createUsagePlanKeyInput":{"keyId":"gw1","keyType":"API_KEY"},"template":false}`},
			trail.WokeAccount, "account/ann",
		},
		"a key is detached":                       {call{name: "DeleteUsagePlanKey", request: `{"usageplanId":"p1","keyId":"gw1","template":false}`}, trail.WokeAccount, "account/ann"},
		"a key with a name of ours":               {call{name: "CreateApiKey", response: `{"id":"new","name":"gatehouse/ann/k9"}`}, trail.WokeAccount, "account/ann"},
		"a name of an account that nobody has":    {call{name: "CreateApiKey", response: `{"id":"gw1","name":"gatehouse/eve/k9"}`}, trail.OtherKey, ""},
		"another key is made":                     {call{name: "CreateApiKey", request: `{"createApiKeyInput":{"name":"billing"}}`, response: `{"id":"gw1","name":"billing"}`}, trail.OtherKey, ""},
		"another key is deleted":                  {call{name: "DeleteApiKey", request: `{"apiKey":"gw2"}`}, trail.OtherKey, ""},
		"a plan is changed":                       {call{name: "UpdateUsagePlan", request: `{"usageplanId":"p1"}`}, trail.WokeCatalog, "job/catalog"},
		"a stage is deleted":                      {call{name: "DeleteStage", request: `{"restApiId":"a","stageName":"v1"}`}, trail.WokeCatalog, "job/catalog"},
		"a plan is tagged":                        {call{name: "TagResource", request: `{"resourceArn":"arn:aws:apigateway:eu-west-1::/usageplans/p1"}`}, trail.WokeCatalog, "job/catalog"},
		"a key is tagged":                         {call{name: "TagResource", request: `{"resourceArn":"arn:aws:apigateway:eu-west-1::/apikeys/gw1"}`}, trail.Unrelated, ""},
		"a worker's own call":                     {call{name: "DeleteUsagePlanKey", by: worker, request: `{"usageplanId":"p1","keyId":"gw1"}`}, trail.OwnCall, ""},
		"another session of the worker's role":    {call{name: "DeleteApiKey", by: worker + "-2", request: `{"apiKey":"gw1"}`}, trail.OwnCall, ""},
		"a call that failed":                      {call{name: "DeleteApiKey", code: "NotFoundException", request: `{"apiKey":"gw1"}`}, trail.FailedCall, ""},
		"a call that only reads":                  {call{name: "UpdateUsagePlan", readOnly: true}, trail.Unrelated, ""},
		"a call that shows after deployment only": {call{name: "PutMethod"}, trail.Unrelated, ""},
		"a call of tomorrow":                      {call{name: "ReplaceApiKey", request: `{"apiKey":"gw1"}`}, trail.Unrelated, ""},
		"another AWS account":                     {call{name: "DeleteApiKey", account: "444455556666", request: `{"apiKey":"gw1"}`}, trail.Unrelated, ""},
		"another Region":                          {call{name: "DeleteApiKey", region: "us-east-1", request: `{"apiKey":"gw1"}`}, trail.Unrelated, ""},
		"a key call without a key":                {call{name: "DeleteApiKey"}, trail.OtherKey, ""},
		"ids that are no texts":                   {call{name: "DeleteApiKey", request: `{"apiKey":["gw1"],"keyId":7}`}, trail.OtherKey, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &bench{}
			if err := b.intake(func() time.Time { return noon }).Handle(t.Context(), transport.RawMessage{ID: "m", Body: c.call.body()}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]trail.Outcome{c.want}, b.counted); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
			if c.wake == "" {
				if len(b.sent) > 0 {
					t.Errorf("it sent %+v", b.sent)
				}
				return
			}
			if len(b.sent) != 1 || string(b.sent[0].Subject) != c.wake {
				t.Fatalf("it sent %+v, want one to %s", b.sent, c.wake)
			}
			if wake, ok := b.sent[0].Data.(events.ProvisionRequested); c.want == trail.WokeAccount && (!ok || !wake.Recheck) {
				t.Errorf("it sent %+v, want a recheck", b.sent[0])
			}
		})
	}
}

func TestADeliveredAgainEventWakesByTheSameMessage(t *testing.T) {
	t.Parallel()
	b := &bench{}
	in := b.intake(func() time.Time { return noon })
	for _, id := range []string{"m1", "m2"} {
		if err := in.Handle(t.Context(), transport.RawMessage{ID: id, Body: call{name: "DeleteApiKey", request: `{"apiKey":"gw1"}`}.body()}); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.sent) != 2 || b.sent[0].ID != b.sent[1].ID {
		t.Errorf("it sent %+v", b.sent)
	}
}

func TestABurstOfChangedPlansHasTheCatalogReadOnce(t *testing.T) {
	t.Parallel()
	b := &bench{}
	now := noon
	in := b.intake(func() time.Time { now = now.Add(50 * time.Millisecond); return now })
	for range 300 {
		if err := in.Handle(t.Context(), transport.RawMessage{Body: call{name: "UpdateUsagePlan"}.body()}); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, m := range b.sent {
		ids[m.ID] = true
	}
	if len(ids) != 1 {
		t.Errorf("300 changes made %d demands", len(ids))
	}
}

func TestAMessageThatIsNoEventBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no JSON":            "hello",
		"a list":             `[1]`,
		"nothing":            `{}`,
		"no detail":          `{"source":"aws.apigateway","detail-type":"AWS API Call via CloudTrail"}`,
		"no name":            `{"source":"aws.apigateway","detail-type":"AWS API Call via CloudTrail","detail":{"eventID":"e"}}`,
		"a detail of a text": `{"source":"aws.apigateway","detail-type":"AWS API Call via CloudTrail","detail":"x"}`,
	} {
		b := &bench{}
		err := b.intake(time.Now).Handle(t.Context(), transport.RawMessage{Body: []byte(body)})
		if portal.CodeOf(err) != portal.Invalid || len(b.sent) > 0 || len(b.counted) != 1 || b.counted[0] != trail.Unreadable {
			t.Errorf("%s: got %v, counted %v", name, err, b.counted)
		}
	}
}

func TestEventsOfOtherServicesAreDropped(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"source":"aws.s3","detail-type":"AWS API Call via CloudTrail","detail":{}}`,
		`{"source":"aws.apigateway","detail-type":"AWS Service Event via CloudTrail","detail":{}}`,
	} {
		b := &bench{}
		if err := b.intake(time.Now).Handle(t.Context(), transport.RawMessage{Body: []byte(body)}); err != nil || len(b.sent) > 0 || b.counted[0] != trail.Unrelated {
			t.Errorf("%s: got %v, counted %v", body, err, b.counted)
		}
	}
}

func TestAnEventComesAgainIfNobodyCanBeWoken(t *testing.T) {
	t.Parallel()
	b := &bench{err: errors.New("no")}
	unknown := b.intake(time.Now)
	unknown.Self = func(context.Context) (string, error) { return "", errors.New("no") }
	for name, in := range map[string]trail.Intake{"the queues": b.intake(time.Now), "the caller": unknown} {
		var later *portal.Postponed
		err := in.Handle(t.Context(), transport.RawMessage{Body: call{name: "DeleteApiKey", request: `{"apiKey":"gw1"}`}.body()})
		if !errors.As(err, &later) || len(b.counted) > 0 {
			t.Errorf("%s: got %v, counted %v", name, err, b.counted)
		}
	}
}

func TestThePatternLetsOnlyOtherPeoplesCallsThrough(t *testing.T) {
	t.Parallel()
	all, err := pattern.Parse(trail.Pattern(""))
	if err != nil {
		t.Fatal(err)
	}
	others, err := pattern.Parse(trail.Pattern("gatehouse-lambda-WorkerRole-"))
	if err != nil {
		t.Fatal(err)
	}
	user := strings.Replace(string(call{name: "DeleteApiKey"}.body()), `"sessionContext":{"sessionIssuer":{"type":"Role","userName":"Operators"}}`, `"userName":"ann"`, 1)
	for body, want := range map[string][2]bool{
		string(call{name: "DeleteApiKey"}.body()):             {true, true},
		string(call{name: "DeleteApiKey", by: worker}.body()): {true, false},
		user:                                   {true, true},
		string(call{name: "PutMethod"}.body()): {false, false},
	} {
		var event map[string]any
		if err := json.Unmarshal([]byte(body), &event); err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{all.Matches(event), others.Matches(event)}; got != want {
			t.Errorf("%s: matched %v, want %v", body, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(call{name: "UpdateApiKey", request: `{"apiKey":"gw1"}`}.body())
	f.Add([]byte(`{"source":"aws.apigateway"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		b := &bench{}
		err := b.intake(time.Now).Handle(t.Context(), transport.RawMessage{Body: body})
		if err != nil && portal.CodeOf(err) != portal.Invalid || len(b.counted) != 1 {
			t.Errorf("got %v, counted %v", err, b.counted)
		}
	})
}
