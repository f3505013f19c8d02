package events

// wishing marks facts that give the converger work.
type wishing interface {
	opensWish(Event) int64
}

// OpensWish returns the wish that the fact opens, named by the fact's sequence, or hands to the
// converger; else 0.
func (e Event) OpensWish() int64 {
	if w, ok := e.Data.(wishing); ok {
		return w.opensWish(e)
	}
	return 0
}

func (SubscriptionWanted) opensWish(e Event) int64     { return e.Sequence }
func (SubscriptionEnding) opensWish(e Event) int64     { return e.Sequence }
func (PlanChangeWanted) opensWish(e Event) int64       { return e.Sequence }
func (f SubscriptionApproved) opensWish(e Event) int64 { return f.Wish }
func (KeyReleasing) opensWish(e Event) int64           { return e.Sequence }
func (KeyEnding) opensWish(e Event) int64              { return e.Sequence }
func (AccountSuspended) opensWish(e Event) int64       { return e.Sequence }
func (AccountReinstated) opensWish(e Event) int64      { return e.Sequence }
func (AccountDeleting) opensWish(e Event) int64        { return e.Sequence }

// A key without a request of its own belongs to the wish of its subscription.
func (f KeyWanted) opensWish(e Event) int64 {
	if f.Requested {
		return e.Sequence
	}
	return 0
}
