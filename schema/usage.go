package schema

import (
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
