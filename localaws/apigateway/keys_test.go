package apigateway_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
)

func TestAKeyIsDisabledByDefault(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	out := must[*sdk.CreateApiKeyOutput](t)(client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{Name: aws.String("k")}))
	if out.Enabled {
		t.Error("the key is enabled")
	}
	if !newKey(t, client, "k").Enabled {
		t.Error("the key to be enabled is not enabled")
	}
}

func TestAKeyValueIsGivenOrGenerated(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	create := func(value string) (*sdk.CreateApiKeyOutput, error) {
		return client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{Value: aws.String(value)})
	}
	generated := must[*sdk.CreateApiKeyOutput](t)(create(""))
	if !regexp.MustCompile(`^[A-Za-z0-9]{40}$`).MatchString(*generated.Value) {
		t.Errorf("generated %q", *generated.Value)
	}
	given := strings.Repeat("k", 128)
	if out := must[*sdk.CreateApiKeyOutput](t)(create(given)); *out.Value != given {
		t.Errorf("got %q", *out.Value)
	}
	_, err := create(given)
	refused(t, err, "ConflictException", "API Key already exists")
	_, err = create(strings.Repeat("k", 19))
	refused(t, err, "BadRequestException", "API Key value should be at least 20 characters")
	_, err = create(strings.Repeat("k", 129))
	refused(t, err, "BadRequestException", "API Key value exceeds maximum size of 128 characters")
	_, err = create(strings.Repeat("k-", 15))
	refused(t, err, "BadRequestException", "")
}

func TestAKeyValueCanBeReusedAfterItsKeyIsDeleted(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	in := &sdk.CreateApiKeyInput{Name: aws.String("again"), Value: aws.String(strings.Repeat("v", 20))}
	first := must[*sdk.CreateApiKeyOutput](t)(client.CreateApiKey(t.Context(), in))
	must[*sdk.DeleteApiKeyOutput](t)(client.DeleteApiKey(t.Context(), &sdk.DeleteApiKeyInput{ApiKey: first.Id}))
	must[*sdk.CreateApiKeyOutput](t)(client.CreateApiKey(t.Context(), in))
	if names := keyNames(t, client, &sdk.GetApiKeysInput{NameQuery: aws.String("again")}); len(names) != 1 {
		t.Errorf("the name finds %v", names)
	}
	_, err := client.DeleteApiKey(t.Context(), &sdk.DeleteApiKeyInput{ApiKey: first.Id})
	refused(t, err, "NotFoundException", "Invalid API Key identifier specified")
	_, err = client.GetApiKey(t.Context(), &sdk.GetApiKeyInput{ApiKey: first.Id})
	refused(t, err, "NotFoundException", "Invalid API Key identifier specified")
}

func TestKeyValuesAreShownOnlyOnRequest(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	key := newKey(t, client, "k")
	for _, ask := range []bool{false, true} {
		one := must[*sdk.GetApiKeyOutput](t)(client.GetApiKey(t.Context(), &sdk.GetApiKeyInput{ApiKey: key.Id, IncludeValue: &ask}))
		if got := aws.ToString(one.Value) == *key.Value; got != ask {
			t.Errorf("GetApiKey, IncludeValue %v: value %q", ask, aws.ToString(one.Value))
		}
		all := must[*sdk.GetApiKeysOutput](t)(client.GetApiKeys(t.Context(), &sdk.GetApiKeysInput{IncludeValues: &ask}))
		if got := aws.ToString(all.Items[0].Value) == *key.Value; got != ask {
			t.Errorf("GetApiKeys, IncludeValues %v: value %q", ask, aws.ToString(all.Items[0].Value))
		}
	}
}

