package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// AWS's limits of a PutEvents request: entries, and their total bytes.
const (
	maxPut     = 10
	maxPutSize = 1 << 20
)

type putEventsEntry struct {
	Source, DetailType, Detail, EventBusName string
	Resources                                []string
	Time                                     *float64 // seconds since 1970
}

type putEventsIn struct{ Entries []putEventsEntry }

type putEventsResult struct {
	EventID      string `json:"EventId,omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

type putEventsOut struct {
	FailedEntryCount int
	Entries          []putEventsResult
}

func (s *Service) putEvents(ctx context.Context, in *putEventsIn) (*putEventsOut, error) {
	if n := len(in.Entries); n < 1 || n > maxPut {
		return nil, violates("entries", "have length from 1 to %d", maxPut)
	}
	if in.size() > maxPutSize {
		return nil, invalid("Total size of the entries in the request is over the limit.")
	}
	out := &putEventsOut{Entries: make([]putEventsResult, len(in.Entries))}
	var envelopes []string
	for i, e := range in.Entries {
		if out.Entries[i] = s.refusal(ctx, e); out.Entries[i].ErrorCode != "" {
			out.FailedEntryCount++
			continue
		}
		out.Entries[i].EventID = wire.NewUUID()
		envelope, err := s.Envelope(s.env.Caller(ctx), e.event(out.Entries[i].EventID, s.env.Now()))
		if err != nil {
			return nil, err
		}
		envelopes = append(envelopes, envelope)
	}
	if len(envelopes) == 0 {
		return out, nil
	}
	return out, s.deliver(s.env.Caller(ctx), envelopes)
}

func (in *putEventsIn) size() int {
	n := 0
	for _, e := range in.Entries {
		n += len(e.Source) + len(e.DetailType) + len(e.Detail)
		for _, r := range e.Resources {
			n += len(r)
		}
		if e.Time != nil {
			n += 14
		}
	}
	return n
}

// refusal is empty for an entry that AWS accepts. Only AWS may send events of sources that
// begin with "aws.".
func (s *Service) refusal(ctx context.Context, e putEventsEntry) putEventsResult {
	fail := func(code, message string) putEventsResult {
		return putEventsResult{ErrorCode: code, ErrorMessage: message}
	}
	var detail map[string]any
	switch {
	case s.checkBus(ctx, e.EventBusName) != nil:
		return fail("InvalidArgument", "Parameter EventBusName is not valid. Reason: Event bus does not exist.")
	case e.Source == "":
		return fail("InvalidArgument", "Parameter Source is not valid. Reason: Source is a required argument.")
	case e.DetailType == "":
		return fail("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType is a required argument.")
	case e.Detail == "":
		return fail("InvalidArgument", "Parameter Detail is not valid. Reason: Detail is a required argument.")
	case len(e.DetailType) > 128:
		return fail("InvalidArgument", "Parameter DetailType is not valid. Reason: DetailType must have at most 128 characters.")
	case strings.HasPrefix(e.Source, "aws."):
		return fail("NotAuthorizedForSourceException", "Not authorized for the source.")
	case json.Unmarshal([]byte(e.Detail), &detail) != nil || detail == nil:
		return fail("MalformedDetail", "Detail is malformed.")
	}
	return putEventsResult{}
}

func (e putEventsEntry) event(id string, now time.Time) Event {
	at := now
	if e.Time != nil {
		at = time.UnixMilli(int64(math.Round(*e.Time * 1000)))
	}
	return Event{ID: id, DetailType: e.DetailType, Source: e.Source, Time: at, Resources: e.Resources, Detail: json.RawMessage(e.Detail)}
}

// Send puts an event of an AWS service on the bus of the env's account. While there are no rules, it costs a look at
// them.
func (s *Service) Send(e Event) error {
	all, err := s.rules("")
	if err != nil || len(all) == 0 {
		return err
	}
	envelope, err := s.Envelope(s.env.Account, e)
	if err != nil {
		return err
	}
	deliveries, err := s.Deliveries(s.env.Account, envelope)
	if err != nil || len(deliveries) == 0 {
		return err
	}
	return s.deliver(s.env.Account, []string{envelope})
}

func (s *Service) deliver(account string, envelopes []string) error {
	var failure error
	refused, err := s.queues.Deliver(func(time.Time) (plan sqs.Plan) {
		for _, envelope := range envelopes {
			deliveries, err := s.Deliveries(account, envelope)
			if err != nil {
				failure = err
				return sqs.Plan{}
			}
			plan.Deliveries = append(plan.Deliveries, deliveries...)
		}
		return plan
	})
	s.log(refused)
	return errors.Join(failure, err)
}

// log writes a line for every refused delivery.
func (s *Service) log(refused []error) {
	for _, refusal := range refused {
		switch {
		case errors.Is(refusal, sqs.ErrDeadLettered):
			s.env.Log.Warn().Err(refusal).Msg("EventBridge sent a refused delivery to the target's dead-letter queue")
		case refusal != nil:
			s.env.Log.Warn().Err(refusal).Msg("EventBridge dropped a refused delivery")
		}
	}
}
