package transport

import (
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// recoverer is needed because the router recovers panics outside of all middleware.
func recoverer(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) (out []*message.Message, err error) {
		defer portal.Recover(&err)
		return next(msg)
	}
}
