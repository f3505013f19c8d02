package apigateway

import (
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func (s *Service) updateResource(r *http.Request, in *patches) (*resourceAnswer, error) {
	return update(s, func(tx *store.Tx) (*resourceAnswer, error) {
		res, err := findResource(tx, r)
		if err != nil {
			return nil, err
		}
		before := res.Path
		if err := in.apply(res.patch); err != nil {
			return nil, err
		}
		all := bucket(tx, "resources", r.PathValue("api"))
		if err := res.place(all, before); err != nil {
			return nil, err
		}
		resources, err := store.AllJSON[resource](all)
		if err != nil {
			return nil, err
		}
		for _, below := range resources {
			if rest, ok := strings.CutPrefix(below.Path, before+"/"); ok {
				below.Path = res.Path + "/" + rest
				if err := store.PutJSON(all, below.ID, below); err != nil {
					return nil, err
				}
			}
		}
		return res.answer(false), store.PutJSON(all, res.ID, res)
	})
}

func (res *resource) patch(p patch) error {
	if res.ParentID == "" {
		return badRequest("The root resource cannot be changed")
	}
	switch p.change() {
	case "replace /pathPart":
		res.PathPart = p.Value
		return checkPathPart(p.Value)
	case "replace /parentId":
		res.ParentID = p.Value
		return nil
	}
	return p.invalid("/parentId", "/pathPart")
}

func (res *resource) place(all store.Bucket, before string) error {
	parent, ok, err := store.GetJSON[resource](all, res.ParentID)
	switch {
	case err != nil:
		return err
	case !ok:
		return notFound("Invalid Resource identifier specified")
	case parent.Path == before || strings.HasPrefix(parent.Path, before+"/"):
		return badRequest("A resource cannot be moved below itself")
	}
	if err := checkParent(parent); err != nil {
		return err
	}
	if err := checkSiblings(all, *res); err != nil {
		return err
	}
	res.Path = strings.TrimSuffix(parent.Path, "/") + "/" + res.PathPart
	return nil
}
