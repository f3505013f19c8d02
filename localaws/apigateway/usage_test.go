package apigateway_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
)

func usageOf(client *sdk.Client, plan, start, end, keyID string) (*sdk.GetUsageOutput, error) {
	in := &sdk.GetUsageInput{UsagePlanId: &plan, StartDate: &start, EndDate: &end}
	if keyID != "" {
		in.KeyId = &keyID
	}
	return client.GetUsage(context.Background(), in)
}

func grantRemaining(client *sdk.Client, plan, key, remaining string) (*sdk.UpdateUsageOutput, error) {
	return client.UpdateUsage(context.Background(), &sdk.UpdateUsageInput{
		UsagePlanId: &plan, KeyId: &key, PatchOperations: []types.PatchOperation{replace("/remaining", remaining)},
	})
}

func TestUsageIsCountedByKeyAndDay(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	api := deployedAPI(t, client, echoBackend(t))
	plan := planFor(t, client, sdk.CreateUsagePlanInput{Quota: &types.QuotaSettings{Limit: 5, Period: types.QuotaPeriodTypeWeek}}, v1(api))
	busy, idle, outsider := newKey(t, client, "busy"), newKey(t, client, "idle"), newKey(t, client, "outsider")
	for _, key := range []*sdk.CreateApiKeyOutput{busy, idle} {
		if err := attach(client, plan, *key.Id); err != nil {
			t.Fatal(err)
		}
	}
	calls := func(n int) {
		for range n {
			call(t, "GET", stageURL(srv, api)+"/x", *busy.Value, "")
		}
	}
	calls(2) // on Wednesday the 18th
	now.set(now.Now().AddDate(0, 0, 2))
	calls(1)

	want := map[string][][]int64{
		*busy.Id: {{0, 5}, {2, 3}, {0, 3}, {1, 2}},
		*idle.Id: {{0, 5}, {0, 5}, {0, 5}, {0, 5}},
	}
	out := must[*sdk.GetUsageOutput](t)(usageOf(client, plan, "2026-11-17", "2026-11-30", ""))
	if diff := cmp.Diff(want, out.Items); diff != "" {
		t.Error(diff)
	}
	if *out.StartDate != "2026-11-17" || *out.EndDate != "2026-11-30" || *out.UsagePlanId != plan || out.Position != nil {
		t.Errorf("got %+v", out)
	}
	out = must[*sdk.GetUsageOutput](t)(usageOf(client, plan, "2026-11-18", "2026-11-18", *busy.Id))
	if diff := cmp.Diff(map[string][][]int64{*busy.Id: {{2, 3}}}, out.Items); diff != "" {
		t.Error(diff)
	}
	if out := must[*sdk.GetUsageOutput](t)(usageOf(client, plan, "2026-11-18", "2026-11-18", *outsider.Id)); len(out.Items) != 0 {
		t.Errorf("a key that is not in the plan has %v", out.Items)
	}
}

func TestUsageRemainsAfterTheKeyIsDeleted(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	api := deployedAPI(t, client, echoBackend(t))
	plan, key := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	call(t, "GET", stageURL(srv, api)+"/x", *key.Value, "")
	must[*sdk.DeleteApiKeyOutput](t)(client.DeleteApiKey(t.Context(), &sdk.DeleteApiKeyInput{ApiKey: key.Id}))
	for _, only := range []string{"", *key.Id} {
		out := must[*sdk.GetUsageOutput](t)(usageOf(client, plan, "2026-11-18", "2026-11-18", only))
		// Without a quota nothing can remain.
		if diff := cmp.Diff(map[string][][]int64{*key.Id: {{1, 0}}}, out.Items); diff != "" {
			t.Errorf("key %q: %s", only, diff)
		}
	}
	if out := must[*sdk.GetUsageOutput](t)(usageOf(client, plan, "2026-11-01", "2026-11-17", "")); len(out.Items) != 0 {
		t.Errorf("before its first use: %v", out.Items)
	}
}

