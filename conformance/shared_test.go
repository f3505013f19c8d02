package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// listings are the calls that list what a run may have left behind, and the members that hold
// it.
var listings = map[string]string{
	"apigateway:GetApiKeys":    "Items",
	"apigateway:GetRestApis":   "Items",
	"apigateway:GetUsagePlans": "Items",
	"cognito:ListUserPools":    "UserPools",
	"dynamodb:ListTables":      "TableNames",
	"s3:ListBuckets":           "Buckets",
	"sns:ListSubscriptions":    "Subscriptions",
	"sns:ListTopics":           "Topics",
	"sqs:ListQueues":           "QueueUrls",
}

func TestASharedAccountIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	at := shared(t, srv.AWSConfig())
	at.pause = at.pause / 50
	var seen report
	for _, sc := range readTables(t) {
		// As a real account would, but without the scene that waits.
		if sc.real == "" && sc.title != "Time" {
			at.play(t, sc, &seen)
		}
	}
	for call, items := range leftovers(t, srv) {
		t.Errorf("left behind, according to %s: %s", call, compact(items))
	}
}

func leftovers(t *testing.T, srv *localaws.Server) map[string][]any {
	t.Helper()
	all, found := newClients(srv.AWSConfig()), map[string][]any{}
	for call, member := range listings {
		service, operation, _ := strings.Cut(call, ":")
		input := map[string]any{}
		if operation == "ListUserPools" {
			input["MaxResults"] = 60.0
		}
		out, err := all.call(t.Context(), service, operation, input)
		if err != nil {
			t.Fatal(err)
		}
		if items := lookUp(member, out); len(items) > 0 {
			found[call] = items
		}
	}
	return found
}

// The input must name something by the prefix, by an id from an earlier answer, or by a name
// that belongs to nothing, so that the call fails.
func TestACallThatChangesSomethingNamesWhatTheRunMade(t *testing.T) {
	t.Parallel()
	for _, sc := range readTables(t) {
		if sc.real != "" {
			continue
		}
		for _, s := range sc.steps {
			reads := false
			for _, prefix := range []string{"Get", "List", "Describe", "Head", "Query", "Scan", "BatchGet", "TransactGet"} {
				reads = reads || strings.HasPrefix(s.operation, prefix)
			}
			if !reads && !strings.Contains(compact(s.input), "$") && s.want.code == "" {
				t.Errorf("%s: %s %s", s.place(), s.operation, compact(s.input))
			}
		}
	}
}

func TestRemovalIsRetriedAndReportsWhatIsLeft(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	m := made{clients: newClients(srv.AWSConfig())}
	note := func(call string, input, output any) {
		t.Helper()
		service, operation, _ := strings.Cut(call, ":")
		if err := m.note(service, operation, input, output); err != nil {
			t.Fatal(err)
		}
	}
	name := map[string]any{"Bucket": "conformance-left"}
	if _, err := m.clients.call(t.Context(), "s3", "CreateBucket", name); err != nil {
		t.Fatal(err)
	}
	note("s3:CreateBucket", name, structure{})
	object := map[string]any{"Bucket": "conformance-left", "Key": "a", "Body": "x"}
	if _, err := m.clients.call(t.Context(), "s3", "PutObject", object); err != nil {
		t.Fatal(err)
	}
	// The object was not noted, so the bucket is not empty.
	if err := m.remove(t.Context()); err == nil || !strings.Contains(err.Error(), `s3:DeleteBucket {"Bucket":"conformance-left"}`) {
		t.Errorf("the error does not say that the bucket is left behind: %v", err)
	}
	note("s3:PutObject", object, structure{})
	// Something that is gone is no error.
	note("sqs:CreateQueue", nil, structure{"QueueUrl": fmt.Sprintf("%s/%s/nothing", srv.Endpoint(), localaws.Account)})
	if err := m.remove(t.Context()); err != nil {
		t.Error(err)
	}
	if out, _ := m.clients.call(t.Context(), "s3", "ListBuckets", map[string]any{}); len(lookUp("Buckets", out)) > 0 {
		t.Errorf("the bucket is left behind: %s", compact(out))
	}
}
