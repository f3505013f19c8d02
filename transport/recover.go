package transport

import (
	"fmt"
	"runtime/debug"

	"github.com/ThreeDotsLabs/watermill/message"
)

type panicError struct {
	value any
	stack string
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// recoverer turns a handler's panic into an error, which the policy decides on. The router
// would recover the panic too, but outside of all middleware.
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
