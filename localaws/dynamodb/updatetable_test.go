package dynamodb_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestATablesBillingCanBeChanged(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	units := func(r, w int64) *types.ProvisionedThroughput {
		return &types.ProvisionedThroughput{ReadCapacityUnits: &r, WriteCapacityUnits: &w}
	}
	update := func(in dynamodb.UpdateTableInput) (*types.TableDescription, error) {
		in.TableName = aws.String("items")
		out, err := c.UpdateTable(t.Context(), &in)
		if err != nil {
			return nil, err
		}
		return out.TableDescription, nil
	}
	_, err := update(dynamodb.UpdateTableInput{})
	wantError(t, err, "ValidationException", "At least one of")
	_, err = update(dynamodb.UpdateTableInput{BillingMode: types.BillingModeProvisioned})
	wantError(t, err, "ValidationException", "must both be specified")
	_, err = update(dynamodb.UpdateTableInput{ProvisionedThroughput: units(1, 2)})
	wantError(t, err, "ValidationException", "PAY_PER_REQUEST")
	d, err := update(dynamodb.UpdateTableInput{BillingMode: types.BillingModeProvisioned, ProvisionedThroughput: units(1, 2)})
	if err != nil {
		t.Fatal(err)
	}
	if d.TableStatus != types.TableStatusUpdating || *d.ProvisionedThroughput.WriteCapacityUnits != 2 {
		t.Errorf("the table is %s with %v", d.TableStatus, d.ProvisionedThroughput)
	}
	_, err = update(dynamodb.UpdateTableInput{ProvisionedThroughput: units(1, 2)})
	wantError(t, err, "ValidationException", "will not change")
	definitions := func(name string) []types.AttributeDefinition {
		return []types.AttributeDefinition{{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}}
	}
	_, err = update(dynamodb.UpdateTableInput{AttributeDefinitions: definitions("other"), TableClass: types.TableClassStandardInfrequentAccess})
	wantError(t, err, "ValidationException", "not used")
	if _, err = update(dynamodb.UpdateTableInput{AttributeDefinitions: definitions("pk"), TableClass: types.TableClassStandardInfrequentAccess}); err != nil {
		t.Fatal(err)
	}
	if _, err = update(dynamodb.UpdateTableInput{BillingMode: types.BillingModePayPerRequest, SSESpecification: &types.SSESpecification{Enabled: aws.Bool(true)}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("items")})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Table; got.TableStatus != types.TableStatusActive || got.BillingModeSummary == nil || got.SSEDescription == nil ||
		got.TableClassSummary.TableClass != types.TableClassStandardInfrequentAccess {
		t.Errorf("the table is %+v", got)
	}
}
