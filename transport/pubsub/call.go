package pubsub

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

type entry struct {
	uuid  string
	wire  *types.Message
	group string
	size  int
	call  *call
	// unsure: a request got no answer, so AWS may have taken it.
	unsure bool
}

func (e *entry) parameter(name string) *string {
	if value := e.wire.Attributes[name]; value != "" {
		return &value
	}
	return nil
}

type call struct {
	ctx  context.Context
	done chan struct{}

	mu     sync.Mutex
	open   map[*entry]bool
	failed []string
	errs   []error
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

// result is nil if every entry was confirmed. Once the caller's context has ended, entries
// under way count as failed and unsure.
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

func containsText(errs []error, err error) bool {
	for _, known := range errs {
		if known.Error() == err.Error() {
			return true
		}
	}
	return false
}
