package operators

import (
	"context"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/deadletters"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Desk is for admins. It asks workers; it sends no dead letter itself.
type Desk struct {
	Letters deadletters.Admin
	Orders  *Orders
	// Wake has a worker look at the orders. If it fails, a worker finds the order within five minutes.
	Wake func(ctx context.Context, order Order) error
	// Foresee says what a replay of a letter with its body would come to.
	Foresee func(ctx context.Context, letter deadletters.Letter) (Foreseen, error)
	// Summary gathers an Overview.
	Summary func(ctx context.Context) (Overview, error)
}

// Overview returns the state of the installation. Parts that cannot be read are named in it.
func (d Desk) Overview(ctx context.Context) (Overview, error) { return d.Summary(ctx) }

// Survey looks at all letters; see deadletters.Admin.
func (d Desk) Survey(ctx context.Context, choice deadletters.Choice, after string, limit int) (deadletters.Survey, error) {
	found, err := d.Letters.Survey(ctx, choice, after, limit)
	return found, Unavailable(err)
}

// Letter returns a letter with its body, and what a replay of it would come to now. The error is
// NotFound for an unknown id.
func (d Desk) Letter(ctx context.Context, id string) (deadletters.Letter, Foreseen, error) {
	letter, err := d.Letters.Find(ctx, id)
	if err != nil {
		return letter, Foreseen{}, Unavailable(err)
	}
	foreseen, err := d.Foresee(ctx, letter)
	return letter, foreseen, Unavailable(err)
}

// Preview is what an order would do.
type Preview struct {
	// Letters is how many it is about; First are the first of them, with what a replay comes to.
	Letters int
	First   []Previewed
}

// Previewed is a letter of a Preview.
type Previewed struct {
	deadletters.Letter
	Foreseen Foreseen
}

const previewed = 10

// Preview says what an order would do, and changes nothing. Without any letter the error is Conflict.
func (d Desk) Preview(ctx context.Context, order Order) (Preview, error) {
	var list []deadletters.Letter
	shown := Preview{}
	if order.Letter != "" {
		letter, err := d.Letters.Find(ctx, order.Letter)
		if err != nil {
			return shown, Unavailable(err)
		}
		list, shown.Letters = append(list, letter), 1
	} else {
		order.Choice.States = nil
		found, err := d.Letters.Survey(ctx, order.Choice, "", previewed)
		if err != nil {
			return shown, Unavailable(err)
		}
		list, shown.Letters = found.Letters, found.Counts[deadletters.Open]
	}
	for _, one := range list {
		letter, foreseen, err := d.Letter(ctx, one.ID)
		if order.Letter == "" && portal.CodeOf(err) == portal.NotFound {
			shown.Letters-- // it was deleted since the survey
			continue
		}
		if err != nil {
			return shown, err
		}
		shown.First = append(shown.First, Previewed{letter, foreseen})
	}
	if shown.Letters == 0 {
		return shown, portal.Fail(portal.Conflict, "No dead letter is open that fits. Perhaps another admin was first.")
	}
	return shown, nil
}

// Order has workers carry an order out, and returns how many letters it is about. It records the order
// in the audit. The errors are those of Orders.Place; Conflict if no open letter fits, or if the letter
// cannot be treated so.
func (d Desk) Order(ctx context.Context, order Order) (Order, int, error) {
	shown, err := d.Preview(ctx, order)
	if err != nil {
		return order, 0, err
	}
	if order.Letter != "" {
		if err := fits(order.Verb, shown.First[0]); err != nil {
			return order, 0, err
		}
	}
	order, err = d.Orders.Place(ctx, order, shown.Letters)
	if err != nil {
		return order, 0, err
	}
	if err := d.Wake(ctx, order); err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Str("order", order.ID).Msg("no worker is told of an order; the next tick of the job finds it")
	}
	return order, shown.Letters, nil
}

func fits(verb Verb, one Previewed) error {
	state := one.State()
	switch {
	case verb == Replay && one.Foreseen.Outlook == NotReplayable:
		return portal.Fail(portal.Conflict, "Dead letter "+one.ID+" cannot be replayed. "+one.Foreseen.Text)
	case verb == Discard && (state == deadletters.Settled || state == deadletters.Discarded):
		return portal.Fail(portal.Conflict, fmt.Sprintf("Dead letter %s is %s. There is nothing to discard.", one.ID, state))
	}
	return nil
}

// Waiting returns orders that no worker has carried out yet.
func (d Desk) Waiting(ctx context.Context) ([]Order, error) {
	orders, err := d.Orders.Waiting(ctx, previewed)
	return orders, Unavailable(err)
}

// Unavailable keeps errors that people can read. It says of others that the portal cannot read or write its data
// right now.
func Unavailable(err error) error {
	if err == nil || portal.CodeOf(err) != portal.Internal {
		return err
	}
	return &portal.Error{Code: portal.Unavailable, Message: "The portal cannot read or write its data right now. Try again in a moment.", Err: err}
}
