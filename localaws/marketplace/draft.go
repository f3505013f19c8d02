package marketplace

import (
	"errors"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// draft collects what one step changes and sends.
type draft struct {
	*Service
	// tx reads the state before the step.
	tx       *store.Tx
	now      time.Time
	settings Settings
	writes   []func(*store.Tx) error
	notices  []*Notice
}

// write adds a write. It may run more than once and must fail only with the store's errors.
func (d *draft) write(fn func(*store.Tx) error) { d.writes = append(d.writes, fn) }

// put writes the purchase without its token.
func (d *draft) put(p Purchase) {
	p.Token = ""
	d.write(func(tx *store.Tx) error {
		b := purchasesIn(tx)
		return store.PutJSON(b, p.Agreement, p)
	})
}

func (d *draft) licence(id string, change func(*metering.Licence)) {
	d.write(func(tx *store.Tx) error {
		l, found, err := metering.Get(tx, id)
		if err != nil || !found {
			return err
		}
		change(&l)
		return metering.Put(tx, l)
	})
}

// change runs fn, and then writes and delivers in one transaction what fn has collected.
func (s *Service) change(fn func(*draft) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &draft{Service: s, now: s.env.Now().UTC().Truncate(time.Millisecond)} // as precise as the Agreement API
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		d.tx = tx
		if d.settings, err = readSettings(tx); err != nil {
			return err
		}
		return fn(d)
	})
	if err != nil {
		return err
	}
	d.tx = nil
	d.lose()
	return d.commit()
}

// lose drops the next notices, as many as the settings say. It never drops one that is sent
// again.
func (d *draft) lose() {
	for _, n := range d.notices {
		if n.ID == 0 && d.settings.Lose > 0 {
			d.settings.Lose--
			continue
		}
		n.sending = true
		n.Sent++
	}
	settings := d.settings
	d.write(func(tx *store.Tx) error {
		b := settingsIn(tx)
		return store.PutJSON(b, settingsKey, settings)
	})
	for _, n := range d.notices {
		d.write(n.put)
	}
}

func (d *draft) commit() error {
	var failure error
	refused, err := d.Queues.Deliver(func(time.Time) sqs.Plan {
		plan := sqs.Plan{Record: func(tx *store.Tx) error {
			for _, write := range d.writes {
				if err := write(tx); err != nil {
					return err
				}
			}
			return nil
		}}
		for _, n := range d.notices {
			deliveries, err := d.deliveries(n)
			if err != nil {
				failure = fmt.Errorf("sending notice %s: %w", n.MessageID, err)
				return sqs.Plan{}
			}
			plan.Deliveries = append(plan.Deliveries, deliveries...)
		}
		return plan
	})
	for _, refusal := range refused {
		if refusal != nil {
			d.env.Log.Warn().Err(refusal).Msg("AWS Marketplace's notice was refused")
		}
	}
	return errors.Join(failure, err)
}

// deliveries are none for a lost notice. A notice that is sent again has the ids and times of
// the first one, as AWS's duplicates have.
func (d *draft) deliveries(n *Notice) ([]sqs.Delivery, error) {
	switch {
	case !n.sending:
		return nil, nil
	case n.Topic != "":
		return d.Topics.Deliveries(n.Topic, n.MessageID, n.Body, n.At)
	}
	return d.Bus.Deliveries(d.env.Seller, n.Body)
}
