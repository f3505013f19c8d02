package dynamodb_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func TestATableIsDescribedAsItWasCreated(t *testing.T) {
	t.Parallel()
	c := start(t)
	created, err := c.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName:                 aws.String("journal"),
		AttributeDefinitions:      []types.AttributeDefinition{{AttributeName: aws.String("seq"), AttributeType: "N"}, {AttributeName: aws.String("stream"), AttributeType: "S"}},
		KeySchema:                 []types.KeySchemaElement{{AttributeName: aws.String("stream"), KeyType: "HASH"}, {AttributeName: aws.String("seq"), KeyType: "RANGE"}},
		ProvisionedThroughput:     &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(6)},
		DeletionProtectionEnabled: aws.Bool(true),
		TableClass:                types.TableClassStandardInfrequentAccess,
		SSESpecification:          &types.SSESpecification{Enabled: aws.Bool(true)},
		StreamSpecification:       &types.StreamSpecification{StreamEnabled: aws.Bool(false)},
		Tags:                      []types.Tag{{Key: aws.String("team"), Value: aws.String("portal")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := created.TableDescription.TableStatus; got != types.TableStatusCreating {
		t.Errorf("created as %s", got)
	}
	put(t, c, "journal", attributes{"stream": "a", "seq": 1}, attributes{"stream": "a", "seq": 2})
	described, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("journal")})
	if err != nil {
		t.Fatal(err)
	}
	d := described.Table
	got := []any{
		d.TableStatus, *d.TableArn, *d.TableId == *created.TableDescription.TableId, *d.ItemCount, *d.TableSizeBytes, *d.DeletionProtectionEnabled,
		*d.KeySchema[0].AttributeName, d.KeySchema[0].KeyType, *d.KeySchema[1].AttributeName, d.KeySchema[1].KeyType,
		d.AttributeDefinitions[1].AttributeType, *d.ProvisionedThroughput.WriteCapacityUnits,
		d.TableClassSummary.TableClass, d.SSEDescription.Status,
	}
	want := []any{
		types.TableStatusActive, "arn:aws:dynamodb:us-east-1:000000000000:table/journal", true, int64(2), int64(24), true,
		"stream", types.KeyTypeHash, "seq", types.KeyTypeRange,
		types.ScalarAttributeTypeN, int64(6),
		types.TableClassStandardInfrequentAccess, types.SSEStatusEnabled,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAProtectedTableCannotBeDeletedUntilItIsUnprotected(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "views", "pk:S")
	protect := func(on bool) {
		if _, err := c.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("views"), DeletionProtectionEnabled: &on}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func() error {
		_, err := c.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("views")})
		return err
	}
	protect(true)
	wantError(t, remove(), "ValidationException", "currently protected against deletion")
	protect(false)
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	wantError(t, remove(), "ResourceNotFoundException", "Requested resource not found: Table: views not found")
}

func TestARecreatedTableIsEmpty(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "views", "pk:S")
	put(t, c, "views", attributes{"pk": "a"})
	if _, err := c.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("views")}); err != nil {
		t.Fatal(err)
	}
	newTable(t, c, "views", "pk:S")
	if got := get(t, c, "views", attributes{"pk": "a"}); got != nil {
		t.Errorf("found %v", got)
	}
}

