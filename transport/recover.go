package transport

import (
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// recoverer turns a handler's panic into a portal.PanicError, for the policy to see. The
// router would recover it too, but only outside of everything.
func recoverer(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) (out []*message.Message, err error) {
		defer portal.Recover(&err)
		return next(msg)
	}
}
