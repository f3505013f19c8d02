package transport

import (
	"errors"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Class says why a message became a dead letter. Classes are data.
type Class string

// The classes. Failed and Panicked messages were tried again and again, the others
// were buried at once.
const (
	Unreadable  Class = "unreadable"
	UnknownType Class = "unknown_type"
	Invalid     Class = "invalid" // the handler says that it can never be carried out
	Failed      Class = "failed"
	Panicked    Class = "panic"
	Redriven    Class = "redriven" // SQS gave up on it and moved it to its dead-letter queue
)

func (c Class) permanent() bool { return c != Failed && c != Panicked }

// permanentError says that a message is not tried again, and why.
type permanentError struct {
	class Class
	err   error
}

func (p *permanentError) Error() string { return p.err.Error() }
func (p *permanentError) Unwrap() error { return p.err }

func classOf(err error) Class {
	var permanent *permanentError
	var panicked *panicError
	switch {
	case errors.As(err, &permanent):
		return permanent.class
	case errors.As(err, &panicked):
		return Panicked
	case portal.CodeOf(err) == portal.Invalid:
		return Invalid
	}
	return Failed
}
