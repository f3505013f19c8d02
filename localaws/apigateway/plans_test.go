package apigateway_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const backend = "http://localhost:1"

func TestAUsagePlanIsCreatedWithItsStages(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	in := &sdk.CreateUsagePlanInput{
		Name: aws.String("Free"), Description: aws.String("for trying"), ApiStages: []types.ApiStage{v1(api)},
		Throttle: &types.ThrottleSettings{RateLimit: 2.5, BurstLimit: 5},
		Quota:    &types.QuotaSettings{Limit: 1000, Period: types.QuotaPeriodTypeMonth},
		Tags:     map[string]string{"team": "a"},
	}
	created := must[*sdk.CreateUsagePlanOutput](t)(client.CreateUsagePlan(t.Context(), in))
	got := must[*sdk.GetUsagePlanOutput](t)(client.GetUsagePlan(t.Context(), &sdk.GetUsagePlanInput{UsagePlanId: created.Id}))
	want := &sdk.GetUsagePlanOutput{
		Id: created.Id, Name: in.Name, Description: in.Description, ApiStages: in.ApiStages,
		Throttle: in.Throttle, Quota: in.Quota, Tags: in.Tags,
	}
	ignore := cmpopts.IgnoreFields(sdk.GetUsagePlanOutput{}, "ResultMetadata")
	unexported := cmpopts.IgnoreUnexported(sdk.GetUsagePlanOutput{}, types.ApiStage{}, types.ThrottleSettings{}, types.QuotaSettings{})
	if diff := cmp.Diff(want, got, ignore, unexported); diff != "" {
		t.Error(diff)
	}

	in.ApiStages = []types.ApiStage{{ApiId: &api, Stage: aws.String("v2")}}
	_, err := client.CreateUsagePlan(t.Context(), in)
	refused(t, err, "NotFoundException", "")
	_, err = client.CreateUsagePlan(t.Context(), &sdk.CreateUsagePlanInput{
		Name: aws.String("p"), Quota: &types.QuotaSettings{Limit: 10, Period: "YEAR"},
	})
	refused(t, err, "BadRequestException", "")
}

func TestAUsagePlanIsPatched(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	plan := planFor(t, client, sdk.CreateUsagePlanInput{})
	update := func(ops ...types.PatchOperation) (*sdk.UpdateUsagePlanOutput, error) {
		return client.UpdateUsagePlan(t.Context(), &sdk.UpdateUsagePlanInput{UsagePlanId: &plan, PatchOperations: ops})
	}
	out := must[*sdk.UpdateUsagePlanOutput](t)(update(
		replace("/name", "n"), replace("/description", "d"), replace("/productCode", "pc"),
		patch(types.OpAdd, "/apiStages", api+":v1"),
		replace("/throttle/rateLimit", "1.5"), replace("/throttle/burstLimit", "3"),
		replace("/quota/limit", "10"), replace("/quota/period", "WEEK"), replace("/quota/offset", "1"),
	))
	want := &sdk.UpdateUsagePlanOutput{
		Id: &plan, Name: aws.String("n"), Description: aws.String("d"), ProductCode: aws.String("pc"),
		ApiStages: []types.ApiStage{v1(api)}, Tags: map[string]string{},
		Throttle: &types.ThrottleSettings{RateLimit: 1.5, BurstLimit: 3},
		Quota:    &types.QuotaSettings{Limit: 10, Offset: 1, Period: types.QuotaPeriodTypeWeek},
	}
	ignore := cmpopts.IgnoreFields(sdk.UpdateUsagePlanOutput{}, "ResultMetadata")
	unexported := cmpopts.IgnoreUnexported(sdk.UpdateUsagePlanOutput{}, types.ApiStage{}, types.ThrottleSettings{}, types.QuotaSettings{})
	if diff := cmp.Diff(want, out, ignore, unexported); diff != "" {
		t.Error(diff)
	}
	out = must[*sdk.UpdateUsagePlanOutput](t)(update(
		patch(types.OpRemove, "/throttle", ""), patch(types.OpRemove, "/quota", ""), patch(types.OpRemove, "/apiStages", api+":v1"),
	))
	if out.Throttle != nil || out.Quota != nil || len(out.ApiStages) != 0 {
		t.Errorf("something remains: %+v", out)
	}

	_, err := update(patch(types.OpAdd, "/apiStages", api+":v9"))
	refused(t, err, "NotFoundException", "Invalid API Stage {api: "+api+", stage: v9} specified for usageplan "+plan)
	_, err = update(patch(types.OpAdd, "/apiStages", "v1"))
	refused(t, err, "BadRequestException", "Invalid API Stage specified")
	_, err = update(replace("/name", "changed"), replace("/quota/limit", "ten"))
	refused(t, err, "BadRequestException", "")
	_, err = update(replace("/quota/limit", "10"))
	refused(t, err, "BadRequestException", "")
	_, err = update(replace("/id", "x"))
	refused(t, err, "BadRequestException", "")
	got := must[*sdk.GetUsagePlanOutput](t)(client.GetUsagePlan(t.Context(), &sdk.GetUsagePlanInput{UsagePlanId: &plan}))
	if *got.Name != "n" || got.Quota != nil {
		t.Errorf("a refused update changed the plan to %+v", got)
	}
}

