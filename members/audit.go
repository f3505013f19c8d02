package members

import (
	"cmp"
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Deed is what an admin did, or an operator at the command line.
type Deed struct {
	At    time.Time        `dynamodbav:"at"`
	Admin portal.AccountID `dynamodbav:"admin"`
	// Operator is who ran the command, as user@host; Admin is then "".
	Operator string `dynamodbav:"operator,omitempty"`
	// What names the deed: the type of the accepted request, or one of the words below. Rows of
	// older versions also have Promoted and Demoted.
	What string `dynamodbav:"what"`
	// Subject is the account that it was done to, or "".
	Subject   portal.AccountID   `dynamodbav:"subject,omitempty"`
	Operation portal.OperationID `dynamodbav:"operation,omitempty"`
	// Plan may be "". Answer is how the admin answered a person who waited: "approved", "denied", or
	// "".
	Plan   portal.PlanID `dynamodbav:"plan,omitempty"`
	Answer string        `dynamodbav:"answer,omitempty"`
	// Count is how many keys, rows, people, dead letters or records of usage it was about.
	Count int `dynamodbav:"count,omitempty"`
	// Choice is which dead letters were replayed or discarded, in words or as the id of the only one,
	// or the licence or the banner. Reason is why letters were discarded.
	Choice string `dynamodbav:"choice,omitempty"`
	Reason string `dynamodbav:"reason,omitempty"`
}

// Deeds without an operation. The audit is kept for ever, so they leave out e-mail
// addresses.
const (
	DeedInvited          = "Invited"
	DeedFeedbackDone     = "FeedbackDone"
	DeedFeedbackReopened = "FeedbackReopened"
	DeedRevoked          = "InvitationRevoked"
	DeedLettersReplayed  = "DeadLettersReplayed"
	DeedLettersDiscarded = "DeadLettersDiscarded"
	DeedSweepRequested   = "SweepRequested"
	DeedUsageResent      = "UsageResent"
	DeedAgreementsRead   = "AgreementsCompared"
	DeedLicenceCorrected = "LicenceCorrectionRequested"
	DeedBannerAdded      = "BannerAdded"
	DeedBannerChanged    = "BannerChanged"
	DeedBannerEnded      = "BannerEnded"
	DeedBannerDeleted    = "BannerDeleted"
	DeedNoted            = "NoteAdded"
	DeedExported         = "AccountExported"
	DeedViewed           = "AccountViewed"
	DeedViewEnded        = "AccountViewEnded"
)

// Deeds of operators.
const (
	DeedReconciled = "KeysReconciled"
	DeedPurged     = "KeysPurged"
	DeedRestored   = "BackupRestored"
	DeedMigrated   = "PeopleMigrated"
	DeedRebuilt    = "ViewsRebuilt"
)

// DeedKinds are the deeds without an operation.
func DeedKinds() []string {
	return []string{
		DeedInvited, DeedRevoked, DeedFeedbackDone, DeedFeedbackReopened, DeedLettersReplayed, DeedLettersDiscarded,
		DeedSweepRequested, DeedUsageResent, DeedAgreementsRead, DeedLicenceCorrected,
		DeedBannerAdded, DeedBannerChanged, DeedBannerEnded, DeedBannerDeleted, DeedNoted, DeedExported, DeedViewed, DeedViewEnded,
		DeedReconciled, DeedPurged, DeedRestored, DeedMigrated, DeedRebuilt,
	}
}

// Record adds a deed to the audit, at the present time. Recording it again adds another row.
func (s *Store) Record(ctx context.Context, done Deed) error {
	return s.rows.Transact(ctx, "recording in the audit", s.Deed(done))
}

// Deed is the write that records a deed at the present time, for a transaction with other rows.
func (s *Store) Deed(done Deed) records.Write {
	done.At = s.now().UTC()
	return records.Write{Key: schema.Deed(done.At, strings.ToLower(rand.Text())), Put: done}
}

// AuditFilter chooses deeds. A "" member chooses all.
type AuditFilter struct {
	// By is the account of the admin, or the operator as user@host.
	By      string
	Subject portal.AccountID
	What    string
	// From and To bound the time of the deed: at From or later, and before To.
	From, To time.Time
}

func (f AuditFilter) chooses(d Deed) bool {
	return (f.By == "" || f.By == d.By()) && (f.Subject == "" || f.Subject == d.Subject) && (f.What == "" || f.What == d.What)
}

// By returns who did it: the account of the admin, or the operator as user@host.
func (d Deed) By() string { return cmp.Or(string(d.Admin), d.Operator) }

// window returns the bounds of the rows that the filter's times choose. empty: no row can lie between them.
func (f AuditFilter) window() (chosen records.Select, empty bool) {
	if !f.From.IsZero() {
		chosen.From = schema.DeedsFrom(f.From)
	}
	if !f.To.IsZero() {
		chosen.To = schema.DeedsFrom(f.To)
	}
	return chosen, !f.To.IsZero() && !f.From.Before(f.To)
}

// maxPassedOver bounds the rows that a page of a filtered list passes over. A page may have fewer
// items than asked for, and yet a next one.
const maxPassedOver = 1000

// Audit lists at most limit deeds, the latest first. before is "" or the next of an earlier page; next
// is "" on the last page. The error is Invalid if before is from a list with other times.
func (s *Store) Audit(ctx context.Context, filter AuditFilter, before string, limit int) (deeds []Deed, next string, err error) {
	chosen, empty := filter.window()
	switch {
	case before != "" && (before < chosen.From || chosen.To != "" && before > chosen.To):
		// DynamoDB refuses to go on outside the bounds.
		return nil, "", portal.Fail(portal.Invalid, "This page of the audit does not exist. Start with the first.")
	case empty:
		return nil, "", nil
	}
	chosen.Before = before
	return filtered(ctx, s.rows, schema.Deeds(), chosen, limit, filter.chooses)
}

func filtered[T any](ctx context.Context, table records.Table, of schema.Range, chosen records.Select, limit int, chooses func(T) bool) (page []T, next string, err error) {
	seen, last := 0, ""
	chosen.Limit = max(limit+1, 100)
	err = table.Each(ctx, of, chosen, func(key schema.Key, row map[string]types.AttributeValue) (bool, error) {
		if len(page) == limit || seen == maxPassedOver {
			next = last
			return false, nil
		}
		seen, last = seen+1, key.SK
		var one []T
		if err := records.Decode(row, &one); err != nil {
			return false, err
		}
		if chooses(one[0]) {
			page = append(page, one[0])
		}
		return true, nil
	})
	return page, next, err
}
