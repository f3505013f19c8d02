package sqs

import (
	"context"
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// caller is who calls which action. Without an account it is this local AWS.
type caller struct {
	account, action string
}

func (s *Service) by(ctx context.Context, action string) caller {
	return caller{s.env.Caller(ctx), action}
}

// acrossAccounts are the actions that a queue's policy can allow other accounts (SQS Developer Guide, "Overview of
// managing access in Amazon SQS").
var acrossAccounts = []string{
	"SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "PurgeQueue",
}

// admits refuses a caller of another account that the queue's policy does not let in. The permissions of an account's
// own users and roles are not checked.
func (q *queue) admits(by caller) error {
	if by.account == "" || by.account == wire.AccountIn(q.arn) {
		return nil
	}
	if slices.Contains(acrossAccounts, by.action) && q.access.allows(asked{account: by.account, action: by.action, queue: q.arn}) {
		return nil
	}
	return withStatus(http.StatusForbidden, plainRefusal("AccessDenied", "Access to the resource %s is denied.", q.arn))
}
