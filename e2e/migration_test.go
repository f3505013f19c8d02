// This file tests `gatehouse migrate`: people and keys of an earlier portal.

package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	apigwtypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// earlier is an AWS Serverless Developer Portal, as far as its data in AWS goes.
type earlier struct {
	*site
	t *testing.T
}

func (s *site) earlier(t *testing.T) earlier {
	t.Helper()
	e := earlier{s, t}
	for name, key := range map[string]string{"DevPortalCustomers": "Id", "DevPortalPreLoginAccounts": "UserId", "DevPortalFeedback": "Id"} {
		_, err := e.tables().CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &key, AttributeType: types.ScalarAttributeTypeS}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: &key, KeyType: types.KeyTypeHash}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func (e earlier) tables() *dynamodb.Client { return dynamodb.NewFromConfig(e.aws) }

// put writes a row of texts, given in pairs.
func (e earlier) put(table string, pairs ...string) {
	e.t.Helper()
	row := map[string]types.AttributeValue{}
	for i := 0; i < len(pairs); i += 2 {
		row[pairs[i]] = &types.AttributeValueMemberS{Value: pairs[i+1]}
	}
	if _, err := e.tables().PutItem(e.t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: row}); err != nil {
		e.t.Fatal(err)
	}
}

func (e earlier) key(name string, enabled bool, plans ...string) (id, value string) {
	e.t.Helper()
	plane := apigateway.NewFromConfig(e.aws)
	made, err := plane.CreateApiKey(e.t.Context(), &apigateway.CreateApiKeyInput{Name: &name, Enabled: enabled, GenerateDistinctId: true})
	if err != nil {
		e.t.Fatal(err)
	}
	for _, plan := range plans {
		_, err := plane.CreateUsagePlanKey(e.t.Context(), &apigateway.CreateUsagePlanKeyInput{UsagePlanId: &plan, KeyId: made.Id, KeyType: aws.String("API_KEY")})
		if err != nil {
			e.t.Fatal(err)
		}
	}
	return aws.ToString(made.Id), aws.ToString(made.Value)
}

func (e earlier) keyName(id string) string {
	e.t.Helper()
	out, err := apigateway.NewFromConfig(e.aws).GetApiKey(e.t.Context(), &apigateway.GetApiKeyInput{ApiKey: &id})
	if err != nil {
		e.t.Fatal(err)
	}
	return aws.ToString(out.Name)
}

// customer is a person of the layout since 2020 who has signed in there.
func (e earlier) customer(email, identity string, plans ...string) (id, value string) {
	e.t.Helper()
	signUp(e.t, e.cognito(), e.Demo.ClientID, email)
	sub := e.subject(e.t, email)
	id, value = e.key(identity+"/"+sub, true, plans...)
	e.put("DevPortalCustomers", "Id", identity, "UserPoolId", sub, "EmailAddress", email, "ApiKeyId", id,
		"RegistrationStatus", "registered", "RegistrationMethod", "open", "DateRegistered", "2023-04-01T08:00:00.000Z")
	return id, value
}

// artifact puts a file into the bucket of artifacts.
func (e earlier) artifact(key, body string) {
	e.t.Helper()
	client, bucket := s3.NewFromConfig(e.aws, func(o *s3.Options) { o.UsePathStyle = true }), "earlier-artifacts"
	if _, err := client.CreateBucket(e.t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		e.t.Fatal(err)
	}
	if _, err := client.PutObject(e.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)}); err != nil {
		e.t.Fatal(err)
	}
}

const anIdentity = "us-east-1:128d0a74-c82f-4553-916d-90053e4a8b0f"

type migrated struct {
	Accounts  int                          `json:"accounts_opened"`
	Adopted   int                          `json:"keys_adopted"`
	Waiting   int                          `json:"keys_waiting"`
	Before    int                          `json:"people_done_before"`
	Deleted   int                          `json:"people_deleted_since"`
	Feedback  int                          `json:"feedback_moved"`
	Unmatched []struct{ What, Why string } `json:"unmatched"`
	People    []struct{ Email string }     `json:"people"`
}

