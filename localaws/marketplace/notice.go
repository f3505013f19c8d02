package marketplace

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Actions of SNS messages.
const (
	SubscribeSuccess   = "subscribe-success"
	SubscribeFail      = "subscribe-fail"
	UnsubscribePending = "unsubscribe-pending"
	UnsubscribeSuccess = "unsubscribe-success"
	EntitlementUpdated = "entitlement-updated"
)

// Detail types of events. The seller here is both manufacturer and proposer, and AWS then
// sends the proposer's agreement events alone.
const (
	AgreementCreated     = "Purchase Agreement Created - Proposer"
	AgreementAmended     = "Purchase Agreement Amended - Proposer"
	AgreementEnded       = "Purchase Agreement Ended - Proposer"
	LicenceUpdated       = "License Updated - Manufacturer"
	LicenceDeprovisioned = "License Deprovisioned - Manufacturer"
)

// eventSource is the source of AWS's events about agreements and licences.
const eventSource = "aws.agreement-marketplace"

// Notice is what AWS told the seller, or would have if it had not been lost.
type Notice struct {
	ID        int    `json:"id"`
	Agreement string `json:"agreement"`
	Licence   string `json:"licence"`
	Product   string `json:"product"`
	Account   string `json:"account"`
	// Type is the action of an SNS message or the detail type of an event.
	Type string `json:"type"`
	// Topic is the ARN of the SNS topic, and empty for an event.
	Topic string `json:"topic,omitempty"`
	// MessageID is SNS's id of the message, or the event's id. Duplicates have the same one.
	MessageID string    `json:"messageId"`
	Body      string    `json:"body"`
	At        time.Time `json:"at"`
	// Sent is how often the notice was sent: 0 if it was lost.
	Sent int `json:"sent"`

	sending bool
}

// put also numbers a new notice. It may run more than once.
func (n *Notice) put(tx *store.Tx) error {
	b := noticesIn(tx)
	stored := *n
	if stored.ID == 0 {
		seq, err := b.NextSequence()
		if err != nil {
			return err
		}
		stored.ID = int(seq)
	}
	return store.PutJSON(b, noticeKey(stored.ID), stored)
}

func noticeKey(id int) string { return fmt.Sprintf("%010d", id) }

// Notices lists all notices, the oldest first.
func (s *Service) Notices() (all []Notice, err error) {
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = store.AllJSON[Notice](noticesIn(tx))
		return err
	})
	return all, err
}

// Resend sends a notice again, with the same ids and time. A lost notice arrives late that
// way.
func (s *Service) Resend(id int) (n Notice, err error) {
	err = s.change(func(d *draft) error {
		stored, found, err := store.GetJSON[Notice](noticesIn(d.tx), noticeKey(id))
		if err != nil {
			return err
		}
		if !found {
			return notFound("there is no notice %d", id)
		}
		n = stored
		d.notices = append(d.notices, &n)
		return nil
	})
	return n, err
}

func (d *draft) notice(p Purchase, kind string) *Notice {
	n := &Notice{
		Agreement: p.Agreement, Licence: p.Licence, Product: p.Product, Account: p.Account,
		Type: kind, MessageID: wire.NewUUID(), At: d.now,
	}
	d.notices = append(d.notices, n)
	return n
}

// message sends an SNS message, with the oddities of AWS's samples: a space before the
// customer identifier, a boolean as text, a comma too many in the entitlement message.
func (d *draft) message(product Product, p Purchase, action string) {
	if action != EntitlementUpdated && product.contractOnly() {
		return
	}
	n := d.notice(p, action)
	customer, code := quote(" "+p.Customer), quote(p.Product)
	if action == EntitlementUpdated {
		n.Topic = product.EntitlementTopic()
		n.Body = fmt.Sprintf("{\n\"action\": %s,\n\"customer-identifier\": %s,\n\"product-code\": %s,\n}", quote(action), customer, code)
		return
	}
	n.Topic = product.SubscriptionTopic()
	offer := ""
	if action == SubscribeSuccess || action == SubscribeFail {
		offer = fmt.Sprintf(",\n\"offer-identifier\": %s", quote(p.Offer))
	}
	n.Body = fmt.Sprintf("{\n\"action\": %s,\n\"customer-identifier\": %s,\n\"product-code\": %s%s,\n\"isFreeTrialTermPresent\":\"%t\"\n}",
		quote(action), customer, code, offer, p.FreeTrial)
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string cannot fail
	}
	return string(quoted)
}

