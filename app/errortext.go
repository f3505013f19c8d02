package app

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func spoken(err error) string {
	text := err.Error()
	for _, e := range portalErrors(err) {
		text = strings.Replace(text, e.Error(), sentence(e), 1)
	}
	return text
}

func portalErrors(err error) []*portal.Error {
	//nolint:errorlint // errors.As finds the first only; this walks the whole tree.
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

func sentence(e *portal.Error) string {
	//nolint:errorlint // only a portal.Error itself is a sentence; a wrapped one is not.
	switch cause := e.Err.(type) {
	case nil:
		return e.Message
	case *portal.Error:
		return e.Message + " " + sentence(cause)
	default:
		return strings.TrimSuffix(e.Message, ".") + ": " + spoken(cause)
	}
}
