package transport

import (
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gatehouse-portal/gatehouse/transport/pubsub"
)

// metrics are described in docs/metrics.md.
type metrics struct {
	handled  *prometheus.CounterVec
	duration *prometheus.HistogramVec
	age      *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	overdue  *prometheus.CounterVec
	buried   *prometheus.CounterVec
	kept     *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"consumer"})
	}
	m := &metrics{
		handled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gatehouse_messages_handled_total",
			Help: "Deliveries of messages, by how their handling ended.",
		}, []string{"consumer", "type", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_message_handling_seconds",
			Help:    "Time that handling a delivery took, including the wait for the control plane's budget.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"consumer", "type"}),
		age: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "gatehouse_message_age_seconds",
			Help:    "Time from the sending of a message until a worker began to handle it, for each delivery.",
			Buckets: []float64{.1, .5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21600},
		}, []string{"consumer"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "gatehouse_messages_in_flight",
			Help: "Messages being handled now.",
		}, []string{"consumer"}),
		overdue: counter("gatehouse_messages_overdue_total", "Messages whose lease ran out before they could be deleted or handed back. They come again."),
		buried:  counter("gatehouse_dead_letters_total", "Messages that became dead letters."),
		kept:    counter("gatehouse_failures_unrecorded_total", "Failures and dead letters that could not be written to the records table. The messages come again."),
	}
	if reg == nil {
		return m, nil
	}
	return m, errors.Join(register(reg, &m.handled), register(reg, &m.duration), register(reg, &m.age), register(reg, &m.inFlight),
		register(reg, &m.overdue), register(reg, &m.buried), register(reg, &m.kept))
}

// begin makes the series of a consumer exist, since one that begins at 1 does not count as an increase.
func (m *metrics) begin(consumer string) {
	for _, count := range []*prometheus.CounterVec{m.overdue, m.buried, m.kept} {
		count.WithLabelValues(consumer)
	}
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
		if sent, err := time.Parse(time.RFC3339Nano, msg.Metadata.Get(pubsub.SentAtKey)); err == nil {
			m.age.WithLabelValues(h.consumer.Name).Observe(max(started.Sub(sent), 0).Seconds())
		}
		defer func() {
			inFlight.Dec()
			switch h.outcome {
			case buried:
				m.buried.WithLabelValues(h.consumer.Name).Inc()
			case kept:
				m.kept.WithLabelValues(h.consumer.Name).Inc()
			}
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
