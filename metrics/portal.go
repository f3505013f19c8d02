package metrics

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// methods are the values of the label method. Other methods are "other".
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

var statusClasses = []string{"1xx", "2xx", "3xx", "4xx", "5xx"}

// Requests returns a function that counts and times the requests that a portal has answered. route is the pattern
// that the request matched, or "" if none; took includes sending the answer.
func Requests(reg prometheus.Registerer) func(method, route string, status int, took time.Duration) {
	count := register(reg, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gatehouse_http_requests_total", Help: "Requests that the portal answered, by route and class of the status.",
	}, []string{"method", "route", "status"}))
	times := register(reg, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "gatehouse_http_request_seconds", Help: "Time until the portal had sent its answer, by route.",
		Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"method", "route"}))
	return func(method, route string, status int, took time.Duration) {
		if !slices.Contains(methods, method) {
			method = "other"
		}
		if route == "" {
			route = "none"
		}
		// A series that begins at 1 does not count as an increase, so all classes begin together.
		for _, class := range statusClasses[1:] {
			count.WithLabelValues(method, route, class)
		}
		count.WithLabelValues(method, route, classOf(status)).Inc()
		times.WithLabelValues(method, route).Observe(took.Seconds())
	}
}

// classOf returns the class of a status, such as 2xx. A handler that wrote nothing has answered 200.
func classOf(status int) string {
	switch {
	case status == 0:
		return "2xx"
	case status < 100 || status > 599:
		return "5xx"
	}
	return strconv.Itoa(status/100) + "xx"
}
