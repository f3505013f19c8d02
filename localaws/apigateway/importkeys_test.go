package apigateway_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func importKeys(client *sdk.Client, failOnWarnings bool, lines ...string) (*sdk.ImportApiKeysOutput, error) {
	return client.ImportApiKeys(context.Background(), &sdk.ImportApiKeysInput{
		Format: types.ApiKeysFormatCsv, FailOnWarnings: failOnWarnings, Body: []byte(strings.Join(lines, "\n")),
	})
}

// valueOf returns a key value of sufficient length.
func valueOf(name string) string { return name + strings.Repeat("0", 20) }

func plansOf(t *testing.T, client *sdk.Client, keyID string) []string {
	t.Helper()
	ids := []string{}
	for _, plan := range must[*sdk.GetUsagePlansOutput](t)(client.GetUsagePlans(t.Context(), &sdk.GetUsagePlansInput{KeyId: &keyID})).Items {
		ids = append(ids, *plan.Id)
	}
	return ids
}

func keyByID(t *testing.T, client *sdk.Client, id string) *sdk.GetApiKeyOutput {
	t.Helper()
	return must[*sdk.GetApiKeyOutput](t)(client.GetApiKey(t.Context(), &sdk.GetApiKeyInput{ApiKey: &id, IncludeValue: aws.Bool(true)}))
}

func TestImportedKeysAreCreatedAndAttachedInOneCall(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	api := deployedAPI(t, client, echoBackend(t))
	plan, other := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), planFor(t, client, sdk.CreateUsagePlanInput{})
	out := must[*sdk.ImportApiKeysOutput](t)(importKeys(client, true,
		"KEY,colour,usagePlanIds, name ,Description,enabled",
		valueOf("a")+`,red,"`+plan+", "+other+`",first,"one, two",TRUE`,
		valueOf("b")+`,,,second,,false`,
		valueOf("c")+`,,`+other+`,third,,`,
	))
	if len(out.Ids) != 3 || len(out.Warnings) != 0 {
		t.Fatalf("got %v, warnings %v", out.Ids, out.Warnings)
	}
	type imported struct {
		Name, Description, Value string
		Enabled                  bool
	}
	var got []imported
	for _, id := range out.Ids {
		key := keyByID(t, client, id)
		got = append(got, imported{aws.ToString(key.Name), aws.ToString(key.Description), aws.ToString(key.Value), key.Enabled})
	}
	want := []imported{{"first", "one, two", valueOf("a"), true}, {"second", "", valueOf("b"), false}, {"third", "", valueOf("c"), true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if have := plansOf(t, client, out.Ids[0]); len(have) != 2 {
		t.Errorf("the plans of the first key are %v", have)
	}
	if got := call(t, "GET", stageURL(srv, api)+"/x", valueOf("a"), ""); got.Status != http.StatusTeapot {
		t.Errorf("an imported key gets %+v", got)
	}
	if names := keyNames(t, client, &sdk.GetApiKeysInput{NameQuery: aws.String("fir")}); len(names) != 1 {
		t.Errorf("the name finds %v", names)
	}
}

func TestImportingAnExistingValueOverwritesItsKeyAndKeepsTheID(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	one, two := planFor(t, client, sdk.CreateUsagePlanInput{}), planFor(t, client, sdk.CreateUsagePlanInput{})
	created := must[*sdk.CreateApiKeyOutput](t)(client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{
		Name: aws.String("before"), Value: aws.String(valueOf("a")), CustomerId: aws.String("c1"), Description: aws.String("old"),
	}))
	if err := attach(client, one, *created.Id); err != nil {
		t.Fatal(err)
	}
	lines := []string{"name,key,usageplanids", "after," + valueOf("a") + "," + two, "last," + valueOf("a") + "," + one}
	for range 2 {
		out := must[*sdk.ImportApiKeysOutput](t)(importKeys(client, true, lines...))
		if diff := cmp.Diff([]string{*created.Id}, out.Ids); diff != "" {
			t.Error(diff)
		}
		key := keyByID(t, client, *created.Id)
		if *key.Name != "last" || !key.Enabled || key.Description != nil || aws.ToString(key.CustomerId) != "c1" {
			t.Errorf("got %+v", key)
		}
		if have := plansOf(t, client, *created.Id); len(have) != 2 {
			t.Errorf("the key's plans are %v, want the old one and the imported one", have)
		}
	}
	if names := keyNames(t, client, &sdk.GetApiKeysInput{}); len(names) != 1 {
		t.Errorf("the names are %v", names)
	}
}

