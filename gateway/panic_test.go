package gateway

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/gateway/gatewaytest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// explosive is a table that panics when it is read.
type explosive struct{ table }

func (explosive) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	panic("oh")
}

func TestAPanicOfDrawingTokensIsTheErrorOfTheCallsThatWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, err := NewBudget(explosive{w.DB}, BudgetConfig{Table: gatewaytest.Records})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.controlPlane(t, b, Config{}).Session(Interactive, nil).UsagePlans(t.Context())
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" {
		t.Errorf("error %v", err)
	}
}
