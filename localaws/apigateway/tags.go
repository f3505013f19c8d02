package apigateway

import (
	"maps"
	"net/http"
	"regexp"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

type tagSet struct {
	Tags map[string]string `json:"tags"`
}

type tagged struct {
	tags map[string]string
	save func(map[string]string) error
}

var tagText = regexp.MustCompile(`^[\p{L}\p{N}\s+\-=._:/@]*$`)

func checkTags(tags map[string]string) error {
	if len(tags) > 50 {
		return badRequest("Too many tags specified. The maximum is 50")
	}
	for key, value := range tags {
		switch {
		case key == "" || len(key) > 128 || !tagText.MatchString(key) || strings.HasPrefix(strings.ToLower(key), "aws:"):
			return badRequest("Invalid tag key specified: %s", key)
		case len(value) > 256 || !tagText.MatchString(value):
			return badRequest("Invalid tag value specified for key %s", key)
		}
	}
	return nil
}

func (s *Service) getTags(r *http.Request, _ *none) (*tagSet, error) {
	return view(s, func(tx *store.Tx) (*tagSet, error) {
		t, err := s.findTagged(tx, r.PathValue("arn"))
		if err != nil {
			return nil, err
		}
		return &tagSet{Tags: orEmpty(t.tags)}, nil
	})
}

func (s *Service) tagResource(r *http.Request, in *tagSet) (*none, error) {
	return s.changeTags(r, func(tags map[string]string) { maps.Copy(tags, in.Tags) })
}

func (s *Service) untagResource(r *http.Request, _ *none) (*none, error) {
	return s.changeTags(r, func(tags map[string]string) {
		for _, key := range r.URL.Query()["tagKeys"] {
			delete(tags, key)
		}
	})
}

func (s *Service) changeTags(r *http.Request, change func(map[string]string)) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		t, err := s.findTagged(tx, r.PathValue("arn"))
		if err != nil {
			return err
		}
		tags := orEmpty(maps.Clone(t.tags))
		change(tags)
		if err := checkTags(tags); err != nil {
			return err
		}
		return t.save(tags)
	})
}

// findTagged takes an ARN such as arn:aws:apigateway:us-east-1::/apikeys/abc.
func (s *Service) findTagged(tx *store.Tx, arn string) (tagged, error) {
	path, ok := strings.CutPrefix(arn, "arn:aws:apigateway:"+s.env.Region+"::/")
	if !ok {
		return tagged{}, badRequest("Invalid ARN specified in the request")
	}
	switch parts := strings.Split(path, "/"); {
	case len(parts) == 2 && parts[0] == "restapis":
		api, err := s.findAPI(tx, parts[1])
		return tagged{api.Tags, func(tags map[string]string) error {
			api.Tags = tags
			return store.PutJSON(bucket(tx, "apis"), api.ID, api)
		}}, err
	case len(parts) == 4 && parts[0] == "restapis" && parts[2] == "stages":
		st, err := findStage(tx, parts[1], parts[3])
		return tagged{st.Tags, func(tags map[string]string) error {
			st.Tags = tags
			return store.PutJSON(bucket(tx, "stages", parts[1]), st.StageName, st)
		}}, err
	case len(parts) == 2 && parts[0] == "usageplans":
		plan, err := findPlan(tx, parts[1])
		return tagged{plan.Tags, func(tags map[string]string) error {
			plan.Tags = tags
			return store.PutJSON(bucket(tx, "plans"), plan.ID, plan)
		}}, err
	case len(parts) == 2 && parts[0] == "apikeys":
		key, err := findKey(tx, parts[1])
		return tagged{key.Tags, func(tags map[string]string) error {
			key.Tags = tags
			return store.PutJSON(bucket(tx, "keys"), key.ID, key)
		}}, err
	}
	return tagged{}, badRequest("Invalid ARN specified in the request")
}

// orEmpty is for responses about one item, where AWS returns {} for absent tags. Lists and
// creations omit them.
func orEmpty(tags map[string]string) map[string]string {
	if tags == nil {
		return map[string]string{}
	}
	return tags
}

func orAbsent(tags map[string]string) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	return tags
}
