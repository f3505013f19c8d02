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

// AuditEntry is what an admin did, or an operator at the command line.
type AuditEntry struct {
	At    time.Time        `dynamodbav:"at"`
	Admin portal.AccountID `dynamodbav:"admin"`
	// Operator is who ran the command, as user@host; Admin is then "".
	Operator string `dynamodbav:"operator,omitempty"`
	// What names the entry: the type of the accepted request, or one of the words below. Rows of
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

// AuditEntries without an operation. The audit is kept for ever, so they leave out e-mail
// addresses.
const (
	AuditInvited          = "Invited"
	AuditFeedbackDone     = "FeedbackDone"
	AuditFeedbackReopened = "FeedbackReopened"
	AuditRevoked          = "InvitationRevoked"
	AuditLettersReplayed  = "DeadLettersReplayed"
	AuditLettersDiscarded = "DeadLettersDiscarded"
	AuditSweepRequested   = "SweepRequested"
	AuditUsageResent      = "UsageResent"
	AuditAgreementsRead   = "AgreementsCompared"
	AuditLicenceCorrected = "LicenceCorrectionRequested"
	AuditBannerAdded      = "BannerAdded"
	AuditBannerChanged    = "BannerChanged"
	AuditBannerEnded      = "BannerEnded"
	AuditBannerDeleted    = "BannerDeleted"
	AuditNoted            = "NoteAdded"
	AuditExported         = "AccountExported"
	AuditViewed           = "AccountViewed"
	AuditViewEnded        = "AccountViewEnded"
)

// AuditEntries of operators.
const (
	AuditReconciled = "KeysReconciled"
	AuditPurged     = "KeysPurged"
	AuditRestored   = "BackupRestored"
	AuditMigrated   = "PeopleMigrated"
	AuditRebuilt    = "ViewsRebuilt"
)

// AuditKinds are the entries without an operation.
func AuditKinds() []string {
	return []string{
		AuditInvited, AuditRevoked, AuditFeedbackDone, AuditFeedbackReopened, AuditLettersReplayed, AuditLettersDiscarded,
		AuditSweepRequested, AuditUsageResent, AuditAgreementsRead, AuditLicenceCorrected,
		AuditBannerAdded, AuditBannerChanged, AuditBannerEnded, AuditBannerDeleted, AuditNoted, AuditExported, AuditViewed, AuditViewEnded,
		AuditReconciled, AuditPurged, AuditRestored, AuditMigrated, AuditRebuilt,
	}
}

// Record adds an entry to the audit, at the present time. Recording it again adds another row.
func (s *Store) Record(ctx context.Context, done AuditEntry) error {
	return s.rows.Transact(ctx, "recording in the audit", s.AuditWrite(done))
}

// AuditWrite is the write that records an entry at the present time, for a transaction with other rows.
func (s *Store) AuditWrite(done AuditEntry) records.Write {
	done.At = s.now().UTC()
	return records.Write{Key: schema.AuditEntry(done.At, strings.ToLower(rand.Text())), Put: done}
}

// AuditFilter chooses entries. A "" member chooses all.
type AuditFilter struct {
	// By is the account of the admin, or the operator as user@host.
	By      string
	Subject portal.AccountID
	What    string
	// From and To bound the time of the entry: at From or later, and before To.
	From, To time.Time
}

func (f AuditFilter) chooses(d AuditEntry) bool {
	return (f.By == "" || f.By == d.By()) && (f.Subject == "" || f.Subject == d.Subject) && (f.What == "" || f.What == d.What)
}

// By returns who did it: the account of the admin, or the operator as user@host.
func (d AuditEntry) By() string { return cmp.Or(string(d.Admin), d.Operator) }

// window returns the bounds of the rows that the filter's times choose. empty: no row can lie between them.
func (f AuditFilter) window() (chosen records.Select, empty bool) {
	if !f.From.IsZero() {
		chosen.From = schema.AuditFrom(f.From)
	}
	if !f.To.IsZero() {
		chosen.To = schema.AuditFrom(f.To)
	}
	return chosen, !f.To.IsZero() && !f.From.Before(f.To)
}

// maxPassedOver bounds the rows that a page of a filtered list passes over. A page may have fewer
// items than asked for, and yet a next one.
const maxPassedOver = 1000

// Audit lists at most limit entries, the latest first. before is "" or the next of an earlier page; next
// is "" on the last page. The error is Invalid if before is from a list with other times.
func (s *Store) Audit(ctx context.Context, filter AuditFilter, before string, limit int) (entries []AuditEntry, next string, err error) {
	chosen, empty := filter.window()
	switch {
	case before != "" && (before < chosen.From || chosen.To != "" && before > chosen.To):
		// DynamoDB refuses to go on outside the bounds.
		return nil, "", portal.Fail(portal.Invalid, "This page of the audit does not exist. Start with the first.")
	case empty:
		return nil, "", nil
	}
	chosen.Before = before
	return filtered(ctx, s.rows, schema.AuditEntries(), chosen, limit, filter.chooses)
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
