package simulate

import (
	"context"
	"errors"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// Results of a scenario.
const (
	Right     = "ok"
	Differs   = "differs"    // the access was not what AWS said last
	Broken    = "failed"     // it could not be played to its end
	NotPlayed = "not_played" // Note says why
)

// Scenario is one sequence of events on one listing, as played.
type Scenario struct {
	Name string `json:"name"`
	// Listing is eventbridge, or sns for an older listing.
	Listing string `json:"listing"`
	// Contract says that the listing sells its plans by contract dimensions.
	Contract bool   `json:"contract,omitempty"`
	Result   string `json:"result"`
	Note     string `json:"note,omitempty"`
	Steps    []Step `json:"steps"`
}

// Step is what held after a step.
type Step struct {
	Step    string `json:"step"`
	Licence string `json:"licence"`
	// AWS is the state by AWS's last notice; Agreement is that of the Agreement API if it
	// differs. State is the portal's, "" for an account that has not claimed the licence.
	AWS       string `json:"aws"`
	Agreement string `json:"agreement,omitempty"`
	State     string `json:"state,omitempty"`
	Claimed   bool   `json:"claimed"`
	// Access: the API accepts the licence's key.
	Access bool `json:"access"`
	// Metered is nil except in the scenario that compares what is billed.
	Metered *Metered `json:"metered,omitempty"`
}

// right reports whether access and state match AWS's last notice. Nobody has access before the
// claim. If only the Agreement API has told the state, the workers may or may not know it.
func (s Step) right() bool {
	if !s.Claimed {
		return !s.Access && s.State == ""
	}
	return s.State != "" && (s.State == s.AWS || s.State == s.Agreement) && s.Access == (s.State == "active")
}

// All plays every scenario on both kinds of listing, with and without contracts, and calls tell after each. It returns an
// error, for people, for any result but Right and NotPlayed. It leaves its accounts and
// purchases.
func (s *Simulator) All(ctx context.Context, tell func(Scenario)) error {
	played, wrong := 0, 0
	for _, stage := range []struct {
		kind   marketplace.Kind
		listed func(context.Context, marketplace.Kind) (listing, error)
		plays  []scenario
	}{
		{marketplace.EventBridge, s.listing, scenarios}, {marketplace.SNS, s.listing, scenarios},
		{marketplace.EventBridge, s.contractListing, contractScenarios}, {marketplace.SNS, s.contractListing, contractScenarios},
	} {
		on, err := stage.listed(ctx, stage.kind)
		if err != nil {
			return err
		}
		for _, one := range stage.plays {
			if ctx.Err() != nil {
				return errors.New("interrupted; the accounts and purchases that were made stay")
			}
			result := s.run(ctx, on, one)
			tell(result)
			switch result.Result {
			case NotPlayed:
			case Right:
				played++
			default:
				played++
				wrong++
			}
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d scenarios went wrong", wrong, played)
	}
	return nil
}

func (s *Simulator) run(ctx context.Context, on listing, one scenario) Scenario {
	result := Scenario{Name: one.name, Listing: string(on.kind), Contract: on.contract, Result: Right, Steps: []Step{}}
	err := one.play(ctx, &play{Simulator: s, on: on, played: &result})
	var skipped notPlayed
	switch {
	case err == nil:
		return result
	case errors.As(err, &skipped):
		result.Result = NotPlayed
	case result.Result == Right:
		result.Result = Broken
	}
	result.Note = err.Error()
	return result
}
