// This file tests `gatehouse migrate predecessor` with the data of the AWS Serverless Developer Portal of 2018.

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	apigwtypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// earlier2018 creates the one table of 2018. Its index by customer of AWS Marketplace is left out, since the migration
// does not read it.
func (s *site) earlier2018(t *testing.T) earlier {
	t.Helper()
	e := earlier{s, t}
	_, err := e.tables().CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("DevPortalCustomers"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("Id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("Id"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// key2018 is a key as the portal of 2018 made it, named after the identity id.
func (e earlier) key2018(identity, buyer string, plans ...string) (id, value string) {
	e.t.Helper()
	plane := apigateway.NewFromConfig(e.aws)
	in := &apigateway.CreateApiKeyInput{Name: &identity, Description: aws.String("Dev Portal API Key for " + identity), Enabled: true, GenerateDistinctId: true}
	if buyer != "" {
		in.CustomerId = &buyer
	}
	made, err := plane.CreateApiKey(e.t.Context(), in)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, plan := range plans {
		if _, err := plane.CreateUsagePlanKey(e.t.Context(), &apigateway.CreateUsagePlanKeyInput{UsagePlanId: &plan, KeyId: made.Id, KeyType: aws.String("API_KEY")}); err != nil {
			e.t.Fatal(err)
		}
	}
	return aws.ToString(made.Id), aws.ToString(made.Value)
}

// plane lists every API key with its name, and the plans that it is in.
func (e earlier) plane() (keys []string) {
	e.t.Helper()
	client := apigateway.NewFromConfig(e.aws)
	in := map[string][]string{}
	plans, err := client.GetUsagePlans(e.t.Context(), &apigateway.GetUsagePlansInput{Limit: aws.Int32(500)})
	if err != nil {
		e.t.Fatal(err)
	}
	for _, plan := range plans.Items {
		held, err := client.GetUsagePlanKeys(e.t.Context(), &apigateway.GetUsagePlanKeysInput{UsagePlanId: plan.Id, Limit: aws.Int32(500)})
		if err != nil {
			e.t.Fatal(err)
		}
		for _, key := range held.Items {
			in[aws.ToString(key.Id)] = append(in[aws.ToString(key.Id)], aws.ToString(plan.Id))
		}
	}
	all, err := client.GetApiKeys(e.t.Context(), &apigateway.GetApiKeysInput{Limit: aws.Int32(500)})
	if err != nil {
		e.t.Fatal(err)
	}
	slices.SortFunc(all.Items, func(a, b apigwtypes.ApiKey) int { return strings.Compare(aws.ToString(a.Id), aws.ToString(b.Id)) })
	for _, key := range all.Items {
		keys = append(keys, fmt.Sprintf("%s %s %t %v", aws.ToString(key.Id), aws.ToString(key.Name), key.Enabled, in[aws.ToString(key.Id)]))
	}
	return keys
}

func identityOf2018(n int) string {
	return fmt.Sprintf("us-east-1:128d0a74-c82f-4553-916d-90053e4a8b%02d", n)
}

func TestThePortalOf2018IsMigratedOnceHoweverOftenTheCommandRuns(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	e, o := s.earlier2018(t), s.operator(t)
	free := s.Demo.API.FreePlanID
	for _, name := range []string{"ada", "bea", "cid", "mia", "una"} {
		signUp(t, e.cognito(), s.Demo.ClientID, name+"@example.com")
	}
	values := map[string]string{}
	// Ada's row and key are as they should be.
	id, value := e.key2018(identityOf2018(1), "", free)
	values["ada"] = value
	e.put("DevPortalCustomers", "Id", identityOf2018(1), "ApiKeyId", id)
	// Two tabs made two keys for Bea. The row has the later one, which is in no plan.
	first, value := e.key2018(identityOf2018(2), "", free)
	values["bea"] = value
	second, _ := e.key2018(identityOf2018(2), "")
	e.put("DevPortalCustomers", "Id", identityOf2018(2), "ApiKeyId", second)
	// Cid signed in, and never had a key. Nobody knows who the fourth row is.
	e.put("DevPortalCustomers", "Id", identityOf2018(3))
	unknown, _ := e.key2018(identityOf2018(4), "", free)
	e.put("DevPortalCustomers", "Id", identityOf2018(4), "ApiKeyId", unknown)
	// API Gateway meters Mia's key for her on AWS Marketplace.
	bought, _ := e.key2018(identityOf2018(5), "buyer-1", free)
	e.put("DevPortalCustomers", "Id", identityOf2018(5), "ApiKeyId", bought, "MarketplaceCustomerId", "buyer-1")

	identities := filepath.Join(t.TempDir(), "identities.csv")
	write(t, identities, fmt.Sprintf("%s,ada@example.com\n%s,%s\n%s,cid@example.com\n%s,mia@example.com\n",
		identityOf2018(1), identityOf2018(2), e.subject(t, "bea@example.com"), identityOf2018(3), identityOf2018(5)))
	before := e.plane()
	run := func() migrated {
		t.Helper()
		return asJSON[migrated](o, "migrate", "predecessor", "--pre-login=", "--feedback=", "--identities", identities, "--yes")
	}
	done := run()
	if done.Accounts != 4 || done.Adopted != 2 {
		t.Errorf("the first run did %+v", done)
	}
	left := map[string]bool{}
	for _, one := range done.Unmatched {
		for _, key := range []string{first, second, unknown, bought, identityOf2018(4)} {
			left[key] = left[key] || strings.Contains(one.What, key)
		}
	}
	if left[first] || !left[second] || !left[bought] || !left[unknown] && !left[identityOf2018(4)] {
		t.Errorf("it left %+v", done.Unmatched)
	}
	look := func() (shown string) {
		t.Helper()
		for _, name := range []string{"ada", "bea", "cid", "mia"} {
			found := asJSON[struct{ Accounts []account }](o, "account", "find", name+"@example.com").Accounts
			if len(found) != 1 {
				t.Fatalf("%s has %d accounts", name, len(found))
			}
			history, _ := o.says(0, "accounts", "history", found[0].ID)
			shown += fmt.Sprintf("%s: %+v\n%s", name, found[0], history)
		}
		return shown
	}
	for name, value := range values {
		p := s.signIn(t, name+"@example.com")
		eventually(t, name+" has the key", func() bool {
			subscribed := decode[items[struct{ Plan, State string }]](p.do(http.MethodGet, "/api/v1/subscriptions", "").want(http.StatusOK)).Items
			held := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items
			return len(held) == 1 && held[0].State == "active" && len(subscribed) == 1 && subscribed[0].State == "active" &&
				decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+held[0].ID+"/reveal", "").want(http.StatusOK)).Value == value
		})
		if got := s.call(t, value); got != http.StatusOK {
			t.Errorf("calling the API with %s's key answers %d", name, got)
		}
	}
	shown := look()
	for range 2 {
		if again := run(); again.Accounts+again.Adopted+again.Waiting+again.Feedback != 0 || again.Before != 4 || len(again.Unmatched) != len(done.Unmatched) {
			t.Errorf("another run did %+v", again)
		}
		asJSON[struct{ Drifted int }](o, "sweep") // whatever a run has sent is handled by then
		if now := look(); now != shown {
			t.Errorf("another run changed the accounts from\n%s\nto\n%s", shown, now)
		}
		if now := e.plane(); !slices.Equal(now, before) {
			t.Errorf("API Gateway had\n%s\nand has\n%s", strings.Join(before, "\n"), strings.Join(now, "\n"))
		}
	}
}
