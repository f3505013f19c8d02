package simulate

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

type person struct {
	sim   *Simulator
	token string
	// known are the keys that a holding has already.
	known map[string]bool
}

// password may be public: the accounts exist only in the local user pool.
const password = "Simulated-buyer-1"

// newPerson signs a person up and registers them.
func (s *Simulator) newPerson(ctx context.Context) (*person, error) {
	email, client := "buyer-"+strings.ToLower(rand.Text()[:10])+"@example.com", s.process.Config.OIDCClientID
	if _, err := s.idp.SignUp(ctx, &cognitoidentityprovider.SignUpInput{ClientId: &client, Username: &email, Password: aws.String(password)}); err != nil {
		return nil, fmt.Errorf("signing up %s: %w", email, err)
	}
	out, err := s.idp.InitiateAuth(ctx, &cognitoidentityprovider.InitiateAuthInput{
		ClientId: &client, AuthFlow: types.AuthFlowTypeUserPasswordAuth, AuthParameters: map[string]string{"USERNAME": email, "PASSWORD": password},
	})
	if err != nil {
		return nil, fmt.Errorf("signing in %s: %w", email, err)
	}
	p := &person{sim: s, token: aws.ToString(out.AuthenticationResult.IdToken), known: map[string]bool{}}
	if err := p.ask(ctx, http.MethodPost, "/register", nil, nil); err != nil {
		return nil, err
	}
	return p, s.until(ctx, "the registration of "+email, func() (bool, error) {
		var me struct{ Status string }
		err := p.ask(ctx, http.MethodGet, "/me", nil, &me)
		return me.Status == "registered", err
	})
}

// claim returns the operation's status once a worker has decided.
func (p *person) claim(ctx context.Context, l listing, token string) (status string, err error) {
	var operation struct{ ID, Status string }
	if err := p.ask(ctx, http.MethodPut, "/marketplace-subscriptions/"+l.target, map[string]string{"token": token}, &operation); err != nil {
		return "", err
	}
	return operation.Status, p.sim.until(ctx, "operation "+operation.ID, func() (bool, error) {
		err := p.ask(ctx, http.MethodGet, "/operations/"+operation.ID, nil, &operation)
		status = operation.Status
		return status == "succeeded" || status == "rejected" || status == "waiting", err
	})
}

// state is "" if the licence is not the person's.
func (p *person) state(ctx context.Context, licence string) (string, error) {
	state, _, err := p.has(ctx, licence)
	return state, err
}

// has returns the state of the licence and its plan, both "" if it is not the person's.
func (p *person) has(ctx context.Context, licence string) (state, plan string, err error) {
	var list struct {
		Items []struct{ Licence, State, Plan string }
	}
	err = p.ask(ctx, http.MethodGet, "/marketplace-subscriptions", nil, &list)
	for _, item := range list.Items {
		if item.Licence == licence {
			return item.State, item.Plan, err
		}
	}
	return "", "", err
}

// newKey reveals a key that no holding has yet; "" if there is none.
func (p *person) newKey(ctx context.Context) (value string, err error) {
	var list struct {
		Items []struct{ ID, State string }
	}
	if err := p.ask(ctx, http.MethodGet, "/keys", nil, &list); err != nil {
		return "", err
	}
	for _, key := range list.Items {
		if p.known[key.ID] || key.State != "active" {
			continue
		}
		var revealed struct{ Value string }
		if err := p.ask(ctx, http.MethodPost, "/keys/"+key.ID+"/reveal", nil, &revealed); err != nil {
			return "", err
		}
		p.known[key.ID] = true
		return revealed.Value, nil
	}
	return "", nil
}

func (p *person) ask(ctx context.Context, method, path string, body, into any) error {
	return p.sim.ask(ctx, method, path, p.token, body, into)
}

// ask decodes the answer into a value unless into is nil.
func (s *Simulator) ask(ctx context.Context, method, path, token string, body, into any) error {
	encoded := []byte{}
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding a request: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, s.process.Config.BaseURL+"/api/v1"+path, bytes.NewReader(encoded))
	if err != nil {
		return fmt.Errorf("asking the portal: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := s.http.Do(r)
	if err != nil {
		return refuse(fmt.Sprintf("The portal does not answer at %s. %s", s.process.Config.BaseURL, start))
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusBadRequest {
		var problem struct{ Detail string }
		_ = json.NewDecoder(res.Body).Decode(&problem)
		return fmt.Errorf("the portal answered %s %s with %d: %s", method, path, res.StatusCode, problem.Detail)
	}
	if into == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		return fmt.Errorf("reading the portal's answer to %s %s: %w", method, path, err)
	}
	return nil
}
