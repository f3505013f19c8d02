package schema

import (
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

const (
	usageBegins     = "day#"
	usagePlanBegins = "plan#"
)

// Usage is the calls that API Gateway counted for a key in a plan on one day (UTC). A key that
// was deleted and made again has a row for each of its ids in API Gateway.
func Usage(account portal.AccountID, of portal.Target, day time.Time, plan portal.PlanID, key portal.KeyID, gatewayKey portal.GatewayKeyID) Key {
	return Key{accountPartition(account), usageDay(day) + of.Of(string(plan)) + "#" + string(key) + "#" + string(gatewayKey)}
}

// UsageBetween returns the partition of an account's usage, and the least and greatest sort key
// of those days, both inclusive. Rows sort by day, so one query reads all keys and plans.
func UsageBetween(account portal.AccountID, first, last time.Time) (partition, from, to string) {
	return accountPartition(account), usageDay(first), usageDay(last) + "~"
}

func usageDay(day time.Time) string { return usageBegins + day.UTC().Format(time.DateOnly) + "#" }

// UsagePlan is when a plan's usage was last collected.
func UsagePlan(of portal.Target, plan portal.PlanID) Key {
	return Key{usagePlanBegins + of.Of(string(plan)), "collected"}
}

// UsageCycle is the last run of the job usage.
func UsageCycle() Key { return Key{"cycle", "last"} }

// The ledger of what is metered to AWS Marketplace, in the usage table.

const (
	meteringRecordBegins = "record#"
	meteringKeyBegins    = "key#"
)

// MeteringTally is the row of what was metered for a licence.
func MeteringTally(licence portal.Stream) Key { return Key{meteringPartition(licence), "head"} }

// MeteringKey is the row of what was taken from the counters of a key of the licence.
func MeteringKey(licence portal.Stream, account portal.AccountID, key portal.KeyID) Key {
	return Key{meteringPartition(licence), meteringKeyBegins + string(account) + "#" + string(key)}
}

// MeteringKeys are those of all keys that the licence ever had.
func MeteringKeys(licence portal.Stream) Range {
	return Range{meteringPartition(licence), meteringKeyBegins}
}

// MeteringRecord is the row of a record: the usage of a licence in a dimension and hour (UTC).
func MeteringRecord(licence portal.Stream, hour time.Time, dimension string) Key {
	return Key{meteringPartition(licence), meteringRecordBegins + meteringHour(hour) + "#" + dimension}
}

// MeteringRecords are the records of a licence, in the order of their hours.
func MeteringRecords(licence portal.Stream) Range {
	return Range{meteringPartition(licence), meteringRecordBegins}
}

// MeteringUnanswered is the row that says that AWS has not answered a record.
func MeteringUnanswered(product portal.ProductCode, licence portal.Stream, hour time.Time, dimension string) Key {
	return Key{MeteringUnansweredAll().PK, string(product) + "#" + string(licence) + "#" + meteringHour(hour) + "#" + dimension}
}

// MeteringUnansweredAll are the records that AWS has not answered, by product.
func MeteringUnansweredAll() Range { return Range{PK: "unsent"} }

// MeteringUnansweredOf are those of one licence.
func MeteringUnansweredOf(product portal.ProductCode, licence portal.Stream) Range {
	return Range{MeteringUnansweredAll().PK, string(product) + "#" + string(licence) + "#"}
}

// MeteringRegion is the row of the Region in which usage is metered.
func MeteringRegion() Key { return Key{"metering", "region"} }

func meteringPartition(licence portal.Stream) string { return "licence#" + string(licence) }

const meteringHourLayout = "2006-01-02T15"

func meteringHour(hour time.Time) string { return hour.UTC().Format(meteringHourLayout) }

// MeteringHourOf returns the hour in the sort key of a MeteringRecord; ok is false for other keys.
func MeteringHourOf(sk string) (hour time.Time, ok bool) {
	rest, record := strings.CutPrefix(sk, meteringRecordBegins)
	text, _, _ := strings.Cut(rest, "#")
	hour, err := time.Parse(meteringHourLayout, text)
	return hour, record && err == nil
}
