package members

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type eraser interface {
	Erase(ctx context.Context, account portal.AccountID) error
}

type people interface {
	Person(ctx context.Context, account portal.AccountID) (identity.Person, error)
}

// Erasure deletes an account's personal data: what the records table has about it except its
// operations, which name it by id only, and what Parts keep elsewhere.
type Erasure struct {
	Store *Store
	// People finds the e-mail address. Identities deletes the person and the sessions.
	People     people
	Identities eraser
	Parts      []eraser
	// Waiting forgets API keys that wait for a person with that e-mail address. It may be nil.
	Waiting interface {
		Forget(ctx context.Context, email string) error
	}
}

// Erase may be repeated, also after it has failed halfway.
func (e Erasure) Erase(ctx context.Context, account portal.AccountID) error {
	person, err := e.People.Person(ctx, account)
	switch {
	case err == nil && person.Email != "":
		// Only the person leads to the invitation, so it goes first.
		if err := e.Store.remove(ctx, schema.Invitation(InvitationID(person.Email))); err != nil {
			return err
		}
		if e.Waiting != nil {
			if err := e.Waiting.Forget(ctx, person.Email); err != nil {
				return err
			}
		}
	case err != nil && portal.CodeOf(err) != portal.NotFound:
		return err
	}
	// Once the person is gone, nothing is written about the account.
	if err := e.Identities.Erase(ctx, account); err != nil {
		return err
	}
	for _, part := range e.Parts {
		if err := part.Erase(ctx, account); err != nil {
			return err
		}
	}
	if err := e.Store.remove(ctx, schema.Admin(account)); err != nil {
		return err
	}
	return e.Store.eraseRows(ctx, account)
}

func (s *Store) eraseRows(ctx context.Context, account portal.AccountID) error {
	var personal []schema.Key
	err := s.rows.Each(ctx, schema.AccountRows(account), records.Select{}, func(key schema.Key, _ map[string]types.AttributeValue) (bool, error) {
		if !stays(account, key) {
			personal = append(personal, key)
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, key := range personal {
		if id, ok := schema.FeedbackListedBy(key); ok {
			if err := s.remove(ctx, schema.Feedback(id)); err != nil {
				return err
			}
		}
		if err := s.remove(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// stays reports whether a row outlives the account: the counter of its requests, and the list of
// its operations.
func stays(account portal.AccountID, key schema.Key) bool {
	return key == schema.Intent(portal.AccountStream(account)) ||
		strings.HasPrefix(key.SK, schema.OperationList(portal.AccountActor(account)).Begins)
}
