package apigateway

import (
	"net/http"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// account is the account's settings. The role is only stored, the throttle is
// AWS's default for display.
type account struct {
	CloudwatchRoleARN string   `json:"cloudwatchRoleArn,omitempty"`
	Throttle          throttle `json:"throttleSettings"`
	Features          []string `json:"features"`
	APIKeyVersion     string   `json:"apiKeyVersion"`
}

func findAccount(tx *store.Tx) (account, error) {
	a, _, err := store.GetJSON[account](bucket(tx, "account"), "settings")
	a.Throttle, a.APIKeyVersion = throttle{BurstLimit: 5000, RateLimit: 10_000}, "4"
	a.Features = []string{"UsagePlans"}
	return a, err
}

func (s *Service) getAccount(*http.Request, *none) (*account, error) {
	return view(s, func(tx *store.Tx) (*account, error) {
		a, err := findAccount(tx)
		return &a, err
	})
}

func (s *Service) updateAccount(_ *http.Request, in *patches) (*account, error) {
	return update(s, func(tx *store.Tx) (*account, error) {
		a, err := findAccount(tx)
		if err != nil {
			return nil, err
		}
		if err := in.apply(a.patch); err != nil {
			return nil, err
		}
		settings := bucket(tx, "account")
		return &a, store.PutJSON(settings, "settings", a)
	})
}

func (a *account) patch(p patch) error {
	switch p.change() {
	case "replace /cloudwatchRoleArn":
		a.CloudwatchRoleARN = p.Value
	case "add /features":
		if !slices.Contains(a.Features, p.Value) {
			return badRequest("Invalid feature specified: %s", p.Value)
		}
	case "remove /features":
		return badRequest("Usage Plans cannot be disabled once enabled")
	default:
		return p.invalid("/cloudwatchRoleArn", "/features")
	}
	return nil
}
