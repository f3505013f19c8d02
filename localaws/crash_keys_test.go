package localaws_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// apiKeys creates API keys and deletes every other one.
type apiKeys struct {
	t    testing.TB
	keys []*apiKey
}

type apiKey struct {
	name, value, id string
	// tried means that the key may exist, created that it does. Likewise, deleting means
	// that it may be gone, deleted that it is.
	tried, created    bool
	deleting, deleted bool
}

func newAPIKeys(t testing.TB) *apiKeys { return &apiKeys{t: t} }

func (w *apiKeys) setUp(*session) error { return nil }

func (w *apiKeys) run(s *session) {
	for {
		n := len(w.keys)
		if n == 0 || w.keys[n-1].created {
			w.keys = append(w.keys, &apiKey{name: fmt.Sprintf("key/%d", n), value: fmt.Sprintf("ValueOfTheKeyWithTheNumber%06d", n)})
			n++
		}
		last := w.keys[n-1]
		if !w.create(s, last) {
			return
		}
		if n%2 == 0 && !w.delete(s, last) {
			return
		}
	}
}

func (w *apiKeys) create(s *session, k *apiKey) bool {
	again := k.tried
	k.tried = true
	out, err := s.gateway.CreateApiKey(context.Background(), &apigateway.CreateApiKeyInput{Name: &k.name, Value: &k.value, Enabled: true})
	var expected []string
	if again {
		expected = []string{"ConflictException"}
	}
	switch s.outcomeOf("creating "+k.name, err, expected...) {
	case done:
		k.id = *out.Id
	case refused:
		found, err := s.gateway.GetApiKeys(context.Background(), &apigateway.GetApiKeysInput{NameQuery: &k.name})
		if s.outcomeOf("finding "+k.name, err) != done {
			return false
		}
		if k.id = idOf(found, k.name); k.id == "" {
			w.t.Errorf("%s exists and is not listed exactly once: %v", k.name, found.Items)
			return false
		}
	default:
		return false
	}
	k.created = true
	return true
}

// idOf returns the id of the key with the name, if there is exactly one.
func idOf(list *apigateway.GetApiKeysOutput, name string) (id string) {
	for _, item := range list.Items {
		if *item.Name != name {
			continue
		}
		if id != "" {
			return ""
		}
		id = *item.Id
	}
	return id
}

func (w *apiKeys) delete(s *session, k *apiKey) bool {
	k.deleting = true
	_, err := s.gateway.DeleteApiKey(context.Background(), &apigateway.DeleteApiKeyInput{ApiKey: &k.id})
	k.deleted = s.outcomeOf("deleting "+k.name, err) == done
	return k.deleted
}

func (w *apiKeys) check(s *session) {
	w.wantKeys(s, max(0, len(w.keys)-recent))
}

func (w *apiKeys) finish(s *session) {
	w.wantKeys(s, 0)
	atLeast, atMost := 0, 0
	for _, k := range w.keys {
		if k.created && !k.deleting {
			atLeast++
		}
		if !k.deleted {
			atMost++
		}
	}
	n := 0
	pages := apigateway.NewGetApiKeysPaginator(s.gateway, &apigateway.GetApiKeysInput{Limit: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		s.must("listing keys", err)
		n += len(page.Items)
	}
	if n < atLeast || n > atMost {
		s.t.Errorf("%d keys exist, want %d to %d", n, atLeast, atMost)
	}
}

func (w *apiKeys) wantKeys(s *session, from int) {
	for _, k := range w.keys[from:] {
		if !k.created {
			continue
		}
		out, err := s.gateway.GetApiKey(context.Background(), &apigateway.GetApiKeyInput{ApiKey: &k.id, IncludeValue: aws.Bool(true)})
		result := s.outcomeOf("reading "+k.name, err, "NotFoundException")
		switch {
		case result == done && k.deleted:
			s.t.Errorf("%s was deleted and came back", k.name)
		case result == done && (*out.Name != k.name || *out.Value != k.value):
			s.t.Errorf("%s is now %s", k.name, *out.Name)
		case result != done && !k.deleting:
			s.t.Errorf("%s is lost", k.name)
		}
	}
}
