// The import of API keys in pipeline_test.go.

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

// faultyImporter creates keys as keyimport.Importer does, for one key of a wave: it looks for a
// key that may have been created before, imports it if there is none, and reads it back.
type faultyImporter struct{ w *world }

// errAlone tells the caller to create the key alone.
var errAlone = errors.New("to be created alone")

func (f faultyImporter) Create(ctx context.Context, c keyimport.Creation) (keyimport.Created, error) {
	switch {
	case f.w.oneIn(6, "alone"):
		return f.alone(ctx, c)
	case f.w.oneIn(10, "no token"):
		return keyimport.Created{}, &portal.Postponed{After: 5 * time.Second, Reason: "budget"}
	}
	made, err := f.inWave(ctx, c)
	if errors.Is(err, errAlone) {
		return f.alone(ctx, c)
	}
	return made, err
}

func (f faultyImporter) alone(ctx context.Context, c keyimport.Creation) (keyimport.Created, error) {
	id, err := faultyPlane(f).CreateKey(ctx, c.Key)
	return keyimport.Created{ID: id}, err
}

// inWave is what a wave does for one of its keys.
func (f faultyImporter) inWave(ctx context.Context, c keyimport.Creation) (keyimport.Created, error) {
	// From here on nothing guards the key against others.
	began := f.w.now()
	if !began.Before(c.UntriedUntil) {
		id, found, err := faultyPlane(f).FindKey(ctx, c.Key.Name)
		switch {
		case err != nil:
			return keyimport.Created{}, err
		case found:
			return f.readBack(ctx, c, id, errAlone)
		}
	}
	otherwise, err := f.submit(ctx, c, began)
	if err != nil {
		return keyimport.Created{}, err
	}
	return f.readBack(ctx, c, "", otherwise)
}

// submit imports the key. otherwise is the answer if reading back does not find it; err is the
// answer at once.
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
		return notListed, f.w.faultPoint(ctx, effect)
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
		return unanswered(), f.w.faultPoint(ctx, effect)
	case "stopping":
		// The wave goes on after the worker has stopped.
		f.w.later(func() { _ = effect() })
		return nil, &portal.Postponed{Reason: "stopping"}
	}
	if err := f.w.planeCall(ctx, effect); err != nil {
		return err, nil
	}
	return notListed, nil
}

// readBack reads whether the key exists and which plans it is in; found is its id if it was
// found before. A plan that cannot be read counts as one that the key is not in.
func (f faultyImporter) readBack(ctx context.Context, c keyimport.Creation, found portal.GatewayKeyID, otherwise error) (keyimport.Created, error) {
	if f.w.oneIn(5, "unread") {
		return keyimport.Created{}, unanswered()
	}
	readable := slices.DeleteFunc(slices.Clone(c.Plans), func(portal.PlanID) bool { return f.w.oneIn(8, "unreadable") })
	made := keyimport.Created{ID: found}
	err := f.w.faultPoint(ctx, func() error {
		if id, listed := f.w.plane.findListed(c.Key.Name); listed {
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

// upsert does what an import that began then does: it creates the key or overwrites it, and
// attaches it to the plans. A new key may be listed only later.
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
		// For a plan that refuses the key, an import only warns.
		_ = w.plane.join(plan, id)
	}
}
