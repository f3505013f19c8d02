package transport

import (
	"fmt"
	"strings"
)

// PublishError names the messages of one Publish that were not confirmed. The others were
// sent.
type PublishError struct {
	Topic string
	// UUIDs are Watermill's.
	UUIDs []string
	// Unsure says that AWS may have taken some of them: a request was not answered.
	// Without it, none of them was sent.
	Unsure bool
	Err    error
}

func (e *PublishError) Error() string {
	certainty := "none of them sent"
	if e.Unsure {
		certainty = "perhaps sent all the same"
	}
	return fmt.Sprintf("publishing to %s: %d not confirmed, %s (%s): %v", e.Topic, len(e.UUIDs), certainty, strings.Join(e.UUIDs, ", "), e.Err)
}

func (e *PublishError) Unwrap() error { return e.Err }

// MaybeSent is Unsure, for callers that do not know this package.
func (e *PublishError) MaybeSent() bool { return e.Unsure }