func TestTablesAreListedInPages(t *testing.T) {
	t.Parallel()
	c := start(t)
	for i := range 5 {
		newTable(t, c, fmt.Sprintf("table-%d", i), "pk:S")
	}
	var got [][]string
	pages := dynamodb.NewListTablesPaginator(c, &dynamodb.ListTablesInput{Limit: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.TableNames)
	}
	want := [][]string{{"table-0", "table-1"}, {"table-2", "table-3"}, {"table-4"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTablesThatAWSRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "taken", "pk:S")
	valid := func() *dynamodb.CreateTableInput {
		return &dynamodb.CreateTableInput{
			TableName:            aws.String("fresh"),
			BillingMode:          types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		}
	}
	for name, test := range map[string]struct {
		spoil      func(in *dynamodb.CreateTableInput)
		code, text string
	}{
		"a name that exists already": {func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("taken") }, "ResourceInUseException", "Table already exists: taken"},
		"a name that is too short":   {func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("ab") }, "ValidationException", "at least 3 characters long"},
		"a name with a space":        {func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("a b c") }, "ValidationException", "[a-zA-Z0-9_.-]+"},
		"no throughput": {func(in *dynamodb.CreateTableInput) { in.BillingMode = "" }, "ValidationException",
			"ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"},
		"throughput on demand": {func(in *dynamodb.CreateTableInput) {
			in.ProvisionedThroughput = &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(1), WriteCapacityUnits: aws.Int64(1)}
		}, "ValidationException", "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"},
		"a key without a definition": {func(in *dynamodb.CreateTableInput) { in.KeySchema[0].AttributeName = aws.String("id") }, "ValidationException",
			"Some index key attributes are not defined in AttributeDefinitions. Keys: [id], AttributeDefinitions: [pk]"},
		"an extra definition": {func(in *dynamodb.CreateTableInput) {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("x"), AttributeType: "S"})
		}, "ValidationException", "does not exactly match number of attributes"},
		"a range key first":         {func(in *dynamodb.CreateTableInput) { in.KeySchema[0].KeyType = "RANGE" }, "ValidationException", "first KeySchemaElement is not a HASH"},
		"a key whose type is a set": {func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions[0].AttributeType = "SS" }, "ValidationException", "Member must satisfy enum value set: [B, N, S]"},
		"an index": {func(in *dynamodb.CreateTableInput) {
			in.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
				IndexName: aws.String("by-x"), KeySchema: in.KeySchema, Projection: &types.Projection{ProjectionType: "ALL"},
			}}
		}, "NotImplementedException", "GlobalSecondaryIndexes"},
		"a stream": {func(in *dynamodb.CreateTableInput) {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "KEYS_ONLY"}
		}, "NotImplementedException", "stream"},
	} {
		t.Run(name, func(t *testing.T) {
			in := valid()
			test.spoil(in)
			_, err := c.CreateTable(t.Context(), in)
			wantError(t, err, test.code, test.text)
		})
	}
}

func TestTagsAreAddedListedAndRemoved(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "views", "pk:S")
	arn := aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/views")
	tags := func() map[string]string {
		out, err := c.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, tag := range out.Tags {
			all[*tag.Key] = *tag.Value
		}
		return all
	}
	_, err := c.TagResource(t.Context(), &dynamodb.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{
		{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, tags()); diff != "" {
		t.Error(diff)
	}
	if _, err := c.UntagResource(t.Context(), &dynamodb.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"b": "2"}, tags()); diff != "" {
		t.Error(diff)
	}
	_, err = c.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: aws.String(*arn + "-not")})
	wantError(t, err, "ResourceNotFoundException", "not found")
}

func TestStateSurvivesARestart(t *testing.T) {
	t.Parallel()
	opts := localaws.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", NoSync: true}
	first, err := localaws.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	c := client(first)
	newTable(t, c, "views", "pk:S")
	put(t, c, "views", attributes{"pk": "a", "n": 1})
	transaction := &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: aws.String("once"),
		TransactItems: []types.TransactWriteItem{{Update: &types.Update{
			TableName: aws.String("views"), Key: attributes{"pk": "a"}.wire(),
			UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: attributes{":one": 1}.wire(),
		}}},
	}
	if _, err := c.TransactWriteItems(t.Context(), transaction); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := localaws.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.Close() })
	c = client(second)
	if _, err := c.TransactWriteItems(t.Context(), transaction); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(attributes{"pk": "a", "n": num("2")}, get(t, c, "views", attributes{"pk": "a"})); diff != "" {
		t.Error(diff)
	}
}
