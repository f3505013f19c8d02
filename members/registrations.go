package members

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// PendingRegistration is an account that an admin must approve. The decision about it writes and
// deletes the row.
type PendingRegistration struct {
	Account portal.AccountID `dynamodbav:"-"`
	AskedAt time.Time        `dynamodbav:"asked_at"`
}

// PendingRegistrations lists the accounts that an admin must approve.
func (s *Store) PendingRegistrations(ctx context.Context) ([]PendingRegistration, error) {
	var all []PendingRegistration
	err := s.rows(ctx, schema.PendingRegistrations(), "", 0, func(key schema.Key, item map[string]types.AttributeValue) (bool, error) {
		found := PendingRegistration{Account: portal.AccountID(key.SK)}
		err := attributevalue.UnmarshalMap(item, &found)
		all = append(all, found)
		return err == nil, err
	})
	return all, err
}