func TestAPersonOfTheEarlierPortalKeepsTheirKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	e, o := s.earlier(t), s.operator(t)
	id, value := e.customer("ada@example.com", anIdentity, s.Demo.API.FreePlanID)
	e.put("DevPortalFeedback", "Id", anIdentity+"-Sat, 01 Apr 2023 08:00:00 GMT", "UserId", anIdentity,
		"Message", "More harbours, please.", "Time", "Sat, 01 Apr 2023 08:00:00 GMT", "Status", "RECEIVED")

	dry, _ := o.says(0, "migrate", "predecessor")
	if !strings.Contains(dry, "ada@example.com") || !strings.Contains(dry, id) || !strings.Contains(dry, "1 person, 1 key, 1 piece of feedback.") || !strings.Contains(dry, "Nothing was changed") {
		t.Errorf("the dry run prints\n%s", dry)
	}
	if _, stderr := o.says(1, "account", "find", "ada@example.com"); !strings.Contains(stderr, "has an account") {
		t.Errorf("after the dry run: %s", stderr)
	}
	done := asJSON[migrated](o, "migrate", "predecessor", "--yes")
	if done.Accounts != 1 || done.Adopted != 1 || done.Feedback != 1 || len(done.Unmatched) != 0 {
		t.Errorf("it did %+v", done)
	}
	again := asJSON[migrated](o, "migrate", "predecessor", "--yes")
	if again.Accounts != 0 || again.Adopted != 0 || again.Feedback != 0 || again.Before != 1 || len(again.Unmatched) != 0 {
		t.Errorf("the second run did %+v", again)
	}

	e.artifact("catalog/"+s.Demo.API.APIID+"_"+s.Demo.API.Stage+".json", `{"swagger":"2.0","info":{"title":"Harbours","version":"1"},"paths":{}}`)
	folder := t.TempDir()
	for _, want := range []string{"New files of product folders", ""} {
		text, _ := o.says(0, "migrate", "predecessor", "--yes", "--artifacts", "earlier-artifacts", "--catalog", folder)
		if strings.Contains(text, "product.yaml") != (want != "") {
			t.Errorf("with a catalog it prints\n%s", text)
		}
	}
	o.says(0, "catalog", "check", folder)

	p := s.signIn(t, "ada@example.com")
	eventually(t, "the subscription is active", func() bool {
		subscribed := decode[items[struct{ Plan, State string }]](p.do(http.MethodGet, "/api/v1/subscriptions", "").want(http.StatusOK)).Items
		return len(subscribed) == 1 && subscribed[0].Plan == s.Demo.API.FreePlanID && subscribed[0].State == "active"
	})
	held := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
	if len(held) != 1 || held[0].State != "active" {
		t.Fatalf("the keys are %+v", held)
	}
	reveal := func(id string) string {
		t.Helper()
		return decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
	}
	if got := reveal(held[0].ID); got != value {
		t.Error("the portal reveals another value than API Gateway gave the key")
	}
	if got := s.call(t, value); got != http.StatusOK {
		t.Errorf("calling the API answers %d", got)
	}

	whose := asJSON[struct{ Email, Key string }](o, "keys", "whose", id)
	if whose.Email != "ada@example.com" || whose.Key != held[0].ID {
		t.Errorf("the key is %+v's", whose)
	}
	if found := asJSON[struct{ Drifted, Strays int }](o, "sweep"); found.Drifted != 0 || found.Strays != 0 {
		t.Errorf("the sweep found %+v", found)
	}
	if name := e.keyName(id); name != anIdentity+"/"+s.subject(t, "ada@example.com") {
		t.Errorf("the key is called %q now", name)
	}

	p.succeed(p.do(http.MethodPost, "/api/v1/keys/"+held[0].ID+"/rotate", `{"overlap":"0"}`))
	eventually(t, "API Gateway refuses the old key", func() bool { return s.call(t, value) == http.StatusForbidden })
	for _, now := range decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items {
		if now.ID != held[0].ID && s.call(t, reveal(now.ID)) != http.StatusOK {
			t.Error("the new key does not work")
		}
	}

	p.do(http.MethodDelete, "/api/v1/account", "").want(http.StatusAccepted)
	eventually(t, "API Gateway has no key of the account", func() bool {
		_, err := apigateway.NewFromConfig(s.aws).GetApiKey(t.Context(), &apigateway.GetApiKeyInput{ApiKey: &id})
		var gone *apigwtypes.NotFoundException
		return errors.As(err, &gone)
	})
	var last migrated
	eventually(t, "a later run opens no other account", func() bool {
		last = asJSON[migrated](o, "migrate", "predecessor", "--yes")
		return last.Deleted == 1
	})
	if last.Accounts+last.Adopted+last.Feedback != 0 {
		t.Errorf("after the deletion it did %+v", last)
	}
}

