package operations_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/operations"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

func wantPanic(t *testing.T, err error) {
	t.Helper()
	var panicked *portal.PanicError
	if !errors.As(err, &panicked) || panicked.Value != "oh" || panicked.Stack == "" {
		t.Errorf("the error is %v", err)
	}
}

type explosiveViews struct{ *projections.Views }

func (explosiveViews) Progress(context.Context, portal.OperationID) (projections.Progress, error) {
	panic("oh")
}

type explosiveUpdates struct{ *dynamodb.Client }

func (explosiveUpdates) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	panic("oh")
}

func TestAPanicOfReadingTheProgressOfAnOperationIsTheErrorOfReadingIt(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	op := d.accepts(ask(ann, "", register))
	cfg := d.config()
	cfg.Views = explosiveViews{cfg.Views.(*projections.Views)}
	fixture := operations.New(cfg)
	_, err := fixture.Find(t.Context(), ann, op.ID)
	wantPanic(t, err)
	_, err = fixture.Recent(t.Context(), ann, 10)
	wantPanic(t, err)
}

func TestAPanicOfCountingARequestIsTheErrorOfAcceptingIt(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	d.publish(free)
	cfg := d.config()
	if _, err := cfg.Views.Catalog(t.Context()); err != nil { // so that the request is likely to be accepted
		t.Fatal(err)
	}
	cfg.Tables = explosiveUpdates{d.tables.Client}
	_, err := operations.New(cfg).Subscribe(t.Context(), who(ann, ""), "free")
	wantPanic(t, err)
}