func TestRowsThatCannotBeImportedAreWarningsOrFailTheWholeImport(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, "http://localhost:1")
	one, two := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api))
	member := newKey(t, client, "member")
	if err := attach(client, one, *member.Id); err != nil {
		t.Fatal(err)
	}
	short, secret := "tooshort", valueOf("s-cret")
	lines := []string{
		"name,key,enabled,usageplanids",
		"good," + valueOf("good") + ",true," + one,
		"short," + short + ",true,",
		"not alphanumeric," + secret + ",true,",
		"," + valueOf("nameless") + ",true,",
		"no value,,true,",
		"neither," + valueOf("neither") + ",maybe,",
		"unknown plan," + valueOf("unknown") + ",true,nosuch",
		"both," + valueOf("both") + `,true,"` + one + "," + two + `"`,
		"member," + *member.Value + ",true," + two,
		"too,few",
	}
	_, err := importKeys(client, true, lines...)
	refused(t, err, "BadRequestException", "")
	if names := keyNames(t, client, &sdk.GetApiKeysInput{}); len(names) != 1 {
		t.Errorf("a failed import left %v", names)
	}
	out := must[*sdk.ImportApiKeysOutput](t)(importKeys(client, false, lines...))
	if len(out.Ids) != 1 || len(out.Warnings) != 9 {
		t.Errorf("got %v, %d warnings: %q", out.Ids, len(out.Warnings), out.Warnings)
	}
	for _, text := range append(out.Warnings, err.Error()) {
		if strings.Contains(text, short) || strings.Contains(text, secret) || strings.Contains(text, *member.Value) {
			t.Errorf("a warning shows a key's value: %s", text)
		}
	}
	if diff := cmp.Diff([]string{"good", "member"}, keyNames(t, client, &sdk.GetApiKeysInput{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{one}, plansOf(t, client, *member.Id)); diff != "" {
		t.Error(diff)
	}
}

func TestAnUnreadableKeyFileIsRefused(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	for name, lines := range map[string][]string{
		"nothing":           nil,
		"no value column":   {"name,description", "a,b"},
		"a column twice":    {"name,key,Name", "a," + valueOf("a") + ",b"},
		"an unclosed quote": {"name,key", `"a,` + valueOf("a")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := importKeys(client, false, lines...)
			refused(t, err, "BadRequestException", "")
		})
	}
	_, err := client.ImportApiKeys(t.Context(), &sdk.ImportApiKeysInput{Format: "tsv", Body: []byte("name\tkey")})
	refused(t, err, "BadRequestException", "Invalid format specified: 'tsv'. Valid options are csv")
}

func TestAFullAccountRefusesAWholeImport(t *testing.T) {
	t.Parallel()
	srv, client := start(t)
	srv.SetLimits(localaws.Limits{Keys: 2})
	_, err := importKeys(client, false, "name,key", "a,"+valueOf("a"), "b,"+valueOf("b"), "c,"+valueOf("c"))
	refused(t, err, "LimitExceededException", "")
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusTooManyRequests {
		t.Errorf("got %v", err)
	}
	if names := keyNames(t, client, &sdk.GetApiKeysInput{}); names != nil {
		t.Errorf("a refused import left %v", names)
	}
	must[*sdk.ImportApiKeysOutput](t)(importKeys(client, false, "name,key", "a,"+valueOf("a"), "b,"+valueOf("b")))
	must[*sdk.ImportApiKeysOutput](t)(importKeys(client, false, "name,key", "a,"+valueOf("a"), "b,"+valueOf("b")))
}

func TestImportedKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*localaws.Server, *sdk.Client) {
		srv := must[*localaws.Server](t)(localaws.Open(localaws.Options{Dir: dir, Addr: "127.0.0.1:0", NoSync: true}))
		return srv, sdk.NewFromConfig(srv.AWSConfig())
	}
	srv, client := open()
	plan := planFor(t, client, sdk.CreateUsagePlanInput{})
	out := must[*sdk.ImportApiKeysOutput](t)(importKeys(client, true, "name,key,usageplanids", "a,"+valueOf("a")+","+plan))
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	srv, client = open()
	defer srv.Close()
	if have := plansOf(t, client, out.Ids[0]); len(have) != 1 {
		t.Errorf("after the restart the key's plans are %v", have)
	}
}
