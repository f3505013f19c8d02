package app

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/members"
)

// auditPage is how many entries one request for the audit lists.
const auditPage = 500

// EachAuditEntry calls visit with what admins and operators did, the latest first, until it returns false.
func (d *Desk) EachAuditEntry(ctx context.Context, filter members.AuditFilter, visit func(members.AuditEntry) (more bool)) error {
	store := members.NewStore(d.dynamodb, d.names.Records, d.now)
	for before, more := "", true; more; {
		page, next, err := store.Audit(ctx, filter, before, auditPage)
		if err != nil {
			return InWords(err)
		}
		for _, entry := range page {
			if !visit(entry) {
				return nil
			}
		}
		before, more = next, next != ""
	}
	return nil
}
