package portal

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// PanicError is a panic that was turned into an error. It counts as a failure of the message:
// Postpone does not postpone it, because trying again forever would hide the fault.
type PanicError struct {
	Value any
	Stack string
}

func (p *PanicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Recover turns a panic into a *PanicError in *err. It works only as the deferred call itself:
//
//	defer portal.Recover(&err)
func Recover(err *error) {
	if value := recover(); value != nil {
		*err = &PanicError{Value: value, Stack: string(debug.Stack())}
	}
}

// Guard returns a function that does the work and turns a panic into a *PanicError. Work in its
// own goroutine needs it: no other code can recover there.
func Guard(work func() error) func() error {
	return func() (err error) {
		defer Recover(&err)
		return work()
	}
}

// StackOf is the stack of the panic in the error's chain, or "".
func StackOf(err error) string {
	var panicked *PanicError
	if errors.As(err, &panicked) {
		return panicked.Stack
	}
	return ""
}

// WithStack adds the field "stack" to the log line of an error that comes from a panic. E is
// *zerolog.Event, which this package does not import.
func WithStack[E interface{ Str(key, value string) E }](line E, err error) E {
	if stack := StackOf(err); stack != "" {
		return line.Str("stack", stack)
	}
	return line
}