type party struct {
	AccountID string `json:"accountId"`
}

type identified struct {
	ID *string `json:"id"`
}

type agreementDetail struct {
	RequestID string `json:"requestId"`
	Catalog   string `json:"catalog"`
	Agreement struct {
		ID             string `json:"id"`
		Intent         string `json:"intent,omitempty"`
		Status         string `json:"status"`
		AcceptanceTime string `json:"acceptanceTime,omitempty"`
		StartTime      string `json:"startTime,omitempty"`
		EndTime        string `json:"endTime,omitempty"`
		Previous       string `json:"previousAgreementId,omitempty"`
	} `json:"agreement"`
	ResaleAuthorization identified  `json:"resaleAuthorization"`
	Acceptor            party       `json:"acceptor"`
	Proposer            party       `json:"proposer"`
	Offer               *identified `json:"offer,omitempty"`
}

// agreementEvent has no intent for an end. Sellers have received ends without the offer that
// AWS's sample shows.
func (d *draft) agreementEvent(p Purchase, detailType, intent string) error {
	detail := agreementDetail{
		RequestID: wire.NewUUID(), Catalog: catalogName, Acceptor: party{p.Account}, Proposer: party{d.env.Seller},
	}
	detail.Agreement.ID, detail.Agreement.Status = p.Agreement, p.Status
	if intent != "" {
		detail.Offer = &identified{&p.Offer}
		detail.Agreement.Intent, detail.Agreement.Previous = intent, p.Previous
		detail.Agreement.AcceptanceTime, detail.Agreement.StartTime = stamp(p.Accepted), stamp(p.Start)
		detail.Agreement.EndTime = never
		if !p.End.IsZero() {
			detail.Agreement.EndTime = stamp(p.End)
		}
	}
	return d.event(p, detailType, detail)
}

// never is the end of an agreement without an end, as sellers have received it.
const never = "9999-01-01T00:00:00Z"

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type licenceDetail struct {
	RequestID string     `json:"requestId"`
	Catalog   string     `json:"catalog"`
	Agreement identified `json:"agreement"`
	Product   struct {
		Code string `json:"code"`
		ID   string `json:"id"`
	} `json:"product"`
	License struct {
		ARN string `json:"arn"`
	} `json:"license"`
	Acceptor party      `json:"acceptor"`
	Proposer party      `json:"proposer"`
	Offer    identified `json:"offer"`
}

func (d *draft) licenceEvent(product Product, p Purchase, detailType string) error {
	detail := licenceDetail{
		RequestID: wire.NewUUID(), Catalog: catalogName, Agreement: identified{&p.Agreement},
		Acceptor: party{p.Account}, Proposer: party{d.env.Seller}, Offer: identified{&p.Offer},
	}
	detail.Product.Code, detail.Product.ID = product.Code, product.ID
	detail.License.ARN = p.LicenceARN
	if d.settings.LicenceARNs == Documented {
		detail.License.ARN = "aws:license-manager:us-east-1:" + d.env.Seller + ":" + p.Licence
	}
	return d.event(p, detailType, detail)
}

func (d *draft) event(p Purchase, detailType string, detail any) error {
	encoded, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("encoding an event of %s: %w", p.Agreement, err)
	}
	n := d.notice(p, detailType)
	n.Body, err = d.Bus.Envelope(d.env.Seller, eventbridge.Event{
		ID: n.MessageID, DetailType: detailType, Source: eventSource, Time: d.now,
		Resources: []string{"arn:aws:aws-marketplace::aws:agreement:" + p.Agreement}, Detail: encoded,
	})
	return err
}
