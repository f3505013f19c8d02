package apigateway

import (
	"net/http"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type deployment struct {
	deploymentAnswer
	Resources []resource `json:"resources"`
}

type deploymentAnswer struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
	CreatedDate int64  `json:"createdDate"`
}

type deploymentInput struct {
	StageName           string            `json:"stageName"`
	StageDescription    string            `json:"stageDescription"`
	Description         string            `json:"description"`
	Variables           map[string]string `json:"variables"`
	CacheClusterEnabled bool              `json:"cacheClusterEnabled"`
	TracingEnabled      bool              `json:"tracingEnabled"`
}

// createDeployment takes a snapshot of the API. The named stage, created if necessary,
// serves it from now on.
func (s *Service) createDeployment(r *http.Request, in *deploymentInput) (*deploymentAnswer, error) {
	st := stageInput{
		StageName: in.StageName, Description: in.StageDescription, Variables: in.Variables,
		CacheClusterEnabled: in.CacheClusterEnabled, TracingEnabled: in.TracingEnabled,
	}
	if in.StageName != "" {
		if err := st.check(); err != nil {
			return nil, err
		}
	}
	return update(s, func(tx *store.Tx) (*deploymentAnswer, error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return nil, err
		}
		resources, err := deployable(tx, api.ID)
		if err != nil {
			return nil, err
		}
		all := bucket(tx, "deployments", api.ID)
		d := deployment{
			deploymentAnswer: deploymentAnswer{ID: freshID(all, 6), Description: in.Description, CreatedDate: s.now()},
			Resources:        resources,
		}
		if err := store.PutJSON(all, d.ID, d); err != nil {
			return nil, err
		}
		if err := api.setReach(tx); err != nil {
			return nil, err
		}
		if in.StageName != "" {
			err = s.deployTo(tx, api.ID, d.ID, st)
		}
		return &d.deploymentAnswer, err
	})
}

// Values in the bucket "closed".
const (
	closedEndpoint = "endpoint" // only by a custom domain name
	closedAPI      = "private"  // not from this machine
)

// setReach updates the bucket "closed": disableExecuteApiEndpoint and the endpoint type
// take effect on deployment.
func (api *restAPI) setReach(tx *store.Tx) error {
	closed := bucket(tx, "closed")
	switch {
	case api.EndpointConfiguration.private() && api.Policy == "":
		return badRequest("Private REST API doesn't have a resource policy attached to it")
	case api.EndpointConfiguration.private():
		return closed.Put([]byte(api.ID), []byte(closedAPI))
	case api.DisableExecuteAPIEndpoint:
		return closed.Put([]byte(api.ID), []byte(closedEndpoint))
	}
	return closed.Delete([]byte(api.ID))
}

func deployable(tx *store.Tx, api string) ([]resource, error) {
	resources, err := store.AllJSON[resource](bucket(tx, "resources", api))
	if err != nil {
		return nil, err
	}
	methods := 0
	for _, res := range resources {
		for _, m := range res.Methods {
			if m.Integration == nil {
				return nil, badRequest("No integration defined for method")
			}
			methods++
		}
	}
	if methods == 0 {
		return nil, badRequest("The REST API doesn't contain any methods")
	}
	return resources, nil
}

func (s *Service) deployTo(tx *store.Tx, api, deploymentID string, in stageInput) error {
	st, ok, err := store.GetJSON[stage](bucket(tx, "stages", api), in.StageName)
	if err != nil {
		return err
	}
	if !ok {
		st = s.newStage(in)
	}
	st.DeploymentID, st.LastUpdatedDate = deploymentID, s.now()
	if in.Description != "" {
		st.Description = in.Description
	}
	if in.Variables != nil {
		st.Variables = in.Variables
	}
	return store.PutJSON(bucket(tx, "stages", api), st.StageName, st)
}

func (s *Service) listDeployments(r *http.Request, _ *none) (*list[deploymentAnswer], error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*list[deploymentAnswer], error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return nil, err
		}
		return collect(p, bucket(tx, "deployments", api.ID), nil, decoded(func(*deploymentAnswer) {}))
	})
}

func (s *Service) getDeployment(r *http.Request, _ *none) (*deploymentAnswer, error) {
	return view(s, func(tx *store.Tx) (*deploymentAnswer, error) {
		d, err := findDeployment(tx, r.PathValue("api"), r.PathValue("deployment"))
		return &d.deploymentAnswer, err
	})
}

func (s *Service) updateDeployment(r *http.Request, in *patches) (*deploymentAnswer, error) {
	return update(s, func(tx *store.Tx) (*deploymentAnswer, error) {
		d, err := findDeployment(tx, r.PathValue("api"), r.PathValue("deployment"))
		if err != nil {
			return nil, err
		}
		err = in.apply(func(p patch) error {
			if p.change() != "replace /description" {
				return p.invalid("/description")
			}
			d.Description = p.Value
			return nil
		})
		if err != nil {
			return nil, err
		}
		return &d.deploymentAnswer, store.PutJSON(bucket(tx, "deployments", r.PathValue("api")), d.ID, d)
	})
}

func (s *Service) deleteDeployment(r *http.Request, _ *none) (*none, error) {
	api := r.PathValue("api")
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		d, err := findDeployment(tx, api, r.PathValue("deployment"))
		if err != nil {
			return err
		}
		stages, err := store.AllJSON[stage](bucket(tx, "stages", api))
		if err != nil {
			return err
		}
		for _, st := range stages {
			if st.DeploymentID == d.ID {
				return badRequest("Active stages pointing to this deployment must be moved or deleted")
			}
		}
		return bucket(tx, "deployments", api).Delete([]byte(d.ID))
	})
}

func findDeployment(tx *store.Tx, api, id string) (deployment, error) {
	d, ok, err := store.GetJSON[deployment](bucket(tx, "deployments", api), id)
	if err == nil && !ok {
		err = notFound("Invalid Deployment identifier specified")
	}
	return d, err
}
