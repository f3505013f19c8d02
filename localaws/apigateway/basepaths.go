package apigateway

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type basePathMapping struct {
	BasePath string `json:"basePath"`
	APIID    string `json:"restApiId"`
	// Stage is empty if the path names the stage.
	Stage string `json:"stage,omitempty"`
}

// noBasePath is the base path of the mapping for all other paths.
const noBasePath = "(none)"

var basePathForm = regexp.MustCompile(`^[a-zA-Z0-9$_.+!*'()-]*$`)

func (s *Service) createBasePathMapping(r *http.Request, in *basePathMapping) (*basePathMapping, error) {
	switch {
	case in.BasePath == "":
		in.BasePath = noBasePath
	case strings.Contains(in.BasePath, "/"):
		return nil, badRequest("API Gateway V1 doesn't support the slash character (/) in base path mappings. To create a multi-level base path mapping, use API Gateway V2.")
	case !basePathForm.MatchString(in.BasePath):
		return nil, badRequest("Invalid base path specified: %s", in.BasePath)
	}
	return update(s, func(tx *store.Tx) (*basePathMapping, error) {
		d, err := findDomain(tx, r.PathValue("domain"))
		if err != nil {
			return nil, err
		}
		if _, err := s.findAPI(tx, in.APIID); err != nil {
			return nil, hide(err, badRequest("Invalid REST API identifier specified"))
		}
		if in.Stage != "" {
			if _, err := findStage(tx, in.APIID, in.Stage); err != nil {
				return nil, hide(err, badRequest("Invalid stage identifier specified"))
			}
		}
		all := bucket(tx, "mappings", d.DomainName)
		if all.Get([]byte(in.BasePath)) != nil {
			return nil, conflict("Base path already exists for this domain name")
		}
		return in, store.PutJSON(all, in.BasePath, *in)
	})
}

func (s *Service) listBasePathMappings(r *http.Request, _ *none) (*list[basePathMapping], error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*list[basePathMapping], error) {
		d, err := findDomain(tx, r.PathValue("domain"))
		if err != nil {
			return nil, err
		}
		return collect(p, bucket(tx, "mappings", d.DomainName), nil, decoded(func(*basePathMapping) {}))
	})
}

func (s *Service) getBasePathMapping(r *http.Request, _ *none) (*basePathMapping, error) {
	return view(s, func(tx *store.Tx) (*basePathMapping, error) { return findMapping(tx, r) })
}

func (s *Service) deleteBasePathMapping(r *http.Request, _ *none) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		m, err := findMapping(tx, r)
		if err != nil {
			return err
		}
		mappings := bucket(tx, "mappings", r.PathValue("domain"))
		return mappings.Delete([]byte(m.BasePath))
	})
}

func findMapping(tx *store.Tx, r *http.Request) (*basePathMapping, error) {
	d, err := findDomain(tx, r.PathValue("domain"))
	if err != nil {
		return nil, err
	}
	m, ok, err := store.GetJSON[basePathMapping](bucket(tx, "mappings", d.DomainName), r.PathValue("base"))
	if err == nil && !ok {
		err = notFound("Invalid base path mapping identifier specified")
	}
	return &m, err
}

// checkUnmapped returns an error while base path mappings refer to what is to be deleted.
func checkUnmapped(tx *store.Tx, leads func(basePathMapping) bool, what, kind string) error {
	for _, domain := range keysOf(bucket(tx, "domains")) {
		mappings, err := store.AllJSON[basePathMapping](bucket(tx, "mappings", domain))
		if err != nil {
			return err
		}
		for _, m := range mappings {
			if leads(m) {
				return badRequest("Deleting %s failed. Please remove all base path mappings related to the %s in your domains: %s", what, kind, domain)
			}
		}
	}
	return nil
}
