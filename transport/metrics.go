package transport

import (
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	handled  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	overdue  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_messages_handled_total",
			Help: "Messages received, by what their handling came to.",
		}, []string{"consumer", "type", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_message_handling_seconds",
			Help:    "Time that handling a message took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"consumer", "type"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_messages_in_flight",
			Help: "Messages being handled now.",
		}, []string{"consumer"}),
		overdue: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_messages_overdue_total",
			Help: "Messages whose lease ran out before they could be deleted or handed back. They come again.",
		}, []string{"consumer"}),
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(register(reg, &m.handled), register(reg, &m.duration), register(reg, &m.inFlight), register(reg, &m.overdue))
}

func register[C prometheus.Collector](reg prometheus.Registerer, c *C) error {
	err := reg.Register(*c)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(C); ok {
			*c = existing
			return nil
		}
	}
	return err
}

func (m *metrics) middleware(next message.HandlerFunc) message.HandlerFunc {
	return func(msg *message.Message) ([]*message.Message, error) {
		started := time.Now()
		h := handlingOf(msg.Context())
		inFlight := m.inFlight.WithLabelValues(h.consumer.Name)
		inFlight.Inc()
		defer func() {
			inFlight.Dec()
			m.duration.WithLabelValues(h.consumer.Name, typeLabel(h)).Observe(time.Since(started).Seconds())
			m.handled.WithLabelValues(h.consumer.Name, typeLabel(h), string(h.outcome)).Inc()
		}()
		return next(msg)
	}
}

// typeLabel bounds the label's values: made-up types must not create time series.
func typeLabel(h *handling) string {
	if _, known := h.consumer.Handlers[h.head.Type]; known {
		return h.head.Type
	}
	return "other"
}
