package apigateway

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type attachment struct {
	// Since is when the key joined, in seconds since 1970. It determines the period of the
	// quota's offset, and when the data plane accepts the key.
	Since int64 `json:"since"`
}

// usagePlanKey always includes the key's value, as on AWS.
type usagePlanKey struct {
	ID    string `json:"id"`
	Type  string `json:"type"`
	Value string `json:"value"`
	Name  string `json:"name,omitempty"`
}

type usagePlanKeyInput struct {
	KeyID   string `json:"keyId"`
	KeyType string `json:"keyType"`
}

func (key apiKey) inPlan() *usagePlanKey {
	return &usagePlanKey{ID: key.ID, Type: "API_KEY", Value: key.Value, Name: key.Name}
}

func (s *Service) createUsagePlanKey(r *http.Request, in *usagePlanKeyInput) (*usagePlanKey, error) {
	if in.KeyType != "API_KEY" {
		return nil, badRequest("Invalid key type specified. Valid options are API_KEY")
	}
	return changeAttachments(s, r, func() (*usagePlanKey, error) {
		return update(s, func(tx *store.Tx) (*usagePlanKey, error) {
			plan, err := findPlan(tx, r.PathValue("plan"))
			if err != nil {
				return nil, err
			}
			key, err := findKey(tx, in.KeyID)
			if err != nil {
				return nil, err
			}
			if isAttached(tx, plan.ID, key.ID) {
				return nil, conflict("Usage Plan Key already exists")
			}
			if err := s.checkAttachable(tx, key.ID, plan); err != nil {
				return nil, err
			}
			return key.inPlan(), s.attach(tx, key.ID, plan.ID)
		})
	})
}

func isAttached(tx *store.Tx, planID, keyID string) bool {
	return bucket(tx, "plankeys", planID).Get([]byte(keyID)) != nil
}

func (s *Service) checkAttachable(tx *store.Tx, keyID string, plan usagePlan) error {
	if err := checkStagesOfKey(tx, keyID, plan.ID, plan.APIStages); err != nil {
		return err
	}
	if len(keysOf(bucket(tx, "keyplans", keyID))) >= s.limits.plansPerKey {
		return limitExceeded("Maximum number of usage plans per API key has been reached: %d", s.limits.plansPerKey)
	}
	return nil
}

func (s *Service) attach(tx *store.Tx, keyID, planID string) error {
	keys, plans := bucket(tx, "plankeys", planID), bucket(tx, "keyplans", keyID)
	if err := plans.Put([]byte(planID), []byte{}); err != nil {
		return err
	}
	return store.PutJSON(keys, keyID, attachment{Since: s.now()})
}

// checkStagesOfKey checks that the key's other plans contain none of the stages: a key is
// in at most one plan per stage (developer guide, "Usage plans and API keys for REST
// APIs").
func checkStagesOfKey(tx *store.Tx, keyID, planID string, stages []apiStage) error {
	if len(stages) == 0 {
		return nil
	}
	for _, otherID := range keysOf(bucket(tx, "keyplans", keyID)) {
		if otherID == planID {
			continue
		}
		other, err := findPlan(tx, otherID)
		if err != nil {
			return err
		}
		for _, st := range stages {
			if other.index(st.stageID) >= 0 {
				return conflict("API Key %s is already associated with Usage Plan %s, which has the API Stage %s:%s too", keyID, otherID, st.APIID, st.Stage)
			}
		}
	}
	return nil
}

func checkKeysOfPlan(tx *store.Tx, planID string, added []apiStage) error {
	if len(added) == 0 {
		return nil
	}
	for _, keyID := range keysOf(bucket(tx, "plankeys", planID)) {
		if err := checkStagesOfKey(tx, keyID, planID, added); err != nil {
			return err
		}
	}
	return nil
}

// listUsagePlanKeys filters by name prefix. An unknown plan gives an empty list, as on AWS.
func (s *Service) listUsagePlanKeys(r *http.Request, _ *none) (*list[*usagePlanKey], error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*list[*usagePlanKey], error) {
		attached := bucket(tx, "plankeys", r.PathValue("plan"))
		one := func(id []byte) (*usagePlanKey, bool, error) {
			key, err := findKey(tx, string(id))
			return key.inPlan(), true, err
		}
		name := r.URL.Query().Get("name")
		if name == "" {
			return collect(p, attached, nil, func(id, _ []byte) (*usagePlanKey, bool, error) { return one(id) })
		}
		return collect(p, bucket(tx, "keynames"), []byte(name), func(k, _ []byte) (*usagePlanKey, bool, error) {
			id := namedID(k)
			if attached.Get(id) == nil {
				return nil, false, nil
			}
			return one(id)
		})
	})
}

func (s *Service) getUsagePlanKey(r *http.Request, _ *none) (*usagePlanKey, error) {
	return view(s, func(tx *store.Tx) (*usagePlanKey, error) {
		key, err := findPlanKey(tx, r)
		return key.inPlan(), err
	})
}

func (s *Service) deleteUsagePlanKey(r *http.Request, _ *none) (*none, error) {
	return changeAttachments(s, r, func() (*none, error) {
		return nil, s.env.DB.Update(func(tx *store.Tx) error {
			key, err := findPlanKey(tx, r)
			if err != nil {
				return err
			}
			if err := bucket(tx, "keyplans", key.ID).Delete([]byte(r.PathValue("plan"))); err != nil {
				return err
			}
			return bucket(tx, "plankeys", r.PathValue("plan")).Delete([]byte(key.ID))
		})
	})
}

func findPlanKey(tx *store.Tx, r *http.Request) (apiKey, error) {
	plan, err := findPlan(tx, r.PathValue("plan"))
	if err != nil {
		return apiKey{}, err
	}
	key, err := findKey(tx, r.PathValue("key"))
	if err == nil && !isAttached(tx, plan.ID, key.ID) {
		err = notFound("Invalid Usage Plan Key identifier specified")
	}
	return key, err
}
