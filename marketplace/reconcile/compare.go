package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// sureAfter is how old a licence's status must be before an agreement that AWS changed earlier
// overrules it. Until then the Agreement API may lag behind the notice.
const sureAfter = 10 * time.Minute

// agreement compares the licences of an agreement, and returns how many notices and renewals it sent. It
// passes over licences whose ARN cannot be read. run is when the run began.
func (r *Reconciler) agreement(ctx context.Context, a seller.Agreement, run time.Time) (sent int, err error) {
	read := r.Now().UTC().Round(0)
	granted, err := r.granted(ctx, a)
	if err != nil {
		return 0, err
	}
	for id, g := range granted {
		licence, ok, err := r.licence(ctx, id)
		if err != nil {
			return sent, err
		}
		if !ok {
			continue
		}
		notice, differs, err := r.compare(ctx, licence, a, g, read)
		if err != nil {
			return sent, err
		}
		if differs {
			if err := r.tell(ctx, licence, notice); err != nil {
				return sent, err
			}
			sent++
		}
		if err := r.meterLast(ctx, licence, a, read); err != nil {
			return sent, err
		}
		renewed, err := r.renew(ctx, licence, a, g)
		if err != nil {
			return sent, err
		}
		if renewed {
			sent++
		}
		if licence.Claimed() && a.Active() {
			if err := r.check(ctx, licence.Stream, run); err != nil {
				return sent, err
			}
		}
	}
	return sent, nil
}

// justEnded is how long after an agreement's last change AWS may still take usage of its licences.
const justEnded = 2 * time.Hour

// meterLast has the last usage of a licence metered, because its agreement has ended. The licence may
// stay active, but AWS's documents contradict each other on whether it takes usage for more than an
// hour from then on. Doing it twice does no harm.
func (r *Reconciler) meterLast(ctx context.Context, licence state.Licence, a seller.Agreement, read time.Time) error {
	if a.Active() || !licence.Claimed() || licence.Status != events.LicenceActive || read.Sub(a.Updated) >= justEnded {
		return nil
	}
	return r.Rows.Write(ctx, journal.PutDue(due.OfMetering(licence.Stream, 0, a.Updated.UTC())))
}

// grant is what an agreement says about a licence.
type grant struct {
	id  portal.LicenceID
	arn string
	// product is AWS Marketplace's id of the product, "" if AWS does not say.
	product string
	// told is NoticeActive, NoticeCancelled or NoticeInactive, or "" if AWS has not decided.
	told events.NoticeKind
}

// granted: of several entitlements with the same licence, the one counts that gives the buyer
// most.
func (r *Reconciler) granted(ctx context.Context, a seller.Agreement) (map[portal.LicenceID]grant, error) {
	entitlements, err := r.Seller.Entitlements(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	granted := map[portal.LicenceID]grant{}
	for _, e := range entitlements {
		id, ok := licenceID(ctx, a, e.Licence)
		before, again := granted[id]
		told := kindOf(a, e)
		if ok && (!again || gives[told] > gives[before.told]) {
			granted[id] = grant{id, e.Licence, e.Product, told}
		}
	}
	for _, arn := range a.Licences {
		id, ok := licenceID(ctx, a, arn)
		if _, again := granted[id]; ok && !again {
			granted[id] = grant{id, arn, "", kindOf(a, seller.Entitlement{})}
		}
	}
	return granted, nil
}

func licenceID(ctx context.Context, a seller.Agreement, arn string) (id portal.LicenceID, ok bool) {
	if arn == "" {
		return "", false
	}
	id, err := marketplace.LicenceID(arn)
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("agreement", a.ID).Msg("the ARN of a licence cannot be read; the licence is passed over")
	}
	return id, err == nil
}

// gives orders what an agreement says about a licence by how much it gives the buyer.
var gives = map[events.NoticeKind]int{events.NoticeInactive: 0, "": 1, events.NoticeCancelled: 2, events.NoticeActive: 3}

func kindOf(a seller.Agreement, e seller.Entitlement) events.NoticeKind {
	switch {
	case e.Provisioned() && a.Over():
		return events.NoticeCancelled
	case e.Provisioned():
		return events.NoticeActive
	case !a.Active() && e.Gone():
		return events.NoticeInactive
	}
	return ""
}

// licence: ok is false for an unreadable stream, or if nothing can be said about the licence
// here.
func (r *Reconciler) licence(ctx context.Context, id portal.LicenceID) (licence state.Licence, ok bool, err error) {
	stream := portal.LicenceStream(id)
	history, err := r.Journal.Read(ctx, stream, 0)
	var later *portal.Postponed
	switch {
	case errors.As(err, &later) || err != nil && ctx.Err() != nil:
		return state.Licence{}, false, err
	case err != nil:
		zerolog.Ctx(ctx).Error().Err(err).Str("licence", string(stream)).Msg("a licence cannot be read and is passed over")
		return state.Licence{}, false, nil
	}
	licence = state.FoldLicence(stream, history)
	return licence, licence.NotUnderstood == "" && (licence.Sequence > 0 || !r.ByTopic), nil
}

