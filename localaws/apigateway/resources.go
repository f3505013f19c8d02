package apigateway

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type resource struct {
	ID       string            `json:"id"`
	ParentID string            `json:"parentId,omitempty"`
	PathPart string            `json:"pathPart,omitempty"`
	Path     string            `json:"path"`
	Methods  map[string]method `json:"resourceMethods,omitempty"`
}

type resourceAnswer struct {
	resource
	Methods map[string]any `json:"resourceMethods,omitempty"`
}

func (res resource) answer(embedMethods bool) *resourceAnswer {
	out := &resourceAnswer{resource: res}
	if len(res.Methods) > 0 {
		out.Methods = map[string]any{}
	}
	for verb, m := range res.Methods {
		out.Methods[verb] = none{}
		if embedMethods {
			out.Methods[verb] = m
		}
	}
	return out
}

func embedsMethods(r *http.Request) (bool, error) {
	embed := r.URL.Query()["embed"]
	for _, what := range embed {
		if what != "methods" {
			return false, badRequest("Invalid embed parameter specified: %s", what)
		}
	}
	return len(embed) > 0, nil
}

func (s *Service) listResources(r *http.Request, _ *none) (*list[*resourceAnswer], error) {
	embed, err := embedsMethods(r)
	if err != nil {
		return nil, err
	}
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*list[*resourceAnswer], error) {
		api, err := s.findAPI(tx, r.PathValue("api"))
		if err != nil {
			return nil, err
		}
		decode := decoded(func(*resource) {})
		return collect(p, bucket(tx, "resources", api.ID), nil, func(k, v []byte) (*resourceAnswer, bool, error) {
			res, keep, err := decode(k, v)
			return res.answer(embed), keep, err
		})
	})
}

func (s *Service) getResource(r *http.Request, _ *none) (*resourceAnswer, error) {
	embed, err := embedsMethods(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*resourceAnswer, error) {
		res, err := findResource(tx, r)
		return res.answer(embed), err
	})
}

type resourceInput struct {
	PathPart string `json:"pathPart"`
}

var pathPart = regexp.MustCompile(`^(\{[a-zA-Z0-9._:-]+\+?\}|[a-zA-Z0-9._:-]+)$`)

func (s *Service) createResource(r *http.Request, in *resourceInput) (*resourceAnswer, error) {
	if err := checkPathPart(in.PathPart); err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*resourceAnswer, error) {
		parent, err := findResource(tx, r)
		if err != nil {
			return nil, err
		}
		if err := checkParent(parent); err != nil {
			return nil, err
		}
		all := bucket(tx, "resources", r.PathValue("api"))
		child := resource{
			ID: freshID(all, 6), ParentID: parent.ID, PathPart: in.PathPart,
			Path: strings.TrimSuffix(parent.Path, "/") + "/" + in.PathPart,
		}
		if err := checkSiblings(all, child); err != nil {
			return nil, err
		}
		return child.answer(false), store.PutJSON(all, child.ID, child)
	})
}

func checkPathPart(part string) error {
	if !pathPart.MatchString(part) {
		return badRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	return nil
}

func checkParent(parent resource) error {
	if isGreedy(parent.PathPart) {
		return badRequest("Cannot create a child of a resource with a greedy path variable: %s", parent.PathPart)
	}
	return nil
}

func checkSiblings(all store.Bucket, res resource) error {
	resources, err := store.AllJSON[resource](all)
	if err != nil {
		return err
	}
	for _, other := range resources {
		switch {
		case other.ParentID != res.ParentID || other.ID == res.ID:
		case other.PathPart == res.PathPart:
			return conflict("Another resource with the same parent already has this name: %s", res.PathPart)
		case isVariable(other.PathPart) && isVariable(res.PathPart):
			return badRequest("A sibling (%s) of this resource already has a variable path part -- only one is allowed", other.PathPart)
		}
	}
	return nil
}

func isVariable(part string) bool { return strings.HasPrefix(part, "{") }
func isGreedy(part string) bool   { return strings.HasSuffix(part, "+}") }

// deleteResource also deletes everything below the resource.
func (s *Service) deleteResource(r *http.Request, _ *none) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		res, err := findResource(tx, r)
		if err != nil {
			return err
		}
		if res.ParentID == "" {
			return badRequest("The root resource cannot be deleted")
		}
		all := bucket(tx, "resources", r.PathValue("api"))
		resources, err := store.AllJSON[resource](all)
		if err != nil {
			return err
		}
		for _, other := range resources {
			if other.ID != res.ID && !strings.HasPrefix(other.Path, res.Path+"/") {
				continue
			}
			if err := all.Delete([]byte(other.ID)); err != nil {
				return err
			}
		}
		return nil
	})
}

// findResource does not say whether the API or the resource is unknown, like AWS.
func findResource(tx *store.Tx, r *http.Request) (resource, error) {
	res, ok, err := store.GetJSON[resource](bucket(tx, "resources", r.PathValue("api")), r.PathValue("resource"))
	if err == nil && !ok {
		err = notFound("Invalid Resource identifier specified")
	}
	return res, err
}

func changeResource[T any](s *Service, r *http.Request, change func(*store.Tx, *resource) (*T, error)) (*T, error) {
	return update(s, func(tx *store.Tx) (*T, error) {
		res, err := findResource(tx, r)
		if err != nil {
			return nil, err
		}
		out, err := change(tx, &res)
		if err != nil {
			return nil, err
		}
		return out, store.PutJSON(bucket(tx, "resources", r.PathValue("api")), res.ID, res)
	})
}

func methodOf(r *http.Request, res *resource) (method, error) {
	m, ok := res.Methods[r.PathValue("method")]
	if !ok {
		return method{}, notFound("Invalid Method identifier specified")
	}
	return m, nil
}
