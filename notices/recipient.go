package notices

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// recipient is what decides where an account's notices go, and the last fact that it was told.
type recipient struct {
	told     int64
	settings Settings
	webhooks []Webhook
}

// recipient reads neighbouring rows in one query.
func (s *Store) recipient(ctx context.Context, account portal.AccountID) (r recipient, err error) {
	settings, told, webhooks := schema.NoticeSettings(account).SK, schema.Told(account).SK, schema.Webhooks(account).Begins
	err = s.rows.Each(ctx, schema.AccountRows(account), records.Select{From: settings, To: webhooks + last}, func(key schema.Key, row map[string]types.AttributeValue) (bool, error) {
		switch sk := key.SK; {
		case sk == settings:
			return true, attributevalue.UnmarshalMap(row, &r.settings)
		case sk == told:
			var seen toldRow
			err := attributevalue.UnmarshalMap(row, &seen)
			r.told = seen.Seq
			return true, err
		case strings.HasPrefix(sk, webhooks):
			records.DecodeReadable(ctx, key, row, &r.webhooks)
		}
		return true, nil
	})
	slices.SortFunc(r.webhooks, oldestFirst)
	return r, err
}

// toldMemory remembers how far accounts were told, which saves reading.
type toldMemory struct {
	mu   sync.Mutex
	told map[portal.AccountID]remembered
}

type remembered struct {
	told int64
	at   time.Time
}

const (
	maxRemembered = 1 << 14
	// trustedFor is how long a told account is not read again. Later messages may mean that rows
	// were lost.
	trustedFor = 10 * time.Second
)

func (m *toldMemory) recall(account portal.AccountID, now time.Time) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := m.told[account]
	if now.Sub(last.at).Abs() > trustedFor {
		return 0
	}
	return last.told
}

func (m *toldMemory) remember(account portal.AccountID, told int64, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told == nil || len(m.told) >= maxRemembered {
		m.told = map[portal.AccountID]remembered{}
	}
	m.told[account] = remembered{told, now}
}