func TestAUsagePlanIsDeletedOnlyWithoutStages(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	plan := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api))
	key := newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	remove := func() error {
		_, err := client.DeleteUsagePlan(t.Context(), &sdk.DeleteUsagePlanInput{UsagePlanId: &plan})
		return err
	}
	refused(t, remove(), "BadRequestException", "Cannot delete Usage Plan "+plan+" because there are API Stages associated with it, including "+api+":v1")
	must[*sdk.DeleteStageOutput](t)(client.DeleteStage(t.Context(), &sdk.DeleteStageInput{RestApiId: &api, StageName: aws.String("v1")}))
	if err := remove(); err != nil {
		t.Errorf("after its only stage was deleted: %v", err)
	}
	refused(t, remove(), "NotFoundException", "Invalid Usage Plan ID specified")
	plans := must[*sdk.GetUsagePlansOutput](t)(client.GetUsagePlans(t.Context(), &sdk.GetUsagePlansInput{KeyId: key.Id}))
	if len(plans.Items) != 0 {
		t.Errorf("the key's plans are still %v", plans.Items)
	}
}

func TestAKeyIsAttachedToAPlanOnce(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	plan, other := planFor(t, client, sdk.CreateUsagePlanInput{}), planFor(t, client, sdk.CreateUsagePlanInput{})
	key := newKey(t, client, "k")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Fatal(err)
	}
	refused(t, attach(client, plan, *key.Id), "ConflictException", "")
	refused(t, attach(client, "nosuch", *key.Id), "NotFoundException", "Invalid Usage Plan ID specified")
	refused(t, attach(client, plan, "nosuch"), "NotFoundException", "Invalid API Key identifier specified")

	got := must[*sdk.GetUsagePlanKeyOutput](t)(client.GetUsagePlanKey(t.Context(), &sdk.GetUsagePlanKeyInput{UsagePlanId: &plan, KeyId: key.Id}))
	if *got.Id != *key.Id || *got.Name != "k" || *got.Type != "API_KEY" || *got.Value != *key.Value {
		t.Errorf("got %+v", got)
	}
	plans := must[*sdk.GetUsagePlansOutput](t)(client.GetUsagePlans(t.Context(), &sdk.GetUsagePlansInput{KeyId: key.Id}))
	if len(plans.Items) != 1 || *plans.Items[0].Id != plan {
		t.Errorf("the key's plans are %v", plans.Items)
	}
	_, err := client.GetUsagePlanKey(t.Context(), &sdk.GetUsagePlanKeyInput{UsagePlanId: &other, KeyId: key.Id})
	refused(t, err, "NotFoundException", "")

	detach := &sdk.DeleteUsagePlanKeyInput{UsagePlanId: &plan, KeyId: key.Id}
	must[*sdk.DeleteUsagePlanKeyOutput](t)(client.DeleteUsagePlanKey(t.Context(), detach))
	_, err = client.DeleteUsagePlanKey(t.Context(), detach)
	refused(t, err, "NotFoundException", "")
	if err := attach(client, plan, *key.Id); err != nil {
		t.Errorf("attaching again: %v", err)
	}
}

func TestAKeyIsInAtMostOnePlanPerStage(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	api := deployedAPI(t, client, backend)
	one, same, none := planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), planFor(t, client, sdk.CreateUsagePlanInput{}, v1(api)), planFor(t, client, sdk.CreateUsagePlanInput{})
	key := *newKey(t, client, "k").Id
	for _, plan := range []string{one, none} {
		if err := attach(client, plan, key); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, attach(client, same, key), "ConflictException", "")
	_, err := client.UpdateUsagePlan(t.Context(), &sdk.UpdateUsagePlanInput{
		UsagePlanId: &none, PatchOperations: []types.PatchOperation{patch(types.OpAdd, "/apiStages", api+":v1")},
	})
	refused(t, err, "ConflictException", "")
	must[*sdk.DeleteUsagePlanKeyOutput](t)(client.DeleteUsagePlanKey(t.Context(), &sdk.DeleteUsagePlanKeyInput{UsagePlanId: &one, KeyId: &key}))
	if err := attach(client, same, key); err != nil {
		t.Errorf("after it was detached from the other plan: %v", err)
	}
}

func TestThePlansKeysAreListedByNamePrefix(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	plan := planFor(t, client, sdk.CreateUsagePlanInput{})
	for _, name := range []string{"a1", "a2", "b1"} {
		if err := attach(client, plan, *newKey(t, client, name).Id); err != nil {
			t.Fatal(err)
		}
	}
	count := func(in sdk.GetUsagePlanKeysInput) (n int) {
		pages := sdk.NewGetUsagePlanKeysPaginator(client, &in)
		for pages.HasMorePages() {
			n += len(must[*sdk.GetUsagePlanKeysOutput](t)(pages.NextPage(t.Context())).Items)
		}
		return n
	}
	if n := count(sdk.GetUsagePlanKeysInput{UsagePlanId: &plan, Limit: aws.Int32(2)}); n != 3 {
		t.Errorf("all: %d", n)
	}
	if n := count(sdk.GetUsagePlanKeysInput{UsagePlanId: &plan, NameQuery: aws.String("a")}); n != 2 {
		t.Errorf("a…: %d", n)
	}
	if n := count(sdk.GetUsagePlanKeysInput{UsagePlanId: aws.String("nosuch")}); n != 0 {
		t.Errorf("unknown plan: %d", n)
	}
}
