package deadletters

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/portal"
)

type gets interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

// Lookup finds letters for pages of the people who wait.
type Lookup struct {
	Tables  gets
	Records string
}

// Lookup returns the letter of a message without its body. found is false if the message is no
// letter.
func (l Lookup) Lookup(ctx context.Context, id string) (letter Letter, found bool, err error) {
	letter, err = row(ctx, l.Tables, l.Records, id)
	if portal.CodeOf(err) == portal.NotFound {
		return Letter{}, false, nil
	}
	return letter, err == nil, err
}
