package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// fault is why a form did nothing. Field is the id of its field, or "".
type fault struct{ Field, Text string }

// refused is what the form's page says about an error that the person can fix.
func refused(w http.ResponseWriter, err error) (text string, ok bool) {
	switch portal.CodeOf(err) {
	case portal.TooManyRequests:
		w.Header().Set("Retry-After", retryIn(err))
	case portal.Invalid, portal.Conflict, portal.LimitReached, portal.NotFound, portal.Suspended:
	default:
		return "", false
	}
	return portal.MessageOf(err), true
}

// retryIn is when the next try may be accepted, in seconds.
func retryIn(err error) string {
	if after := portal.AfterOf(err); after > 0 {
		return strconv.Itoa(int(after / time.Second))
	}
	return retryAfter
}

// retryAfter is in seconds: the limits of requests count by the minute.
const retryAfter = "60"
