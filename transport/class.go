package transport

import (
	"errors"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Class is why a message became a dead letter. Its values are stored.
type Class = string

// Failed and Panicked messages were retried first; the others became dead letters at once.
const (
	Unreadable  Class = "unreadable"
	UnknownType Class = "unknown_type"
	Invalid     Class = "invalid" // its handler returned a portal.Error with this code
	Failed      Class = "failed"
	Panicked    Class = "panic"
	Redriven    Class = "redriven" // SQS moved it to a dead-letter queue
)

func isPermanent(c Class) bool { return c != Failed && c != Panicked }

type permanentError struct {
	class Class
	err   error
}

func (p *permanentError) Error() string { return p.err.Error() }
func (p *permanentError) Unwrap() error { return p.err }

func classOf(err error) Class {
	var permanent *permanentError
	var panicked *portal.PanicError
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
