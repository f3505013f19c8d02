package awsclient

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/gatehouse-portal/gatehouse/traces"
)

// Traced belongs in the APIOptions of clients whose calls are to be spans. Each call below a span becomes
// one, with all of its tries; other calls, such as polls of queues, do not. A span has the names of
// DynamoDB's tables, and nothing else of what is sent or answered.
func Traced(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Traced", traced), middleware.After)
}

func traced(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	if !traces.On(ctx) {
		return next.HandleInitialize(ctx, in)
	}
	method := awsmiddleware.GetServiceID(ctx) + "/" + awsmiddleware.GetOperationName(ctx)
	ctx, span := traces.Start(ctx, traces.Client, method, "")
	defer span.End()
	span.Set(traces.RPCSystem, "aws-api")
	span.Set(traces.RPCMethod, method)
	span.Set(traces.CloudRegion, awsmiddleware.GetRegion(ctx))
	span.SetList(traces.DynamoDBTables, tables(in.Parameters)...)
	out, metadata, err := next.HandleInitialize(ctx, in)
	answered(span, metadata, err)
	return out, metadata, err
}

func answered(span traces.Span, metadata middleware.Metadata, err error) {
	if response, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response); ok {
		span.SetInt(traces.HTTPStatus, response.StatusCode)
	}
	if id, ok := awsmiddleware.GetRequestIDMetadata(metadata); ok {
		span.Set(traces.AWSRequestID, id)
	}
	if err == nil {
		return
	}
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		span.SetInt(traces.HTTPStatus, response.HTTPStatusCode())
		span.Set(traces.AWSRequestID, response.ServiceRequestID())
	}
	kind := errorType(err)
	if slices.Contains(lostRaces, kind) {
		span.Set(traces.ErrorType, kind)
		return
	}
	span.Fail(kind)
}

// lostRaces are DynamoDB's answers to conditional writes that came second. Callers expect them.
var lostRaces = []string{"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"}

func errorType(err error) string {
	var api smithy.APIError
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &api):
		return api.ErrorCode()
	}
	return "no_answer"
}

func tables(params any) []string {
	switch in := params.(type) {
	case *dynamodb.GetItemInput:
		return []string{aws.ToString(in.TableName)}
	case *dynamodb.PutItemInput:
		return []string{aws.ToString(in.TableName)}
	case *dynamodb.UpdateItemInput:
		return []string{aws.ToString(in.TableName)}
	case *dynamodb.DeleteItemInput:
		return []string{aws.ToString(in.TableName)}
	case *dynamodb.QueryInput:
		return []string{aws.ToString(in.TableName)}
	case *dynamodb.ScanInput:
		return []string{aws.ToString(in.TableName)}
	case *dynamodb.BatchGetItemInput:
		return slices.Sorted(maps.Keys(in.RequestItems))
	case *dynamodb.BatchWriteItemInput:
		return slices.Sorted(maps.Keys(in.RequestItems))
	case *dynamodb.TransactWriteItemsInput:
		return written(in)
	}
	return nil
}

func written(in *dynamodb.TransactWriteItemsInput) []string {
	names := map[string]bool{}
	for _, item := range in.TransactItems {
		switch {
		case item.Put != nil:
			names[aws.ToString(item.Put.TableName)] = true
		case item.Update != nil:
			names[aws.ToString(item.Update.TableName)] = true
		case item.Delete != nil:
			names[aws.ToString(item.Delete.TableName)] = true
		case item.ConditionCheck != nil:
			names[aws.ToString(item.ConditionCheck.TableName)] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