func TestUsageComesInPagesOfKeys(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	api := deployedAPI(t, client, echoBackend(t))
	plan := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api))
	want := map[string]bool{}
	for i := range 7 {
		key := newKey(t, client, fmt.Sprint(i))
		want[*key.Id] = true
		if err := attach(client, plan, *key.Id); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			call(t, "GET", stageURL(srv, api)+"/x", *key.Value, "")
		}
		if i%4 == 0 {
			must[*sdk.DeleteApiKeyOutput](t)(client.DeleteApiKey(t.Context(), &sdk.DeleteApiKeyInput{ApiKey: key.Id}))
		}
	}
	for _, limit := range []int32{1, 2, 3, 7, 500} {
		got := map[string]bool{}
		pages := sdk.NewGetUsagePaginator(client, &sdk.GetUsageInput{
			UsagePlanId: &plan, StartDate: aws.String("2026-11-18"), EndDate: aws.String("2026-11-18"), Limit: &limit,
		})
		for pages.HasMorePages() {
			page := must[*sdk.GetUsageOutput](t)(pages.NextPage(t.Context()))
			if len(page.Items) > int(limit) {
				t.Errorf("a page with limit %d has %d keys", limit, len(page.Items))
			}
			for id := range page.Items {
				if got[id] {
					t.Errorf("limit %d: key %s is listed twice", limit, id)
				}
				got[id] = true
			}
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}

func TestUsageNeedsAValidRangeOfDays(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	plan := planFor(t, client, sdk.CreateUsagePlanInput{})
	for _, days := range [][2]string{{"2026-11-02", "2026-11-01"}, {"", "2026-11-01"}, {"2026-11-01", "soon"}, {"2025-01-01", "2026-11-01"}} {
		_, err := usageOf(client, plan, days[0], days[1], "")
		refused(t, err, "BadRequestException", "")
	}
	_, err := usageOf(client, "nosuch", "2026-11-01", "2026-11-01", "")
	refused(t, err, "NotFoundException", "Invalid Usage Plan ID specified")
}

func TestUpdateUsageChangesOnlyTheCurrentPeriod(t *testing.T) {
	t.Parallel()
	now := newClock()
	srv, client := start(t, now.install)
	api := deployedAPI(t, client, echoBackend(t))
	plan := planFor(t, client, sdk.CreateUsagePlanInput{Quota: &types.QuotaSettings{Limit: 2, Period: types.QuotaPeriodTypeDay}}, v1(api))
	key := newKey(t, client, "k")
	_, err := grantRemaining(client, plan, *key.Id, "1")
	refused(t, err, "NotFoundException", "Invalid Usage Plan Key identifier specified")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	want := func(statuses ...int) {
		t.Helper()
		for i, status := range statuses {
			if got := call(t, "GET", stageURL(srv, api)+"/x", *key.Value, ""); got.Status != status {
				t.Errorf("call %d: got %d, want %d", i+1, got.Status, status)
			}
		}
	}
	want(418, 418, 429)
	out := must[*sdk.UpdateUsageOutput](t)(grantRemaining(client, plan, *key.Id, "3"))
	if diff := cmp.Diff(map[string][][]int64{*key.Id: {{2, 3}}}, out.Items); diff != "" {
		t.Error(diff)
	}
	want(418, 418)
	must[*sdk.UpdateUsageOutput](t)(grantRemaining(client, plan, *key.Id, "0"))
	want(429)
	now.set(now.Now().Add(24 * time.Hour))
	want(418, 418, 429)

	_, err = grantRemaining(client, plan, *key.Id, "-1")
	refused(t, err, "BadRequestException", "")
	unlimited := planFor(t, client, sdk.CreateUsagePlanInput{})
	if err := attach(client, unlimited, *key.Id); err != nil {
		t.Fatal(err)
	}
	_, err = grantRemaining(client, unlimited, *key.Id, "1")
	refused(t, err, "BadRequestException", "")
}
