// Helpers that read the tables and queues of a local AWS.

package e2e

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/gatehouse-portal/gatehouse/app"
)

var names = app.NamesFor("gatehouse")

type row struct{ key, content string }

func (s *site) rows(t *testing.T, table string) []row {
	t.Helper()
	var all []row
	pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(s.aws), &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			var content map[string]any
			if err := attributevalue.UnmarshalMap(item, &content); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(content)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, row{fmt.Sprintf("%v %v", content["pk"], content["sk"]), string(text)})
		}
	}
	return all
}

// allRows returns the content of all tables by table and key, without the control plane's
// budget and the leases, which change when nothing happens.
func (s *site) allRows(t *testing.T) map[string]string {
	t.Helper()
	content := map[string]string{}
	for _, table := range names.Tables() {
		for _, r := range s.rows(t, table) {
			if kind, _, _ := strings.Cut(r.key, " "); kind != "budget" && kind != "lease" {
				content[table+" "+r.key] = r.content
			}
		}
	}
	return content
}

func (s *site) queued(t *testing.T, queue string) int {
	t.Helper()
	client := sqs.NewFromConfig(s.aws)
	found, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: found.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	} {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	return total
}

func (s *site) waitForEmptyQueues(t *testing.T) {
	t.Helper()
	eventually(t, "the queues are empty", func() bool {
		for _, queue := range names.Queues() {
			if s.queued(t, queue)+s.queued(t, app.DeadLetterQueue(queue)) > 0 {
				return false
			}
		}
		return true
	})
}
