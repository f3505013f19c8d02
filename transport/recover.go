package transport

import (
	"fmt"
	"runtime/debug"

	"github.com/ThreeDotsLabs/watermill/message"
)

// panicError is a handler's panic.
type panicError struct {
	value any
	stack string
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// recoverer turns a panic into an error, for the policy to see. The router would
// recover it too, but only outside of everything.
func recoverer(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) (out []*message.Message, err error) {
		defer func() {
			if value := recover(); value != nil {
				out, err = nil, &panicError{value: value, stack: string(debug.Stack())}
			}
		}()
		return next(msg)
	}
}