// compare returns the notice that makes the licence match AWS; differs is false if it matches
// already. read is when the agreement was read.
//
// The notice has the time at which AWS changed the agreement, so that later notices of AWS win.
// But AWS may change an entitlement without that time. So if the time is before the notice that
// told the licence's status, and the status is older than sureAfter, the notice has the time of
// the reading.
func (r *Reconciler) compare(ctx context.Context, licence state.Licence, a seller.Agreement, g grant, read time.Time) (notice events.MarketplaceNotified, differs bool, err error) {
	if !differ(licence, g.told) {
		return notice, false, nil
	}
	if g.told != events.NoticeActive {
		most := false
		if a, most, err = r.last(ctx, a, g); err != nil || !most {
			return notice, false, err
		}
	}
	notice = events.MarketplaceNotified{
		Source: "agreement/" + a.ID + "@" + a.Updated.UTC().Format(time.RFC3339Nano), Kind: g.told, At: a.Updated.UTC(), Offer: a.Offer,
		Purchase: events.Purchase{Product: licence.Purchase.Product, Buyer: a.Buyer, ARN: g.arn, Agreement: a.ID},
	}
	if g.told == events.NoticeCancelled {
		// Events have whole seconds. AWS may take the licence away in the second of the agreement's end, and
		// of two notices of one time the one that ends more counts.
		notice.At = notice.At.Truncate(time.Second)
	}
	if a.Updated.IsZero() || licence.StatusAfter(notice) == events.LicenceUnknown {
		if read.Sub(licence.StatusAt) <= sureAfter {
			return notice, false, nil
		}
		notice.At = read
	}
	return notice, true, nil
}

// differ: a licence without facts was never active here, so its end changes nothing.
func differ(licence state.Licence, told events.NoticeKind) bool {
	switch told {
	case events.NoticeActive:
		return licence.Status != events.LicenceActive || licence.Cancelled
	case events.NoticeCancelled:
		return licence.Sequence > 0 && (licence.Status != events.LicenceActive || !licence.Cancelled)
	case events.NoticeInactive:
		return licence.Sequence > 0 && licence.Status != events.LicenceEnded && licence.Status != events.LicenceFailed
	}
	return false
}

// last returns, of the agreements that grant the licence, the one that AWS changed last; most is
// false if one of them gives the buyer more. A renewal may keep the licence of the agreement before it.
func (r *Reconciler) last(ctx context.Context, a seller.Agreement, g grant) (last seller.Agreement, most bool, err error) {
	var all []seller.Agreement
	err = r.Seller.Granting(ctx, g.arn, func(other seller.Agreement) error {
		all = append(all, other)
		return nil
	})
	if err != nil {
		return a, false, err
	}
	last = a
	for _, other := range all {
		granted, err := r.granted(ctx, other)
		if err != nil {
			return a, false, err
		}
		if same, ok := granted[g.id]; ok && gives[same.told] > gives[g.told] {
			return a, false, nil
		}
		if other.Updated.After(last.Updated) {
			last = other
		}
	}
	return last, true, nil
}

// check has a worker ask AWS what the buyer of a licence is entitled to. A repeated step sends the same
// message, and the next run another one: AWS may have changed the entitlement without a notice.
func (r *Reconciler) check(ctx context.Context, stream portal.Stream, run time.Time) error {
	return portal.Postpone("the queues do not answer", r.Sender.Send(ctx, r.checking(stream, run)))
}

func (r *Reconciler) checking(stream portal.Stream, run time.Time) events.Event {
	id := portal.DeriveID("marketplace-checked", string(stream), run.UTC().Format(time.RFC3339Nano))
	return r.message(id, stream, events.EntitlementCheckRequested{})
}

func (r *Reconciler) send(ctx context.Context, id string, stream portal.Stream, data events.Payload) error {
	return portal.Postpone("the queues do not answer", r.Sender.Send(ctx, r.message(id, stream, data)))
}

func (r *Reconciler) message(id string, stream portal.Stream, data events.Payload) events.Event {
	return events.Event{ID: id, Source: "/gatehouse/marketplace", Subject: stream, Time: r.Now().UTC().Round(0), Correlation: id, Data: data}
}

// tell sends the notice. A later run that finds the same sends the same message, which is handled
// once. It is another message once the licence has learned another status.
func (r *Reconciler) tell(ctx context.Context, licence state.Licence, notice events.MarketplaceNotified) error {
	id := portal.DeriveID("marketplace-reconciled", string(licence.Stream), notice.Source, string(notice.Kind), licence.StatusAt.UTC().Format(time.RFC3339Nano))
	text := "a licence is not what AWS Marketplace says, so a notice is late or lost"
	if notice.Kind == events.NoticeCancelled && licence.Status == events.LicenceActive {
		text = "the agreement of a licence is over, and AWS Marketplace has not taken the licence away yet"
	}
	zerolog.Ctx(ctx).Info().Str("licence", string(licence.Stream)).Str("agreement", notice.Purchase.Agreement).Str("notice", string(notice.Kind)).Str("was", string(licence.Status)).
		Msg(text)
	return r.send(ctx, id, licence.Stream, notice)
}
