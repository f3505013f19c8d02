package app

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// RefusedUsage is the records of a licence that AWS Marketplace refused, the newest first.
type RefusedUsage struct {
	Licence portal.Stream
	Records []metering.RefusedRecord
}

// RefusedUsage lists what AWS Marketplace refused of a licence's usage, or of all licences' if name is "", and
// what can be done about it. It changes nothing.
func (d *Desk) RefusedUsage(ctx context.Context, name string) (all []RefusedUsage, err error) {
	streams, _, err := d.meteredStreams(ctx, name)
	if err != nil {
		return nil, err
	}
	meter := d.meter()
	for _, stream := range streams {
		records, err := meter.RefusedRecords(ctx, stream)
		if err != nil {
			return nil, InWords(err)
		}
		if len(records) > 0 {
			all = append(all, RefusedUsage{stream, records})
		}
	}
	return all, nil
}

// Resend has workers send the usage again that AWS still takes, and returns the records that it has changed. They
// are sent by the next run of the job metering. A second call changes nothing. The audit records a call that
// has something to send.
func (d *Desk) Resend(ctx context.Context, all []RefusedUsage) (done []metering.RefusedRecord, err error) {
	possible := 0
	for _, of := range all {
		for _, record := range of.Records {
			if record.Remedy.Possible() {
				possible++
			}
		}
	}
	if possible == 0 {
		return nil, nil
	}
	if err := auditOperator(ctx, d.clients, d.names, d.now, members.AuditEntry{What: members.AuditUsageResent, Count: possible}); err != nil {
		return nil, err
	}
	meter := d.meter()
	for _, of := range all {
		some, err := meter.Resend(ctx, of.Records)
		done = append(done, some...)
		if err != nil {
			return done, InWords(err)
		}
	}
	return done, nil
}

// meter reads and changes the ledger. It cannot meter.
func (d *Desk) meter() *metering.Meter {
	sold := &refusals{facts: d.facts, documents: catalog.NewStore(d.dynamodb, d.names.Records), now: d.now}
	return &metering.Meter{Ledger: metering.NewLedger(d.dynamodb, d.names.Usage), Journal: d.facts, Sold: sold.sold, Now: d.now}
}
