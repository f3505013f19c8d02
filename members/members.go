// Package members keeps what the portal knows about its people beside the journal: settings, feedback,
// invitations, promotions to admin, and an audit of what admins did. It also deletes all of that with
// an account. Its rows, in the records table, hold personal data; facts do not.
package members

import (
	"context"
	"time"

	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Store holds the rows. It is safe for concurrent use. If the table does not answer, the error is
// portal.Unavailable.
type Store struct {
	rows   records.Table
	now    func() time.Time
	admins adminCache
}

// NewStore returns a Store in that table.
func NewStore(client records.Client, table string, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{rows: records.New(client, table), now: now}
}

func (s *Store) remove(ctx context.Context, key schema.Key) error {
	return s.rows.Transact(ctx, "deleting row "+key.PK, records.Write{Key: key})
}