func TestKeysOfAFileWaitForTheirOwners(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	e, o := earlier{s, t}, s.operator(t)
	free := s.Demo.API.FreePlanID
	waiting, value := e.key("bea's key", true, free)
	unplanned, _ := e.key("a key in no plan", true)
	ada := s.signUp(t, "ada@example.com")
	ada.succeed(ada.do(http.MethodPost, "/api/v1/register", ""))
	atOnce, adasValue := e.key("ada's key", true, free)

	bad := filepath.Join(t.TempDir(), "bad.csv")
	write(t, bad, "e-mail,key,plans\nbea@example.com,"+waiting+","+free+"\nbea,"+unplanned+"\ncid@example.com,"+unplanned+","+free+"\ncid@example.com,"+waiting+"\ncid@example.com,gone123456\n")
	stdout, stderr := o.says(1, "migrate", "csv", bad, "--yes")
	for _, want := range []string{
		`line 3: "bea" is not an e-mail address.`, "line 5: Line 2 has the same key.",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("of the bad rows it prints\n%s%s\nwant %q", stdout, stderr, want)
		}
	}
	if !strings.Contains(stderr, "nothing was done") {
		t.Errorf("with bad rows it says %q", stderr)
	}
	write(t, bad, "cid@example.com,"+unplanned+","+free+"\ncid@example.com,gone123456\n")
	stdout, _ = o.says(1, "migrate", "csv", bad, "--yes")
	for _, want := range []string{"line 1: The key " + unplanned + " is not in the usage plan " + free, "line 2: API Gateway has no key gone123456"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("of rows that do not match API Gateway it prints\n%s\nwant %q", stdout, want)
		}
	}

	good := filepath.Join(t.TempDir(), "good.csv")
	write(t, good, "\ufeffBea@Example.com,"+waiting+","+free+"\r\nada@example.com,"+atOnce+"\r\n")
	for range 2 {
		done := asJSON[migrated](o, "migrate", "csv", good, "--yes")
		if done.Waiting != 1 || len(done.Unmatched) != 0 {
			t.Errorf("it did %+v", done)
		}
	}
	has := func(p person, value string) {
		t.Helper()
		eventually(t, "the account has the key", func() bool {
			held := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
			subscribed := decode[items[struct{ Plan, State string }]](p.do(http.MethodGet, "/api/v1/subscriptions", "").want(http.StatusOK)).Items
			return len(held) == 1 && held[0].State == "active" && len(subscribed) == 1 && subscribed[0].State == "active" &&
				decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+held[0].ID+"/reveal", "")).Value == value
		})
	}
	has(ada, adasValue)
	bea := s.signUp(t, "bea@example.com")
	if held := decode[items[key]](bea.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items; len(held) != 0 {
		t.Errorf("before the sign-in the account has %+v", held)
	}
	s.visitor(t).open("/apis").signIn("bea@example.com", password)
	has(bea, value)
	if got := asJSON[migrated](o, "migrate", "csv", good, "--yes"); got.Waiting+got.Adopted != 0 || got.Before != 2 {
		t.Errorf("after the sign-in it did %+v", got)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// However often it is stopped, and however many run at once, everybody gets one account and their key.
func TestAMigrationThatIsKilledAndRunTwiceAtOnceContinues(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	e, o := s.earlier(t), s.operator(t)
	const people = 12
	values := map[string]string{}
	for n := range people {
		email := fmt.Sprintf("person%02d@example.com", n)
		_, values[email] = e.customer(email, fmt.Sprintf("us-east-1:128d0a74-c82f-4553-916d-90053e4a8b%02d", n), s.Demo.API.FreePlanID)
	}
	lost, _ := e.customer("deleted@example.com", "us-east-1:128d0a74-c82f-4553-916d-90053e4a8b90", s.Demo.API.FreePlanID)
	if _, err := apigateway.NewFromConfig(s.aws).DeleteApiKey(t.Context(), &apigateway.DeleteApiKeyInput{ApiKey: &lost}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cmd := command(t, o.env, "gatehouse", "migrate", "predecessor", "--yes")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killed := time.AfterFunc(time.Duration(200+rand.IntN(600))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		killed.Stop()
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if code, stdout, stderr := runToEnd(t, o.env, "gatehouse", "migrate", "predecessor", "--yes"); code != 0 {
				t.Errorf("it exits with %d:\n%s%s", code, stdout, stderr)
			}
		})
	}
	both.Wait()
	last := asJSON[migrated](o, "migrate", "predecessor", "--yes")
	if last.Accounts != 0 || last.Adopted != 0 || last.Before != people+1 || len(last.Unmatched) != 1 || !strings.Contains(last.Unmatched[0].What, lost) {
		t.Errorf("at last it did %+v", last)
	}
	for email, value := range values {
		found := asJSON[struct{ Accounts []account }](o, "account", "find", email).Accounts
		if len(found) != 1 || len(found[0].Keys) != 1 || len(found[0].Subscriptions) != 1 {
			t.Fatalf("%s is %+v", email, found)
		}
		p := s.signIn(t, email)
		if got := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+found[0].Keys[0].ID+"/reveal", "").want(http.StatusOK)).Value; got != value {
			t.Errorf("%s has another key than before", email)
		}
	}
}
