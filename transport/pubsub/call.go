package pubsub

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// entry is one message on its way.
type entry struct {
	uuid string
	wire *types.Message
	// group is empty where order does not matter.
	group string
	size  int
	call  *call
	// unsure is set once a request that held it was not answered: AWS may have taken it.
	unsure bool
}

// parameter is the GroupID or DeduplicationID as a send request takes it; nil if the message
// has none.
func (e *entry) parameter(name string) *string {
	if value := e.wire.Attributes[name]; value != "" {
		return &value
	}
	return nil
}

// call is one Publish. It is done when each of its entries is confirmed or has failed.
type call struct {
	ctx  context.Context
	done chan struct{}

	mu   sync.Mutex
	open map[*entry]bool
	// failed keeps the order of the entries' failing.
	failed []string
	errs   []error
	// unsure: one that failed may have been taken.
	unsure bool
}

func newCall(ctx context.Context, entries []*entry) *call {
	c := &call{ctx: ctx, done: make(chan struct{}), open: make(map[*entry]bool, len(entries))}
	for _, e := range entries {
		e.call = c
		c.open[e] = true
	}
	return c
}

// record notes what became of an entry; nil is a confirmation.
func (c *call) record(e *entry, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, e)
	if err != nil {
		c.failed = append(c.failed, e.uuid)
		c.unsure = c.unsure || e.unsure
		if !containsText(c.errs, err) {
			c.errs = append(c.errs, err)
		}
	}
	if len(c.open) == 0 {
		close(c.done)
	}
}

// result is nil if every entry was confirmed. Entries still open, because the
// caller's context ended while they were under way, count as not confirmed.
func (c *call) result(topic string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	failed, errs, unsure := c.failed, c.errs, c.unsure
	for e := range c.open {
		failed = append(failed, e.uuid)
	}
	if len(c.open) > 0 {
		errs, unsure = append(errs, context.Cause(c.ctx)), true
	}
	if len(failed) == 0 {
		return nil
	}
	return &PublishError{Topic: topic, UUIDs: failed, Unsure: unsure, Err: errors.Join(errs...)}
}

// containsText keeps a batch refused for one reason from telling it ten times.
func containsText(errs []error, err error) bool {
	for _, known := range errs {
		if known.Error() == err.Error() {
			return true
		}
	}
	return false
}
