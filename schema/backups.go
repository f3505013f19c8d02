package schema

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// LeftOut reports whether a backup leaves out a row of the records table. Such a row follows from
// others, or is about the moment only: budget, attach lease, runs of jobs and what they gather,
// snapshots, alarms, views of accounts, the count of banners. It would do harm, or no good, beside an older journal.
func LeftOut(k Key) bool {
	kind := k.PK
	if _, rest, of := strings.Cut(kind, ":"); of && (rest == "budget" || rest == "limit" || rest == leasePartition) {
		kind = rest // of a target
	}
	switch {
	case strings.HasPrefix(k.PK, "account#") && k == Viewing(portal.AccountID(strings.TrimPrefix(k.PK, "account#"))):
		return true
	case kind == "budget", kind == "limit", kind == leasePartition && k.SK == "attach", k == ImportProbe(), k == Health(), k == RestoreRun(),
		k.PK == Alarms().PK, k == ShownLate(), k == BannersAdded():
		return true
	case strings.HasPrefix(k.PK, "scratch#"):
		return !strings.HasPrefix(k.PK, "scratch#catalog-")
	}
	return strings.HasPrefix(k.PK, "job#") || strings.HasPrefix(k.PK, "snapshot#")
}

// IsKMSCheck reports whether the row is a KMSCheck.
func IsKMSCheck(k Key) bool { return strings.HasPrefix(k.PK, "kms-check#") }

// FactOf returns the stream and sequence of a Fact; ok is false for the journal's other rows.
func FactOf(k Key) (stream portal.Stream, sequence int64, ok bool) {
	if IsRegistered(k) || strings.HasPrefix(k.PK, identityBegins) {
		return "", 0, false
	}
	return portal.Stream(k.PK), SequenceOf(k), true
}

// IsRegistered reports whether the row is a RegisteredStream.
func IsRegistered(k Key) bool { return strings.HasPrefix(k.PK, "registry#") }

// IsOperation reports whether the row is an Operation.
func IsOperation(k Key) bool { return strings.HasPrefix(k.PK, "operation#") && k.SK == "operation" }

// ToldOf returns the account of a Told row; ok is false for any other row.
func ToldOf(k Key) (account portal.AccountID, ok bool) {
	id, ok := strings.CutPrefix(k.PK, "account#")
	account = portal.AccountID(id)
	return account, ok && k == Told(account)
}
