package app

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// spoken is an error as people read it: a portal.Error is its message, without the code
// that programs go by.
func spoken(err error) string {
	text := err.Error()
	for _, e := range portalErrors(err) {
		text = strings.Replace(text, e.Error(), sentence(e), 1)
	}
	return text
}

// portalErrors are the outermost ones.
func portalErrors(err error) []*portal.Error {
	//nolint:errorlint // errors.As finds the first only; here the whole tree is walked.
	switch e := err.(type) {
	case *portal.Error:
		return []*portal.Error{e}
	case interface{ Unwrap() error }:
		return portalErrors(e.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*portal.Error
		for _, one := range e.Unwrap() {
			all = append(all, portalErrors(one)...)
		}
		return all
	}
	return nil
}

// sentence is the message and then its cause.
func sentence(e *portal.Error) string {
	//nolint:errorlint // only a cause that is a sentence itself can follow as one.
	switch cause := e.Err.(type) {
	case nil:
		return e.Message
	case *portal.Error:
		return e.Message + " " + sentence(cause)
	default:
		return strings.TrimSuffix(e.Message, ".") + ": " + spoken(cause)
	}
}
