package app

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/due"
)

func TestPassedOverDueRowsAreCounted(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	put := func(row due.Row, change func(map[string]types.AttributeValue)) {
		t.Helper()
		item, err := attributevalue.MarshalMap(row)
		ok(t, err)
		maps.Copy(item, row.Place().Attributes())
		change(item)
		records := NamesFor(p.Config.Prefix).Records
		_, err = newClients(p.AWS).dynamodb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &records, Item: item})
		ok(t, err)
	}
	earlier := time.Now().Add(-time.Hour)
	put(due.Row{Kind: "from_next_year", Stream: "account/a", From: earlier}, func(map[string]types.AttributeValue) {})
	put(due.OfOperation("account/a", "op", earlier), func(item map[string]types.AttributeValue) {
		item["from"] = &types.AttributeValueMemberS{Value: "no time"}
	})
	put(due.OfWish("catalog", 1, earlier, "", "plan", ""), func(map[string]types.AttributeValue) {})

	p.PollWait = time.Second
	worker, err := NewWorker(t.Context(), p)
	ok(t, err)
	operators := Operators(p)
	metrics := func() string {
		w := httptest.NewRecorder()
		operators.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return w.Body.String()
	}
	if !strings.Contains(metrics(), `gatehouse_due_rows_passed_over_total{kind="wish"} 0`) {
		t.Error("a worker that has passed over no wish does not say so")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	for _, want := range []string{"unknown", "unreadable", "wish"} {
		eventually(t, "the metrics count a row of kind "+want, func() bool {
			line := `gatehouse_due_rows_passed_over_total{kind="` + want + `"} `
			return strings.Contains(metrics(), line) && !strings.Contains(metrics(), line+"0")
		})
	}
	cancel()
	ok(t, <-ended)
}
