package identity

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Opener gives accounts to people who have not signed in yet.
type Opener struct {
	DynamoDB database
	Tables   Tables
	Now      func() time.Time
}

// Open returns the account of an issuer's subject, and creates it if there is none. It stores what is
// known about the person, unless a sign-in has told more. It may be repeated.
func (o Opener) Open(ctx context.Context, issuer, subject string, said Person) (portal.AccountID, error) {
	name := nameOf(issuer, subject)
	known := newAccounts(table{o.DynamoDB, o.Tables.Journal}, o.Tables.Records, o.Now)
	account, err := known.fresh(ctx, name)
	if err != nil {
		return "", err
	}
	// At the zero time, the data is older than that of any sign-in.
	err = newPeople(table{o.DynamoDB, o.Tables.Records}, o.Tables.Journal, o.Now).
		keep(ctx, account, record{Person: said, identity: name, words: wordsOf(said)}, time.Time{})
	return account, err
}
