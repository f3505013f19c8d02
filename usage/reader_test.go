package usage

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// countingClient counts the requests to DynamoDB.
type countingClient struct {
	client
	queries, batches int
}

func (c *countingClient) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries++
	return c.client.Query(ctx, in, o...)
}

func (c *countingClient) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, o ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	c.batches++
	return c.client.BatchGetItem(ctx, in, o...)
}

func TestThePresentPeriodTakesOneReadOfTheTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limit := int64(1000)
	for n, used := range map[int]int64{1: 5, 26: 7, 27: 3} {
		left := limit - used
		c := Counter{Plan: "free", Key: "k", GatewayKey: "gw1", Day: on(n), Used: used, AsOf: on(n).Add(time.Hour), Limit: &limit, Remaining: &left, Period: Monthly}
		for _, account := range []portal.AccountID{ann, "bob"} {
			if err := w.Table.write(t.Context(), []owned{{account, c}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Table.noteCollected(t.Context(), Collected{Plan: "free", AsOf: noon}); err != nil {
		t.Fatal(err)
	}
	client := &countingClient{client: w.tables.Client}
	reader := NewReader(NewTable(client, "usage"))
	read := func(account portal.AccountID, now time.Time) string {
		t.Helper()
		report, err := reader.Current(t.Context(), account, now)
		if err != nil {
			t.Fatal(err)
		}
		return describe(report)
	}
	const want = `as of 12:00
free k: 1 5 of 1000, 995 left, as of 02 00:00; 26 7 of 1000, 993 left, as of 27 12:00; 27 3 of 1000, 997 left, as of 27 12:00
`
	same2(t, "the first account", want, read(ann, noon))
	same2(t, "another account", want, read("bob", noon.Add(time.Second)))
	same2(t, "an account without usage", "as of 00:00\n", read("nobody", noon))
	if client.queries != 3 || client.batches != 1 {
		t.Errorf("three accounts take %d queries and %d other reads", client.queries, client.batches)
	}
	if err := w.Table.noteCollected(t.Context(), Collected{Plan: "free", AsOf: noon.Add(15 * time.Minute)}); err != nil {
		t.Fatal(err)
	}
	read(ann, noon.Add(59*time.Second))
	if client.batches != 1 {
		t.Error("within a minute the collection is read again")
	}
	if got := read(ann, noon.Add(16*time.Minute)); client.batches != 2 || got == want {
		t.Errorf("later the collection is read %d times: %s", client.batches, got)
	}
}
