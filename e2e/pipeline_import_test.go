package e2e

import (
	"context"
	"errors"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/gateway"
	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// faultyImporter creates keys as keyimport.Importer does, for one of those who wait together:
// it looks for the key if somebody may have tried before, imports it if it is not there, and
// reads what came of it.
type faultyImporter struct{ w *world }

// errAlone sends a creation on to be made by itself.
var errAlone = errors.New("to be created alone")

func (f faultyImporter) Create(ctx context.Context, c keyimport.Creation) (keyimport.Created, error) {
	switch {
	case f.w.oneIn(6, "alone"):
		return f.alone(ctx, c)
	case f.w.oneIn(10, "no token"):
		return keyimport.Created{}, &portal.Postponed{After: 5 * time.Second, Reason: "budget"}
	}
	made, err := f.together(ctx, c)
	if errors.Is(err, errAlone) {
		return f.alone(ctx, c)
	}
	return made, err
}

func (f faultyImporter) alone(ctx context.Context, c keyimport.Creation) (keyimport.Created, error) {
	id, err := faultyPlane(f).CreateKey(ctx, c.Key)
	return keyimport.Created{ID: id}, err
}

// together is a wave as far as it is about one creation.
func (f faultyImporter) together(ctx context.Context, c keyimport.Creation) (keyimport.Created, error) {
	// From here on the import is under way: what becomes of the key meanwhile nothing guards.
	began := f.w.now()
	if !began.Before(c.Untried) {
		id, found, err := faultyPlane(f).FindKey(ctx, c.Key.Name)
		switch {
		case err != nil:
			return keyimport.Created{}, err
		case found:
			return f.tell(ctx, c, id, errAlone)
		}
	}
	otherwise, err := f.submit(ctx, c, began)
	if err != nil {
		return keyimport.Created{}, err
	}
	return f.tell(ctx, c, "", otherwise)
}

// submit imports the key. otherwise is what is to be answered if it is not found in the
// end; an error is answered at once.
func (f faultyImporter) submit(ctx context.Context, c keyimport.Creation, began time.Time) (otherwise, err error) {
	plans := c.Plans
	if f.w.oneIn(4, "lands in some plans only") {
		plans = slices.DeleteFunc(slices.Clone(plans), func(portal.PlanID) bool { return f.w.oneIn(2, "left out") })
	}
	unlisted := f.w.oneIn(8, "listed late")
	effect := func() error {
		f.w.upsert(c.Key.Name, plans, began, unlisted)
		return nil
	}
	notListed := &gateway.Unavailable{Err: errors.New("an imported key is not listed yet")}
	if f.w.calm || crashed(ctx) {
		return notListed, f.w.point(ctx, effect)
	}
	switch rapid.SampledFrom([]string{"", "", "", "", "not valid", "full", "postponed", "fails", "answer lost", "stopping"}).Draw(f.w.T, "import") {
	case "not valid":
		return errAlone, nil
	case "full":
		return &gateway.LimitReached{Limit: gateway.Keys, Err: errors.New("no more keys")}, nil
	case "postponed":
		return &portal.Postponed{After: time.Second, Reason: "attach lease"}, nil
	case "fails":
		return unanswered(), nil
	case "answer lost":
		return unanswered(), f.w.point(ctx, effect)
	case "stopping":
		// The wave goes on without the worker.
		f.w.later(func() { _ = effect() })
		return nil, &portal.Postponed{Reason: "stopping"}
	}
	if err := f.w.call(ctx, effect); err != nil {
		return err, nil
	}
	return notListed, nil
}

// tell reads whether the key is there and which plans it is in; found is its id if it was
// there before. A plan that cannot be read counts as one that it is not in.
func (f faultyImporter) tell(ctx context.Context, c keyimport.Creation, found portal.GatewayKeyID, otherwise error) (keyimport.Created, error) {
	if f.w.oneIn(5, "unread") {
		return keyimport.Created{}, unanswered()
	}
	readable := slices.DeleteFunc(slices.Clone(c.Plans), func(portal.PlanID) bool { return f.w.oneIn(8, "unreadable") })
	made := keyimport.Created{ID: found}
	err := f.w.point(ctx, func() error {
		if id, listed := f.w.plane.find(c.Key.Name); listed {
			made.ID = id
		}
		for _, plan := range readable {
			if f.w.plane.attached[attachment{plan, made.ID}] {
				made.Plans = append(made.Plans, plan)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return keyimport.Created{}, err
	case made.ID == "":
		return keyimport.Created{}, otherwise
	}
	return made, nil
}

// upsert is what an import does that began then: it makes the key, or overwrites the one
// that is there, and adds it to the plans. A new key may be listed later only.
func (w *world) upsert(name string, plans []portal.PlanID, began time.Time, unlisted bool) {
	_, there := w.plane.keys[name]
	id := w.plane.make(name)
	switch {
	case there:
		w.plane.enable(id, began)
	case unlisted:
		w.plane.unlisted[id] = true
		w.later(func() { delete(w.plane.unlisted, id) })
	}
	for _, plan := range plans {
		// One that the key may not be in comes to nothing but a warning.
		_ = w.plane.attach(plan, id)
	}
}