func TestKeysAreFoundByNamePrefixAndByCustomer(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	for _, name := range []string{"gatehouse/a/1", "gatehouse/a/2", "gatehouse/ab/1", "other", ""} {
		must[*sdk.CreateApiKeyOutput](t)(client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{
			Name: aws.String(name), CustomerId: aws.String("customer " + name),
		}))
	}
	tests := []struct {
		name string
		in   sdk.GetApiKeysInput
		want []string
	}{
		{"a whole name", sdk.GetApiKeysInput{NameQuery: aws.String("gatehouse/a/1")}, []string{"gatehouse/a/1"}},
		{"a prefix", sdk.GetApiKeysInput{NameQuery: aws.String("gatehouse/a/")}, []string{"gatehouse/a/1", "gatehouse/a/2"}},
		{"another case", sdk.GetApiKeysInput{NameQuery: aws.String("Gatehouse")}, nil},
		{"a suffix", sdk.GetApiKeysInput{NameQuery: aws.String("/1")}, nil},
		{"a customer", sdk.GetApiKeysInput{CustomerId: aws.String("customer other")}, []string{"other"}},
		{"a customer and a name prefix that do not match the same key", sdk.GetApiKeysInput{NameQuery: aws.String("gate"), CustomerId: aws.String("customer other")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, keyNames(t, client, &tt.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func keyNames(t *testing.T, client *sdk.Client, in *sdk.GetApiKeysInput) []string {
	t.Helper()
	var names []string
	pages := sdk.NewGetApiKeysPaginator(client, in)
	for pages.HasMorePages() {
		for _, key := range must[*sdk.GetApiKeysOutput](t)(pages.NextPage(context.Background())).Items {
			names = append(names, aws.ToString(key.Name))
		}
	}
	slices.Sort(names)
	return names
}

func TestKeysComeInPagesOfTwentyFiveByDefault(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	var want []string
	for i := range 30 {
		want = append(want, *newKey(t, client, fmt.Sprintf("key %02d", i)).Name)
	}
	first := must[*sdk.GetApiKeysOutput](t)(client.GetApiKeys(t.Context(), &sdk.GetApiKeysInput{}))
	if len(first.Items) != 25 || first.Position == nil {
		t.Errorf("the first page has %d keys, position %v", len(first.Items), first.Position)
	}
	for _, in := range []sdk.GetApiKeysInput{
		{}, {Limit: aws.Int32(7)}, {Limit: aws.Int32(500)}, {Limit: aws.Int32(10), NameQuery: aws.String("key")},
	} {
		if diff := cmp.Diff(want, keyNames(t, client, &in)); diff != "" {
			t.Errorf("limit %v, name %v: %s", aws.ToInt32(in.Limit), aws.ToString(in.NameQuery), diff)
		}
	}
	last := must[*sdk.GetApiKeysOutput](t)(client.GetApiKeys(t.Context(), &sdk.GetApiKeysInput{Limit: aws.Int32(30)}))
	if last.Position != nil {
		t.Error("the last page has a position")
	}
}

func TestAKeyIsPatched(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	key := newKey(t, client, "before")
	update := func(ops ...types.PatchOperation) (*sdk.UpdateApiKeyOutput, error) {
		return client.UpdateApiKey(t.Context(), &sdk.UpdateApiKeyInput{ApiKey: key.Id, PatchOperations: ops})
	}
	out := must[*sdk.UpdateApiKeyOutput](t)(update(
		replace("/enabled", "false"), replace("/name", "after"), replace("/description", "d"), replace("/customerId", "c"),
	))
	if out.Enabled || *out.Name != "after" || *out.Description != "d" || *out.CustomerId != "c" || out.Value != nil {
		t.Errorf("got %+v", out)
	}
	if names := keyNames(t, client, &sdk.GetApiKeysInput{NameQuery: aws.String("before")}); names != nil {
		t.Errorf("the old name still finds %v", names)
	}
	if names := keyNames(t, client, &sdk.GetApiKeysInput{NameQuery: aws.String("aft")}); len(names) != 1 {
		t.Errorf("the new name finds %v", names)
	}
	_, err := update(replace("/id", "x"))
	refused(t, err, "BadRequestException", "Invalid patch path  '/id' specified for op 'replace'. Must be one of: [/description, /enabled, /name, /customerId]")
	_, err = update(replace("/name", strings.Repeat("n", 1025)))
	refused(t, err, "BadRequestException", "Invalid API Key name, can be at most 1024 characters.")
}

func TestWhatIsNotImplementedIsRefused(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	_, err := client.CreateApiKey(t.Context(), &sdk.CreateApiKeyInput{StageKeys: []types.StageKey{{RestApiId: aws.String("a")}}})
	refused(t, err, "NotImplementedException", "")
	_, err = client.CreateRestApi(t.Context(), &sdk.CreateRestApiInput{Name: aws.String("a"), Policy: aws.String("{}")})
	refused(t, err, "NotImplementedException", "")
}
