package web

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// fault is why a form did nothing. Field is the id of its field, or "".
type fault struct{ Field, Text string }

// refused is what the form's page says about an error that the person can fix.
func refused(w http.ResponseWriter, err error) (text string, ok bool) {
	switch portal.CodeOf(err) {
	case portal.TooManyRequests:
		w.Header().Set("Retry-After", retryAfter)
	case portal.Invalid, portal.Conflict, portal.LimitReached, portal.NotFound, portal.Suspended:
	default:
		return "", false
	}
	return portal.MessageOf(err), true
}

// retryAfter is in seconds. Rate limits count by the minute.
const retryAfter = "60"
