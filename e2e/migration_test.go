// This file tests `gatehouse migrate`: people and keys of an earlier portal.

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
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

const anIdentity = "us-east-1:128d0a74-c82f-4553-916d-90053e4a8b0f"

type migrated struct {
	Accounts  int                          `json:"accounts_opened"`
	Adopted   int                          `json:"keys_adopted"`
	Waiting   int                          `json:"keys_waiting"`
	Before    int                          `json:"people_done_before"`
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

	p.succeed(p.do(http.MethodPost, "/api/v1/keys/"+held[0].ID+"/rotate", `{"overlap":"0"}`))
	eventually(t, "API Gateway refuses the old key", func() bool { return s.call(t, value) == http.StatusForbidden })
	for _, now := range decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items {
		if now.ID != held[0].ID && s.call(t, reveal(now.ID)) != http.StatusOK {
			t.Error("the new key does not work")
		}
	}
}
