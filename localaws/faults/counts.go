package faults

import "maps"

// Count is what came of one operation's calls since the server was opened.
type Count struct {
	// Requests are all calls that arrived, whatever happened to them.
	Requests int `json:"requests"`
	// Faults are those that a rule did something to, by kind. A message's faults
	// count under sqs.ReceiveMessage. Throttled, Colliding and Obeyed are among them.
	Faults map[Kind]int `json:"faults,omitempty"`
}

// Counts are the calls by service and operation, named as in Rule. What this
// local AWS does not know counts as the operation "Unknown", and what belongs to
// no service as the service "unknown".
type Counts map[string]map[string]Count

// What happens without any rule, and is counted with the faults.
const (
	// Throttled: API Gateway refused the call, since the account's quota was used up.
	Throttled Kind = "throttled"
	// Colliding: API Gateway refused the call, since another change of attachments was
	// under way.
	Colliding Kind = "colliding"
	// Obeyed: a standard queue did as it was told by an old receipt handle.
	Obeyed Kind = "obeyed"
)

// Of is the count of one operation.
func (c Counts) Of(service, operation string) Count { return c[service][operation] }

// Requests is how many calls of the service arrived.
func (c Counts) Requests(service string) int {
	sum := 0
	for _, count := range c[service] {
		sum += count.Requests
	}
	return sum
}

// change changes the count of one operation.
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

// Add counts n more faults of a kind.
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
