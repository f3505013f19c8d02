// Package journaltest gives tests a journal on the tables of a local AWS, through the real SDK.
// There is no in-memory journal, so tests see the conditions, transactions and paging of
// production.
package journaltest

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Tables are the journal, records and views tables, empty at first.
type Tables struct {
	Config aws.Config
	// Client retries at once. The SDK now and then loses a long answer: it may close a request's
	// body too early for net/http, which then drops the connection.
	Client                  *dynamodb.Client
	Journal, Records, Views string
}

// Start runs a local AWS with the tables until the test ends.
func Start(t testing.TB) Tables {
	t.Helper()
	return On(t, localawstest.Start(t).AWSConfig())
}

var created atomic.Int64

// On creates another set of tables in a running AWS.
func On(t testing.TB, cfg aws.Config) Tables {
	t.Helper()
	prefix := "test" + strconv.FormatInt(created.Add(1), 10)
	tables := Tables{
		Config: cfg, Client: dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) {
			o.Retryer = retry.AddWithMaxBackoffDelay(retry.NewStandard(), time.Millisecond)
		}),
		Journal: prefix + "-journal", Records: prefix + "-records", Views: prefix + "-views",
	}
	attributes, primaryKey := schema.PrimaryKey()
	for _, name := range []string{tables.Journal, tables.Records, tables.Views} {
		_, err := tables.Client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: attributes, KeySchema: primaryKey,
		})
		if err != nil {
			t.Fatalf("creating table %s: %v", name, err)
		}
	}
	return tables
}

// Open returns a journal on the tables.
func (tt Tables) Open() *journal.Journal {
	return journal.New(tt.Client, tt.Journal, tt.Records)
}

// Rows reads all rows of a partition, in order.
func (tt Tables) Rows(t testing.TB, table, pk string) []map[string]types.AttributeValue {
	t.Helper()
	var rows []map[string]types.AttributeValue
	partition := schema.Range{PK: pk}
	pages := dynamodb.NewQueryPaginator(tt.Client, &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression: partition.Condition(), ExpressionAttributeValues: partition.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatalf("reading %s of table %s: %v", pk, table, err)
		}
		rows = append(rows, page.Items...)
	}
	return rows
}
