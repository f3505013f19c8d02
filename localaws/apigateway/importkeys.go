package apigateway

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type importedKeys struct {
	IDs      []string `json:"ids"`
	Warnings []string `json:"warnings"`
}

// importAPIKeys creates the keys of an API key file and attaches them to plans, in one
// transaction. It overwrites a key whose value exists, and keeps its id, as AWS documents.
// Where AWS is silent:
//
//   - A row is imported completely or not at all. A row that cannot be imported is a warning,
//     for example if its plan is unknown, or shares a stage with another of the key's plans.
//   - Overwriting sets name, description and enabled to the file's values or the defaults,
//     and keeps customer and tags, which a file cannot contain.
//   - A row adds plans to those that the key is in already.
//   - ids are in the order of the rows, without duplicates. Of rows with the same value,
//     the last one wins.
//   - A full account fails the whole call with LimitExceededException.
//
// With failonwarnings, any warning fails the whole call.
func (s *Service) importAPIKeys(r *http.Request, body []byte) (any, error) {
	failOnWarnings, err := importOptions(r)
	if err != nil {
		return nil, err
	}
	rows, unusable, err := readKeysFile(body)
	if err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*importedKeys, error) {
		out := &importedKeys{IDs: []string{}, Warnings: append([]string{}, unusable...)}
		for _, row := range rows {
			id, warning, err := s.importKey(tx, row)
			switch {
			case err != nil:
				return nil, err
			case warning != "":
				out.Warnings = append(out.Warnings, warning)
			case !slices.Contains(out.IDs, id):
				out.IDs = append(out.IDs, id)
			}
		}
		if failOnWarnings && len(out.Warnings) > 0 {
			return nil, badRequest("The import was rolled back. %s", strings.Join(out.Warnings, "; "))
		}
		return out, nil
	})
}

func importOptions(r *http.Request) (failOnWarnings bool, err error) {
	query := r.URL.Query()
	if format := query.Get("format"); format != "csv" {
		return false, badRequest("Invalid format specified: '%s'. Valid options are csv", format)
	}
	return failsOnWarnings(r)
}

func failsOnWarnings(r *http.Request) (bool, error) {
	switch raw := r.URL.Query().Get("failonwarnings"); strings.ToLower(raw) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, badRequest("Invalid failonwarnings specified: %s", raw)
	}
}

func (s *Service) importKey(tx *store.Tx, row keyRow) (id, warning string, err error) {
	id = string(bucket(tx, "keyvalues").Get([]byte(row.key.Value)))
	joins, err := s.plansToJoin(tx, id, row.planIDs)
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		return "", row.refusal(refused), nil
	case err != nil:
		return "", "", err
	}
	if id, err = s.upsert(tx, id, row.key); err != nil {
		return "", "", err
	}
	for _, plan := range joins {
		if err := s.attach(tx, id, plan.ID); err != nil {
			return "", "", err
		}
	}
	return id, "", nil
}

// plansToJoin returns the plans that the key is not in yet, or an error if it cannot join
// one. keyID is empty for a new key.
func (s *Service) plansToJoin(tx *store.Tx, keyID string, planIDs []string) ([]usagePlan, error) {
	var joins []usagePlan
	for _, id := range slices.Compact(slices.Sorted(slices.Values(planIDs))) {
		plan, err := findPlan(tx, id)
		if err != nil {
			return nil, err
		}
		if isAttached(tx, plan.ID, keyID) {
			continue
		}
		if err := checkStagesOfKey(tx, keyID, plan.ID, plan.APIStages); err != nil {
			return nil, err
		}
		for _, other := range joins {
			if st, ok := sharedStage(plan, other); ok {
				return nil, conflict("The Usage Plans %s and %s both have the API Stage %s:%s", plan.ID, other.ID, st.APIID, st.Stage)
			}
		}
		joins = append(joins, plan)
	}
	if len(keysOf(bucket(tx, "keyplans", keyID)))+len(joins) > s.limits.plansPerKey {
		return nil, limitExceeded("Maximum number of usage plans per API key has been reached: %d", s.limits.plansPerKey)
	}
	return joins, nil
}

func sharedStage(a, b usagePlan) (stageID, bool) {
	for _, st := range a.APIStages {
		if b.index(st.stageID) >= 0 {
			return st.stageID, true
		}
	}
	return stageID{}, false
}

func (s *Service) upsert(tx *store.Tx, id string, in apiKeyInput) (string, error) {
	if id == "" {
		key := apiKey{Value: in.Value, Name: in.Name, Description: in.Description, Enabled: in.Enabled}
		err := s.insert(tx, &key)
		return key.ID, err
	}
	key, err := findKey(tx, id)
	if err != nil {
		return "", err
	}
	return id, s.change(tx, &key, func() error {
		key.Name, key.Description, key.Enabled = in.Name, in.Description, in.Enabled
		return nil
	})
}
