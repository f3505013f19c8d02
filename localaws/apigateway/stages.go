package apigateway

import (
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type stage struct {
	DeploymentID        string                   `json:"deploymentId"`
	StageName           string                   `json:"stageName"`
	Description         string                   `json:"description,omitempty"`
	CacheClusterEnabled bool                     `json:"cacheClusterEnabled"`
	CacheClusterStatus  string                   `json:"cacheClusterStatus"`
	MethodSettings      map[string]methodSetting `json:"methodSettings"`
	Variables           map[string]string        `json:"variables,omitempty"`
	TracingEnabled      bool                     `json:"tracingEnabled"`
	Tags                map[string]string        `json:"tags,omitempty"`
	CreatedDate         int64                    `json:"createdDate"`
	LastUpdatedDate     int64                    `json:"lastUpdatedDate"`
}

type stageInput struct {
	StageName           string            `json:"stageName"`
	DeploymentID        string            `json:"deploymentId"`
	Description         string            `json:"description"`
	Variables           map[string]string `json:"variables"`
	Tags                map[string]string `json:"tags"`
	CacheClusterEnabled bool              `json:"cacheClusterEnabled"`
	TracingEnabled      bool              `json:"tracingEnabled"`
}

var (
	stageName     = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	variableName  = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)
	variableValue = regexp.MustCompile(`^[A-Za-z0-9._~:/?#&=,-]+$`)
)

func (in *stageInput) check() error {
	switch {
	case !stageName.MatchString(in.StageName):
		return badRequest("Stage name only allows a-zA-Z0-9_-")
	case in.CacheClusterEnabled:
		return wire.NotImplemented("A stage's cache")
	case in.TracingEnabled:
		return wire.NotImplemented("A stage's tracing")
	}
	for name, value := range in.Variables {
		if err := checkVariable(name, value); err != nil {
			return err
		}
	}
	return checkTags(in.Tags)
}

func checkVariable(name, value string) error {
	if !variableName.MatchString(name) || !variableValue.MatchString(value) {
		return badRequest("Invalid stage variable specified: %s", name)
	}
	return nil
}

func (s *Service) newStage(in stageInput) stage {
	return stage{
		DeploymentID: in.DeploymentID, StageName: in.StageName, Description: in.Description,
		Variables: in.Variables, Tags: in.Tags, CacheClusterStatus: "NOT_AVAILABLE",
		MethodSettings: map[string]methodSetting{}, CreatedDate: s.now(), LastUpdatedDate: s.now(),
	}
}

func (s *Service) createStage(r *http.Request, in *stageInput) (*stage, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*stage, error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return nil, err
		}
		if _, err := findDeployment(tx, api.ID, in.DeploymentID); err != nil {
			return nil, badRequest("Deployment id does not exist")
		}
		all := bucket(tx, "stages", api.ID)
		if all.Get([]byte(in.StageName)) != nil {
			return nil, conflict("Stage already exists")
		}
		st := s.newStage(*in)
		return &st, store.PutJSON(all, st.StageName, st)
	})
}

type stageList struct {
	Item []stage `json:"item"`
}

func (s *Service) listStages(r *http.Request, _ *none) (*stageList, error) {
	return view(s, func(tx *store.Tx) (*stageList, error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return nil, err
		}
		stages, err := store.AllJSON[stage](bucket(tx, "stages", api.ID))
		out := &stageList{Item: []stage{}}
		for _, st := range stages {
			if want := r.URL.Query().Get("deploymentId"); want == "" || want == st.DeploymentID {
				out.Item = append(out.Item, st)
			}
		}
		return out, err
	})
}

func (s *Service) getStage(r *http.Request, _ *none) (*stage, error) {
	return view(s, func(tx *store.Tx) (*stage, error) {
		st, err := findStage(tx, r.PathValue("api"), r.PathValue("stage"))
		return &st, err
	})
}

func (s *Service) updateStage(r *http.Request, in *patches) (*stage, error) {
	api := r.PathValue("api")
	return update(s, func(tx *store.Tx) (*stage, error) {
		st, err := findStage(tx, api, r.PathValue("stage"))
		if err != nil {
			return nil, err
		}
		st.Variables = maps.Clone(st.Variables)
		if err := in.apply(st.patch); err != nil {
			return nil, err
		}
		if _, err := findDeployment(tx, api, st.DeploymentID); err != nil {
			return nil, badRequest("Deployment id does not exist")
		}
		st.LastUpdatedDate = s.now()
		return &st, store.PutJSON(bucket(tx, "stages", api), st.StageName, st)
	})
}

func (st *stage) patch(p patch) error {
	if name, ok := strings.CutPrefix(p.Path, "/variables/"); ok {
		return st.patchVariable(p, name)
	}
	if method, setting, ok := settingOf(p); ok {
		return st.patchSetting(p, method, setting)
	}
	switch p.change() {
	case "replace /deploymentId":
		st.DeploymentID = p.Value
	case "replace /description":
		st.Description = p.Value
	case "replace /tracingEnabled", "replace /cacheClusterEnabled":
		if p.Value != "false" {
			return wire.NotImplemented("A stage's " + strings.TrimPrefix(p.Path, "/"))
		}
	default:
		if strings.Count(p.Path, "/") > 2 || strings.HasPrefix(p.Path, "/accessLogSettings") || strings.HasPrefix(p.Path, "/canarySettings") {
			return wire.NotImplemented("The patch path " + p.Path)
		}
		return p.invalid("/deploymentId", "/description", "/tracingEnabled", "/cacheClusterEnabled", "/variables/{variable_name}")
	}
	return nil
}

func (st *stage) patchVariable(p patch, name string) error {
	switch p.Op {
	case "add", "replace":
		if err := checkVariable(name, p.Value); err != nil {
			return err
		}
		if st.Variables == nil {
			st.Variables = map[string]string{}
		}
		st.Variables[name] = p.Value
	case "remove":
		delete(st.Variables, name)
	default:
		return p.invalid("/variables/{variable_name}")
	}
	return nil
}

// deleteStage also removes the stage from all usage plans.
func (s *Service) deleteStage(r *http.Request, _ *none) (*none, error) {
	api := r.PathValue("api")
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		st, err := findStage(tx, api, r.PathValue("stage"))
		if err != nil {
			return err
		}
		gone := stageID{APIID: api, Stage: st.StageName}
		if err := checkUnmapped(tx, func(m basePathMapping) bool { return m.APIID == api && m.Stage == st.StageName }, "stage "+st.StageName, "stage"); err != nil {
			return err
		}
		if err := detachStages(tx, func(attached stageID) bool { return attached == gone }); err != nil {
			return err
		}
		return bucket(tx, "stages", api).Delete([]byte(st.StageName))
	})
}

func findStage(tx *store.Tx, api, name string) (stage, error) {
	st, ok, err := store.GetJSON[stage](bucket(tx, "stages", api), name)
	if err == nil && !ok {
		err = notFound("Invalid stage identifier specified")
	}
	return st, err
}
