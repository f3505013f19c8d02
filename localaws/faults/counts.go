package faults

import "maps"

// Count counts an operation's calls.
type Count struct {
	// Requests includes calls with faults.
	Requests int `json:"requests"`
	// Faults counts faults by kind, including Throttled, Colliding and Obeyed. Faults of
	// messages count under sqs.ReceiveMessage.
	Faults map[Kind]int `json:"faults,omitempty"`
}

// Counts is by service and operation, named as in Rule. Unknown operations count as "Unknown",
// calls to no service under "unknown".
type Counts map[string]map[string]Count

// These are counted with the faults, but happen without a rule.
const (
	// Throttled: API Gateway refused the call because the quota was used up.
	Throttled Kind = "throttled"
	// Colliding: API Gateway refused the call during another change of attachments.
	Colliding Kind = "colliding"
	// Obeyed: a standard queue accepted an old receipt handle.
	Obeyed Kind = "obeyed"
)

// Of returns an operation's count.
func (c Counts) Of(service, operation string) Count { return c[service][operation] }

// Requests returns a service's number of calls.
func (c Counts) Requests(service string) int {
	sum := 0
	for _, count := range c[service] {
		sum += count.Requests
	}
	return sum
}

func (c Counts) change(service, operation string, by func(*Count)) {
	if c[service] == nil {
		c[service] = map[string]Count{}
	}
	count := c[service][operation]
	by(&count)
	c[service][operation] = count
}

func (c Counts) request(call Call) {
	c.change(call.Service, call.Operation, func(n *Count) { n.Requests++ })
}

func (c Counts) fault(call Call, kind Kind) { c.Add(call.Service, call.Operation, kind, 1) }

// Add adds n faults of a kind.
func (c Counts) Add(service, operation string, kind Kind, n int) {
	if n == 0 {
		return
	}
	c.change(service, operation, func(count *Count) {
		if count.Faults == nil {
			count.Faults = map[Kind]int{}
		}
		count.Faults[kind] += n
	})
}

func (c Counts) clone() Counts {
	out := Counts{}
	for service, operations := range c {
		for operation, count := range operations {
			count.Faults = maps.Clone(count.Faults)
			out.change(service, operation, func(n *Count) { *n = count })
		}
	}
	return out
}
