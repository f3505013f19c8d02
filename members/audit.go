package members

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Deed is what an admin did.
type Deed struct {
	At    time.Time        `dynamodbav:"at"`
	Admin portal.AccountID `dynamodbav:"admin"`
	// What names the deed: the type of the accepted request, or one of the words below.
	What string `dynamodbav:"what"`
	// Subject is the account that it was done to, "" if none.
	Subject   portal.AccountID   `dynamodbav:"subject,omitempty"`
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
}

// Deeds without an operation.
const (
	DeedPromoted = "Promoted"
	DeedDemoted  = "Demoted"
	DeedInvited  = "Invited"
	DeedRevoked  = "InvitationRevoked"
)

// Note records what an admin did without an operation. Operations are recorded when they are accepted.
func (s *Store) Note(ctx context.Context, deed Deed) error {
	deed.At = s.now().UTC()
	return s.transact(ctx, "writing the audit", write{key: schema.Deed(deed.At, strings.ToLower(rand.Text())), value: deed})
}

// Audit lists what admins did, the latest first, at most limit. before is "" or the next of an earlier
// page; next is "" on the last page.
func (s *Store) Audit(ctx context.Context, before string, limit int) (deeds []Deed, next string, err error) {
	err = s.rows(ctx, schema.Deeds(), before, int32(limit), func(key schema.Key, item map[string]types.AttributeValue) (bool, error) {
		var deed Deed
		if err := attributevalue.UnmarshalMap(item, &deed); err != nil {
			return false, err
		}
		deeds, next = append(deeds, deed), key.SK
		return len(deeds) < limit, nil
	})
	if len(deeds) < limit {
		next = ""
	}
	return deeds, next, err
}
