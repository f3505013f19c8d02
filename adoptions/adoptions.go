// Package adoptions keeps the rows about API keys that come from an earlier portal: which account has
// adopted which key, which keys wait for their owners' first sign-in, and which accounts were opened for
// identities of the earlier portal. Package handlers writes the rows of adopted keys, with its facts.
package adoptions

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Adopted says which account has adopted a key of API Gateway, and as which of its keys. The key may have
// ended since.
type Adopted struct {
	Account portal.AccountID `dynamodbav:"account"`
	Key     portal.KeyID     `dynamodbav:"key"`
}

// Store reads and writes the rows. It is safe for concurrent use. If DynamoDB does not answer, the
// error is *portal.Postponed.
type Store struct {
	rows records.Table
	now  func() time.Time

	mu        sync.Mutex
	noneUntil time.Time
	// recent is what All returned at recentAt.
	recent   map[portal.GatewayKeyID]Adopted
	recentAt time.Time
}

// NewStore returns the Store in the table named table.
func NewStore(client records.Client, table string, now func() time.Time) *Store {
	return &Store{rows: records.New(client, table), now: now}
}

// Find returns which account has adopted a key. ok is false if none has.
func (s *Store) Find(ctx context.Context, key portal.GatewayKeyID) (adopted Adopted, ok bool, err error) {
	ok, err = s.rows.Get(ctx, schema.AdoptedKey(key), &adopted)
	return adopted, ok, err
}

// Owner returns the account that has adopted a key, or "".
func (s *Store) Owner(ctx context.Context, key portal.GatewayKeyID) (portal.AccountID, error) {
	adopted, _, err := s.Find(ctx, key)
	return adopted.Account, err
}

// All returns all adopted keys.
func (s *Store) All(ctx context.Context) (map[portal.GatewayKeyID]Adopted, error) {
	all := map[portal.GatewayKeyID]Adopted{}
	err := s.rows.Each(ctx, schema.AdoptedKeys(), records.Select{}, func(key schema.Key, row map[string]types.AttributeValue) (bool, error) {
		var one []Adopted
		err := records.Decode(row, &one)
		if err == nil {
			all[portal.GatewayKeyID(key.SK)] = one[0]
		}
		return true, err
	})
	return all, err
}

// recentFor is how old the answer of Recent may be. A sweep may therefore not know the newest adopted keys. That is
// harmless: it leaves accounts that changed in the last minute to the next sweep, and recentFor is shorter.
const recentFor = 30 * time.Second

// Recent returns All as it was read at most 30 seconds ago. While there are no adopted keys, it reads each time.
// The caller must not change the map.
func (s *Store) Recent(ctx context.Context) (map[portal.GatewayKeyID]Adopted, error) {
	now := s.now()
	s.mu.Lock()
	recent, age := s.recent, now.Sub(s.recentAt).Abs()
	s.mu.Unlock()
	if len(recent) > 0 && age < recentFor {
		return recent, nil
	}
	all, err := s.All(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.recent, s.recentAt = all, now
	s.mu.Unlock()
	return all, nil
}

type migratedRow struct {
	Account portal.AccountID `dynamodbav:"account"`
	At      time.Time        `dynamodbav:"at"`
}

// Migrated returns the account that was opened for an identity of an earlier portal, or "". The
// account may have been deleted since.
func (s *Store) Migrated(ctx context.Context, issuer, subject string) (portal.AccountID, error) {
	var row migratedRow
	_, err := s.rows.Get(ctx, schema.Migrated(migratedID(issuer, subject)), &row)
	return row.Account, err
}

// SetMigrated records that the account was opened for the identity. The row stays for ever, so that a later
// run opens no other account for a person who has deleted theirs. If there is a row already, it stays as it
// is.
func (s *Store) SetMigrated(ctx context.Context, issuer, subject string, account portal.AccountID) error {
	err := s.rows.Transact(ctx, "recording a migrated identity", records.Write{
		Key: schema.Migrated(migratedID(issuer, subject)), Put: migratedRow{Account: account, At: s.now().UTC()}, If: records.Missing,
	})
	if errors.Is(err, records.ErrRefused) {
		return nil
	}
	return err
}

func migratedID(issuer, subject string) string { return portal.DeriveID("migrated", issuer, subject) }

// emailID returns a hash of an e-mail address, ignoring case. The rows hold it in place of the address.
func emailID(email string) string {
	return portal.DeriveID("waiting-key", strings.ToLower(strings.TrimSpace(email)))
}

// AddWaiting has the key wait for the first sign-in with the e-mail address. Calling it again for the same
// address and key replaces the row.
func (s *Store) AddWaiting(ctx context.Context, email string, key events.KeyToAdopt) error {
	id := emailID(email)
	key.Waiting = id
	body, err := json.Marshal(key)
	if err != nil {
		return err
	}
	row := waitingRow{Body: string(body), At: s.now().UTC()}
	return s.rows.Transact(ctx, "writing a waiting key", records.Write{Key: schema.WaitingKey(id, key.GatewayID), Put: row})
}

type waitingRow struct {
	// Body is an events.KeyToAdopt as JSON.
	Body string    `dynamodbav:"body"`
	At   time.Time `dynamodbav:"at"`
}

// noneFor is how long a process reads nothing after it has found that no key waits.
const noneFor = 15 * time.Second

// Waiting lists the keys that wait for the e-mail address. While no key waits for anybody, it reads
// nothing for 15 seconds.
func (s *Store) Waiting(ctx context.Context, email string) ([]events.KeyToAdopt, error) {
	s.mu.Lock()
	none := s.now().Before(s.noneUntil) && s.noneUntil.Sub(s.now()) <= noneFor
	s.mu.Unlock()
	if none {
		return nil, nil
	}
	keys, err := s.waiting(ctx, schema.WaitingKeysOf(emailID(email)), 0)
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	others, err := s.waiting(ctx, schema.WaitingKeys(), 1)
	if err == nil && len(others) == 0 {
		s.mu.Lock()
		s.noneUntil = s.now().Add(noneFor)
		s.mu.Unlock()
	}
	return nil, err
}

func (s *Store) waiting(ctx context.Context, of schema.Range, most int) ([]events.KeyToAdopt, error) {
	var found []events.KeyToAdopt
	err := s.rows.Each(ctx, of, records.Select{Limit: most}, func(_ schema.Key, row map[string]types.AttributeValue) (bool, error) {
		var one []waitingRow
		if err := records.Decode(row, &one); err != nil {
			return false, err
		}
		var key events.KeyToAdopt
		if err := json.Unmarshal([]byte(one[0].Body), &key); err != nil {
			return false, err
		}
		found = append(found, key)
		return most == 0 || len(found) < most, nil
	})
	return found, err
}

// Forget deletes the keys that wait for the e-mail address.
func (s *Store) Forget(ctx context.Context, email string) error {
	keys, err := s.waiting(ctx, schema.WaitingKeysOf(emailID(email)), 0)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.Drop(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// Drop deletes one waiting key.
func (s *Store) Drop(ctx context.Context, key events.KeyToAdopt) error {
	return s.rows.Transact(ctx, "deleting a waiting key", records.Write{Key: schema.WaitingKey(key.Waiting, key.GatewayID)})
}
