package deadletters

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// partSize bounds a body's part in one row. A DynamoDB item has at most 400 KB, an SQS message
// 1 MiB, a transaction 4 MB.
const partSize = 200 << 10

type bodyPart struct {
	Part []byte `dynamodbav:"part"`
}

// rows returns the letter's row and a large body's parts. Parts have the body's hash in their
// keys: burying the message again writes the same rows, and bodies never mix.
func (l Letter) rows() []journal.Row {
	var parts []journal.Row
	if len(l.Body) > partSize {
		l.BodyHash = hashOf(l.Body)
		for part := range slices.Chunk(l.Body, partSize) {
			parts = append(parts, journal.Row{Key: schema.DeadLetterPart(l.BodyHash, len(parts)), Value: bodyPart{part}})
		}
		l.Body = nil
	}
	return append(parts, journal.Row{Key: schema.DeadLetter(l.ID), Value: l})
}

func (a Admin) body(ctx context.Context, hash string) ([]byte, error) {
	var body []byte
	parts := schema.DeadLetterBody(hash)
	pages := dynamodb.NewQueryPaginator(a.Tables, &dynamodb.QueryInput{
		TableName:                 &a.Records,
		ConsistentRead:            aws.Bool(true),
		KeyConditionExpression:    parts.Condition(),
		ExpressionAttributeValues: parts.Values(),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading body %s: %w", hash, err)
		}
		for _, item := range page.Items {
			var part bodyPart
			if err := attributevalue.UnmarshalMap(item, &part); err != nil {
				return nil, fmt.Errorf("decoding body %s: %w", hash, err)
			}
			body = append(body, part.Part...)
		}
	}
	if hashOf(body) != hash {
		return nil, fmt.Errorf("reading body %s: %d bytes are left of it, which are not all", hash, len(body))
	}
	return body, nil
}

func hashOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
